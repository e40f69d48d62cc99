"""Graphs of a run as a table, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.adapters.nwb._run_columns import Column, Wrap, stored_columns
from tavrnn_ephys.adapters.nwb._run_matrices import is_mirrored, window_table
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graphs_on_demand import GraphsOnDemand, dense_weights, entries_of
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.core.triangles import triangle

__all__ = [
    "graph_of_edges",
    "graph_of_weights",
    "graphs_table",
    "node_features",
    "strong_weights",
]

# Beyond this share of the pairs a list of edges takes more room than a matrix.
_DENSE = 0.25
# Rows of a column that NWB's inspector looks at.
_INSPECTED = 200


def graphs_table(
    results: Results, run: str, windows: Any, nodes: Any, wrap: Wrap, *, with_weights: bool
) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of graphs.

    Parameters
    ----------
    results : Results
        Results with graphs.
    run : str
        Name of the run.
    windows, nodes : hdmf.common.DynamicTable
        The tables of windows and nodes.
    wrap : callable
        Marks an array for chunked storage.
    with_weights : bool
        Whether the connectivity stands in the file, so that dense graphs can refer to it.

    Returns
    -------
    table : hdmf.common.DynamicTable
        One row per window.
    notes : dict of str to object
        How the columns are to be read back.

    Raises
    ------
    InputError
        If a graph is directed.
    """
    graphs = results.graphs
    _require_symmetric(graphs)
    connectivity = results.connectivity if with_weights else None
    ragged, columns, rule = _edge_columns(graphs, nodes, connectivity)
    if graphs.node_mask is not None:
        columns.append(
            Column(
                name="node_exists",
                text="Whether each node exists in the window; units can be lost and found.",
                values=graphs.node_mask,
            )
        )
    features, feature_columns = _feature_columns(graphs, connectivity)
    stored, notes = stored_columns("graphs", [*columns, *feature_columns], wrap)
    notes |= {
        "graphs.edges": rule,
        "graphs.features": features,
        "graphs.history_node": graphs.history_node,
    }
    table = window_table(
        table_name(run, "graphs"),
        f"Undirected graph of each window over the nodes of '{table_name(run, 'nodes')}': "
        f"{_RULES[rule]} One row per window of '{table_name(run, 'windows')}'.",
        stored,
        windows,
        ragged,
    )
    return table, notes


_RULES = {
    "list": "its edges with their signed weights.",
    "matrix": "the signed weights of its edges.",
    "strong": "an edge joins two nodes whose connectivity is not zero and at least as strong as "
    "the weakest edge of the window.",
    "none": "it has no edge.",
}


def _require_symmetric(graphs: Any) -> None:
    in_file = isinstance(graphs.weights, GraphsOnDemand)
    for index in range(len(graphs)):
        same = (
            is_mirrored(graphs.weights.dense(index))
            if in_file
            else _is_undirected(graphs.weights[index])
        )
        if not same:
            raise InputError(
                f"Graph {index} is directed, has a diagonal, or its entries are not sorted; "
                "undirected graphs can be stored. Build it with build_graphs."
            )


def _is_undirected(matrix: Any) -> bool:
    mirrored = matrix.T.tocsr()
    mirrored.sort_indices()
    return bool(
        matrix.has_canonical_format
        and np.array_equal(matrix.indptr, mirrored.indptr)
        and np.array_equal(matrix.indices, mirrored.indices)
        and np.array_equal(matrix.data, mirrored.data, equal_nan=True)
        and not matrix.diagonal().any()
    )


def _has_zeros(graphs: Any) -> bool:
    """Whether an entry is stored that says nothing; graphs built from matrices have none."""
    in_file = isinstance(graphs.weights, GraphsOnDemand)
    return not in_file and any((matrix.data == 0).any() for matrix in graphs.weights)


