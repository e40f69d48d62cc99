"""One number per window and one per node, of what results say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding

__all__ = ["summarize"]

_TEXTS = {
    "mean_weight": "Mean connectivity over all pairs of nodes in the window, signed.",
    "mean_strength": "Mean absolute connectivity over all pairs of nodes in the window.",
    "edge_density": "Share of the possible edges that exist in the graph of the window.",
    "embedding_change": "Mean distance that the nodes move in the embedding from the window "
    "before to this one, unitless, over the nodes that exist in both; NaN in the first window.",
    "node_strength": "Mean absolute connectivity of the node to all others, over the windows in "
    "which it is known.",
    "node_mean_activity": "Mean activity of the node over all windows: events per second for "
    "spike counts, the unit of the trace otherwise.",
    "node_mobility": "Mean distance that the node moves in the embedding from one window to the "
    "next, unitless, over the windows in which it exists.",
}


def summarize(
    *,
    embedding: NodeEmbedding | None = None,
    connectivity: ConnectivitySequence | None = None,
    graphs: Any = None,
) -> dict[str, Any]:
    """
    Summarise results by one number per window and per node.

    Parameters
    ----------
    embedding : NodeEmbedding, optional
        The embedding.
    connectivity : ConnectivitySequence, optional
        The connectivity; NaN weights are left out.
    graphs : GraphSequence, optional
        The graphs.

    Returns
    -------
    dict of str to dict
        ``window_values``, ``node_values`` and ``descriptions``, as
        :class:`tavrnn_ephys.Results` takes them.

    Examples
    --------
    >>> connectivity = ConnectivitySequence.from_array([[[1.0, 0.5], [0.5, 1.0]]])
    >>> summarize(connectivity=connectivity)["window_values"]
    {'mean_weight': array([0.5]), 'mean_strength': array([0.5])}
    """
    window_values: dict[str, NDArray[Any]] = {}
    node_values: dict[str, NDArray[Any]] = {}
    if connectivity is not None and connectivity.n_nodes > 1:
        window_values |= _of_weights(connectivity)
        node_values["node_strength"] = _strength_of_nodes(connectivity)
        if connectivity.mean_activity is not None:
            node_values["node_mean_activity"] = connectivity.mean_activity.mean(axis=0)
    if graphs is not None:
        window_values["edge_density"] = np.asarray(graphs.density)
    if embedding is not None and len(embedding.windows) > 1:
        moved = np.linalg.norm(np.diff(embedding.mean.astype(np.float64), axis=0), axis=2)
        window_values["embedding_change"] = np.append(np.nan, _mean_of_known(moved, axis=1))
        node_values["node_mobility"] = _mean_of_known(moved, axis=0)
    known = {name: _TEXTS[name] for name in [*window_values, *node_values]}
    return {"window_values": window_values, "node_values": node_values, "descriptions": known}


def _of_weights(connectivity: ConnectivitySequence) -> dict[str, NDArray[np.float64]]:
    means, strengths = [], []
    for matrix in connectivity.weights:
        known = np.isfinite(matrix)
        np.fill_diagonal(known, False)
        n_pairs = int(known.sum())
        off = _finite(matrix)
        own = np.diagonal(off)
        means.append((off.sum() - own.sum()) / n_pairs if n_pairs else np.nan)
        strengths.append((np.abs(off).sum() - np.abs(own).sum()) / n_pairs if n_pairs else np.nan)
    return {"mean_weight": np.array(means), "mean_strength": np.array(strengths)}


def _mean_of_known(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Average what is known; NaN where nothing is, as of a node that exists in no two windows."""
    known = np.isfinite(values)
    n_known = known.sum(axis=axis)
    total = values.sum(axis=axis, where=known)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    return np.nan_to_num(values, nan=0.0)


def _strength_of_nodes(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    total, n_known = np.zeros((2, connectivity.n_nodes))
    for matrix in connectivity.weights:
        known = np.isfinite(matrix)
        np.fill_diagonal(known, False)
        total += np.abs(matrix).sum(axis=1, where=known, dtype=np.float64)
        n_known += known.sum(axis=1)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)
