"""Floors on gated edges: spectral coordinates, and what each node adds to their components."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import dense_weights
from tavrnn_ephys.methods.contract import GraphEmbedder
from tavrnn_ephys.methods.gate import EdgeGate, fitted_gate, node_contributions
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth

__all__ = ["GatedContributions", "GatedUASE"]


class _Gated(GraphEmbedder):
    """What both share: the gate, and the window beside its smoothed past."""

    takes_directed = True

    def __init__(
        self,
        *,
        latent_size: int = 8,
        smoothing: float = 0.6,
        joined: bool = True,
        gate: str = "proportional",
    ) -> None:
        self.latent_size = latent_size
        self.smoothing = smoothing
        self.joined = joined
        self.gate = gate

    gate_: EdgeGate

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        positive_int(self.latent_size, "latent_size")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing must lie in [0, 1), got {self.smoothing!r}.")
        self.gate_, gated = fitted_gate(sequences, self.gate)
        self._fit_gated(gated)

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        found = self._of_window(self.gate_.apply(dense_weights(graphs))).astype(np.float32)
        smoothed = smooth(found, self.smoothing) if self.smoothing else found
        return np.concatenate([found, smoothed], axis=-1) if self.joined else smoothed

    def _fit_gated(self, gated: NDArray[np.float64]) -> None:
        raise NotImplementedError

    def _of_window(self, gated: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError


class GatedUASE(_Gated):
    """
    Spectral coordinates of gated edges: UASE where only pairs that are coupled have a say.

    Parameters
    ----------
    latent_size : int
        Number of coordinates of a node: one half tells of edges that leave it, the other of those
        that reach it.
    smoothing : float
        Weight of the past in a causal exponential mean over windows, in [0, 1).
    joined : bool
        Whether the window alone stands beside the mean.
    gate : {"proportional", "shrunk"}
        Form of the :class:`EdgeGate`.

    Attributes
    ----------
    gate_ : EdgeGate
        The gate of the training windows.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights, directed=True))
    >>> GatedUASE(latent_size=2).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 4, without attention
    """

    name = "uase_gated"

    def _fit_gated(self, gated: NDArray[np.float64]) -> None:
        half = (self.latent_size + 1) // 2
        self.targets_ = _directions(np.einsum("tij,tik->jk", gated, gated), half)
        self.sources_ = _directions(np.einsum("tji,tki->jk", gated, gated), self.latent_size - half)

    def _of_window(self, gated: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate(
            [gated @ self.targets_, np.swapaxes(gated, 1, 2) @ self.sources_], axis=-1
        )


class GatedContributions(_Gated):
    """
    What each node adds to the principal components of gated edges.

    Parameters
    ----------
    latent_size : int
        Number of components.
    smoothing : float
        Weight of the past in a causal exponential mean over windows, in [0, 1).
    joined : bool
        Whether the window alone stands beside the mean.
    gate : {"proportional", "shrunk"}
        Form of the :class:`EdgeGate`.

    Attributes
    ----------
    gate_ : EdgeGate
        The gate of the training windows.
    loadings_ : numpy.ndarray, shape (latent_size, n_nodes, n_nodes)
        Loadings of the components; 0 for those that the training windows do not tell.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights, directed=True))
    >>> GatedContributions(latent_size=2).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 4, without attention
    """

    name = "contributions_gated"

    def _fit_gated(self, gated: NDArray[np.float64]) -> None:
        n_windows, n_nodes, _ = gated.shape
        flat = gated.reshape(n_windows, -1)
        # Of few windows and many edges, the small Gram matrix has the same components.
        values, vectors = np.linalg.eigh(flat @ flat.T)
        kept = min(self.latent_size, n_windows)
        order = np.argsort(-values, kind="stable")[:kept]
        self.loadings_ = np.zeros((self.latent_size, n_nodes, n_nodes))
        for component, index in enumerate(order):
            if values[index] > 1e-12 * max(values.max(), 1e-300):
                loading = vectors[:, index] @ flat / np.sqrt(values[index])
                # The sign of a component is arbitrary; its largest entry is made positive.
                loading *= np.sign(loading[np.argmax(np.abs(loading))])
                self.loadings_[component] = loading.reshape(n_nodes, n_nodes)

    def _of_window(self, gated: NDArray[np.float64]) -> NDArray[np.float64]:
        return node_contributions(gated, self.loadings_)


def _directions(moment: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
    """Leading eigenvectors, their largest entry positive; zero beyond the size of the matrix."""
    _, vectors = np.linalg.eigh(moment)
    kept = min(rank, len(moment))
    directions = np.zeros((len(moment), rank))
    directions[:, :kept] = vectors[:, ::-1][:, :kept]
    peak = directions[np.abs(directions).argmax(axis=0), np.arange(rank)]
    return directions * np.where(peak < 0, -1.0, 1.0)
