"""Dense auto-encoder of the past that predicts the next graph."""

from __future__ import annotations

from typing import Any

from tavrnn_ephys.methods._next_row import NextRowEmbedder
from tavrnn_ephys.methods._training import perceptron

__all__ = ["DynAE"]


class DynAE(NextRowEmbedder):
    """
    Rows of the last windows, side by side, through dense layers to the next row [1]_.

    dyngraph2vec's AE: for each node ``[A_{t-L+1}[i], …, A_t[i]]`` → dense layers → embedding →
    dense layers → ``A_{t+1}[i]``, errors on edges weighed β².

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
    >>> DynAE(latent_size=2, hidden_sizes=(8, 4), n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "dynae"

    def _networks(self, n_nodes: int) -> tuple[Any, Any]:
        import torch

        encoder = perceptron(
            (self.lookback * n_nodes, *self.hidden_sizes, self.latent_size), last=True
        )
        decoder = perceptron((self.latent_size, *self.hidden_sizes[::-1], n_nodes), last=True)
        return torch.nn.Sequential(torch.nn.Flatten(1), encoder), decoder
