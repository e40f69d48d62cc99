"""Simulated cultures whose coupling, states and performance are known."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import duration_s, positive_int, positive_number, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets._states import STATES, coupling_of_states, switching
from tavrnn_ephys.datasets.layout import culture_nodes
from tavrnn_ephys.io.blocks import make_signal, make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = ["CultureTruth", "culture_truth", "simulate_culture", "true_coupling"]


@dataclass(frozen=True, kw_only=True)
class CultureTruth:
    """
    What drives a simulated culture.

    Parameters
    ----------
    coupling : numpy.ndarray, shape (2, n_nodes, n_nodes)
        Mean number of spikes of node ``i`` that one spike of node ``j`` causes, as
        ``coupling[state, i, j]``.
    rates_hz : numpy.ndarray, shape (n_nodes,)
        Stationary rate of each node, the same in both states.
    switch_s : numpy.ndarray, shape (n_epochs + 1,)
        Limits of the stretches of one state, in seconds.
    states : numpy.ndarray of int, shape (n_epochs,)
        State of each stretch: 0 segregated, 1 aligned.
    """

    coupling: NDArray[np.float64]
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


def simulate_culture(
    *,
    n_nodes: int = 80,
    duration: Any = None,
    dwell: Any = None,
    mean_rate_hz: float = 6.0,
    coupled_fraction: float = 0.2,
    n_parents: int = 4,
    delay: Any = None,
    n_states: int = 2,
    seed: int = 0,
) -> neo.Block:
    """
    Simulate a culture that switches between couplings at equal rates.

    In the *aligned* state the motor subregions are driven by the sensory one; in the
    *segregated* state every motor subregion drives itself and the sensory wiring is another.
    A game performance follows the state.  Spikes are a multivariate linear Hawkes process
    [1]_: node ``i`` fires at ``μ_i + Σ_j W_ij Σ_k δ(t - t_jk - delay)``, with exponential
    delays, so that the stationary rates are ``r = (I - W)⁻¹ μ``.  Both states take
    ``μ = (I - W) r`` for one and the same ``r``: mean rates carry nothing about the state,
    coincidences do.

    Parameters
    ----------
    n_nodes : int
        Number of recorded channels, at least 20, laid out over the subregions in the
        proportions of a DishBrain chip.
    duration : quantities.Quantity, optional
        Length of the recording; 5 min by default.
    dwell : quantities.Quantity, optional
        Mean time in one state; single stays vary uniformly from half to one and a half of
        it.  12 s by default.
    mean_rate_hz : float
        Mean of the log-normally distributed rates.
    coupled_fraction : float
        Fraction of a node's spikes that other nodes cause, in [0, 0.95].
    n_parents : int
        Number of nodes that drive each node.
    delay : quantities.Quantity, optional
        Mean time from a spike to the one that it causes; 4 ms by default.
    n_states : int
        Number of couplings, 1 to 3: segregated, aligned, relayed.
    seed : int
        Seed of everything random.

    Returns
    -------
    neo.Block
        One segment with a spike train per channel (position, subregion), the signal
        ``performance`` (1 Hz) and epochs ``state`` with the true state; :func:`culture_truth`
        reads the truth off it.

    Raises
    ------
    InputError
        If a number is out of its range.

    References
    ----------
    .. [1] Hawkes (1971), Biometrika 58, 83-90.

    Examples
    --------
    >>> import quantities as pq
    >>> block = simulate_culture(n_nodes=20, duration=10 * pq.s, seed=1)
    >>> len(block.segments[0].spiketrains)
    20
    """
    import quantities as pq

    positive_int(n_parents, "n_parents")
    if positive_int(n_states, "n_states") > len(STATES):
        raise InputError(f"n_states must be 1, 2 or 3, got {n_states}.")
    positive_number(mean_rate_hz, "mean_rate_hz")
    whole_number(seed, "seed")
    if not 0 <= coupled_fraction <= 0.95:
        raise InputError(f"coupled_fraction must lie in [0, 0.95], got {coupled_fraction!r}.")
    total_s = duration_s(duration if duration is not None else 5 * pq.min, "duration")
    dwell_s = duration_s(dwell if dwell is not None else 12 * pq.s, "dwell")
    delay_s = duration_s(delay if delay is not None else 4 * pq.ms, "delay")
    rng = np.random.default_rng(seed)
    nodes = culture_nodes(n_nodes, rng)
    rates = np.clip(rng.lognormal(0.0, 0.5, n_nodes), 0.3, 4.0)
    rates *= mean_rate_hz / rates.mean()
    switch_s, states = switching(total_s, dwell_s, n_states, rng)
    truth = CultureTruth(
        coupling=np.stack(
            [
                coupling_of_states(nodes, rates, coupled_fraction, n_parents, state, rng)
                for state in range(n_states)
            ]
        ),
        rates_hz=rates,
        switch_s=switch_s,
        states=states,
    )
    times, sources = _hawkes(truth, total_s, delay_s, rng)
    return _culture_block(nodes, truth, times, sources, total_s, rng, seed)


def culture_truth(block: neo.Block) -> CultureTruth:
    """
    Read the truth off a simulated block.

    Parameters
    ----------
    block : neo.Block
        A block of :func:`simulate_culture`.

    Returns
    -------
    CultureTruth
        Coupling, rates and states.

    Raises
    ------
    InputError
        If the block is not simulated.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> truth = culture_truth(block)
    >>> truth.state_at([0.0, 19.0]).tolist()
    [0, 1]
    """
    epochs = [epoch for epoch in block.segments[0].epochs if epoch.name == "state"]
    if "coupling" not in block.annotations or not epochs:
        raise InputError(f"Block '{block.name}' is not a simulated culture and has no truth.")
    start, length = epochs[0].times.magnitude, epochs[0].durations.magnitude
    return CultureTruth(
        coupling=np.asarray(block.annotations["coupling"]),
        rates_hz=np.asarray(block.annotations["rates_hz"]),
        switch_s=np.append(start, start[-1] + length[-1]),
        states=np.array([STATES.index(str(label)) for label in epochs[0].labels]),
    )


def true_coupling(truth: CultureTruth, state: int) -> NDArray[np.bool_]:
    """
    Return which pairs of nodes are coupled in a state, in either direction.

    Parameters
    ----------
    truth : CultureTruth
        The truth of a simulated culture.
    state : {0, 1}
        Segregated or aligned.

    Returns
    -------
    numpy.ndarray
        Symmetric, shape (n_nodes, n_nodes).
    """
    directed = truth.coupling[state] > 0
    return directed | directed.T


def _hawkes(
    truth: CultureTruth, total_s: float, delay_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sample the process generation by generation: a spike's children are Poisson in number."""
    times, sources = _immigrants(truth, total_s, rng)
    all_times, all_sources = [times], [sources]
    while len(times):
        state = truth.state_at(times)
        child_times, child_sources = [], []
        for index in range(len(truth.coupling)):
            here = np.flatnonzero(state == index)
            mean_children = truth.coupling[index].T[sources[here]]
            parent, child = np.nonzero(counts := rng.poisson(mean_children))
            n_children = counts[parent, child]
            child_times.append(np.repeat(times[here[parent]], n_children))
            child_sources.append(np.repeat(child, n_children))
        sources = np.concatenate(child_sources)
        times = np.concatenate(child_times)
        times = times + rng.exponential(delay_s, len(times))
        inside = times < total_s
        times, sources = times[inside], sources[inside]
        all_times.append(times)
        all_sources.append(sources)
    return np.concatenate(all_times), np.concatenate(all_sources)


