"""Dense layers per window, then a recurrent one, to predict the next graph."""

from __future__ import annotations

from typing import Any

import torch

from tavrnn_ephys.methods._next_row import NextRowEmbedder
from tavrnn_ephys.methods._training import perceptron

__all__ = ["DynAERNN"]


class DynAERNN(NextRowEmbedder):
    """
    A dense encoder per window, an LSTM over windows, a dense decoder to the next row [1]_.

    dyngraph2vec's AERNN: each of ``A_{t-L+1}[i], …, A_t[i]`` passes dense layers of its own; an
    LSTM reads the results, its last state is the embedding; dense layers give ``A_{t+1}[i]``.

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
    >>> DynAERNN(latent_size=2, hidden_sizes=(8, 4), n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "dynaernn"

    def _networks(self, n_nodes: int) -> tuple[Any, Any]:
        encoder = _LagsThenLSTM(n_nodes, self.hidden_sizes, self.lookback, self.latent_size)
        decoder = perceptron((self.latent_size, *self.hidden_sizes[::-1], n_nodes), last=True)
        return encoder, decoder


class _LagsThenLSTM(torch.nn.Module):
    """Dense layers for every lag, and an LSTM over the lags; its last state."""

    def __init__(
        self, n_nodes: int, hidden_sizes: tuple[int, ...], lookback: int, latent_size: int
    ) -> None:
        super().__init__()
        self.dense = torch.nn.ModuleList(
            perceptron((n_nodes, *hidden_sizes)) for _ in range(lookback)
        )
        self.recurrent = torch.nn.LSTM(hidden_sizes[-1], latent_size, batch_first=True)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        lags = [layer(rows[:, lag]) for lag, layer in enumerate(self.dense)]
        states, _ = self.recurrent(torch.stack(lags, dim=1))
        return states[:, -1]
