"""A graph of a window as an object of NetworkX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from tavrnn_ephys.core.containers._frames import edges_frame

if TYPE_CHECKING:
    import networkx
    import pandas

    from tavrnn_ephys.core.containers.nodes import Nodes
    from tavrnn_ephys.core.containers.windows import Windows

__all__ = ["arrows", "graphs_frame", "matrix_to_networkx", "to_networkx"]


def to_networkx(
    nodes: Nodes, weights: scipy.sparse.sparray, present: Any = None, *, directed: bool = False
) -> networkx.Graph:
    """
    Make a graph of NetworkX, as :meth:`tavrnn_ephys.GraphSequence.to_networkx` describes it.

    Parameters
    ----------
    nodes : Nodes
        All nodes.
    weights : scipy.sparse.sparray, shape (n_nodes, n_nodes)
        Signed weights, symmetric unless directed.
    present : numpy.ndarray of bool, shape (n_nodes,), optional
        Which nodes exist; all by default.
    directed : bool
        Whether an entry is an arrow, from its row to its column.

    Returns
    -------
    networkx.Graph or networkx.DiGraph
        The graph.
    """
    import networkx

    graph = networkx.DiGraph() if directed else networkx.Graph()
    existing = range(len(nodes.ids)) if present is None else np.flatnonzero(present)
    for index in existing:
        about: dict[str, Any] = {}
        if nodes.groups[index]:
            about["group"] = str(nodes.groups[index])
        if nodes.positions_um is not None:
            about["position_um"] = tuple(map(float, nodes.positions_um[index]))
        graph.add_node(str(nodes.ids[index]), **about)
    edges = weights.tocoo() if directed else scipy.sparse.triu(weights, k=1).tocoo()
    graph.add_weighted_edges_from(
        (str(nodes.ids[row]), str(nodes.ids[column]), float(weight))
        for row, column, weight in zip(edges.row, edges.col, edges.data, strict=True)
        if row != column
    )
    return graph


def matrix_to_networkx(nodes: Nodes, weights: Any, *, directed: bool) -> networkx.Graph:
    """
    Make a graph of NetworkX of a whole matrix, every pair of known weight an edge.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Signed weights; NaN where unknown.
    directed : bool
        Whether an entry is an arrow, from its row to its column.

    Returns
    -------
    networkx.Graph or networkx.DiGraph
        The graph.
    """
    matrix = np.asarray(weights, dtype=np.float64)
    row, column = np.nonzero(np.isfinite(matrix))
    known = scipy.sparse.coo_array((matrix[row, column], (row, column)), shape=matrix.shape)
    return to_networkx(nodes, known, directed=directed)


def graphs_frame(
    windows: Windows,
    nodes: Nodes,
    weights: Iterable[scipy.sparse.sparray],
    *,
    directed: bool = False,
) -> pandas.DataFrame:
    """
    Give a row per window and edge.

    Parameters
    ----------
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    weights : iterable of scipy.sparse.sparray, each of shape (n_nodes, n_nodes)
        Signed weights of the edges.
    directed : bool
        Whether an entry is an arrow; else each edge stands once.

    Returns
    -------
    pandas.DataFrame
        ``window_index``, ``start_s``, ``stop_s``, both ends, and ``weight``.
    """
    coordinates = (
        (matrix if directed else scipy.sparse.triu(matrix, k=1)).tocoo() for matrix in weights
    )
    entries = (
        {"row": each.row, "column": each.col, "weight": each.data.astype(np.float64)}
        for each in coordinates
    )
    return edges_frame(windows, nodes, entries, directed=directed)


def arrows(graphs: Any) -> bool:
    """
    Say whether the edges of graphs have a direction.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.

    Returns
    -------
    bool
        Whether an entry leads from its row to its column alone.
    """
    return bool(graphs.directed)
