"""A network of neurons whose delays, time constants and signs no method is told."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.simulated.spiking import branch, draw_drive, held_back
from tavrnn_ephys.io.blocks import make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = ["NetworkRecipe", "NetworkTruth", "simulate_network"]


@dataclass(frozen=True, kw_only=True)
class NetworkRecipe:
    """
    What a simulated network is like.

    Parameters
    ----------
    n_nodes : int
        Number of units, at least 10.
    duration_s, dwell_s : float
        Length of the recording, and mean time in one state; single stays vary from half to one
        and a half of it.
    n_states : int
        Number of couplings.  States come in shuffled rounds, so that each returns after all
        others.
    mean_rate_hz, rate_spread : float
        Mean rate, and standard deviation of its logarithm over units.
    coupled_fraction : float
        Share of a unit's spikes that other units cause, in [0, 0.9].
    n_parents : int
        Number of excitatory units that drive each unit.
    shared_parents : float
        Share of the parents that all states have in common, in [0, 1].
    inhibitory_fraction : float
        Share of the units that inhibit, in [0, 0.5].
    delays_s, time_constants_s : tuple of (float, float)
        Limits between which both are drawn for every pair, in seconds.
    by_distance : bool
        Whether near units are coupled more often, and the delay grows with distance.
    burst_rate_hz : float
        Bursts of the whole population per second, of 100 ms and fourfold rate.
    up_depth : float
        Depth of up and down states that all units share, in [0, 1); 0 for none.
    drift : float
        Standard deviation of the slow drift of each unit's log rate.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    n_nodes: int = 40
    duration_s: float = 200.0
    dwell_s: float = 10.0
    n_states: int = 2
    mean_rate_hz: float = 8.0
    rate_spread: float = 0.5
    coupled_fraction: float = 0.15
    n_parents: int = 4
    shared_parents: float = 0.0
    inhibitory_fraction: float = 0.0
    delays_s: tuple[float, float] = (0.0005, 0.005)
    time_constants_s: tuple[float, float] = (0.002, 0.008)
    by_distance: bool = False
    burst_rate_hz: float = 0.0
    up_depth: float = 0.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_nodes", "n_states", "n_parents"):
            positive_int(getattr(self, name), name)
        if self.n_nodes < 10:
            raise InputError(f"n_nodes must be at least 10, got {self.n_nodes}.")
        for name in ("duration_s", "dwell_s", "mean_rate_hz"):
            positive_number(getattr(self, name), name)
        for name in ("rate_spread", "burst_rate_hz", "drift"):
            positive_number(getattr(self, name), name, or_zero=True)
        for name, most in _SHARES.items():
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"{name} must lie in [0, {most:g}], got {getattr(self, name)!r}.")
        for name in ("delays_s", "time_constants_s"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"{name} must be two ascending positive numbers of seconds.")


