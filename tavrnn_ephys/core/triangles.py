"""Symmetric matrices as their upper triangles, and back, to the last bit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_triangle", "triangle"]

# Up to here an index of every entry takes less room than it saves time.
_INDEXED = 2048


def triangle(matrices: NDArray[Any]) -> NDArray[Any]:
    """
    Take the upper triangles of matrices, with their diagonals.

    Parameters
    ----------
    matrices : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Symmetric matrices.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_nodes * (n_nodes + 1) / 2).

    Examples
    --------
    >>> triangle(np.array([[[1, 2], [2, 3]]]))
    array([[1, 2, 3]])
    """
    upper = _upper(matrices.shape[1])
    rows = np.empty((len(matrices), len(upper)), dtype=matrices.dtype)
    for matrix, row in zip(matrices, rows, strict=True):
        # "clip" writes in place: the entries exist, and checking them would buffer the row.
        np.take(matrix.reshape(-1), upper, out=row, mode="clip")
    return rows


@lru_cache(maxsize=1)
def _upper(n_nodes: int) -> NDArray[np.intp]:
    """Positions of the upper triangle in the matrix as it lies in memory."""
    return np.flatnonzero(np.triu(np.ones((n_nodes, n_nodes), dtype=bool)))


def from_triangle(rows: NDArray[Any], n_nodes: int) -> NDArray[Any]:
    """
    Restore the matrices of :func:`triangle`.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n_windows, n_nodes * (n_nodes + 1) / 2)
        Upper triangles.
    n_nodes : int
        Number of nodes.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_nodes, n_nodes).

    Examples
    --------
    >>> from_triangle(np.array([[1, 2, 3]]), 2)
    array([[[1, 2],
            [2, 3]]])
    """
    matrices = np.empty((len(rows), n_nodes, n_nodes), dtype=rows.dtype)
    if n_nodes <= _INDEXED:
        places = _places(n_nodes)
        for row, matrix in zip(rows, matrices, strict=True):
            np.take(row, places, out=matrix, mode="clip")
        return matrices
    first = 0
    for node in range(n_nodes):
        last = first + n_nodes - node
        matrices[:, node, node:] = rows[:, first:last]
        matrices[:, node:, node] = rows[:, first:last]
        first = last
    return matrices


@lru_cache(maxsize=1)
def _places(n_nodes: int) -> NDArray[np.intp]:
    """Where in a triangle each entry of the matrix stands: twice as fast as row by row."""
    upper = np.triu_indices(n_nodes)
    places = np.empty((n_nodes, n_nodes), dtype=np.intp)
    places[upper] = places.T[upper] = np.arange(len(upper[0]))
    return places
