"""Connectivity and graphs of a run as tables, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.adapters.nwb._run_columns import Column, Wrap, row_chunks, stored_columns
from tavrnn_ephys.containers import ConnectivitySequence
from tavrnn_ephys.errors import InputError
from tavrnn_ephys.runs import Results

__all__ = [
    "connectivity_table",
    "from_triangle",
    "graph_of_edges",
    "graph_of_weights",
    "graphs_table",
    "node_features",
    "strong_weights",
    "triangle",
]

# Beyond this share of the pairs a list of edges takes more room than a matrix.
_DENSE = 0.25
# Rows compared at once where a whole matrix would not fit into the cache.
_STRIPE = 32
# Up to here an index of every entry takes less room than it saves time.
_INDEXED = 2048


def connectivity_table(
    results: Results, run: str, windows: Any, form: str, wrap: Wrap
) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of connectivity.

    Parameters
    ----------
    results : Results
        Results with connectivity.
    run : str
        Name of the run.
    windows : pynwb.epoch.TimeIntervals
        The table of windows.
    form : {"triangle", "full"}
        Whether whole matrices are stored; those of directed connectivity always are.
    wrap : callable
        Marks an array for chunked storage.

    Returns
    -------
    table : hdmf.common.DynamicTable
        One row per window.
    notes : dict of str to object
        How the columns are to be read back.
    """
    connectivity = results.connectivity
    assert connectivity is not None
    exact = not connectivity.directed and _is_mirrored(connectivity)
    columns = [*_weight_columns(connectivity, form == "triangle" and exact)]
    stored, notes = stored_columns("connectivity", columns, wrap)
    notes |= {"connectivity.measure": connectivity.measure,
              "connectivity.directed": connectivity.directed}  # fmt: skip
    table = _table(
        table_name(run, "connectivity"),
        f"Functional connectivity ({connectivity.measure}) between the {connectivity.n_nodes} "
        f"nodes of '{table_name(run, 'nodes')}', one row per window of "
        f"'{table_name(run, 'windows')}'.",
        stored,
        windows,
    )
    return table, notes


def _is_mirrored(connectivity: ConnectivitySequence) -> bool:
    """Symmetry to the last bit, so that one half tells the other."""
    return all(_is_exactly_mirrored(matrix) for matrix in connectivity.weights)


def _is_exactly_mirrored(matrix: NDArray[Any]) -> bool:
    """Compare stripes with their mirror images: far fewer cache misses than the whole at once."""
    for first in range(0, len(matrix), _STRIPE):
        stripe, mirrored = matrix[first : first + _STRIPE, first:], matrix[first:]
        mirrored = mirrored[:, first : first + _STRIPE].T
        if not np.array_equal(stripe, mirrored):
            # Rarely: NaN equals nothing, and its comparison takes longer.
            nan = matrix.dtype.kind == "f" and np.array_equal(stripe, mirrored, equal_nan=True)
            if not nan:
                return False
    return True


