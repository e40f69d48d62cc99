"""Small sequences of graphs whose structure is known."""

import numpy as np
import scipy.sparse

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence


def sequence_of(
    weights, *, rates=None, counts=None, features="identity", history_node=False, ids=None
):
    """Graphs of dense symmetric matrices, with the features that a method asks for."""
    weights = np.array(weights, dtype=np.float32)
    n_windows, n_nodes, _ = weights.shape
    for matrix in weights:
        np.fill_diagonal(matrix, 0)
    given = None
    if features == "rates":
        given = np.zeros((n_windows, n_nodes, 1), np.float32) if rates is None else rates[..., None]
        if history_node:
            given = np.concatenate([given, given.mean(axis=1, keepdims=True)], axis=1)
    elif features == "counts":
        drawn = np.random.default_rng(0).poisson(0.5, (n_windows, n_nodes, 20))
        given = (drawn if counts is None else counts).astype(np.float32)
    elif features == "weights":
        size = n_nodes + int(history_node)
        given = np.ones((n_windows, size, size), np.float32)
        given[:, :n_nodes, :n_nodes] = np.abs(weights)
    start = np.arange(n_windows, dtype=float)
    return GraphSequence(
        weights=tuple(map(scipy.sparse.csr_array, weights)),
        windows=Windows(start_s=start, stop_s=start + 1),
        nodes=Nodes(ids=range(n_nodes) if ids is None else ids),
        features=given,
        history_node=history_node,
    )


def graphs_for(method, weights, **options):
    """Graphs as a method wants them."""
    return sequence_of(
        weights, features=method.features, history_node=method.history_node, **options
    )


def switching_weights(*, n_windows=40, n_nodes=12, noise=0.15, dwell=5, seed=0):
    """Two communities that change partners in the second state; labels beside."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // dwell % 2
    halves = np.arange(n_nodes) < n_nodes // 2
    parity = np.arange(n_nodes) % 2 == 0
    patterns = [np.equal.outer(item, item) * 1.0 for item in (halves, parity)]
    weights = np.array([0.6 * patterns[label] for label in labels])
    upper = np.triu(rng.normal(0, noise, weights.shape), 1)
    return weights + upper + np.swapaxes(upper, 1, 2), labels


def switching_counts(*, n_windows=40, n_nodes=12, n_bins=200, dwell=5, gain=0.6, seed=0):
    """Spike counts at equal rates: each node drives the next, or the one after; labels beside."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // dwell % 2
    counts = np.zeros((n_windows, n_nodes, n_bins))
    for window, label in enumerate(labels):
        driven = np.zeros(n_nodes)
        for bin_ in range(n_bins):
            now = rng.poisson(0.1 * (1 - gain) + driven)
            counts[window, :, bin_] = now
            driven = gain * np.roll(now, 1 + label)
    return counts, labels


def moving_community(*, n_windows=60, n_nodes=20, size=5):
    """A clique on a ring of nodes that moves on by one node per window."""
    weights = np.zeros((n_windows, n_nodes, n_nodes))
    for window in range(n_windows):
        members = (window + np.arange(size)) % n_nodes
        weights[window][np.ix_(members, members)] = 1.0
    return weights


def auc(scores, truth):
    """Area under the curve over the pairs above the diagonal."""
    from sklearn.metrics import roc_auc_score

    rows, columns = np.triu_indices(truth.shape[-1], 1)
    return roc_auc_score(truth[..., rows, columns].ravel() > 0, scores[..., rows, columns].ravel())
