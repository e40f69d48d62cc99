"""Node degrees: how strongly each node is coupled, and to whom does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["Degree"]


class Degree(GraphEmbedder):
    """
    Sum of the absolute weights of every node in every window, one number per node.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = [[[1.0, -0.5, 0.25], [-0.5, 1.0, 0.0], [0.25, 0.0, 1.0]]]
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights))
    >>> Degree().fit(graphs).transform(graphs).mean.ravel()
    array([0.75, 0.5 , 0.25], dtype=float32)
    """

    name = "degree"

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        """Nothing is learnt."""

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return np.stack(
            [np.asarray(abs(matrix).sum(axis=1)).reshape(-1, 1) for matrix in graphs.weights]
        )
