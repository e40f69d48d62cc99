"""A culture whose coupling is a mixture of two that changes along any path, at equal rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import duration_s, positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture
from tavrnn_ephys.io.blocks import make_signal, make_spiketrain, nodes_of_spiketrains

if TYPE_CHECKING:
    import neo

__all__ = ["MixingTruth", "simulate_mixture"]


@dataclass(frozen=True, kw_only=True)
class MixingTruth:
    """
    What drives a culture with a gradual coupling.

    Parameters
    ----------
    coupling : numpy.ndarray, shape (2, n_nodes, n_nodes)
        Mean number of spikes of node ``i`` that one spike of node ``j`` causes at both ends of
        the mixture, as ``coupling[end, i, j]``: 0 segregated, 1 aligned.
    rates_hz : numpy.ndarray, shape (n_nodes,)
        Stationary rate of each node, the same for every mixture.
    path : numpy.ndarray, shape (n_steps,)
        Share of the aligned coupling in every step of time, in [0, 1].
    step_s : float
        Length of a step in seconds.
    """

    coupling: NDArray[np.float64]
    rates_hz: NDArray[np.float64]
    path: NDArray[np.float64]
    step_s: float

    def share_at(self, times_s: NDArray[Any]) -> NDArray[np.float64]:
        """
        Return the share of the aligned coupling at given times.

        Parameters
        ----------
        times_s : numpy.ndarray, shape (n,)
            Times in seconds within the recording.

        Returns
        -------
        numpy.ndarray
            In [0, 1], shape (n,).
        """
        index = np.floor(np.asarray(times_s) / self.step_s + 1e-9).astype(np.int64)
        return self.path[np.clip(index, 0, len(self.path) - 1)]


def simulate_mixture(
    path: Any,
    *,
    step: Any = None,
    n_nodes: int = 40,
    mean_rate_hz: float = 8.0,
    coupled_fraction: float = 0.5,
    n_parents: int = 4,
    delay: Any = None,
    seed: int = 0,
) -> tuple[neo.Block, MixingTruth]:
    """
    Simulate a culture whose coupling follows a path between two ends.

    The ends are the segregated and the aligned coupling of
    :func:`~tavrnn_ephys.datasets.culture.simulate_culture`.  At time ``t`` the coupling is
    ``W(t) = (1 − s(t)) W_0 + s(t) W_1``, and the spontaneous rates are ``μ(t) = (I − W(t)) r``
    with one and the same ``r``, so that mean rates carry nothing about ``s``.

    Parameters
    ----------
    path : array_like, shape (n_steps,)
        Share ``s`` of the aligned coupling in every step of time, in [0, 1].
    step : quantities.Quantity, optional
        Length of a step; 1 s by default.
    n_nodes : int
        Number of channels, at least 20.
    mean_rate_hz : float
        Mean of the log-normally distributed rates.
    coupled_fraction : float
        Fraction of a node's spikes that other nodes cause, in [0, 0.95].
    n_parents : int
        Number of nodes that drive each node, at either end.
    delay : quantities.Quantity, optional
        Mean time from a spike to the one that it causes; 4 ms by default.
    seed : int
        Seed of everything random.

    Returns
    -------
    tuple of neo.Block and MixingTruth
        One segment with a spike train per channel and the signal ``share``; and the truth.

    Raises
    ------
    InputError
        If a share lies outside [0, 1], or a number is out of its range.

    Examples
    --------
    >>> block, truth = simulate_mixture([0.0, 0.5, 1.0], n_nodes=20, seed=1)
    >>> len(block.segments[0].spiketrains), truth.share_at([0.5, 2.5])
    (20, array([0., 1.]))
    """
    import quantities as pq

    shares = np.asarray(path, dtype=np.float64)
    if shares.ndim != 1 or shares.size == 0 or not np.all((shares >= 0) & (shares <= 1)):
        raise InputError("path must be a row of shares in [0, 1], one per step of time.")
    step_s = duration_s(step if step is not None else 1 * pq.s, "step")
    delay_s = duration_s(delay if delay is not None else 4 * pq.ms, "delay")
    positive_number(mean_rate_hz, "mean_rate_hz")
    whole_number(seed, "seed")
    # Layout, rates and both couplings are those of the switching culture of the same seed.
    culture = simulate_culture(
        n_nodes=n_nodes,
        duration=1 * pq.s,
        mean_rate_hz=mean_rate_hz,
        coupled_fraction=coupled_fraction,
        n_parents=n_parents,
        seed=seed,
    )
    known = culture_truth(culture)
    truth = MixingTruth(
        coupling=known.coupling, rates_hz=known.rates_hz, path=shares, step_s=step_s
    )
    rng = np.random.default_rng([seed, 1])
    times, sources = _spikes(truth, delay_s, rng)
    return _block(culture, truth, times, sources), truth


def _spikes(
    truth: MixingTruth, delay_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sample the Hawkes process generation by generation."""
    total_s = len(truth.path) * truth.step_s
    times, sources = _immigrants(truth, rng)
    all_times, all_sources = [times], [sources]
    children = truth.coupling.transpose(0, 2, 1)
    while len(times):
        share = truth.share_at(times)[:, np.newaxis]
        mean = (1 - share) * children[0][sources] + share * children[1][sources]
        parent, child = np.nonzero(counts := rng.poisson(mean))
        n_children = counts[parent, child]
        times = np.repeat(times[parent], n_children)
        times = times + rng.exponential(delay_s, len(times))
        inside = times < total_s
        times, sources = times[inside], np.repeat(child, n_children)[inside]
        all_times.append(times)
        all_sources.append(sources)
    return np.concatenate(all_times), np.concatenate(all_sources)


def _immigrants(
    truth: MixingTruth, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    driven = truth.coupling @ truth.rates_hz
    share = truth.path[:, np.newaxis]
    base = truth.rates_hz - (1 - share) * driven[0] - share * driven[1]
    counts = rng.poisson(base * truth.step_s)
    step, source = np.nonzero(counts)
    repeats = counts[step, source]
    begin = np.repeat(step * truth.step_s, repeats)
    return begin + rng.uniform(0, truth.step_s, len(begin)), np.repeat(source, repeats)


def _block(
    culture: neo.Block,
    truth: MixingTruth,
    times: NDArray[np.float64],
    sources: NDArray[np.int64],
) -> neo.Block:
    import neo

    total_s = len(truth.path) * truth.step_s
    nodes = nodes_of_spiketrains(culture.segments[0].spiketrains)
    order = np.lexsort((times, sources))
    limits = np.cumsum(np.bincount(sources, minlength=len(nodes)))[:-1]
    segment = neo.Segment(name="culture")
    segment.spiketrains.extend(
        [
            make_spiketrain(spikes, nodes, index, t_start_s=0.0, t_stop_s=total_s)
            for index, spikes in enumerate(np.split(times[order], limits))
        ]
    )
    segment.analogsignals.append(
        make_signal(
            truth.path,
            name="share",
            role="behavior",
            sampling_rate_hz=1.0 / truth.step_s,
            description="Share of the aligned coupling.",
        )
    )
    kept = {
        key: value
        for key, value in culture.annotations.items()
        if key not in ("coupling", "rates_hz")
    }
    block = neo.Block(
        name="simulated culture with gradual coupling",
        rec_datetime=culture.rec_datetime,
        description="Simulated culture whose coupling follows a path at equal rates.",
        **kept,
    )
    block.segments.append(segment)
    return block
