"""Features of training and test windows in units of what they vary by in training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["rotated", "spread_of", "standardized"]

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


def rotated(train: NDArray[Any], test: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """
    Rotate features into the span of the training windows, where they outnumber those.

    Parameters
    ----------
    train, test : numpy.ndarray, shape (n_windows, n_features)
        Features.

    Returns
    -------
    tuple of numpy.ndarray
        Both parts in double precision, of at most as many features as training windows.

    Notes
    -----
    A ridge penalty does not see rotations, and directions outside the span get no weight: a
    model that is penalised so stays the same.  Distances between a test window and training
    windows differ by a constant of the test window alone: its nearest ones stay the nearest.

    Examples
    --------
    >>> train, test = rotated(np.array([[3.0, 4.0]]), np.array([[6.0, 8.0]]))
    >>> np.abs(train), np.abs(test)
    (array([[5.]]), array([[10.]]))
    """
    train, test = (np.asarray(part, dtype=np.float64) for part in (train, test))
    if train.shape[1] > train.shape[0]:
        _, _, directions = np.linalg.svd(train, full_matrices=False)
        train, test = train @ directions.T, test @ directions.T
    return train, test
