"""Pairs of nodes: all of them, or evenly chosen ones where there are very many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PAIRS", "node_pairs"]

#: So many weights of a window tell how alike two windows are as well as all of them do.
MOST_PAIRS = 20_000


def node_pairs(
    n_nodes: int, *, directed: bool, most: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    List the pairs of different nodes.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    directed : bool
        Whether both directions of a pair count.
    most : int, optional
        Where there are more pairs, every second, third, … is taken; all by default.

    Returns
    -------
    tuple of numpy.ndarray of int
        First and second node of each pair, row by row.

    Examples
    --------
    >>> node_pairs(3, directed=False)
    (array([0, 0, 1]), array([1, 2, 2]))
    >>> node_pairs(3, directed=True, most=3)
    (array([0, 1, 2]), array([1, 0, 0]))
    """
    if directed:
        rows, columns = np.nonzero(~np.eye(n_nodes, dtype=bool))
    else:
        rows, columns = np.triu_indices(n_nodes, 1)
    every = max(-(-len(rows) // most), 1) if most else 1
    return rows[::every], columns[::every]
