"""Unfolded adjacency spectral embedding: the floor that a trained network has to pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.contract import GraphEmbedder
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth
from tavrnn_ephys.methods.tavrnn.nn.spectral import fit_spectral_basis

__all__ = ["UASE"]


class UASE(GraphEmbedder):
    """
    Spectral coordinates of graphs in a basis that all windows share [1]_.

    No training, no noise: the coordinates that TAVRNN's default profile starts from.

    Parameters
    ----------
    latent_size : int
        Number of coordinates of a node.
    signed : bool
        Whether the weights keep their sign; otherwise their absolute values are embedded.
    smoothing : float
        Weight of the past in a causal exponential mean over windows,
        ``y_t = smoothing · y_{t-1} + (1 - smoothing) · z_t``, in [0, 1); 0 for none.
    joined : bool
        Whether the coordinates of the window alone stand beside the mean: twice ``latent_size``
        coordinates, those of the window first.

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
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> UASE(latent_size=2).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "uase"

    def __init__(
        self,
        *,
        latent_size: int = 8,
        signed: bool = True,
        smoothing: float = 0.0,
        joined: bool = False,
    ):
        self.latent_size = latent_size
        self.signed = signed
        self.smoothing = smoothing
        self.joined = joined

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        rank = positive_int(self.latent_size, "latent_size")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing must lie in [0, 1), got {self.smoothing!r}.")
        self.basis_ = fit_spectral_basis(
            (self._dense(matrix) for sequence in sequences for matrix in sequence.weights), rank
        )

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        coordinates = np.stack(
            [self.basis_.coordinates(self._dense(matrix)) for matrix in graphs.weights]
        )
        smoothed = smooth(coordinates, self.smoothing) if self.smoothing else coordinates
        return np.concatenate([coordinates, smoothed], axis=-1) if self.joined else smoothed

    def _dense(self, matrix: Any) -> NDArray[np.float32]:
        dense: NDArray[np.float32] = matrix.toarray()
        return dense if self.signed else np.abs(dense)
