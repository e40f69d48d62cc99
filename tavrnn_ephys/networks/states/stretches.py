"""Stretches of windows that follow one another, and the stays in a state inside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Windows

__all__ = ["stay_starts", "stretch_lengths"]

# The next window begins later than after so many usual steps: what lies between is not known.
_GAP_STEPS = 3.0
# Limits of windows are whole bins in double precision: a sliver is no time.
_SLIVER_S = 1e-6


def stretch_lengths(windows: Windows) -> list[int]:
    """
    Count the windows of each stretch without a gap.

    Parameters
    ----------
    windows : Windows
        Windows in order of time.

    Returns
    -------
    list of int
        Their numbers, which add up to that of all windows.  A stretch ends with its segment, and
        where the next window begins later than three usual steps.  Windows that were laid on
        trials, events or runs, and so have a label, end a stretch wherever time lies between them:
        a state is not carried over from one trial to the next.

    Examples
    --------
    >>> starts = np.array([0.0, 1.0, 2.0, 9.0, 10.0])
    >>> stretch_lengths(Windows(start_s=starts, stop_s=starts + 1))
    [3, 2]
    >>> trials = Windows(start_s=[0, 4, 7], stop_s=[3, 7, 9], columns={"label": ["a", "b", "a"]})
    >>> stretch_lengths(trials)
    [1, 2]
    """
    steps = np.diff(windows.start_s)
    usual = float(np.median(steps)) if len(steps) else 0.0
    broken = (steps > _GAP_STEPS * usual) | (np.diff(windows.segment_index) != 0)
    if "label" in windows.columns:
        broken |= windows.start_s[1:] - windows.stop_s[:-1] > _SLIVER_S
    limits = np.concatenate([[0], np.flatnonzero(broken) + 1, [len(windows)]])
    lengths: list[int] = np.diff(limits).tolist()
    return lengths


def stay_starts(labels: NDArray[np.int64], lengths: list[int]) -> NDArray[np.int64]:
    """
    Find the windows with which stays in a state begin.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (n_windows,)
        State of each window.
    lengths : list of int
        Windows of each stretch; a stay ends with its stretch.

    Returns
    -------
    numpy.ndarray of int
        Their positions, ascending.

    Examples
    --------
    >>> stay_starts(np.array([0, 0, 1, 1, 1]), [4, 1]).tolist()
    [0, 2, 4]
    """
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    changes = np.flatnonzero(np.diff(labels)) + 1
    return np.union1d(begins, changes)
