"""Stretches of time that are there: between gaps, inside limits, without what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows.holding import merged_intervals
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import InputError

__all__ = ["ON_LIMIT", "bins_of_stretches", "lie_within", "shared_time", "without_time"]

#: Limits come from decimal text; this far from a limit of bins, in bins, they stand on it.
ON_LIMIT = 1e-4


def shared_time(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Intersect stretches of time.

    Parameters
    ----------
    one, two : numpy.ndarray, shape (n_stretches, 2)
        Starts and stops in seconds.

    Returns
    -------
    numpy.ndarray, shape (n_shared, 2)
        The time that both cover, in order and without overlap.

    Examples
    --------
    >>> shared_time(np.array([[0.0, 5.0], [6.0, 9.0]]), np.array([[4.0, 7.0]]))
    array([[4., 5.],
           [6., 7.]])
    """
    first, second = _merged(one), _merged(two)
    start = np.maximum(first[:, None, 0], second[None, :, 0])
    stop = np.minimum(first[:, None, 1], second[None, :, 1])
    return np.column_stack([start[stop > start], stop[stop > start]])


def without_time(stretches: NDArray[np.float64], cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Take stretches of time out of others.

    Parameters
    ----------
    stretches, cut : numpy.ndarray, shape (n_stretches, 2)
        Starts and stops in seconds; of the second what is taken out.

    Returns
    -------
    numpy.ndarray, shape (n_left, 2)
        What is left, in order and without overlap.

    Examples
    --------
    >>> without_time(np.array([[0.0, 9.0]]), np.array([[2.0, 3.0], [3.0, 4.0]]))
    array([[0., 2.],
           [4., 9.]])
    """
    gone = _merged(cut)
    starts = np.concatenate([[-np.inf], gone[:, 1]])
    stops = np.concatenate([gone[:, 0], [np.inf]])
    return shared_time(stretches, np.column_stack([starts, stops]))


def bins_of_stretches(within: Any, activity: BinnedActivity) -> NDArray[np.int64]:
    """
    Find the bins that lie in each stretch as a whole.

    Parameters
    ----------
    within : neo.Epoch, array_like of shape (n_stretches, 2), or None
        Stretches of time; None for the whole segment.
    activity : BinnedActivity
        The bins.

    Returns
    -------
    numpy.ndarray of int, shape (n_stretches, 2)
        First bin and one past the last of each stretch that holds a bin, in order.

    Raises
    ------
    InputError
        If they are no intervals of time.
    """
    if within is None:
        return np.array([[0, activity.n_bins]])
    limits = (_merged(_intervals(within)) - activity.t_start_s) / activity.bin_size_s
    limits = np.clip(limits, 0, activity.n_bins)
    first, last = np.ceil(limits[:, 0] - ON_LIMIT), np.floor(limits[:, 1] + ON_LIMIT)
    found = np.column_stack([first, last]).astype(np.int64)
    return found[found[:, 1] > found[:, 0]]


def lie_within(ranges: NDArray[np.int64], stretches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """
    Say which ranges of bins lie in one stretch as a whole.

    Parameters
    ----------
    ranges : numpy.ndarray of int, shape (n_ranges, 2)
        First bin and one past the last.
    stretches : numpy.ndarray of int, shape (n_stretches, 2)
        The same of stretches, in order and without overlap.

    Returns
    -------
    numpy.ndarray of bool, shape (n_ranges,)
        True for those that do.
    """
    if len(stretches) == 0:
        return np.zeros(len(ranges), dtype=bool)
    index = np.searchsorted(stretches[:, 0], ranges[:, 0], side="right") - 1
    inside = stretches[np.maximum(index, 0)]
    return (index >= 0) & (ranges[:, 0] >= inside[:, 0]) & (ranges[:, 1] <= inside[:, 1])


def _intervals(within: Any) -> NDArray[np.float64]:
    if hasattr(within, "durations"):
        start = np.asarray(within.times.rescale("s").magnitude, dtype=np.float64)
        length = np.asarray(within.durations.rescale("s").magnitude, dtype=np.float64)
        return np.column_stack([start, start + length])
    try:
        seconds = within.rescale("s").magnitude if hasattr(within, "rescale") else within
        found = np.asarray(seconds, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 2 or found.shape[1] != 2:
        raise InputError(
            "within must be a neo.Epoch or starts and stops in seconds, shape (n_stretches, 2), "
            f"got {within!r:.60}."
        )
    return found


def _merged(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(intervals).any(axis=1) & (intervals[:, 1] > intervals[:, 0])
    return np.column_stack(merged_intervals(intervals[known, 0], intervals[known, 1]))
