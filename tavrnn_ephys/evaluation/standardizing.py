"""Features of training and test windows in units of what they vary by in training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["spread_of", "standardized"]

# A node that is all but silent in the training windows and fires in a test window would lie
# hundreds of its own standard deviations off, and outweigh every other feature.
_LEAST_SHARE = 0.01


def spread_of(train: NDArray[Any]) -> NDArray[Any]:
    """
    Return what to divide features by.

    Parameters
    ----------
    train : numpy.ndarray, shape (n_windows, n_features)
        Features of training windows.

    Returns
    -------
    numpy.ndarray, shape (n_features,)
        Standard deviation of each feature, at least a hundredth of the root of the mean variance
        of all of them; 1 where nothing varies.

    Examples
    --------
    >>> spread_of(np.array([[1.0, 0.0, 5.0], [3.0, 1e-6, 5.0]])).round(4).tolist()
    [1.0, 0.0058, 0.0058]
    """
    std = train.std(axis=0)
    least = _LEAST_SHARE * np.sqrt(np.mean(np.square(std)))
    return np.maximum(std, least if least > 1e-14 else 1.0)


def standardized(train: NDArray[Any], test: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """
    Centre and scale features by their training windows.

    Parameters
    ----------
    train, test : numpy.ndarray, shape (n_windows, n_features)
        Features.

    Returns
    -------
    tuple of numpy.ndarray
        Both parts, in units of :func:`spread_of`.

    Examples
    --------
    >>> standardized(np.array([[1.0], [3.0]]), np.array([[4.0]]))[1]
    array([[2.]])
    """
    mean, spread = train.mean(axis=0), spread_of(train)
    return (train - mean) / spread, (test - mean) / spread
