"""A graph of a window as an object of NetworkX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

if TYPE_CHECKING:
    import networkx

    from tavrnn_ephys.core.containers import Nodes

__all__ = ["to_networkx"]


def to_networkx(nodes: Nodes, weights: scipy.sparse.sparray, present: Any) -> networkx.Graph:
    """
    Make a graph of NetworkX, as :meth:`tavrnn_ephys.GraphSequence.to_networkx` describes it.

    Parameters
    ----------
    nodes : Nodes
        All nodes.
    weights : scipy.sparse.sparray, shape (n_nodes, n_nodes)
        Signed weights, symmetric.
    present : numpy.ndarray of bool, shape (n_nodes,), or None
        Which nodes exist; all by default.

    Returns
    -------
    networkx.Graph
        The graph.
    """
    import networkx

    graph = networkx.Graph()
    existing = range(len(nodes.ids)) if present is None else np.flatnonzero(present)
    for index in existing:
        about: dict[str, Any] = {}
        if nodes.groups[index]:
            about["group"] = str(nodes.groups[index])
        if nodes.positions_um is not None:
            about["position_um"] = tuple(map(float, nodes.positions_um[index]))
        graph.add_node(str(nodes.ids[index]), **about)
    edges = scipy.sparse.triu(weights, k=1).tocoo()
    graph.add_weighted_edges_from(
        (str(nodes.ids[row]), str(nodes.ids[column]), float(weight))
        for row, column, weight in zip(edges.row, edges.col, edges.data, strict=True)
    )
    return graph
