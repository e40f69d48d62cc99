"""Graphs with two states that a network can learn in seconds."""

import numpy as np

from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import ConnectivitySequence


def two_state_graphs(n_windows=24, n_nodes=12, noise=0.1, seed=0, node_prefix="", **options):
    """Windows that switch between two block structures every four windows, and the states."""
    rng = np.random.default_rng(seed)
    half = np.arange(n_nodes) < n_nodes // 2
    blocks = [
        np.equal.outer(half, half),
        np.equal.outer(np.arange(n_nodes) % 2, np.arange(n_nodes) % 2),
    ]
    states = np.arange(n_windows) // 4 % 2
    weights = np.array([0.5 * blocks[state] for state in states])
    jitter = rng.normal(0, noise, weights.shape)
    weights = np.clip(weights + (jitter + jitter.swapaxes(1, 2)) / 2, -1, 1)
    node_ids = [f"{node_prefix}{index}" for index in range(n_nodes)]
    sequence = ConnectivitySequence.from_array(weights, node_ids=node_ids)
    return build_graphs(sequence, **options), states
