"""A graph convolution whose weights, not its states, carry time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods._edge_encoder import EdgeEncoder
from tavrnn_ephys.methods._training import run_steps, seeded

__all__ = ["EvolveGCN"]


class EvolveGCN(EdgeEncoder):
    """
    EvolveGCN-O [1]_ with an inner-product decoder.

    The weights of each of two graph convolutions are the state of a GRU whose input they are
    too, ``W_t = GRU(W_{t-1}, W_{t-1})``, column by column.  Vertex features are unit vectors.

    Parameters
    ----------
    latent_size, hidden_size : int
        Width of the embedding, and of the layer before it.
    density : float
        Share of node pairs that are edges over the training windows.
    windows_per_step : int
        Consecutive windows of one optimizer step; the weights before them are recomputed from
        the start of the stretch, without gradient.
    n_steps : int
        Optimizer steps.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of everything random.

    References
    ----------
    .. [1] Pareja et al. (2020), EvolveGCN: evolving graph convolutional networks for dynamic
       graphs, AAAI.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> EvolveGCN(latent_size=2, n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "evolvegcn"

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        n_nodes = sequences[0].n_nodes
        self.level_ = edge_level(sequences, self.density)
        rows = [torch.from_numpy(rows_of(item, self.level_, "binary")) for item in sequences]
        length = positive_int(self.windows_per_step, "windows_per_step")
        chunks = [(stretch, first) for stretch in rows for first in range(0, len(stretch), length)]
        rng = np.random.default_rng(self.seed)
        with seeded(self.seed, n_nodes):
            sizes = (n_nodes, positive_int(self.hidden_size, "hidden_size"), self.latent_size)
            self.network_ = _EvolvingGCN(sizes)

            def loss(_: int) -> torch.Tensor:
                stretch, first = chunks[rng.integers(len(chunks))]
                chunk = stretch[first : first + length]
                with torch.no_grad():
                    weights = self.network_.evolved(self.network_.initial(), first)
                latent = self.network_(_operators(chunk), [item.detach() for item in weights])
                return _edge_loss(latent, chunk)

            self.history_ = run_steps(
                self.network_.parameters(),
                loss,
                n_steps=self.n_steps,
                learning_rate=self.learning_rate,
            )

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        rows = torch.from_numpy(rows_of(graphs, self.level_, "binary"))
        with torch.no_grad(), seeded(self.seed, graphs.n_nodes):
            return self.network_(_operators(rows), self.network_.initial()).numpy()


class _EvolvingGCN(torch.nn.Module):
    """Two graph convolutions and the recurrent cells of their weights."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.weights = torch.nn.ParameterList(
            torch.nn.init.xavier_uniform_(torch.empty(after, before))
            for before, after in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.cells = torch.nn.ModuleList(torch.nn.GRUCell(size, size) for size in sizes[:-1])

    def initial(self) -> list[torch.Tensor]:
        return list(self.weights)

    def evolved(self, weights: list[torch.Tensor], n_windows: int) -> list[torch.Tensor]:
        for _ in range(n_windows):
            weights = [cell(item, item) for cell, item in zip(self.cells, weights, strict=True)]
        return weights

    def forward(self, operators: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
        latent = []
        for operator in operators:
            weights = self.evolved(weights, 1)
            first, second = weights
            hidden = torch.relu(operator @ first.T)
            latent.append(operator @ hidden @ second.T)
        return torch.stack(latent)


def _operators(rows: torch.Tensor) -> torch.Tensor:
    """Symmetrically normalised adjacency with self-loops of every window."""
    looped = rows + torch.eye(rows.shape[1])
    root = looped.sum(dim=2).rsqrt()
    return root[:, :, None] * looped * root[:, None, :]


def _edge_loss(latent: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy of the pairs of different nodes; edges and their lack weigh alike."""
    off_diagonal = ~torch.eye(rows.shape[1], dtype=torch.bool)
    logits = (latent @ latent.transpose(1, 2))[:, off_diagonal]
    edges = rows[:, off_diagonal]
    share = edges.mean().clamp(1e-3, 1 - 1e-3)
    return binary_cross_entropy_with_logits(
        logits, edges, weight=torch.where(edges > 0, 0.5 / share, 0.5 / (1 - share))
    )
