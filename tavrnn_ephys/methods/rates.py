"""Mean activity: what is known before any graph is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["Rates"]


class Rates(GraphEmbedder):
    """
    Mean activity of every node in every window, and no graph at all.

    The floor that a claim about connectivity has to pass.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import BinnedActivity, Nodes
    >>> from tavrnn_ephys.connectivity import compute_connectivity
    >>> from tavrnn_ephys.core.containers import Windows
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> activity = BinnedActivity(
    ...     values=np.array([[1, 0, 2, 1], [0, 1, 3, 1]]), bin_size_s=0.5, nodes=Nodes(ids="ab")
    ... )
    >>> windows = Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    >>> graphs = build_graphs(compute_connectivity(activity, windows), features="rates")
    >>> Rates().fit(graphs).transform(graphs).mean[..., 0]
    array([[1., 1.],
           [3., 4.]], dtype=float32)
    """

    name = "rates"
    features = "rates"

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        """Nothing is learnt."""

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return np.asarray(graphs.features)[:, : graphs.n_nodes]
