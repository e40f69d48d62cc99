"""One variational graph auto-encoder, shared by all windows, which knows no time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods._edge_encoder import EdgeEncoder
from tavrnn_ephys.methods._training import run_steps, seeded

__all__ = ["VGAE"]


class VGAE(EdgeEncoder):
    """
    Variational graph auto-encoder [1]_ of PyTorch Geometric, trained on all windows at once.

    Two graph convolutions over unit vectors as features, an inner-product decoder of binary
    edges, negative pairs drawn within each window.

    Parameters
    ----------
    latent_size, hidden_size : int
        Width of the embedding, and of the layer before it.
    density : float
        Share of node pairs that are edges over the training windows.
    windows_per_step : int
        Windows drawn for one optimizer step.
    n_steps : int
        Optimizer steps.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of everything random.

    References
    ----------
    .. [1] Kipf & Welling (2016), Variational graph auto-encoders, arXiv:1611.07308.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> VGAE(latent_size=2, n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "vgae"

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        from torch_geometric.nn import VGAE as GeometricVGAE

        n_nodes = sequences[0].n_nodes
        self.level_ = edge_level(sequences, self.density)
        rows = np.concatenate([rows_of(item, self.level_, "binary") for item in sequences])
        rng = np.random.default_rng(self.seed)
        size = positive_int(self.windows_per_step, "windows_per_step")
        with seeded(self.seed, n_nodes):
            latent, hidden = positive_int(self.latent_size, "latent_size"), self.hidden_size
            self.network_ = GeometricVGAE(_encoder(n_nodes, hidden, latent))

            def loss(_: int) -> torch.Tensor:
                return self._loss(torch.from_numpy(rows[rng.integers(len(rows), size=size)]))

            self.history_ = run_steps(
                self.network_.parameters(),
                loss,
                n_steps=self.n_steps,
                learning_rate=self.learning_rate,
            )

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        edges, features = _joined(rows)
        latent = self.network_.encode(features, edges)
        # As many pairs without an edge as there are edges, from the same windows.
        absent = _pairs((1 - rows - torch.eye(rows.shape[1])).clamp_min(0))
        chosen = absent[:, torch.randint(max(absent.shape[1], 1), (edges.shape[1],))]
        loss: torch.Tensor = self.network_.recon_loss(latent, edges, chosen)
        return loss + self.network_.kl_loss() / rows.shape[1]

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        rows = torch.from_numpy(rows_of(graphs, self.level_, "binary"))
        with torch.no_grad(), seeded(self.seed, graphs.n_nodes):
            self.network_.eval()
            edges, features = _joined(rows)
            mean, _ = self.network_.encoder(features, edges)
        return mean.reshape(len(rows), graphs.n_nodes, -1).numpy()


def _joined(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Put windows side by side as one graph: its edges, and unit vectors as features."""
    return _pairs(rows), torch.eye(rows.shape[1]).repeat(len(rows), 1)


def _pairs(rows: torch.Tensor) -> torch.Tensor:
    window, source, target = rows.nonzero(as_tuple=True)
    return torch.stack([source, target]) + window * rows.shape[1]


def _encoder(n_features: int, hidden_size: int, latent_size: int) -> torch.nn.Module:
    from torch_geometric.nn import GCNConv

    class Encoder(torch.nn.Module):
        """Shared layer, then mean and logarithm of the standard deviation."""

        def __init__(self) -> None:
            super().__init__()
            self.shared = GCNConv(n_features, hidden_size)
            self.mean = GCNConv(hidden_size, latent_size)
            self.log_std = GCNConv(hidden_size, latent_size)

        def forward(self, features: torch.Tensor, edges: torch.Tensor) -> Any:
            hidden = torch.relu(self.shared(features, edges))
            return self.mean(hidden, edges), self.log_std(hidden, edges)

    return Encoder()
