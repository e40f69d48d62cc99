"""The time of a segment that can be analysed: recorded, selected, and not left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.finding import find_intervals
from tavrnn_ephys.activity.windows.holding import (
    in_order_of_time,
    known_intervals,
    usual_interval_s,
)
from tavrnn_ephys.activity.windows.stretches import shared_time, without_time
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.blocks import loaded_segment, node_signals, segment_limits_s
from tavrnn_ephys.io.blocks.recorded import NodeRecordings, node_recordings
from tavrnn_ephys.io.selection import selected_nodes

if TYPE_CHECKING:
    import neo

__all__ = ["SelectedSegment", "recorded_stretches", "selected_segment", "selected_stretches"]

#: The table of an NWB file that names time which must not be used.
_INVALID = "invalid_times"
# A pause of samples this many times their usual distance is a gap.
_PAUSE = 1.5
# Units that were observed together for less than this share of the time have no common stretches.
_LEAST_COMMON = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedSegment:
    """
    The nodes and the time of a segment that are analysed.

    Parameters
    ----------
    segment : neo.Segment
        The segment with these nodes alone, loaded.
    recorded : NodeRecordings
        What was recorded of them.
    stretches : numpy.ndarray, shape (n_stretches, 2)
        The time in seconds.
    """

    segment: neo.Segment
    recorded: NodeRecordings
    stretches: NDArray[np.float64]


def selected_segment(
    segment: neo.Segment, selection: SelectionSpec, bin_size_s: float, *, asked_by: str
) -> SelectedSegment:
    """
    Select the nodes and the time of a segment, before anything is binned.

    Parameters
    ----------
    segment : neo.Segment
        The segment; it is not changed.
    selection : SelectionSpec
        Its nodes and time that are meant.
    bin_size_s : float
        Width of a bin in seconds; shorter gaps of traces vanish in bins.
    asked_by : str
        The function that was called, for the message.

    Returns
    -------
    SelectedSegment
        The nodes and the time.

    Raises
    ------
    InputError
        If the segment has no nodes, or the selection does not suit it.
    """
    # A segment without nodes, or none at all, is refused here.
    node_recordings(segment, asked_by=asked_by)
    segment = loaded_segment(segment)
    stretches = selected_stretches(segment, selection, bin_size_s)
    segment = selected_nodes(segment, selection, stretches)
    recorded = node_recordings(segment, asked_by=asked_by)
    return SelectedSegment(segment=segment, recorded=recorded, stretches=stretches)


def recorded_stretches(segment: neo.Segment, bin_size_s: float) -> NDArray[np.float64]:
    """
    Find the stretches of time in which all nodes were recorded.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    bin_size_s : float
        Width of a bin in seconds; shorter gaps of traces vanish in bins.

    Returns
    -------
    numpy.ndarray, shape (n_stretches, 2)
        Starts and stops in seconds: between gaps of the samples of traces longer than a bin and
        than 1.5 usual distances, or the observation intervals that the units share, where these
        are at least half of the recording.

    Examples
    --------
    >>> import neo
    >>> import quantities as pq
    >>> trace = neo.IrregularlySampledSignal(
    ...     [0, 1, 2, 8, 9] * pq.s, [[1.0]] * 5, units="V", time_units="s", role="nodes"
    ... )
    >>> segment = neo.Segment()
    >>> segment.irregularlysampledsignals.append(trace)
    >>> recorded_stretches(segment, 1.0)
    array([[ 0.,  3.],
           [ 8., 10.]])
    """
    limits = np.array([segment_limits_s(segment)])
    if len(segment.spiketrains):
        shared = limits
        for train in segment.spiketrains:
            observed = train.annotations.get("obs_intervals")
            if observed is not None:
                shared = shared_time(shared, _seconds(observed))
        total = float(np.diff(limits, axis=1).sum())
        return shared if np.diff(shared, axis=1).sum() >= _LEAST_COMMON * total else limits
    signals = node_signals(segment)
    if len(signals) != 1 or hasattr(signals[0], "sampling_rate"):
        return limits
    times_s = signals[0].times.rescale("s").magnitude
    times_s, _ = in_order_of_time(times_s, np.asarray(times_s))
    return _between_gaps(times_s, bin_size_s)


def selected_stretches(
    segment: neo.Segment, selection: SelectionSpec, bin_size_s: float
) -> NDArray[np.float64]:
    """
    Find the stretches of time that are recorded, selected, and not left out.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    selection : SelectionSpec
        Limits, and tables of intervals to leave out.
    bin_size_s : float
        Width of a bin in seconds.

    Returns
    -------
    numpy.ndarray, shape (n_stretches, 2)
        Starts and stops in seconds.

    Raises
    ------
    InputError
        If a table does not exist, or no time is left.

    Warns
    -----
    DataLossWarning
        With the time that gaps, tables, or the recording's own ``invalid_times`` take.
    """
    recorded = recorded_stretches(segment, bin_size_s)
    whole_s = _total_s(np.array([segment_limits_s(segment)]))
    _tell_gaps(recorded, whole_s)
    start_s = -np.inf if selection.t_start_s is None else selection.t_start_s
    stop_s = np.inf if selection.t_stop_s is None else selection.t_stop_s
    left = shared_time(recorded, np.array([[start_s, stop_s]]))
    if len(left) == 0:
        raise InputError(
            f"Nothing is recorded between {start_s:g} s and {stop_s:g} s: the recording lasts from "
            f"{recorded[0, 0]:g} s to {recorded[-1, 1]:g} s. Choose limits within it."
        )
    if not selection.keep_invalid_times:
        for epoch in segment.epochs:
            if epoch.name == _INVALID and len(epoch):
                what = "the recording's own table 'invalid_times'"
                left = _left_out(left, _limits_of(epoch, _INVALID), what)
    for name in selection.exclude:
        left = _left_out(left, _limits_of(find_intervals(segment, name), name), f"'{name}'")
    if len(left) == 0:
        raise InputError("No time is left of the recording. Leave out less.")
    return left


def _left_out(
    left: NDArray[np.float64], cut: NDArray[np.float64], what: str
) -> NDArray[np.float64]:
    """Take intervals out, and say how much time they take."""
    rest = without_time(left, cut)
    gone_s = _total_s(left) - _total_s(rest)
    if gone_s > 0:
        warnings.warn(
            f"{gone_s:.6g} s of {_total_s(left):.6g} s are left out, as {what} says; no window "
            "reaches into them.",
            DataLossWarning,
            stacklevel=4,
        )
    return rest


def _tell_gaps(recorded: NDArray[np.float64], whole_s: float) -> None:
    lost_s = whole_s - _total_s(recorded)
    n_gaps = len(recorded) - 1
    if n_gaps < 1:
        return
    gaps = "1 gap" if n_gaps == 1 else f"{n_gaps} gaps"
    warnings.warn(
        f"The recording has {gaps} of {lost_s:.6g} s in all; windows lie inside the "
        f"{len(recorded)} stretches between them.",
        DataLossWarning,
        stacklevel=4,
    )


def _total_s(stretches: NDArray[np.float64]) -> float:
    return float(np.diff(stretches, axis=1).sum())


def _limits_of(epoch: neo.Epoch, name: str) -> NDArray[np.float64]:
    start_s = np.asarray(epoch.times.rescale("s").magnitude, dtype=np.float64)
    stop_s = start_s + np.asarray(epoch.durations.rescale("s").magnitude, dtype=np.float64)
    whole = known_intervals(start_s, stop_s, f"intervals of '{name}'")
    return np.column_stack([start_s[whole], stop_s[whole]])


def _seconds(intervals: Any) -> NDArray[np.float64]:
    seconds = intervals.rescale("s").magnitude if hasattr(intervals, "rescale") else intervals
    return np.asarray(seconds, dtype=np.float64).reshape(-1, 2)


def _between_gaps(times_s: NDArray[np.float64], bin_size_s: float) -> NDArray[np.float64]:
    usual_s = usual_interval_s(times_s)
    if len(times_s) == 0 or np.isnan(usual_s):
        return (
            np.array([[times_s[0], times_s[0] + bin_size_s]]) if len(times_s) else np.empty((0, 2))
        )
    longest_s = max(bin_size_s, _PAUSE * usual_s) * (1 + 1e-6)
    breaks = np.flatnonzero(np.diff(times_s) > longest_s)
    first = np.concatenate([[0], breaks + 1])
    last = np.concatenate([breaks, [len(times_s) - 1]])
    return np.column_stack([times_s[first], times_s[last] + usual_s])
