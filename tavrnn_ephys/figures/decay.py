"""
Attention by distance in the past, less the decay that windows share.

One rule for all pictures: attention that only decays is the same for every recording, and no
picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["attention_by_lag", "beyond_decay", "departs"]

# A smaller departure is the same decay in every window: the first windows of a filter depart by
# some thousandths until it has settled.
_LEAST_DEPARTURE = 1e-2
# Share of the decay that has to lie behind a window before it can depart from it; or windows behind
# which a filter has settled, where attention reaches back without end.
_LEAST_REACH, _SETTLED = 0.99, 40
# The median over windows is their decay, where it holds this share of attention: one that departs
# does not move it.  Where less is alike, as in attention by content, the mean is.
_MOST_ALIKE = 0.9


def attention_by_lag(
    attention: NDArray[np.float64],
    shown: NDArray[np.intp] | None = None,
    n_lags: int | None = None,
) -> NDArray[np.float64]:
    """
    Turn attention to windows into attention to distances in the past.

    Parameters
    ----------
    attention : numpy.ndarray, shape (n_windows, n_windows)
        Of each window to itself and to those before it.
    shown : numpy.ndarray of int, shape (n_shown,), optional
        Windows that are wanted; all by default.
    n_lags : int, optional
        Number of distances; as many as windows by default.

    Returns
    -------
    numpy.ndarray
        Shape (n_shown, n_lags), NaN before the first window.

    Examples
    --------
    >>> attention_by_lag(np.array([[1.0, 0.0], [0.25, 0.75]]))
    array([[1.  ,  nan],
           [0.75, 0.25]])
    """
    rows = np.arange(len(attention)) if shown is None else shown
    behind = rows[:, np.newaxis] - np.arange(min(n_lags or len(attention), len(attention)))
    found = attention[rows[:, np.newaxis], np.maximum(behind, 0)]
    return np.where(behind >= 0, found, np.nan)


def beyond_decay(by_lag: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Take the decay that windows share off the attention at each distance in the past.

    Parameters
    ----------
    by_lag : numpy.ndarray, shape (n_shown, n_lags)
        Attention by distance, NaN before the first window.

    Returns
    -------
    numpy.ndarray
        Shape (n_shown, n_lags); zero where attention is one decay that all windows share, and
        for the first windows, which have too few before them to show it.

    Examples
    --------
    >>> beyond_decay(np.array([[1.0, np.nan], [0.75, 0.25], [0.75, 0.25]]))
    array([[ 0., nan],
           [ 0.,  0.],
           [ 0.,  0.]])
    """
    known = np.isfinite(by_lag)
    values = np.where(known, by_lag, 0.0)
    # Early windows share their attention among few: the decay is that of the later half.
    late = known & (np.arange(len(known))[:, np.newaxis] >= len(known) // 2)
    columns = [column[here] for column, here in zip(values.T, late.T, strict=True)]
    decay, mean = (
        np.array([of(column) if len(column) else 0.0 for column in columns])
        for of in (np.median, np.mean)
    )
    if decay.sum() < _MOST_ALIKE * mean.sum():
        decay = mean
    shared = np.where(known, decay, 0.0)
    shared *= values.sum(axis=1, keepdims=True) / np.maximum(
        shared.sum(axis=1, keepdims=True), 1e-12
    )
    reach = np.cumsum(decay) >= _LEAST_REACH * decay.sum()
    n_known = known.sum(axis=1)
    has_past = reach[np.maximum(n_known - 1, 0)] | (n_known > _SETTLED)
    rest = np.where(has_past[:, np.newaxis], values - shared, 0.0)
    return np.asarray(np.where(known, rest, np.nan))


def departs(rest: NDArray[np.float64]) -> bool:
    """
    Say whether attention is more than one decay that is the same for every window.

    Parameters
    ----------
    rest : numpy.ndarray, shape (n_shown, n_lags)
        What :func:`beyond_decay` leaves.

    Returns
    -------
    bool
        False where no window departs from the mean decay by a hundredth.

    Examples
    --------
    >>> departs(np.array([[0.0, np.nan], [0.005, -0.005]]))
    False
    """
    return bool(np.nanmax(np.abs(rest)) >= _LEAST_DEPARTURE)
