"""A deep auto-encoder per window, each started from the one before."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods._rows import edge_weighted_loss
from tavrnn_ephys.methods._training import perceptron, run_steps, seeded
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["DynGEM"]


class DynGEM(GraphEmbedder):
    """
    SDNE auto-encoder of adjacency rows, warm-started from window to window [1]_.

    Per window the loss is ``Σ_i ‖(x̂_i − x_i) ∘ b_i‖² + α Σ_ij A_ij ‖y_i − y_j‖²`` with β on
    edges and 1 elsewhere.  ``fit`` first trains over all training windows in random order; a
    window is then embedded after a few more steps on its own graph, from the network of the
    window before it, never from scratch.

    Parameters
    ----------
    latent_size : int
        Width of the embedding.
    hidden_sizes : tuple of int
        Widths of the layers before it; mirrored behind it.
    weights : {"binary", "absolute", "signed"}
        What an adjacency row holds; the paper's graphs are binary.
    density : float
        Share of node pairs that are edges over the training windows.
    edge_weight : float
        Weight β of the error on edges; the paper's β² is 25.
    first_order : float
        Weight α of the distance of joined nodes.
    steps_per_window : int
        Steps on the graph of each window that is embedded.
    n_steps : int
        Optimizer steps of ``fit``.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of everything random.

    References
    ----------
    .. [1] Goyal, Kamra, He & Liu (2018), DynGEM: deep embedding method for dynamic graphs,
       arXiv:1805.11273.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> DynGEM(latent_size=2, hidden_sizes=(8,), n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "dyngem"

    def __init__(
        self,
        *,
        latent_size: int = 8,
        hidden_sizes: tuple[int, ...] = (500, 300),
        weights: str = "binary",
        density: float = 0.2,
        edge_weight: float = 5.0,
        first_order: float = 1e-3,
        steps_per_window: int = 2,
        n_steps: int = 200,
        learning_rate: float = 1e-3,
        seed: int = 0,
    ):
        self.latent_size = latent_size
        self.hidden_sizes = hidden_sizes
        self.weights = weights
        self.density = density
        self.edge_weight = edge_weight
        self.first_order = first_order
        self.steps_per_window = steps_per_window
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        positive_number(self.edge_weight, "edge_weight")
        positive_number(self.first_order, "first_order", or_zero=True)
        positive_int(self.steps_per_window, "steps_per_window")
        n_nodes = sequences[0].n_nodes
        self.level_ = edge_level(sequences, self.density)
        rows = np.concatenate([rows_of(item, self.level_, self.weights) for item in sequences])
        rng = np.random.default_rng(self.seed)
        latent = positive_int(self.latent_size, "latent_size")
        with seeded(self.seed, n_nodes):
            self.encoder_ = perceptron((n_nodes, *self.hidden_sizes, latent), last=True)
            self.decoder_ = perceptron((latent, *self.hidden_sizes[::-1], n_nodes), last=True)
            networks = (self.encoder_, self.decoder_)

            def loss(_: int) -> torch.Tensor:
                return self._loss(networks, torch.from_numpy(rows[rng.integers(len(rows))]))

            self.history_ = run_steps(
                _parameters(networks),
                loss,
                n_steps=self.n_steps,
                learning_rate=self.learning_rate,
            )

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        pairs = list(self._warm_started(graphs))
        return np.stack([latent for latent, _ in pairs])

    def reconstruct(self, graphs: GraphSequence) -> NDArray[np.float32]:
        """
        Reconstruct the graph of each window from its embedding.

        Parameters
        ----------
        graphs : GraphSequence
            Windows over the nodes seen in ``fit``.

        Returns
        -------
        numpy.ndarray
            Symmetric scores of the pairs, shape (n_windows, n_nodes, n_nodes).
        """
        rows = np.stack([decoded for _, decoded in self._warm_started(graphs)])
        return (rows + np.swapaxes(rows, 1, 2)) / np.float32(2)

    def _warm_started(
        self, graphs: GraphSequence
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        networks = (copy.deepcopy(self.encoder_), copy.deepcopy(self.decoder_))
        optimizer = torch.optim.Adam(_parameters(networks), lr=self.learning_rate)
        with seeded(self.seed, graphs.n_nodes):
            for rows in torch.from_numpy(rows_of(graphs, self.level_, self.weights)):
                for _ in range(self.steps_per_window):
                    loss = self._loss(networks, rows)
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    optimizer.step()
                with torch.no_grad():
                    latent = networks[0](rows)
                    yield latent.numpy(), networks[1](latent).numpy()

    def _loss(
        self, networks: tuple[torch.nn.Module, torch.nn.Module], rows: torch.Tensor
    ) -> torch.Tensor:
        latent = networks[0](rows)
        distance = torch.cdist(latent, latent).square()
        joined = self.first_order * (rows.abs() * distance).sum() / len(rows)
        return edge_weighted_loss(networks[1](latent), rows, self.edge_weight) + joined


def _parameters(networks: tuple[torch.nn.Module, ...]) -> list[torch.nn.Parameter]:
    return [item for network in networks for item in network.parameters()]
