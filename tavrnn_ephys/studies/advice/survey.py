"""What a choice of bins and windows rests on: rates, time scales, and the time that there is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import spike_times_s
from tavrnn_ephys.activity.stretches import selected_segment
from tavrnn_ephys.activity.windows.holding import in_order_of_time, usual_interval_s
from tavrnn_ephys.activity.windows.stretches import ON_LIMIT
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import several
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.blocks import (
    behavior_columns,
    node_signals,
    nodes_of_spiketrains,
    segment_limits_s,
)
from tavrnn_ephys.statistics.time_shifts import correlation_time

if TYPE_CHECKING:
    import neo

__all__ = ["SPIKE_BIN_S", "Survey", "survey"]

# Time scales need no more samples, and no more nodes.
_MOST_SAMPLES = 20_000
_MOST_NODES = 30
# Bins in which the time scale of spikes is looked for; those of traces are their samples.
SPIKE_BIN_S = 0.01
# A longer time scale is drift rather than behaviour or activity.
_LONGEST_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """
    What is known of a recording before it is cut into bins and windows.

    Parameters
    ----------
    kind : str
        Kind of its nodes.
    n_nodes, n_silent : int
        Its nodes, and those of them that never fire.
    t_start_s : float
        Where bins begin, in seconds.
    stretches : numpy.ndarray, shape (n_stretches, 2)
        The time that can be analysed, in seconds.
    rate_hz : float or None
        Median rate of the nodes that fire; None of traces.
    interval_s : float or None
        Usual distance of samples; None of spikes.
    activity_s : float
        Time scale of the activity: the first lag at which the autocorrelation of the median node
        falls below 1/e, in seconds.
    behavior : str
        Name of the fastest behaviour that varies; empty where there is none.
    behavior_s : float or None
        Its time scale in seconds.
    """

    kind: str
    n_nodes: int
    n_silent: int
    t_start_s: float
    stretches: NDArray[np.float64]
    rate_hz: float | None
    interval_s: float | None
    activity_s: float
    behavior: str
    behavior_s: float | None

    def in_bins(self, bin_size_s: float) -> Survey:
        """
        Narrow the stretches to the whole bins that they hold.

        Parameters
        ----------
        bin_size_s : float
            Width of a bin in seconds.

        Returns
        -------
        Survey
            The same with other stretches.
        """
        limits = (self.stretches - self.t_start_s) / bin_size_s
        first, last = np.ceil(limits[:, 0] - ON_LIMIT), np.floor(limits[:, 1] + ON_LIMIT)
        inside = np.column_stack([first, last])[last > first]
        return replace(self, stretches=self.t_start_s + inside * bin_size_s)

    @property
    def lengths_s(self) -> NDArray[np.float64]:
        """Length of each stretch in seconds."""
        return np.diff(self.stretches, axis=1)[:, 0]


def survey(
    segment: neo.Segment, selection: SelectionSpec, bin_size_s: float = SPIKE_BIN_S
) -> Survey:
    """
    Look at a segment before it is cut into bins and windows.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    selection : SelectionSpec
        Its nodes and time that are meant.
    bin_size_s : float
        Width of a bin in seconds; shorter gaps of traces vanish in it.

    Returns
    -------
    Survey
        Rates, time scales and stretches.

    Raises
    ------
    InputError
        If it has nothing that can be binned, or its nodes never fire.
    """
    with warnings.catch_warnings():
        # The analysis itself says what is left out.
        warnings.simplefilter("ignore")
        chosen = selected_segment(segment, selection, bin_size_s, asked_by="suggest")
        segment, stretches = chosen.segment, chosen.stretches
        known = _of_spikes if len(segment.spiketrains) else _of_traces
        about = known(segment, stretches)
    behavior, scale_s = _fastest_behavior(segment, stretches)
    about |= {"t_start_s": segment_limits_s(segment)[0], "stretches": stretches}
    return Survey(behavior=behavior, behavior_s=scale_s, **about)


def _of_spikes(segment: neo.Segment, stretches: NDArray[np.float64]) -> dict[str, Any]:
    trains = [np.sort(spike_times_s(train)) for train in segment.spiketrains]
    counts = np.array([_inside(times, stretches) for times in trains])
    nodes = nodes_of_spiketrains(list(segment.spiketrains))
    firing = counts > 0
    if not firing.any():
        raise InputError(
            f"All {len(nodes)} {several(nodes.kind)} are silent in the time that is meant: "
            "there is nothing to correlate. Choose other time, or check the spike detection."
        )
    best = np.argsort(-counts, kind="stable")[: min(_MOST_NODES, int(firing.sum()))]
    start_s, stop_s = stretches[int(np.argmax(np.diff(stretches, axis=1)))]
    n_bins = int(np.clip((stop_s - start_s) / SPIKE_BIN_S, 1, _MOST_SAMPLES))
    edges = start_s + SPIKE_BIN_S * np.arange(n_bins + 1)
    values = np.stack([np.histogram(trains[index], edges)[0] for index in best])
    return {
        "kind": nodes.kind,
        "n_nodes": len(nodes),
        "n_silent": int((~firing).sum()),
        "rate_hz": float(np.median(counts[firing])) / float(np.diff(stretches, axis=1).sum()),
        "interval_s": None,
        "activity_s": _scale_s(values.astype(np.float64), SPIKE_BIN_S),
    }


def _inside(times_s: NDArray[np.float64], stretches: NDArray[np.float64]) -> int:
    """Count the spikes of a node in the time that is meant."""
    first, last = np.searchsorted(times_s, stretches.T)
    return int((last - first).sum())


def _of_traces(segment: neo.Segment, stretches: NDArray[np.float64]) -> dict[str, Any]:
    (signal,) = node_signals(segment)
    samples = np.asarray(signal.magnitude, dtype=np.float64)
    times_s, samples = in_order_of_time(signal.times.rescale("s").magnitude, samples)
    interval_s = usual_interval_s(times_s)
    if np.isnan(interval_s):
        raise InputError(f"The signal '{signal.name}' holds fewer than two samples.")
    longest = stretches[int(np.argmax(np.diff(stretches, axis=1)))]
    inside = (times_s >= longest[0]) & (times_s < longest[1])
    values = samples[inside].T
    values = values[np.isfinite(values).all(axis=1)]
    spread = np.ptp(values, axis=1) if values.size else np.zeros(0)
    best = np.argsort(-spread, kind="stable")[:_MOST_NODES]
    return {
        "kind": str(signal.annotations.get("node_kind", "roi")),
        "n_nodes": int(signal.shape[1]),
        "n_silent": int((spread == 0).sum()),
        "rate_hz": None,
        "interval_s": float(interval_s),
        "activity_s": _scale_s(values[best], interval_s),
    }


def _scale_s(values: NDArray[np.float64], interval_s: float) -> float:
    """Give the median over nodes of the time scale, of a part where there are many samples."""
    values = values[:, :_MOST_SAMPLES]
    if values.size == 0 or values.shape[1] < 4:
        return interval_s
    lags = [correlation_time(row) for row in values if np.ptp(row) > 0]
    lag = float(np.median(lags)) if lags else 1.0
    return min(lag, _LONGEST_SHARE * values.shape[1]) * interval_s


def _fastest_behavior(
    segment: neo.Segment, stretches: NDArray[np.float64]
) -> tuple[str, float | None]:
    """Find the behaviour signal of the shortest time scale above that of its samples."""
    start_s, stop_s = stretches[0, 0], stretches[-1, 1]
    found: dict[str, float] = {}
    for name, (times_s, values) in behavior_columns(segment).items():
        # A signal on another clock says nothing of this recording.
        known = np.isfinite(values) & (times_s >= start_s) & (times_s < stop_s)
        times, samples = times_s[known], values[known]
        if len(samples) < 20 or np.ptp(samples) == 0:
            continue
        every = max(1, len(samples) // 2000)
        span_s = float(times[-1] - times[0])
        lag = correlation_time(np.asarray(samples[::every], dtype=np.float64))
        if 1 < lag < _LONGEST_SHARE * len(samples[::every]) and span_s > 0:
            found[name] = lag * span_s / len(samples[::every])
    if not found:
        return "", None
    name = min(found, key=lambda key: found[key])
    return name, found[name]
