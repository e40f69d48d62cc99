"""Principal components of the edges: windows without nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edges_of, of_every_node
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["EdgePCA"]


class EdgePCA(GraphEmbedder):
    """
    Scores of each window on the principal components of all signed edges.

    Parameters
    ----------
    n_components : int
        Number of components, at most one less than there are training windows.

    Attributes
    ----------
    pca_ : sklearn.decomposition.PCA
        The decomposition of the training windows.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> graphs = build_graphs(ConnectivitySequence.from_array(np.ones((4, 3, 3))))
    >>> EdgePCA(n_components=2).fit(graphs).transform(graphs)
    NodeEmbedding: 4 windows x 3 units x 2, without attention
    """

    name = "pca_edges"
    takes_directed = True

    def __init__(self, *, n_components: int = 32):
        self.n_components = n_components

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        from sklearn.decomposition import PCA

        wanted = positive_int(self.n_components, "n_components")
        edges = np.concatenate([edges_of(sequence) for sequence in sequences])
        n_components = min(wanted, max(len(edges) - 1, 1), edges.shape[1])
        # The exact solver alone gives the same signs on every machine and for every seed.
        self.pca_ = PCA(n_components, svd_solver="full")
        with np.errstate(invalid="ignore", divide="ignore"):
            self.pca_.fit(edges)

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return of_every_node(self.pca_.transform(edges_of(graphs)), graphs.n_nodes)
