"""Directed graphs whose couplings switch, made of numbers alone."""

import numpy as np
import scipy.sparse

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence


def switching_graphs(n_windows=120, n_nodes=20, dwell=10, size=0.8, seed=0, states=None, **more):
    """Sparse coupling, half of it on in either state, under unit noise; states; kinds of pairs."""
    rng = np.random.default_rng(seed)
    if states is None:
        states = np.arange(n_windows) // dwell % 2
    kind = rng.choice(3, (n_nodes, n_nodes), p=[0.7, 0.15, 0.15])
    active = np.where(states[:, None, None] == 0, kind == 1, kind == 2)
    weights = size * active + rng.normal(0, 1, (n_windows, n_nodes, n_nodes))
    weights *= ~np.eye(n_nodes, dtype=bool)
    return graphs_of(weights, **more), states, kind


def graphs_of(weights, directed=True, order=None, length_s=1.0):
    """Give weights to a sequence of graphs, one window per second."""
    n_windows, n_nodes = weights.shape[:2]
    names = np.array([f"u{index}" for index in range(n_nodes)])
    if order is not None:
        weights, names = weights[:, order][:, :, order], names[order]
    matrices = [scipy.sparse.csr_array(item.astype(np.float32)) for item in weights]
    start_s = np.arange(n_windows, dtype=float)
    return GraphSequence(
        weights=tuple(matrices),
        windows=Windows(start_s=start_s, stop_s=start_s + length_s),
        nodes=Nodes(ids=names),
        **(
            {"directed": True}
            if directed and "directed" in GraphSequence.__dataclass_fields__
            else {}
        ),
    )
