"""Graphs of a run, read from its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._run_graph_rules import (
    graph_of_edges,
    graph_of_weights,
    node_features,
    strong_weights,
)
from tavrnn_ephys.adapters.nwb._run_matrices import read_weights
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun, options_below
from tavrnn_ephys.core.containers import Origin
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.triangles import from_triangle

__all__ = ["read_graphs", "read_window_of_graphs"]


def read_graphs(run: NwbRun) -> GraphSequence | None:
    """Read the graphs."""
    if "graphs" not in run.groups:
        return None
    weights = tuple(_graph(run, index) for index in range(run.n_windows))
    return GraphSequence(
        weights=weights,
        windows=run.windows,
        nodes=run.nodes,
        features=_features(run, weights),
        history_node=bool(run.options["graphs.history_node"]),
        node_mask=run.restored("graphs", "node_exists"),
        directed=_is_directed(run),
        origin=Origin.from_facts(options_below("graphs.origin.", run.options)),
    )


def read_window_of_graphs(run: NwbRun, index: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """Read the graph of one window."""
    if "graphs" not in run.groups:
        return {}
    return {"adjacency": _graph(run, index, known.get("weights"))}


def _graph(run: NwbRun, index: int, weights: NDArray[Any] | None = None) -> scipy.sparse.csr_array:
    rule, here = str(run.options["graphs.edges"]), slice(index, index + 1)
    n_nodes = run.n_nodes
    if rule == "none":
        return scipy.sparse.csr_array((n_nodes, n_nodes), dtype=np.float32)
    if rule == "list":
        edges = _edges(run, index)
        return graph_of_edges(
            run.stored("graphs", "edge_from", edges),
            run.stored("graphs", "edge_to", edges),
            run.stored("graphs", "edge_weight", edges),
            n_nodes,
            directed=_is_directed(run),
        )
    if rule == "matrix":
        if _is_directed(run):
            return graph_of_weights(run.needed("graphs", "edge_weights", here)[0])
        upper = run.needed("graphs", "edge_weights_upper", here)
        return graph_of_weights(from_triangle(upper, n_nodes)[0])
    matrix = read_weights(run, here)[0] if weights is None else weights
    weakest = run.needed("graphs", "weakest_edge", here)
    return graph_of_weights(strong_weights(matrix, float(weakest[0])))


def _is_directed(run: NwbRun) -> bool:
    # Runs of earlier versions hold undirected graphs alone.
    return bool(run.options.get("graphs.directed", False))


def _edges(run: NwbRun, index: int) -> slice:
    before = slice(max(index - 1, 0), index + 1)
    stops = run.stored("graphs", "edge_weight_index", before)
    return slice(int(stops[0]) if index else 0, int(stops[-1]))


def _features(run: NwbRun, graphs: tuple[scipy.sparse.csr_array, ...]) -> NDArray[Any] | None:
    rule = run.options["graphs.features"]
    history = bool(run.options["graphs.history_node"])
    if rule == "identity":
        return None
    if rule == "stored":
        return run.needed("graphs", "vertex_features")
    if rule == "edges":
        own = run.needed("graphs", "own_feature")
        pairs = zip(graphs, own, strict=True)
        return np.stack([node_features(graph.toarray(), history, each) for graph, each in pairs])
    return np.stack([node_features(matrix, history) for matrix in read_weights(run)])
