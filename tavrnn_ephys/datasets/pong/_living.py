"""A culture that lives on from tick to tick, in one of two states, and answers pulses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.datasets._hawkes import children_of, cumulative_weights, draw_coupling
from tavrnn_ephys.datasets.pong._stimuli import LOW_MV, N_SITES, Pulses
from tavrnn_ephys.datasets.pong.config import PongConfig

__all__ = ["LivingCulture", "UP", "DOWN"]

UP, DOWN = ("L_up", "R_up"), ("L_down", "R_down")
ALIGNED = 1
# A directly evoked spike follows its pulse by so many seconds.
_FASTEST_ANSWER_S, _SLOWEST_ANSWER_S = 0.002, 0.006


class LivingCulture:
    """
    A linear Hawkes process that goes on tick by tick.

    In the *aligned* state the sensory sites above the middle drive the motor subregions that
    move the paddle up, those below it the ones that move it down; in the *segregated* state
    every motor subregion drives itself.  Both take ``μ = (1 - coupled_fraction) r`` for one and
    the same ``r``: without stimulation mean rates carry nothing about the state.

    Parameters
    ----------
    nodes : Nodes
        Channels with the groups of a DishBrain chip.
    config : PongConfig
        How.
    wiring, session : numpy.random.Generator
        Draw what the culture is, and what it does.
    """

    def __init__(
        self,
        nodes: Nodes,
        config: PongConfig,
        wiring: np.random.Generator,
        session: np.random.Generator,
    ) -> None:
        self.config, self._rng = config, session
        self.groups = np.asarray(nodes.groups)
        rates = np.clip(wiring.lognormal(0.0, 0.5, len(nodes)), 0.3, 4.0)
        self.rates = rates * config.mean_rate_hz / rates.mean()
        self.site_of = _sites(nodes)
        share, n_parents = config.coupled_fraction, config.n_parents
        self._coupling = [
            draw_coupling(self._parents_of(state, wiring), self.rates, n_parents, share, wiring)
            for state in range(2)
        ]
        self._cumulative = [cumulative_weights(item) for item in self._coupling]
        self.state = int(session.integers(2))
        self._pending = np.zeros(0), np.zeros(0, np.int64)

    def _parents_of(self, state: int, wiring: np.random.Generator) -> list[NDArray[np.int64]]:
        """Say from which nodes the parents of every node are drawn."""
        sensory = self.site_of >= 0
        found = []
        for node, group in enumerate(self.groups):
            if group == "sensory" or state != ALIGNED:
                mates = np.flatnonzero(self.groups == group)
                found.append(mates if state == ALIGNED else wiring.permutation(mates))
                continue
            half = self.site_of >= N_SITES // 2 if group in UP else self.site_of < N_SITES // 2
            pool = np.flatnonzero(sensory & half)
            found.append(pool[pool != node])
        return found

    def leave(self) -> None:
        """Go over into the other state."""
        self.state = 1 - self.state

    def advance(
        self, start_s: float, stop_s: float, pulses: list[Pulses]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Live on through a tick; return its spikes in order of time, and their nodes."""
        parts = [self._spontaneous(start_s, stop_s), self._pending]
        parts += [self._evoked(item) for item in pulses]
        times, nodes = _joined(parts)
        coupling, cumulative = self._coupling[self.state], self._cumulative[self.state]
        due = times < stop_s
        later = [(times[~due], nodes[~due])]
        times, nodes = times[due], nodes[due]
        fired = [(times, nodes)]
        while len(times):
            parents, nodes = children_of(coupling, nodes, self._rng, cumulative)
            times = times[parents] + self._rng.exponential(self.config.delay_s, len(parents))
            due = times < stop_s
            later.append((times[~due], nodes[~due]))
            times, nodes = times[due], nodes[due]
            fired.append((times, nodes))
        self._pending = _joined(later)
        times, nodes = _joined(fired)
        order = np.argsort(times, kind="stable")
        return times[order], nodes[order]

    def _spontaneous(
        self, start_s: float, stop_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        base = (1.0 - self.config.coupled_fraction) * self.rates * (stop_s - start_s)
        nodes = np.repeat(np.arange(len(base)), self._rng.poisson(base))
        return self._rng.uniform(start_s, stop_s, len(nodes)), nodes

    def _evoked(self, pulses: Pulses) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Every node of a site answers with a probability that grows with the amplitude."""
        chance = 1.0 - (1.0 - self.config.response) ** (pulses.millivolts / LOW_MV)
        answers = (self.site_of == pulses.sites[:, None]) & (
            self._rng.random((len(pulses.sites), len(self.rates))) < chance
        )
        pulse, nodes = np.nonzero(answers)
        delay = self._rng.uniform(_FASTEST_ANSWER_S, _SLOWEST_ANSWER_S, len(pulse))
        return pulses.times_s[pulse] + delay, nodes


def _sites(nodes: Nodes) -> NDArray[np.int64]:
    """Cut the sensory subregion along its length into sites; -1 for all other nodes."""
    sites = np.full(len(nodes), -1)
    sensory = np.flatnonzero(np.asarray(nodes.groups) == "sensory")
    along = np.asarray(nodes.positions_um, dtype=np.float64)[sensory, 0]
    order = np.argsort(along, kind="stable")
    sites[sensory[order]] = np.arange(len(sensory)) * N_SITES // len(sensory)
    return sites


def _joined(
    parts: list[tuple[NDArray[np.float64], NDArray[np.int64]]],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    times, nodes = zip(*parts, strict=True)
    return np.concatenate(times), np.concatenate(nodes).astype(np.int64)
