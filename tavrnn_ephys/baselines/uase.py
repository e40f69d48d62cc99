"""Unfolded adjacency spectral embedding: the floor that a trained network has to pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys._checks import positive_int
from tavrnn_ephys.containers import NodeEmbedding
from tavrnn_ephys.errors import InputError
from tavrnn_ephys.graphs import GraphSequence
from tavrnn_ephys.nn.spectral import fit_spectral_basis
from tavrnn_ephys.provenance import package_versions

__all__ = ["UASE"]


class UASE(BaseEstimator):
    """
    Spectral coordinates of signed graphs in a basis that all windows share [1]_.

    No training, no memory, no noise: the coordinates that TAVRNN's default profile starts from.

    Parameters
    ----------
    latent_size : int
        Number of coordinates of a node.

    Attributes
    ----------
    basis_ : SpectralBasis
        Mean graph and directions of the training windows.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    References
    ----------
    .. [1] Gallagher, Jones & Rubin-Delanchy (2021), Spectral embedding for dynamic networks with
       stability guarantees, NeurIPS.

    Examples
    --------
    >>> from tavrnn_ephys.containers import ConnectivitySequence
    >>> from tavrnn_ephys.graphs import build_graphs
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> UASE(latent_size=2).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    def __init__(self, *, latent_size: int = 8) -> None:
        self.latent_size = latent_size

    def fit(self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None) -> UASE:
        """
        Find the directions in which the training windows leave their mean graph.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Training windows.
        y : None
            Ignored; the method takes no labels.

        Returns
        -------
        UASE
            The fitted estimator.

        Raises
        ------
        InputError
            If ``latent_size`` is no whole number of at least 1.
        """
        sequences = [graphs] if isinstance(graphs, GraphSequence) else list(graphs)
        rank = positive_int(self.latent_size, "latent_size")
        self.node_ids_ = np.array(sequences[0].nodes.ids)
        self.basis_ = fit_spectral_basis(
            (matrix.toarray() for sequence in sequences for matrix in sequence.weights), rank
        )
        return self

    def transform(self, graphs: GraphSequence) -> NodeEmbedding:
        """
        Project each window onto the basis.

        Parameters
        ----------
        graphs : GraphSequence
            Windows over the nodes seen in ``fit``.

        Returns
        -------
        NodeEmbedding
            Coordinates, (n_windows, n_nodes, latent_size), with a standard deviation of zero.

        Raises
        ------
        InputError
            If the nodes are not those of ``fit``.
        """
        check_is_fitted(self, "basis_")
        if not np.array_equal(self.node_ids_, graphs.nodes.ids):
            raise InputError(
                "These graphs have other nodes than those of fit. Select the same nodes in the "
                "same order, or fit again."
            )
        mean = np.stack([self.basis_.coordinates(matrix.toarray()) for matrix in graphs.weights])
        return NodeEmbedding(
            mean=mean,
            std=np.zeros_like(mean),
            windows=graphs.windows,
            nodes=graphs.nodes,
            config={"model.method": "uase", "model.latent_size": self.latent_size},
            versions=package_versions(),
        )
