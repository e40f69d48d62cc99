"""The graphs of windows whose connectivity comes whole or in parts, all of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.graphs_of_windows import (
    edges_of,
    no_edge,
    rates_of,
    strengths_of,
)
from tavrnn_ephys.core.containers import ConnectivitySequence, Nodes, Origin, Windows
from tavrnn_ephys.core.containers.origin import origin_of_graphs
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence

__all__ = ["Features", "Threshold", "graphs_in_memory"]

#: Takes the connectivity of one window; gives features, shape (n_nodes, n_features).
Features = Callable[[ConnectivitySequence], Any]


class Threshold(Protocol):
    """Something that says which weights become edges."""

    def keep(self, connectivity: ConnectivitySequence) -> NDArray[np.bool_]:
        """
        Say which weights become edges.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            Some windows.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_windows, n_nodes, n_nodes), symmetric unless the connectivity is directed.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """Graphs of some windows over the nodes of their connectivity."""

    nodes: Nodes
    windows: Windows
    weights: list[scipy.sparse.csr_array]
    features: list[NDArray[np.float32]] | None
    strongest: float
    directed: bool
    errors: NDArray[np.float64] | None
    measured: tuple[Origin, str]


def graphs_in_memory(
    connectivity: Iterable[ConnectivitySequence],
    *,
    threshold: float | Threshold,
    features: str | Features,
    history_node: bool,
) -> GraphSequence:
    """
    Keep the strong connections of windows that come in parts, over all their nodes.

    Parameters
    ----------
    connectivity : iterable of ConnectivitySequence
        The parts, chronological.
    threshold : float or threshold object
        Smallest absolute weight of an edge, or what says which weights are edges.
    features : {"weights", "identity", "rates"} or callable
        What stands for a vertex.
    history_node : bool
        Whether each graph gets one more vertex.

    Returns
    -------
    GraphSequence
        One graph per window.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.build_graphs`.
    """
    parts = [_part(item, threshold, features) for item in connectivity]
    if not parts:
        raise InputError("There is no connectivity to build graphs from.")
    if not any(graph.nnz for part in parts for graph in part.weights):
        raise InputError(no_edge(threshold, max(part.strongest for part in parts)))
    if len({part.directed for part in parts}) > 1:
        raise InputError(
            "Directed and undirected parts cannot be joined into one sequence. "
            "Call connectivity.symmetrized() first."
        )
    nodes, places = _union([part.nodes for part in parts])
    shared = all(part.nodes is nodes for part in parts)
    return GraphSequence(
        weights=tuple(
            graph if shared else _placed(graph, place, len(nodes))
            for part, place in zip(parts, places, strict=True)
            for graph in part.weights
        ),
        windows=_joined([part.windows for part in parts]),
        nodes=nodes,
        features=_all_features(parts, places, len(nodes), features, history_node),
        history_node=history_node,
        node_mask=None if shared else _mask(parts, places, len(nodes)),
        directed=parts[0].directed,
        standard_errors=_errors(parts) if shared else None,
        origin=origin_of_graphs(
            [part.measured for part in parts], threshold=threshold, features=features
        ),
    )


def _part(
    connectivity: ConnectivitySequence, threshold: float | Threshold, features: str | Features
) -> _Part:
    kept = None if isinstance(threshold, float) else threshold.keep(connectivity)
    graphs, strongest = [], 0.0
    for index, matrix in enumerate(connectivity.weights):
        weights, largest = edges_of(matrix, threshold if isinstance(threshold, float) else 0.0)
        strongest = max(strongest, largest)
        if kept is not None:
            weights[~kept[index]] = 0.0
        graphs.append(scipy.sparse.csr_array(weights))
    return _Part(
        nodes=connectivity.nodes,
        windows=connectivity.windows,
        weights=graphs,
        features=_features(connectivity, features),
        strongest=strongest,
        directed=connectivity.directed,
        errors=connectivity.standard_errors,
        measured=(connectivity.origin, connectivity.measure),
    )


def _errors(parts: Sequence[_Part]) -> NDArray[np.float32] | None:
    known = [part.errors for part in parts if part.errors is not None]
    return np.concatenate(known).astype(np.float32) if len(known) == len(parts) else None


def _features(
    connectivity: ConnectivitySequence, features: str | Features
) -> list[NDArray[np.float32]] | None:
    """Features of the nodes of each window; the history node comes later."""
    if callable(features):
        return [
            _own_features(features, connectivity.select(slice(index, index + 1)))
            for index in range(connectivity.n_windows)
        ]
    if features == "identity":
        return None
    if features == "weights":
        return [strengths_of(matrix) for matrix in connectivity.weights]
    return list(rates_of(connectivity))


