"""How a graph follows from what is stored of it; writer and reader agree on these rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

__all__ = ["graph_of_edges", "graph_of_weights", "node_features", "strong_weights"]


def strong_weights(weights: NDArray[Any], weakest: float) -> NDArray[np.float32]:
    """
    Keep the connections that are at least as strong as a limit.

    Parameters
    ----------
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Connectivity of a window.
    weakest : float
        The limit.

    Returns
    -------
    numpy.ndarray
        Weights in single precision; zero where there is no edge.
    """
    kept = np.nan_to_num(weights.astype(np.float32), nan=0.0)
    np.fill_diagonal(kept, 0.0)
    kept[np.abs(kept) < np.float32(weakest)] = 0.0
    return kept


def graph_of_edges(
    first: NDArray[Any],
    second: NDArray[Any],
    weights: NDArray[Any],
    n_nodes: int,
    *,
    directed: bool = False,
) -> scipy.sparse.csr_array:
    """
    Restore a graph from its edges.

    Parameters
    ----------
    first, second : numpy.ndarray of int, shape (n_edges,)
        Ends of the edges.
    weights : numpy.ndarray, shape (n_edges,)
        Their weights.
    n_nodes : int
        Number of nodes.
    directed : bool
        Whether an edge leads from its first end to its second alone.

    Returns
    -------
    scipy.sparse.csr_array
        Symmetric unless directed, shape (n_nodes, n_nodes).
    """
    rows, columns, values = first, second, weights
    if not directed:
        rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
        values = np.concatenate([weights, weights])
    graph = scipy.sparse.csr_array((values, (rows, columns)), shape=(n_nodes, n_nodes))
    graph.sort_indices()
    return graph


def graph_of_weights(weights: NDArray[Any]) -> scipy.sparse.csr_array:
    """
    Restore a graph from a matrix.

    Parameters
    ----------
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Weights, zero where there is no edge.

    Returns
    -------
    scipy.sparse.csr_array
        The graph.
    """
    return scipy.sparse.csr_array(weights)


def node_features(
    weights: NDArray[Any], history_node: bool, diagonal: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """
    Derive the features of vertices from weights: their absolute values, node by node.

    Parameters
    ----------
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Weights of a window; NaN counts as zero.
    history_node : bool
        Whether there is a history node, which is joined to all with weight 1.
    diagonal : numpy.ndarray, shape (n_nodes,), optional
        What stands on the diagonal; that of the weights by default.

    Returns
    -------
    numpy.ndarray of float32
        Shape (n_vertices, n_vertices).
    """
    n_nodes = len(weights)
    features = np.ones((n_nodes + int(history_node),) * 2, dtype=np.float32)
    features[:n_nodes, :n_nodes] = np.abs(np.nan_to_num(weights, nan=0.0))
    if diagonal is not None:
        np.fill_diagonal(features[:n_nodes, :n_nodes], diagonal)
    return features
