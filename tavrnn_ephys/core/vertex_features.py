"""Features of the vertices of graphs, in memory, or each window's built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.matrix_file import MatrixSequence

__all__ = [
    "Features",
    "FeaturesOnDemand",
    "chosen_features",
    "features_of_first",
    "same_arrays",
    "same_features",
]


class FeaturesOnDemand(MatrixSequence):
    """
    Features of the vertices of every window, in place of an array of them.

    Parameters
    ----------
    features_of : callable
        Gives the features of a window, ``float32``, shape (n_vertices, n_features).
    shape : tuple of int
        (n_windows, n_vertices, n_features).
    windows : numpy.ndarray of int, shape (n_windows,), optional
        Which windows ``features_of`` is asked for; from 0 on by default.
    """

    def __init__(
        self,
        features_of: Callable[[int], NDArray[np.float32]],
        shape: tuple[int, int, int],
        windows: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(shape, np.float32)
        self._features_of = features_of
        self._windows = np.arange(shape[0]) if windows is None else windows

    def matrix(self, index: int) -> NDArray[np.float32]:
        """
        Build the features of a window.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        numpy.ndarray of float32
            Shape (n_vertices, n_features).
        """
        return self._features_of(int(self._windows[index]))

    def at(self, positions: NDArray[np.intp]) -> FeaturesOnDemand:
        """
        Give the features of some windows, built when they are asked for too.

        Parameters
        ----------
        positions : numpy.ndarray of int
            Which.

        Returns
        -------
        FeaturesOnDemand
            The features.
        """
        shape = (len(positions), *self.shape[1:])
        return FeaturesOnDemand(self._features_of, shape, self._windows[positions])

    def of_first(self, n_vertices: int) -> FeaturesOnDemand:
        """
        Give the features of the first vertices, built when they are asked for too.

        Parameters
        ----------
        n_vertices : int
            How many.

        Returns
        -------
        FeaturesOnDemand
            The features.
        """
        features_of, shape = self._features_of, (self.shape[0], n_vertices, self.shape[2])
        return FeaturesOnDemand(
            lambda window: features_of(window)[:n_vertices], shape, self._windows
        )


Features = NDArray[np.float32] | FeaturesOnDemand | None


def chosen_features(features: Features, positions: NDArray[np.intp]) -> Features:
    """
    Take the features of some windows.

    Parameters
    ----------
    features : numpy.ndarray, FeaturesOnDemand or None
        The features.
    positions : numpy.ndarray of int
        Which windows.

    Returns
    -------
    numpy.ndarray, FeaturesOnDemand or None
        Of the same kind.
    """
    if isinstance(features, FeaturesOnDemand):
        return features.at(positions)
    return None if features is None else features[positions]


def features_of_first(features: Features, n_vertices: int) -> Features:
    """
    Take the features of the first vertices.

    Parameters
    ----------
    features : numpy.ndarray, FeaturesOnDemand or None
        The features.
    n_vertices : int
        How many.

    Returns
    -------
    numpy.ndarray, FeaturesOnDemand or None
        Of the same kind.
    """
    if isinstance(features, FeaturesOnDemand):
        return features.of_first(n_vertices)
    return None if features is None else features[:, :n_vertices]


def same_arrays(a: Any, b: Any) -> bool:
    """
    Compare arrays, either of which may be missing.

    Parameters
    ----------
    a, b : numpy.ndarray or None
        The arrays.

    Returns
    -------
    bool
        Whether they hold the same.
    """
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def same_features(a: Features, b: Features) -> bool:
    """
    Compare features, one window after the other.

    Parameters
    ----------
    a, b : numpy.ndarray, FeaturesOnDemand or None
        The features.

    Returns
    -------
    bool
        Whether they hold the same.
    """
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and all(
        np.array_equal(mine, theirs, equal_nan=True) for mine, theirs in zip(a, b, strict=True)
    )