def _own_features(features: Features, window: ConnectivitySequence) -> NDArray[np.float32]:
    try:
        array = np.array(features(window), dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError(
            f"features must return numbers of shape ({window.n_nodes}, n_features)."
        ) from None
    if array.ndim != 2 or len(array) != window.n_nodes or not np.isfinite(array).all():
        raise InputError(
            f"features returned shape {array.shape} for {window.n_nodes} nodes; finite numbers of "
            f"shape ({window.n_nodes}, n_features) are needed."
        )
    return array


def _all_features(
    parts: Sequence[_Part],
    places: Sequence[NDArray[np.int64]],
    n_nodes: int,
    features: str | Features,
    history_node: bool,
) -> NDArray[np.float32] | None:
    """Stack the features of all windows over all nodes, the history node last."""
    first = parts[0].features
    if first is None:
        return None
    n_windows = sum(len(part.windows) for part in parts)
    n_vertices, by_node = n_nodes + int(history_node), features == "weights"
    width = n_vertices if by_node else first[0].shape[1]
    stacked = np.zeros((n_windows, n_vertices, width), dtype=np.float32)
    index = 0
    for part, place in zip(parts, places, strict=True):
        for values in part.features or ():
            if not by_node and values.shape[1] != width:
                raise InputError(
                    f"features returned {values.shape[1]} columns for window {index}, "
                    f"{width} before; the same number is needed in all windows."
                )
            stacked[index][np.ix_(place, place) if by_node else place] = values
            if history_node and by_node:
                stacked[index, n_nodes, [*place, n_nodes]] = 1.0
                stacked[index, place, n_nodes] = 1.0
            elif history_node:
                stacked[index, n_nodes] = values.mean(axis=0, dtype=np.float64)
            index += 1
    return stacked


def _union(all_nodes: Sequence[Nodes]) -> tuple[Nodes, list[NDArray[np.int64]]]:
    """All nodes in the order of their first appearance, and where those of each part stand."""
    first = all_nodes[0]
    if all(nodes is first or nodes == first for nodes in all_nodes):
        return first, [np.arange(len(first))] * len(all_nodes)
    if len({nodes.kind for nodes in all_nodes}) > 1:
        raise InputError("Parts of different kinds of nodes cannot be joined into one sequence.")
    known: dict[str, tuple[int, int]] = {}
    for part, nodes in enumerate(all_nodes):
        for row, name in enumerate(nodes.ids):
            known.setdefault(str(name), (part, row))
    owners = list(known.values())
    positions = None
    if all(nodes.positions_um is not None for nodes in all_nodes):
        positions = [all_nodes[part].positions_um[row] for part, row in owners]
    joined = Nodes(
        ids=list(known),
        kind=first.kind,
        groups=[all_nodes[part].groups[row] for part, row in owners],
        positions_um=positions,
        rows=[all_nodes[part].rows[row] for part, row in owners],
        table=first.table,
    )
    position = {name: index for index, name in enumerate(known)}
    return joined, [
        np.array([position[str(name)] for name in nodes.ids], dtype=np.int64) for nodes in all_nodes
    ]


def _placed(
    graph: scipy.sparse.csr_array, place: NDArray[np.int64], n_nodes: int
) -> scipy.sparse.csr_array:
    edges = graph.tocoo()
    where = (place[edges.row], place[edges.col])
    return scipy.sparse.csr_array((edges.data, where), shape=(n_nodes, n_nodes))


def _mask(
    parts: Sequence[_Part], places: Sequence[NDArray[np.int64]], n_nodes: int
) -> NDArray[np.bool_] | None:
    rows = []
    for part, place in zip(parts, places, strict=True):
        row = np.zeros(n_nodes, dtype=bool)
        row[place] = True
        rows += [row] * len(part.windows)
    mask = np.stack(rows)
    return None if mask.all() else mask


def _joined(windows: Sequence[Windows]) -> Windows:
    if len(windows) == 1:
        return windows[0]
    shared = set(windows[0].columns).intersection(*(item.columns for item in windows))
    return Windows(
        start_s=np.concatenate([item.start_s for item in windows]),
        stop_s=np.concatenate([item.stop_s for item in windows]),
        segment_index=np.concatenate([item.segment_index for item in windows]),
        columns={
            name: np.concatenate([item.columns[name] for item in windows])
            for name in windows[0].columns
            if name in shared
        },
    )
