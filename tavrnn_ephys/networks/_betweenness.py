"""Betweenness of the nodes of a weighted graph, in a loop compiled by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tavrnn_ephys.core.compiling import compiled

__all__ = ["betweenness"]


def betweenness(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Say which share of shortest paths between others leads through each node [1]_.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n_nodes, n_nodes)
        Symmetric weights of at least three nodes, 0 where there is no edge; the length of an
        edge is 1/weight.

    Returns
    -------
    numpy.ndarray, shape (n_nodes,)
        Normalised by (n − 1)(n − 2)/2 pairs; pairs that are not joined count as 0.

    References
    ----------
    .. [1] Brandes (2001), Journal of Mathematical Sociology 25, 163-177.

    Examples
    --------
    >>> star = np.zeros((4, 4))
    >>> star[0, 1:] = star[1:, 0] = 0.5
    >>> betweenness(star).tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    lengths = csr_array(matrix)
    lengths.data = 1.0 / lengths.data
    distances = dijkstra(lengths)
    order = np.argsort(distances, axis=1, kind="stable")
    through = _through(distances, order, lengths.indptr, lengths.indices, lengths.data)
    n = len(matrix)
    return np.asarray(through / ((n - 1) * (n - 2)))


@compiled
def _through(distances, order, starts, neighbours, lengths):
    """Sum over sources the dependency of each source on each node; every pair counts twice."""
    n = len(distances)
    through = np.zeros(n)
    for source in range(n):
        reached = distances[source]
        n_paths = np.zeros(n)
        n_paths[source] = 1.0
        n_reached = 1
        while n_reached < n and np.isfinite(reached[order[source, n_reached]]):
            node = order[source, n_reached]
            for edge in range(starts[node], starts[node + 1]):
                before = neighbours[edge]
                # Equal to the last bit: distances are the same sums, from the source outwards.
                if reached[before] + lengths[edge] == reached[node]:
                    n_paths[node] += n_paths[before]
            n_reached += 1
        depends = np.zeros(n)
        for place in range(n_reached - 1, 0, -1):
            node = order[source, place]
            through[node] += depends[node]
            # An edge too short to change a distance may leave a node behind without a path.
            if n_paths[node] == 0.0:
                continue
            share = (1.0 + depends[node]) / n_paths[node]
            for edge in range(starts[node], starts[node + 1]):
                before = neighbours[edge]
                if reached[before] + lengths[edge] == reached[node]:
                    depends[before] += n_paths[before] * share
    return through
