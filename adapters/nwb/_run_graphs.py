"""Graphs of a run as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import FIRST_ROWS
from tavrnn_ephys.adapters.nwb._run_columns import Column
from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.adapters.nwb._run_graph_rules import node_features, strong_weights
from tavrnn_ephys.adapters.nwb._run_matrices import is_mirrored, stored_connectivity, window_table
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graphs_on_demand import GraphsOnDemand, dense_weights, entries_of
from tavrnn_ephys.core.triangles import triangle

__all__ = ["write_graphs"]

# Beyond this share of the pairs a list of edges takes more room than a matrix.
_DENSE = 0.25


def write_graphs(tables: RunTables) -> None:
    """
    Add the table of graphs.

    Parameters
    ----------
    tables : RunTables
        The tables of the run.

    Raises
    ------
    InputError
        If graphs that are said to be undirected are not.
    """
    graphs = tables.results.graphs
    if graphs is None:
        return
    if not graphs.directed:
        _require_symmetric(graphs)
    # Dense graphs can refer to connectivity that stands in the file.
    connectivity = stored_connectivity(tables)
    ragged, columns, rule = _edge_columns(graphs, tables.table("nodes"), connectivity)
    if graphs.node_mask is not None:
        columns.append(
            Column(
                name="node_exists",
                text="Whether each node exists in the window; units can be lost and found.",
                values=graphs.node_mask,
            )
        )
    features, feature_columns = _feature_columns(graphs, connectivity)
    stored, notes = tables.stored("graphs", [*columns, *feature_columns])
    notes |= {
        "graphs.edges": rule,
        "graphs.features": features,
        "graphs.history_node": graphs.history_node,
    }
    if graphs.directed:
        notes["graphs.directed"] = True
    facts = graphs.origin.to_facts()
    notes |= {f"graphs.origin.{name}": value for name, value in facts.items()}
    table = window_table(
        tables.name("graphs"),
        f"{'Directed' if graphs.directed else 'Undirected'} graph of each window over the "
        f"nodes of '{tables.name('nodes')}': "
        f"{_RULES[rule]} One row per window of '{tables.name('windows')}'.",
        stored,
        tables.table("windows"),
        ragged,
    )
    tables.add("graphs", table, notes)


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
                f"Graph {index} is directed, has a diagonal, or its entries are not sorted, and "
                "is said to be undirected. Build it with build_graphs."
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
    n_entries = int(entries_of(graphs.weights).sum())
    if n_entries == 0:
        return [], [], "none"
    n_nodes = graphs.n_nodes
    share = n_entries / max(len(graphs) * n_nodes * (n_nodes - 1), 1)
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


def _matrix_column(graphs: Any) -> Column:
    n_nodes = graphs.n_nodes
    if graphs.directed:
        return Column(
            name="edge_weights",
            text="Signed weights of the edges of the window, 0 where there is none: "
            f"{n_nodes} x {n_nodes}, from the node of the row to the node of the column.",
            values=np.stack([matrix.toarray() for matrix in graphs.weights]),
            chunks=(1, n_nodes, n_nodes),
        )
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

    listed = [
        (matrix if graphs.directed else scipy.sparse.triu(matrix, k=1)).tocoo()
        for matrix in graphs.weights
    ]
    stops = np.cumsum([edges.nnz for edges in listed])
    ends = np.array([np.concatenate([edges.row for edges in listed]),
                     np.concatenate([edges.col for edges in listed])], dtype=np.int32)  # fmt: skip
    columns: list[Any] = []
    if not graphs.directed:
        ends = _unlike_flags(ends)
    which_of = ("source", "target") if graphs.directed else ("first", "second")
    for name, rows, which in zip(("edge_from", "edge_to"), ends, which_of, strict=True):
        columns.append(
            DynamicTableRegion(
                name=name,
                description=f"The {which} node of each edge of the window.",
                data=rows,
                table=nodes,
            )
        )
    columns.append(
        VectorData(
            name="edge_weight",
            description="Signed weight of each edge of the window, unitless for correlations.",
            data=np.concatenate([edges.data for edges in listed]),
        )
    )
    return [
        VectorIndex(name=f"{column.name}_index", data=stops.astype(np.int64), target=column)
        for column in columns
    ]


def _unlike_flags(ends: NDArray[np.int32]) -> NDArray[np.int32]:
    """
    Swap the ends of one edge where the first rows of a column look like flags to nwbinspector.

    A graph of many nodes begins with hundreds of edges that leave nodes 0 and 1.  An edge has no
    direction, so that swapping its ends changes nothing.
    """
    head = ends[:, :FIRST_ROWS]
    if set(np.unique(head[0])) == {0, 1} and head[1].max() > 1:
        first = int(np.argmax(head[1] > 1))
        ends = ends.copy()
        ends[:, first] = ends[::-1, first]
    return ends


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
