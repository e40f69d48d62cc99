"""Where windows start and stop: the only place for such arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import duration_s, whole_bins
from tavrnn_ephys.containers import BinnedActivity, Windows
from tavrnn_ephys.errors import InputError

__all__ = ["bin_ranges", "sliding_windows", "window_means"]


def sliding_windows(activity: BinnedActivity, *, window_length: Any, step: Any) -> Windows:
    """
    Lay windows of one length over a segment, each a step after the one before.

    Parameters
    ----------
    activity : BinnedActivity
        The segment, whose bins the windows consist of.
    window_length, step : quantities.Quantity
        Scalars with a unit of time, each a whole number of bins.

    Returns
    -------
    Windows
        All windows that lie in the segment as a whole; a remainder at its end is left out.

    Raises
    ------
    InputError
        If a duration is not a whole number of bins, or a window exceeds the segment.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.zeros((2, 10), dtype=int), bin_size_s=0.5, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
    Windows: 4 from 0 s to 5 s, each 2 s, step 1 s
    """
    length = duration_s(window_length, "window_length")
    n_window = whole_bins(length, activity.bin_size_s, "window_length")
    n_step = whole_bins(duration_s(step, "step"), activity.bin_size_s, "step")
    if n_window > activity.n_bins:
        total = activity.n_bins * activity.bin_size_s
        raise InputError(
            f"window_length of {length:g} s exceeds the recording, which lasts {total:g} s. "
            "Choose a shorter window."
        )
    first = np.arange(0, activity.n_bins - n_window + 1, n_step)
    start = activity.t_start_s + first * activity.bin_size_s
    stop = activity.t_start_s + (first + n_window) * activity.bin_size_s
    return Windows(
        start_s=start,
        stop_s=stop,
        segment_index=np.full(len(first), activity.segment_index),
    )


def bin_ranges(windows: Windows, activity: BinnedActivity) -> NDArray[np.int64]:
    """
    Find the bins of each window.

    Parameters
    ----------
    windows : Windows
        Windows on the clock of the recording, their limits on limits of bins.
    activity : BinnedActivity
        The bins.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, 2): first bin, and one past the last.

    Raises
    ------
    InputError
        If a window lies outside the segment or cuts through a bin.
    """
    if np.any(windows.segment_index != activity.segment_index):
        raise InputError(
            f"These windows belong to other segments than segment {activity.segment_index}, "
            "which the activity was binned from."
        )
    limits_s = np.column_stack([windows.start_s, windows.stop_s]) - activity.t_start_s
    limits = limits_s / activity.bin_size_s
    nearest = np.round(limits).astype(np.int64)
    off_grid = np.abs(limits - nearest) > 1e-4
    if off_grid.any():
        index = int(np.argmax(off_grid.any(axis=1)))
        raise InputError(
            f"Window {index} does not start and stop on limits of {activity.bin_size_s:g} s bins. "
            "Build the windows from this activity."
        )
    outside = (nearest[:, 0] < 0) | (nearest[:, 1] > activity.n_bins)
    if outside.any():
        raise InputError(
            f"Window {int(np.argmax(outside))} lies outside the recording "
            f"({activity.t_start_s:g} s to {activity.t_stop_s:g} s)."
        )
    return nearest


def window_means(
    windows: Windows, times_s: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Average the samples of a signal in each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Ascending sample times in seconds.
    values : numpy.ndarray, shape (n_samples,)
        One value per sample; NaN values are left out.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,); NaN for a window without a sample.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    >>> window_means(windows, np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    array([2., 5.])
    """
    known = np.isfinite(values)
    times_s, values = times_s[known], values[known]
    # A sample on a limit belongs to the window that starts there, whatever the last bit says.
    first = np.searchsorted(times_s, windows.start_s - 1e-9, side="left")
    last = np.searchsorted(times_s, windows.stop_s - 1e-9, side="left")
    total = np.concatenate([[0.0], np.cumsum(values)])
    count = last - first
    means = np.full(len(windows), np.nan)
    filled = count > 0
    means[filled] = (total[last] - total[first])[filled] / count[filled]
    return means