def _weight_columns(connectivity: ConnectivitySequence, halved: bool) -> Iterator[Column]:
    n_windows, n_nodes = len(connectivity.windows), connectivity.n_nodes
    weights = connectivity.weights
    if weights.dtype == np.float16:
        weights = weights.astype(np.float32)
    what = "signed weight of each pair of nodes, unitless for correlations"
    whole = Column(
        name="weights",
        text=f"Connectivity matrix of the window: {what}; {n_nodes} x {n_nodes}, from the node of "
        "the row to the node of the column.",
        values=weights,
        chunks=(1, n_nodes, n_nodes),
        compress=False,
    )
    if not halved or _needs_encoding(weights):
        yield whole
    else:
        yield Column(
            name="weights_upper",
            text=f"Upper triangle of the symmetric connectivity matrix of the window: {what}. "
            f"Row by row with the diagonal, as numpy.triu_indices({n_nodes}) counts: entries "
            f"(0, 0), (0, 1), ..., (0, {n_nodes - 1}), (1, 1), and so on.",
            values=weights,
            chunks=(1, n_nodes * (n_nodes + 1) // 2),
            compress=False,
            derive=triangle,
        )
    if connectivity.mean_activity is not None:
        yield Column(
            name="mean_activity",
            text="Mean activity of each node in the window: events per second for spike counts, "
            "the unit of the trace otherwise.",
            values=connectivity.mean_activity,
            chunks=row_chunks(n_windows, n_nodes),
        )
    if connectivity.lags_s is not None:
        yield Column(
            name="lags",
            text="Lag in seconds at which each weight was taken: positive where the node of the "
            "column follows the node of the row.",
            values=connectivity.lags_s,
            chunks=(1, n_nodes, n_nodes),
        )


def _needs_encoding(weights: NDArray[Any]) -> bool:
    """Tell values that the inspector wants as booleans, or not at all."""
    head = weights[0]
    return bool(np.isin(head, (0, 1)).all() or (head.dtype.kind == "f" and np.isnan(head).all()))


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
    return np.stack([matrix[upper] for matrix in matrices])


@lru_cache(maxsize=1)
def _upper(n_nodes: int) -> NDArray[np.bool_]:
    return np.triu(np.ones((n_nodes, n_nodes), dtype=bool))


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
    table = _table(
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
    for index, matrix in enumerate(graphs.weights):
        mirrored = matrix.T.tocsr()
        mirrored.sort_indices()
        same = (
            matrix.has_canonical_format
            and np.array_equal(matrix.indptr, mirrored.indptr)
            and np.array_equal(matrix.indices, mirrored.indices)
            and np.array_equal(matrix.data, mirrored.data, equal_nan=True)
        )
        if not same or matrix.diagonal().any():
            raise InputError(
                f"Graph {index} is directed, has a diagonal, or its entries are not sorted; "
                "undirected graphs can be stored. Build it with build_graphs."
            )


def _edge_columns(
    graphs: Any, nodes: Any, connectivity: ConnectivitySequence | None
) -> tuple[list[Any], list[Column], str]:
    n_edges = sum(matrix.nnz for matrix in graphs.weights) // 2
    if n_edges == 0:
        return [], [], "none"
    n_nodes = graphs.n_nodes
    share = n_edges / max(len(graphs) * n_nodes * (n_nodes - 1) // 2, 1)
    has_zeros = any((matrix.data == 0).any() for matrix in graphs.weights)
    if share > _DENSE and not has_zeros:
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
    for index, (matrix, weights) in enumerate(
        zip(graphs.weights, connectivity.weights, strict=True)
    ):
        if matrix.dtype != np.float32:
            return None
        if matrix.nnz:
            weakest[index] = np.abs(matrix.data).min()
        if not np.array_equal(matrix.toarray(), strong_weights(weights, weakest[index])):
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
    columns: list[Any] = []
    for name, attribute, which in (
        ("edge_from", "row", "first"),
        ("edge_to", "col", "second"),
    ):
        columns.append(
            DynamicTableRegion(
                name=name,
                description=f"The {which} node of each edge of the window.",
                data=np.concatenate([getattr(edges, attribute) for edges in upper]).astype(
                    np.int32
                ),
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
        diagonal = np.diagonal(features[:, :n_nodes, :n_nodes], axis1=1, axis2=2)
        if _follow(graphs, lambda t: graphs.weights[t].toarray(), diagonal):
            return "edges", [
                Column(
                    name="own_feature",
                    text="What stands on the diagonal of the features of the vertices, which are "
                    "otherwise the absolute weights of the edges.",
                    values=np.ascontiguousarray(diagonal),
                )
            ]
    return "stored", [
        Column(
            name="vertex_features",
            text=f"Features of each vertex of the graph: {graphs.n_vertices} vertices, the "
            f"{n_nodes} nodes and where it exists the history node, x {features.shape[2]} "
            "features.",
            values=features,
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


def _table(
    name: str, text: str, columns: list[Any], windows: Any, ragged: list[Any] | None = None
) -> Any:
    from hdmf.common import DynamicTable, DynamicTableRegion

    n_windows = len(windows.id)
    window = DynamicTableRegion(
        name="window",
        description="The window that the row belongs to.",
        data=list(range(n_windows)),
        table=windows,
    )
    all_columns: list[Any] = [window, *columns]
    for index in ragged or []:
        all_columns += [index, index.target]
    return DynamicTable(
        name=name,
        description=text,
        id=list(range(n_windows)),
        columns=all_columns,
        colnames=["window", *(column.name for column in columns),
                  *(index.target.name for index in ragged or [])],
    )  # fmt: skip
