"""One value per window of angles, of labels, of events."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.activity.windows.holding import covered_s, merged_intervals
from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.containers import Windows

__all__ = ["LEAST_SHARE", "window_circular_means", "window_majorities", "window_rates"]

#: A label names a window only where it covers at least this share of it.
LEAST_SHARE = 0.25


def window_circular_means(
    windows: Windows, times_s: NDArray[Any], angles: NDArray[Any], *, period: float = 2 * np.pi
) -> NDArray[np.float64]:
    """
    Average angles in each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Sample times in seconds.
    angles : numpy.ndarray, shape (n_samples,)
        Angles; NaN values are left out.
    period : float
        Full turn in the unit of the angles.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in [0, period); NaN for a window without a sample, or whose samples
        cancel out.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0], stop_s=[2.0])
    >>> window_circular_means(windows, np.array([0, 1]), np.array([350.0, 20.0]), period=360)
    array([5.])
    """
    turn = 2j * np.pi * np.asarray(angles, dtype=np.float64) / positive_number(period, "period")
    unit = np.exp(turn)
    parts = [window_means(windows, np.asarray(times_s), part) for part in (unit.real, unit.imag)]
    mean = parts[0] + 1j * parts[1]
    means = np.round(np.mod(np.angle(mean) / (2 * np.pi) * period, period), 12)
    # A mean a rounding below zero is zero, not a full turn.
    means = np.where(means >= period, 0.0, means)
    return np.where(np.abs(mean) > 1e-9, means, np.nan)


def window_rates(windows: Windows, times_s: Any) -> NDArray[np.float64]:
    """
    Count events per second of each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : array_like, shape (n_events,)
        Times of the events in seconds.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in 1/s.

    Examples
    --------
    >>> window_rates(Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]), [0.5, 2.0, 3.0])
    array([0.5, 1. ])
    """
    times = np.asarray(times_s, dtype=np.float64)
    times = np.sort(times[np.isfinite(times)])
    first = np.searchsorted(times, windows.start_s - 1e-9)
    last = np.searchsorted(times, windows.stop_s - 1e-9)
    return np.asarray((last - first) / (windows.stop_s - windows.start_s))


def window_majorities(
    windows: Windows, start_s: Any, stop_s: Any, labels: Any, *, least_share: float = LEAST_SHARE
) -> NDArray[np.str_]:
    """
    Find the label that covers most of each window; time without a label is a candidate too.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : array_like, shape (n_intervals,)
        Limits of labelled intervals in seconds; those of one label that overlap count once.
    labels : array_like of str, shape (n_intervals,)
        Their labels; an empty text is none.
    least_share : float
        Smallest share of a window that a label must cover to name it.

    Returns
    -------
    numpy.ndarray of str
        Shape (n_windows,); empty where no label covers the least share, or where more of the
        window has no label than has this one.  Of labels that cover equally much, the first in
        the alphabet.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 4.0, 8.0], stop_s=[4.0, 8.0, 12.0])
    >>> window_majorities(windows, [0.0, 3.0, 8.0], [3.0, 7.0, 8.1], ["rest", "play", "rest"])
    array(['rest', 'play', ''], dtype='<U4')
    """
    labels = np.asarray(labels, dtype=str)
    names = np.array([name for name in np.unique(labels) if name], dtype=str)
    if len(names) == 0:
        return np.full(len(windows), "", dtype=str)
    start, stop = np.asarray(start_s, dtype=np.float64), np.asarray(stop_s, dtype=np.float64)
    length_s = windows.stop_s - windows.start_s
    covered = np.stack(
        [
            covered_s(windows, *merged_intervals(start[labels == name], stop[labels == name]))
            for name in names
        ],
        axis=1,
    )
    named = labels != ""
    bare_s = length_s - covered_s(windows, *merged_intervals(start[named], stop[named]))
    most_s, slack_s = covered.max(axis=1), 1e-9 + 1e-9 * length_s
    kept = (most_s > slack_s) & (most_s >= bare_s - slack_s)
    kept &= most_s >= least_share * length_s - slack_s
    # Equal to rounding is equal: the alphabet decides.
    best = (covered >= most_s[:, np.newaxis] - slack_s[:, np.newaxis]).argmax(axis=1)
    return np.where(kept, names[best], "")
