"""Graphs as dense arrays, and the threshold of binary edges, for the methods of this folder."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.pairs import node_pairs

WEIGHTS = ("binary", "absolute", "signed")


def dense_weights(graphs: GraphSequence) -> NDArray[np.float32]:
    """Signed weights of all windows, shape (n_windows, n_nodes, n_nodes)."""
    return np.stack([matrix.toarray() for matrix in graphs.weights])


def edges_of(graphs: GraphSequence) -> NDArray[np.float32]:
    """Signed weights of every pair, or of every arrow, shape (n_windows, n_edges)."""
    rows, columns = node_pairs(graphs.n_nodes, directed=graphs.directed)
    return dense_weights(graphs)[:, rows, columns]


def of_every_node(vectors: NDArray[np.floating], n_nodes: int) -> NDArray[np.floating]:
    """Give every node the vector of its window, shape (n_windows, n_nodes, width)."""
    return np.repeat(vectors[:, np.newaxis], n_nodes, axis=1)


def edge_level(sequences: Iterable[GraphSequence], density: float) -> float:
    """Absolute weight at which this share of all pairs of the training windows are edges."""
    if not 0 < density <= 1:
        raise InputError(f"density must lie in (0, 1], got {density!r}: a share of node pairs.")
    strengths = np.concatenate([np.abs(edges_of(sequence)).ravel() for sequence in sequences])
    n_edges = max(1, round(density * len(strengths)))
    level = float(np.partition(strengths, len(strengths) - n_edges)[len(strengths) - n_edges])
    # Pairs without a weight are no edges, however few pairs have one.
    return max(level, float(np.finfo(np.float32).tiny))


def rows_of(graphs: GraphSequence, level: float, weights: str) -> NDArray[np.float32]:
    """Adjacency rows, shape (n_windows, n_nodes, n_nodes): all weights below the level are 0."""
    one_of(weights, WEIGHTS, "weights")
    dense = dense_weights(graphs)
    kept = np.abs(dense) >= level
    if weights == "binary":
        return kept.astype(np.float32)
    return np.where(kept, np.abs(dense) if weights == "absolute" else dense, 0).astype(np.float32)
