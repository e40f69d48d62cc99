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
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis, fit_spectral_basis

__all__ = ["UASE"]


class UASE(GraphEmbedder):
    """
    Spectral coordinates of graphs in a basis that all windows share [1]_.

    No training, no noise: the coordinates that TAVRNN's profile ``"recurrent"`` starts from.

    Parameters
    ----------
    latent_size : int
        Number of coordinates of a node; of directed graphs one half tells of what leaves a node,
        the other of what reaches it.
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
        Mean graph and directions of the training windows; of directed graphs those of what
        leaves a node.
    basis_in_ : SpectralBasis or None
        The same of what reaches a node, for directed graphs.
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
    takes_directed = True

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
        dense = (self._dense(matrix) for sequence in sequences for matrix in sequence.weights)
        self.basis_in_: SpectralBasis | None = None
        if sequences[0].directed:
            graphs = list(dense)
            self.basis_ = _one_sided_basis(graphs, (rank + 1) // 2)
            if rank > 1:
                self.basis_in_ = _one_sided_basis([graph.T for graph in graphs], rank // 2)
        else:
            self.basis_ = fit_spectral_basis(dense, rank)

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        coordinates = np.stack([self._coordinates(self._dense(item)) for item in graphs.weights])
        smoothed = smooth(coordinates, self.smoothing) if self.smoothing else coordinates
        return np.concatenate([coordinates, smoothed], axis=-1) if self.joined else smoothed

    def _coordinates(self, graph: NDArray[np.float32]) -> NDArray[np.float32]:
        leaving = self.basis_.coordinates(graph)
        if self.basis_in_ is None:
            return leaving
        return np.concatenate([leaving, self.basis_in_.coordinates(graph.T)], axis=1)

    def _dense(self, matrix: Any) -> NDArray[np.float32]:
        dense: NDArray[np.float32] = matrix.toarray()
        return dense if self.signed else np.abs(dense)


def _one_sided_basis(graphs: list[NDArray[np.float32]], rank: int) -> SpectralBasis:
    """Fit directions in the space of targets: right singular vectors of the stacked deviations."""
    mean: NDArray[np.float64] = np.asarray(np.mean(graphs, axis=0, dtype=np.float64))
    moment, n = np.zeros_like(mean), len(mean)
    for graph in graphs:
        moment += (graph - mean).T @ (graph - mean)
    values, vectors = np.linalg.eigh(moment)
    directions = np.zeros((n, rank))
    kept = min(rank, n)
    directions[:, :kept] = vectors[:, ::-1][:, :kept]
    # An eigenvector's sign is arbitrary; the largest entry is made positive.
    peak = directions[np.abs(directions).argmax(axis=0), np.arange(rank)]
    directions *= np.where(peak < 0, -1.0, 1.0)
    power = values[::-1][:kept].clip(min=0).sum() / (len(graphs) * n * rank)
    off_diagonal = (np.trace(moment) / (len(graphs) * max(n * (n - 1), 1))) or 1.0
    return SpectralBasis(
        mean.astype(np.float32),
        directions.astype(np.float32),
        scale=float(np.sqrt(power)) or 1.0,
        variance=float(off_diagonal),
    )