def _immigrants(
    truth: CultureTruth, total_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    lengths = np.diff(truth.switch_s)
    n_nodes = len(truth.rates_hz)
    times, sources = [], []
    for start, length, state in zip(truth.switch_s, lengths, truth.states, strict=False):
        base = (np.eye(n_nodes) - truth.coupling[state]) @ truth.rates_hz
        counts = rng.poisson(base * length)
        sources.append(np.repeat(np.arange(n_nodes), counts))
        times.append(start + rng.uniform(0, length, counts.sum()))
    return np.concatenate(times), np.concatenate(sources)


def _performance(
    truth: CultureTruth, total_s: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """One value a second: mean rally length, which follows the state under autocorrelated noise."""
    seconds = np.arange(int(total_s))
    target = np.where(truth.state_at(seconds + 0.5) == 1, 3.0, 1.2)
    noise = np.zeros(len(seconds))
    for index in range(1, len(seconds)):
        noise[index] = 0.8 * noise[index - 1] + rng.normal(0.0, 0.35)
    return np.maximum(target + noise, 0.0)


def _culture_block(
    nodes: Nodes,
    truth: CultureTruth,
    times: NDArray[np.float64],
    sources: NDArray[np.int64],
    total_s: float,
    rng: np.random.Generator,
    seed: int,
) -> neo.Block:
    import neo
    import quantities as pq

    order = np.lexsort((times, sources))
    per_node = np.split(times[order], np.cumsum(np.bincount(sources, minlength=len(nodes)))[:-1])
    segment = neo.Segment(name="culture")
    segment.spiketrains.extend(
        [
            make_spiketrain(spikes, nodes, index, t_start_s=0.0, t_stop_s=total_s)
            for index, spikes in enumerate(per_node)
        ]
    )
    segment.analogsignals.append(
        make_signal(
            _performance(truth, total_s, rng),
            name="performance",
            role="behavior",
            sampling_rate_hz=1.0,
            description="Mean rally length of the simulated game.",
        )
    )
    segment.epochs.append(
        neo.Epoch(
            times=truth.switch_s[:-1] * pq.s,
            durations=np.diff(truth.switch_s) * pq.s,
            labels=np.array(STATES)[truth.states],
            name="state",
        )
    )
    block = neo.Block(
        name="simulated culture",
        rec_datetime=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        description="Simulated culture on a high-density array whose coupling switches "
        "between states at equal rates.",
        session_id=f"simulated-culture-seed-{seed}",
        session_description="Simulated culture on a high-density array, playing a game.",
        experiment_description="A multivariate Hawkes process whose coupling switches between "
        "states at equal rates; no animal and no device is behind it.",
        experimenter=["Simulation, Numerical"],
        institution="none (simulation)",
        lab="none (simulation)",
        keywords=["simulation", "multi-electrode array", "functional connectivity"],
        subject={
            "subject_id": f"simulated-culture-{seed}",
            "description": "Simulated culture of cortical neurons; not a living subject.",
            "species": "Rattus norvegicus",
            "sex": "U",
            "age": "P21D",
        },
        coupling=truth.coupling,
        rates_hz=truth.rates_hz,
    )
    block.segments.append(segment)
    return block
