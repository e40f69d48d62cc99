"""
How long a sample or a label holds: one rule for means, majorities and runs.

A sample holds until the next one, or, behind a pause in the samples, for their usual distance.
Time that no sample holds is unknown.  Intervals that overlap count once.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError

__all__ = [
    "covered_s",
    "held_until_s",
    "in_order_of_time",
    "known_intervals",
    "merged_intervals",
    "usual_interval_s",
    "window_means",
]

# A pause this many times the usual distance of samples ends a run: the signal was lost.
_PAUSE = 1.5
# Sample times are decimal text, or multiples of a rate: this far off, in samples, is rounding.
_ROUNDING = 1e-6
# A lone sample has no distance to hold for; it counts where it stands.
_INSTANT_S = 1e-6


def in_order_of_time(
    times_s: Any, values: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """
    Put samples into the order of their times; those without a time are left out.

    Parameters
    ----------
    times_s : array_like, shape (n_samples,)
        Sample times in seconds.
    values : numpy.ndarray, shape (n_samples, …)
        The samples.

    Returns
    -------
    times_s : numpy.ndarray
        Ascending times.
    values : numpy.ndarray
        Their samples.

    Raises
    ------
    InputError
        If the lengths differ.

    Examples
    --------
    >>> in_order_of_time([2.0, 0.0, 1.0], np.array([5, 3, 4]))
    (array([0., 1., 2.]), array([3, 4, 5]))
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or len(values) != len(times):
        raise InputError(f"{len(values)} samples stand for times of shape {times.shape}.")
    known = np.isfinite(times)
    if not known.all():
        times, values = times[known], values[known]
    if np.all(times[1:] >= times[:-1]):
        return times, values
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def usual_interval_s(times_s: NDArray[np.float64]) -> float:
    """
    Return the usual distance of samples: the median, of two middle ones the shorter.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_samples,)
        Ascending times in seconds.

    Returns
    -------
    float
        Seconds; NaN where no two samples differ in time.
    """
    between = np.diff(times_s)
    between = between[between > 0]
    if len(between) == 0:
        return float("nan")
    return float(np.partition(between, (len(between) - 1) // 2)[(len(between) - 1) // 2])


def held_until_s(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Say until when each sample holds.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_samples,)
        Ascending times in seconds.

    Returns
    -------
    numpy.ndarray
        Seconds, shape (n_samples,): the time of the next sample; behind the last one, and where
        the next is more than 1.5 usual distances away, one usual distance later.

    Examples
    --------
    >>> held_until_s(np.array([0.0, 1.0, 2.0, 9.0]))
    array([ 1.,  2.,  3., 10.])
    """
    usual = usual_interval_s(times_s)
    if np.isnan(usual):
        return times_s + _INSTANT_S
    between = np.append(np.diff(times_s), usual)
    paused = between > _PAUSE * usual
    return np.where(paused, times_s + usual, times_s + between)


def window_means(
    windows: Windows, times_s: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Average a signal over the time of each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Sample times in seconds, in any order.
    values : numpy.ndarray, shape (n_samples,)
        One value per sample; NaN values are left out.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,); NaN for a window in which no sample holds.

    Notes
    -----
    A sample holds until the next one, at most 1.5 usual distances of samples, else one; each
    counts by the part of the window in which it holds.  Where a window consists of whole
    samples at a fixed rate, that is the mean of its samples.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    >>> window_means(windows, np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    array([2., 5.])
    """
    times, samples = in_order_of_time(times_s, np.asarray(values, dtype=np.float64))
    if len(times) == 0:
        return np.full(len(windows), np.nan)
    usual = usual_interval_s(times)
    unit_s = _INSTANT_S if np.isnan(usual) else usual
    held = (held_until_s(times) - times) / unit_s
    # At a fixed rate each sample weighs exactly 1, and sums of whole numbers stay whole.
    held = np.where(np.abs(held - 1.0) < _ROUNDING, 1.0, held)
    known = np.isfinite(samples)
    weight = np.where(known, held, 0.0)
    total = _between(windows, times, held * unit_s, weight * np.where(known, samples, 0.0))
    time = _between(windows, times, held * unit_s, weight)
    means = np.full(len(windows), np.nan)
    filled = time > _ROUNDING
    means[filled] = total[filled] / time[filled]
    return means


def _between(
    windows: Windows,
    start_s: NDArray[np.float64],
    length_s: NDArray[np.float64],
    amount: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum what intervals in order of time hold, spread evenly over each, inside the windows."""
    sums = np.concatenate([[0.0], np.cumsum(amount)])

    def before(limits: NDArray[Any]) -> NDArray[np.float64]:
        # A sample on a limit belongs to the window that starts there, whatever the last bit says.
        index = np.searchsorted(start_s, limits + 1e-9, side="right") - 1
        inside = index >= 0
        index = np.maximum(index, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.clip((limits - start_s[index]) / length_s[index], 0.0, 1.0)
        part = np.where(length_s[index] > 0, part, 1.0)
        part = np.where(part < _ROUNDING, 0.0, np.where(part > 1 - _ROUNDING, 1.0, part))
        return np.where(inside, sums[index] + part * amount[index], 0.0)

    return before(windows.stop_s) - before(windows.start_s)


def known_intervals(start_s: Any, stop_s: Any, what: str) -> NDArray[np.int64]:
    """
    Find the intervals that have a start, a stop, and a length of at least 0.

    Parameters
    ----------
    start_s, stop_s : array_like, shape (n_intervals,)
        Limits in seconds.
    what : str
        What they are, for the warning: ``"intervals of the epoch 'trials'"``.

    Returns
    -------
    numpy.ndarray of int
        Positions of those that are whole.

    Warns
    -----
    DataLossWarning
        If intervals are left out, such as trials that were broken off.

    Examples
    --------
    >>> known_intervals([0.0, 4.0], [3.0, 9.0], "intervals of the epoch 'trials'")
    array([0, 1])
    """
    start, stop = np.asarray(start_s, dtype=np.float64), np.asarray(stop_s, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(start) & np.isfinite(stop) & (stop >= start)
    if not whole.all():
        warnings.warn(
            f"Left out {int((~whole).sum())} of {len(whole)} {what}: a start or stop time is "
            "missing, or lies before the start.",
            DataLossWarning,
            stacklevel=3,
        )
    return np.flatnonzero(whole)


def merged_intervals(
    start_s: NDArray[Any], stop_s: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Join intervals that overlap or touch, so that no time counts twice.

    Parameters
    ----------
    start_s, stop_s : numpy.ndarray, shape (n_intervals,)
        Finite limits in seconds.

    Returns
    -------
    start_s, stop_s : numpy.ndarray
        Limits of the joined intervals, ascending.

    Examples
    --------
    >>> merged_intervals(np.array([0.0, 1.0, 5.0]), np.array([2.0, 3.0, 6.0]))
    (array([0., 5.]), array([3., 6.]))
    """
    order = np.argsort(start_s, kind="stable")
    start = np.asarray(start_s, dtype=np.float64)[order]
    stop = np.maximum.accumulate(np.asarray(stop_s, dtype=np.float64)[order])
    if len(start) == 0:
        return start, stop
    first = np.append(True, start[1:] > stop[:-1])
    last = np.append(first[1:], True)
    return start[first], stop[last]


def covered_s(windows: Windows, start_s: NDArray[Any], stop_s: NDArray[Any]) -> NDArray[np.float64]:
    """
    Say how much of each window intervals cover.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : numpy.ndarray, shape (n_intervals,)
        Limits in seconds; intervals that overlap count twice, unless they are merged before.

    Returns
    -------
    numpy.ndarray
        Seconds, shape (n_windows,).
    """
    start, stop = np.sort(start_s), np.sort(stop_s)

    def before(times: NDArray[Any]) -> NDArray[np.float64]:
        """Time covered up to an instant: each interval has begun so long ago, less its end."""
        total = np.zeros(len(times))
        for limits, sign in ((start, 1.0), (stop, -1.0)):
            n_past = np.searchsorted(limits, times)
            sums = np.concatenate([[0.0], np.cumsum(limits)])
            total += sign * (n_past * times - sums[n_past])
        return total

    return before(windows.stop_s) - before(windows.start_s)
