"""Random graph sequences of a given size and density."""

import numpy as np
import scipy.sparse

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence


def random_graphs(*, n_windows, n_nodes, density, seed=0):
    """Signed random weights, identity features, a history node."""
    rng = np.random.default_rng(seed)
    graphs = []
    for _ in range(n_windows):
        upper = np.triu(rng.random((n_nodes, n_nodes), dtype=np.float32) < density, k=1)
        weights = scipy.sparse.csr_array(upper.astype(np.float32))
        weights.data = rng.uniform(-1, 1, weights.nnz).astype(np.float32)
        graphs.append(scipy.sparse.csr_array(weights + weights.T))
    start = np.arange(n_windows, dtype=float)
    return GraphSequence(
        weights=tuple(graphs),
        windows=Windows(start_s=start, stop_s=start + 1),
        nodes=Nodes(ids=range(n_nodes)),
        history_node=True,
    )
