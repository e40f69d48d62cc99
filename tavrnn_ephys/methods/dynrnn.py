"""Recurrent auto-encoder of the past that predicts the next graph."""

from __future__ import annotations

from typing import Any

import torch

from tavrnn_ephys.methods._next_row import NextRowEmbedder

__all__ = ["DynRNN"]


class DynRNN(NextRowEmbedder):
    """
    Rows of the last windows, one after the other, through LSTMs to the next row [1]_.

    dyngraph2vec's RNN: stacked LSTMs read ``A_{t-L+1}[i], …, A_t[i]``; the last state of the last
    is the embedding; LSTMs in reverse order and a linear layer give ``A_{t+1}[i]``.

    Parameters
    ----------
    latent_size : int
        Width of the embedding.
    hidden_sizes : tuple of int
        Widths of the layers before it; mirrored behind it.
    lookback : int
        Number of windows, the present one included, from which the next one is predicted.
    weights : {"binary", "absolute", "signed"}
        What an adjacency row holds; the paper's graphs are binary.
    density : float
        Share of node pairs that are edges over the training windows.
    edge_weight : float
        Weight β of the error on edges.
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
    .. [1] Goyal, Chhetri & Canedo (2020), dyngraph2vec: capturing network dynamics using dynamic
       graph representation learning, Knowledge-Based Systems 187.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> import numpy as np
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> DynRNN(latent_size=2, hidden_sizes=(8, 4), n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "dynrnn"

    def _networks(self, n_nodes: int) -> tuple[Any, Any]:
        encoder = _LSTMs((n_nodes, *self.hidden_sizes, self.latent_size))
        back = self.hidden_sizes[::-1]
        decoder = torch.nn.Sequential(
            torch.nn.Unflatten(1, (1, self.latent_size)),
            _LSTMs((self.latent_size, *back)),
            torch.nn.Linear(back[-1], n_nodes),
        )
        return encoder, decoder


class _LSTMs(torch.nn.Module):
    """LSTMs of different widths, one on top of the other; the last state of the last."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(
            torch.nn.LSTM(before, after, batch_first=True)
            for before, after in zip(sizes[:-1], sizes[1:], strict=True)
        )

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            states, _ = layer(states)
        return states[:, -1]