def _edge_columns(
    graphs: Any, nodes: Any, connectivity: ConnectivitySequence | None
) -> tuple[list[Any], list[Column], str]:
    n_edges = int(entries_of(graphs.weights).sum()) // 2
    if n_edges == 0:
        return [], [], "none"
    n_nodes = graphs.n_nodes
    share = n_edges / max(len(graphs) * n_nodes * (n_nodes - 1) // 2, 1)
    if share > _DENSE and not _has_zeros(graphs):
        weakest = None if connectivity is None else _weakest_edges(graphs, connectivity)
        if weakest is not None:
            return [], [_weakest_column(weakest)], "strong"
        return [], [_matrix_column(graphs)], "matrix"
    return _edge_list(graphs, nodes), [], "list"


def _weakest_column(weakest: NDArray[np.float32]) -> Column:
    return Column(
        name="weakest_edge",
        text="Absolute weight of the weakest edge of the window; every connection that is at "
        "least as strong, compared in single precision, is an edge. Infinite where there is "
        "no edge.",
        values=weakest,
    )


def _weakest_edges(graphs: Any, connectivity: ConnectivitySequence) -> NDArray[np.float32] | None:
    """Give the limit above which every connection is an edge; None where no limit tells them."""
    weakest = np.full(len(graphs), np.inf, dtype=np.float32)
    for index, weights in enumerate(connectivity.weights):
        edges = dense_weights(graphs.weights, index)
        if edges.dtype != np.float32:
            return None
        strengths = np.abs(edges[edges != 0])
        if len(strengths):
            weakest[index] = strengths.min()
        if not np.array_equal(edges, strong_weights(weights, weakest[index])):
            return None
    return weakest


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


def _matrix_column(graphs: Any) -> Column:
    n_nodes = graphs.n_nodes
    return Column(
        name="edge_weights_upper",
        text="Upper triangle of the signed weights of the edges of the window, 0 where there is "
        f"no edge: row by row with the diagonal, as numpy.triu_indices({n_nodes}) counts.",
        values=np.concatenate(
            [triangle(matrix.toarray()[np.newaxis]) for matrix in graphs.weights]
        ),
        chunks=(1, n_nodes * (n_nodes + 1) // 2),
    )


def _edge_list(graphs: Any, nodes: Any) -> list[Any]:
    from hdmf.common import DynamicTableRegion, VectorData, VectorIndex

    upper = [scipy.sparse.triu(matrix, k=1).tocoo() for matrix in graphs.weights]
    stops = np.cumsum([edges.nnz for edges in upper])
    first, second = not_like_booleans(
        np.concatenate([edges.row for edges in upper]).astype(np.int32),
        np.concatenate([edges.col for edges in upper]).astype(np.int32),
    )
    columns: list[Any] = []
    for name, ends, which in (("edge_from", first, "first"), ("edge_to", second, "second")):
        columns.append(
            DynamicTableRegion(
                name=name,
                description=f"The {which} node of each edge of the window.",
                data=ends,
                table=nodes,
            )
        )
    columns.append(
        VectorData(
            name="edge_weight",
            description="Signed weight of each edge of the window, unitless for correlations.",
            data=np.concatenate([edges.data for edges in upper]),
        )
    )
    return [
        VectorIndex(name=f"{column.name}_index", data=stops.astype(np.int64), target=column)
        for column in columns
    ]


def graph_of_edges(
    first: NDArray[Any], second: NDArray[Any], weights: NDArray[Any], n_nodes: int
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

    Returns
    -------
    scipy.sparse.csr_array
        Symmetric, shape (n_nodes, n_nodes).
    """
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


def not_like_booleans(
    first: NDArray[np.int32], second: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """
    Turn one edge round where positions would be taken for truth values.

    The inspector looks at the beginning of a column, and wants zeros and ones as booleans.  Where
    the first edges all leave nodes 0 and 1, one that leaves node 1 is written from its other end;
    graphs are undirected.

    Parameters
    ----------
    first, second : numpy.ndarray of int, shape (n_edges,)
        Ends of the edges, the lower position first.

    Returns
    -------
    tuple of numpy.ndarray
        The same edges.
    """
    if set(first[:_INSPECTED].tolist()) == {0, 1}:
        turned = int(np.argmax(first == 1))
        first, second = first.copy(), second.copy()
        first[turned], second[turned] = second[turned], first[turned]
    return first, second


def _feature_columns(
    graphs: Any, connectivity: ConnectivitySequence | None
) -> tuple[str, list[Column]]:
    """Store features of vertices only where the weights do not tell them."""
    features = graphs.features
    if features is None:
        return "identity", []
    n_nodes, diagonal = graphs.n_nodes, None
    if features.shape[2] == graphs.n_vertices:
        if connectivity is not None and _follow(graphs, lambda t: connectivity.weights[t]):
            return "connectivity", []
        diagonal = np.stack([np.diagonal(rows)[:n_nodes] for rows in features])
        if _follow(graphs, lambda t: dense_weights(graphs.weights, t), diagonal):
            return "edges", [
                Column(
                    name="own_feature",
                    text="What stands on the diagonal of the features of the vertices, which are "
                    "otherwise the absolute weights of the edges.",
                    values=diagonal,
                )
            ]
    return "stored", [
        Column(
            name="vertex_features",
            text=f"Features of each vertex of the graph: {graphs.n_vertices} vertices, the "
            f"{n_nodes} nodes and where it exists the history node, x {features.shape[2]} "
            "features.",
            values=np.asarray(features),
            chunks=(1, *features.shape[1:]),
        )
    ]


def _follow(
    graphs: Any,
    matrix: Callable[[int], NDArray[Any]],
    diagonal: NDArray[np.float32] | None = None,
) -> bool:
    return all(
        np.array_equal(
            features,
            node_features(
                matrix(index), graphs.history_node, None if diagonal is None else diagonal[index]
            ),
        )
        for index, features in enumerate(graphs.features)
    )


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
