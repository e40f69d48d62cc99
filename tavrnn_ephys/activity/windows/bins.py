"""Bins and windows: which bins a window holds, and how free limits fall onto bins."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows.stretches import ON_LIMIT, bins_of_stretches, lie_within
from tavrnn_ephys.core.checks import duration_s, one_of
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError

__all__ = ["bin_ranges", "snap_to_bins", "windows_of_bins"]

SNAPS = ("inside", "nearest", "exact")


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
    off_grid = np.abs(limits - nearest) > ON_LIMIT
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


def snap_to_bins(
    start_s: NDArray[np.float64],
    stop_s: NDArray[np.float64],
    activity: BinnedActivity,
    snap: str,
) -> NDArray[np.int64]:
    """
    Let intervals at any time fall onto limits of bins.

    Parameters
    ----------
    start_s, stop_s : numpy.ndarray, shape (n_intervals,)
        Limits in seconds on the clock of the recording.
    activity : BinnedActivity
        The bins.
    snap : {"inside", "nearest", "exact"}
        Only bins that lie in the interval as a whole; from the nearest limit of a bin to the
        nearest; or none of both: an interval that cuts through a bin is an error.

    Returns
    -------
    numpy.ndarray
        Shape (n_intervals, 2): first bin and one past the last, perhaps outside the recording,
        perhaps empty.

    Raises
    ------
    InputError
        If an interval cuts through a bin and ``snap`` is ``"exact"``.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> bins = BinnedActivity(values=np.zeros((1, 9)), bin_size_s=1.0, nodes=Nodes(ids=["a"]))
    >>> snap_to_bins(np.array([1.2]), np.array([4.8]), bins, "inside")
    array([[2, 4]])
    >>> snap_to_bins(np.array([1.2]), np.array([4.8]), bins, "nearest")
    array([[1, 5]])
    """
    one_of(snap, SNAPS, "snap")
    limits = (np.column_stack([start_s, stop_s]) - activity.t_start_s) / activity.bin_size_s
    nearest = np.floor(limits + 0.5)
    if snap == "inside":
        inside = np.column_stack(
            [np.ceil(limits[:, 0] - ON_LIMIT), np.floor(limits[:, 1] + ON_LIMIT)]
        )
        return inside.astype(np.int64)
    off_grid = np.abs(limits - nearest) > ON_LIMIT
    if snap == "exact" and off_grid.any():
        index = int(np.argmax(off_grid.any(axis=1)))
        raise InputError(
            f"Interval {index}, {start_s[index]:g} s to {stop_s[index]:g} s, cuts through bins of "
            f"{activity.bin_size_s:g} s. Choose snap='inside' or 'nearest', or other bins."
        )
    return nearest.astype(np.int64)


def windows_of_bins(
    ranges: NDArray[np.int64],
    activity: BinnedActivity,
    *,
    what: str,
    min_length: Any = None,
    columns: dict[str, NDArray[Any]] | None = None,
    within: Any = None,
) -> Windows:
    """
    Turn ranges of bins into windows, and tell which of them cannot be windows.

    Parameters
    ----------
    ranges : numpy.ndarray of int, shape (n_ranges, 2)
        First bin and one past the last.
    activity : BinnedActivity
        The bins.
    what : str
        What a range stems from, for messages: ``"intervals"``, ``"events"``.
    min_length : quantities.Quantity, optional
        Shorter ranges are left out; by default those without a bin.
    columns : dict of str to numpy.ndarray, shape (n_ranges,), optional
        Columns of the table.
    within : neo.Epoch or array_like, shape (n_stretches, 2), optional
        Stretches of time in one of which a window must lie; the whole segment by default.

    Returns
    -------
    Windows
        The ranges that lie in the recording and are long enough, by start.

    Raises
    ------
    InputError
        If none is left.

    Warns
    -----
    DataLossWarning
        Once, with the number of ranges left out and the reason; once for those that stand twice.
    """
    least = 1
    if min_length is not None:
        length = duration_s(min_length, "min_length")
        least = max(1, int(np.ceil(length / activity.bin_size_s - ON_LIMIT)))
    outside = (ranges[:, 0] < 0) | (ranges[:, 1] > activity.n_bins)
    short = ~outside & (ranges[:, 1] - ranges[:, 0] < least)
    apart = ~outside & ~short & ~lie_within(ranges, bins_of_stretches(within, activity))
    reasons = [
        f"{int(bad.sum())} {why}"
        for bad, why in (
            (outside, f"reach beyond {activity.t_start_s:g} s to {activity.t_stop_s:g} s"),
            (short, f"last less than {least * activity.bin_size_s:g} s in whole bins"),
            (apart, "reach into time that is left out"),
        )
        if bad.any()
    ]
    bad = outside | short | apart
    lost = f"{int(bad.sum())} of {len(ranges)} {what}: {' and '.join(reasons)}"
    kept = np.flatnonzero(~bad)
    if len(kept) == 0:
        detail = f"All {lost}" if reasons else f"There are no {what}"
        raise InputError(f"{detail}; no window is left. Check their times, or use smaller bins.")
    if reasons:
        warnings.warn(f"Left out {lost}.", DataLossWarning, stacklevel=3)
    kept = kept[np.lexsort((ranges[kept, 1], ranges[kept, 0]))]
    n_again = len(kept) - len(np.unique(ranges[kept], axis=0))
    if n_again:
        warnings.warn(
            f"{n_again} of {len(kept)} {what} give a window that another gives too, so that its "
            "spikes count more than once. Leave out what stands twice in the table.",
            DataLossWarning,
            stacklevel=3,
        )
    limits_s = activity.t_start_s + ranges[kept] * activity.bin_size_s
    return Windows(
        start_s=limits_s[:, 0],
        stop_s=limits_s[:, 1],
        segment_index=np.full(len(kept), activity.segment_index),
        columns={name: np.asarray(values)[kept] for name, values in (columns or {}).items()},
    )