_SHARES = {
    "coupled_fraction": 0.9,
    "shared_parents": 1.0,
    "inhibitory_fraction": 0.5,
    "up_depth": 0.99,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkTruth:
    """
    What drives a simulated network.

    Parameters
    ----------
    coupling : numpy.ndarray, shape (n_states, n_nodes, n_nodes)
        ``coupling[state, i, j]``: mean number of spikes of unit ``i`` that one spike of unit ``j``
        causes; where ``j`` inhibits, minus the probability that it holds a spike back.
    delays_s, time_constants_s : numpy.ndarray, shape (n_nodes, n_nodes)
        Of every pair, target first.
    rates_hz : numpy.ndarray, shape (n_nodes,)
        Mean rate of each unit, the same in all states.
    switch_s : numpy.ndarray, shape (n_stays + 1,)
        Limits of the stays in a state, in seconds.
    states : numpy.ndarray of int, shape (n_stays,)
        State of each stay.
    """

    coupling: NDArray[np.float64]
    delays_s: NDArray[np.float64]
    time_constants_s: NDArray[np.float64]
    rates_hz: NDArray[np.float64]
    switch_s: NDArray[np.float64]
    states: NDArray[np.int64]

    def state_at(self, times_s: NDArray[Any]) -> NDArray[np.int64]:
        """
        Return the state at given times.

        Parameters
        ----------
        times_s : numpy.ndarray, shape (n,)
            Times in seconds within the recording.

        Returns
        -------
        numpy.ndarray
            States, shape (n,).
        """
        index = np.searchsorted(self.switch_s, times_s, side="right") - 1
        return self.states[np.clip(index, 0, len(self.states) - 1)]


def simulate_network(
    recipe: NetworkRecipe | None = None, *, seed: int = 0
) -> tuple[neo.Block, NetworkTruth]:
    """
    Simulate a network whose coupling changes at equal rates.

    Excitation is a linear Hawkes process: each spike of unit ``j`` causes a Poisson number of
    spikes of unit ``i``, after a delay and an exponential time of that pair.  With spontaneous
    rates ``(I - W) r`` mean rates are ``r`` in every state, exactly, and follow shared
    up-states, bursts and drifts alike.  A spike that falls behind one of an inhibitory unit is
    held back with the pair's probability and comes later, so that inhibition keeps rates too.

    Parameters
    ----------
    recipe : NetworkRecipe, optional
        What the network is like.
    seed : int
        Seed of everything random.

    Returns
    -------
    tuple of neo.Block and NetworkTruth
        One segment with a spike train per unit, with positions; and the truth.

    Examples
    --------
    >>> block, truth = simulate_network(NetworkRecipe(n_nodes=10, duration_s=20.0), seed=1)
    >>> len(block.segments[0].spiketrains), truth.coupling.shape
    (10, (2, 10, 10))
    """
    recipe = NetworkRecipe() if recipe is None else recipe
    rng = np.random.default_rng([whole_number(seed, "seed"), 18])
    places_um = rng.uniform(0, 1000, (recipe.n_nodes, 2))
    rates = rng.lognormal(0.0, recipe.rate_spread, recipe.n_nodes)
    rates *= recipe.mean_rate_hz / rates.mean()
    truth = _draw_truth(recipe, places_um, rates, rng)
    drive = draw_drive(recipe, rng)
    times, owners = branch(truth, drive, rng)
    times = held_back(truth, times, owners, recipe.duration_s, rng)
    return _block(recipe, places_um, times, owners, seed), truth


def _draw_truth(
    recipe: NetworkRecipe,
    places_um: NDArray[np.float64],
    rates: NDArray[np.float64],
    rng: np.random.Generator,
) -> NetworkTruth:
    n = recipe.n_nodes
    distance = np.linalg.norm(places_um[:, np.newaxis] - places_um, axis=2) / 1000
    near = np.exp(-distance / 0.2) if recipe.by_distance else np.ones((n, n))
    np.fill_diagonal(near, 0.0)
    low, high = recipe.delays_s
    shortest, longest = recipe.time_constants_s
    share = rng.uniform(0, 1, (n, n))
    if recipe.by_distance:
        share = np.clip(0.8 * distance / 1.2 + 0.2 * share, 0, 1)
    inhibits = np.zeros(n, dtype=bool)
    n_inhibitory = round(recipe.inhibitory_fraction * n)
    inhibits[rng.choice(n, n_inhibitory, replace=False)] = True
    shared = _parents(recipe, near, inhibits, rng)
    coupling = np.zeros((recipe.n_states, n, n))
    for state in range(recipe.n_states):
        own = _parents(recipe, near, inhibits, rng)
        kept = rng.random((n, 1)) < recipe.shared_parents
        coupling[state] = _weights(recipe, np.where(kept, shared, own), inhibits, rates)
    switch_s, states = _stays(recipe, rng)
    return NetworkTruth(
        coupling=coupling,
        delays_s=low + (high - low) * share,
        time_constants_s=shortest * (longest / shortest) ** rng.uniform(0, 1, (n, n)),
        rates_hz=rates,
        switch_s=switch_s,
        states=states,
    )


def _parents(
    recipe: NetworkRecipe,
    near: NDArray[np.float64],
    inhibits: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Draw who drives and who inhibits each unit, target first."""
    found = np.zeros(near.shape, dtype=bool)
    for child, chance in enumerate(near):
        for pool, wanted in (
            (~inhibits, recipe.n_parents),
            (inhibits, round(recipe.n_parents * recipe.inhibitory_fraction)),
        ):
            weight = np.where(pool, chance, 0.0)
            n_drawn = min(wanted, int(np.count_nonzero(weight)))
            if n_drawn:
                drawn = rng.choice(len(near), n_drawn, replace=False, p=weight / weight.sum())
                found[child, drawn] = True
    return found


def _weights(
    recipe: NetworkRecipe,
    parents: NDArray[np.bool_],
    inhibits: NDArray[np.bool_],
    rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Let every unit owe the same share of its rate to its parents."""
    drives = parents & ~inhibits
    n_drives = np.maximum(drives.sum(axis=1, keepdims=True), 1)
    excitation = recipe.coupled_fraction * rates[:, np.newaxis] / rates / n_drives
    # As strong as excitation: what is held back is made up for later.
    inhibition = min(4 * recipe.coupled_fraction, 0.8)
    return np.where(drives, excitation, 0.0) - np.where(parents & inhibits, inhibition, 0.0)


def _stays(
    recipe: NetworkRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    limits: list[float] = [0.0]
    states: list[int] = []
    while limits[-1] < recipe.duration_s:
        round_of_states = rng.permutation(recipe.n_states)
        if states and recipe.n_states > 1 and round_of_states[0] == states[-1]:
            round_of_states = round_of_states[::-1]
        for state in round_of_states:
            if limits[-1] < recipe.duration_s:
                limits.append(limits[-1] + recipe.dwell_s * rng.uniform(0.5, 1.5))
                states.append(int(state))
    limits[-1] = recipe.duration_s
    return np.array(limits), np.array(states, dtype=np.int64)


def _block(
    recipe: NetworkRecipe,
    places_um: NDArray[np.float64],
    times: NDArray[np.float64],
    owners: NDArray[np.int64],
    seed: int,
) -> neo.Block:
    import neo

    nodes = Nodes(ids=range(recipe.n_nodes), kind="unit", positions_um=places_um)
    order = np.lexsort((times, owners))
    limits = np.cumsum(np.bincount(owners, minlength=recipe.n_nodes))[:-1]
    segment = neo.Segment(name="network")
    segment.spiketrains.extend(
        [
            make_spiketrain(spikes, nodes, index, t_start_s=0.0, t_stop_s=recipe.duration_s)
            for index, spikes in enumerate(np.split(times[order], limits))
        ]
    )
    about = ", ".join(f"{item.name}={getattr(recipe, item.name)!r}" for item in fields(recipe))
    block = neo.Block(
        name="simulated network",
        rec_datetime=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        description=f"Simulated network, seed {seed}: {about}.",
    )
    block.segments.append(segment)
    return block
