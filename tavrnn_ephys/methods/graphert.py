"""A small transformer that reads random walks and says in which window they were made."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from tavrnn_ephys.core.checks import positive_int, positive_number
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods._training import run_steps, seeded
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["GraphERT", "biased_walks"]

_SPECIAL = 2  # The token that stands for the whole walk, and the mask.


class GraphERT(GraphEmbedder):
    """
    Transformer over second-order random walks in each window [1]_.

    Tokens are nodes.  Two losses are learnt together: masked nodes of a walk are told from the
    others, and the window of a walk is told from its first token.  So training is supervised by
    time.  A node is embedded in a window by the mean of its states over the walks of that
    window; unseen windows are embedded by walks in them.

    Parameters
    ----------
    latent_size : int
        Width of the transformer and of the embedding, even.
    walk_length : int
        Nodes of a walk.
    walks_per_node : int
        Walks that start at each node of each window.
    p, q : float
        Return and in-out parameter of the walks [2]_.
    density : float
        Share of node pairs that are edges over the training windows.
    masked_share : float
        Share of the tokens that are masked.
    walks_per_step : int
        Walks of one optimizer step.
    n_steps : int
        Optimizer steps.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of everything random.

    References
    ----------
    .. [1] Beladev, Katz, Rokach, Singer & Radinsky (2023), GraphERT: transformers-based temporal
       dynamic graph embedding, CIKM.
    .. [2] Grover & Leskovec (2016), node2vec: scalable feature learning for networks, KDD.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> GraphERT(latent_size=4, n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 4, without attention
    """

    name = "graphert"
    supervision = "time"

    def __init__(
        self,
        *,
        latent_size: int = 16,
        walk_length: int = 10,
        walks_per_node: int = 4,
        p: float = 1.0,
        q: float = 0.5,
        density: float = 0.2,
        masked_share: float = 0.15,
        walks_per_step: int = 128,
        n_steps: int = 200,
        learning_rate: float = 3e-3,
        seed: int = 0,
    ):
        self.latent_size = latent_size
        self.walk_length = walk_length
        self.walks_per_node = walks_per_node
        self.p = p
        self.q = q
        self.density = density
        self.masked_share = masked_share
        self.walks_per_step = walks_per_step
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        n_nodes = sequences[0].n_nodes
        rng = np.random.default_rng(self.seed)
        self.level_ = edge_level(sequences, self.density)
        rows = np.concatenate([rows_of(item, self.level_, "binary") for item in sequences])
        walks = np.stack([self._walks(item, rng) for item in rows])
        size = positive_int(self.walks_per_step, "walks_per_step")
        with seeded(self.seed, n_nodes):
            width = positive_int(self.latent_size, "latent_size")
            self.network_ = _WalkTransformer(n_nodes, len(rows), width, self.walk_length)

            def loss(_: int) -> torch.Tensor:
                window = rng.integers(len(rows), size=size)
                chosen = walks[window, rng.integers(walks.shape[1], size=size)]
                return self._loss(torch.from_numpy(chosen), torch.from_numpy(window))

            self.history_ = run_steps(
                self.network_.parameters(),
                loss,
                n_steps=self.n_steps,
                learning_rate=self.learning_rate,
            )

    def _walks(self, rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
        start = np.repeat(np.arange(len(rows)), positive_int(self.walks_per_node, "walks_per_node"))
        return biased_walks(rows, start, self.walk_length, p=self.p, q=self.q, rng=rng)

    def _loss(self, walks: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
        masked = torch.rand(walks.shape) < self.masked_share
        states = self.network_(walks, masked)
        loss = cross_entropy(self.network_.which_window(states[:, 0]), window)
        if masked.any():
            guessed = self.network_.which_node(states[:, 1:][masked])
            loss = loss + cross_entropy(guessed, walks[masked])
        return loss

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        rng = np.random.default_rng(self.seed + 1)
        latent = []
        self.network_.eval()
        with torch.no_grad(), seeded(self.seed, graphs.n_nodes):
            for rows in rows_of(graphs, self.level_, "binary"):
                walks = torch.from_numpy(self._walks(rows, rng))
                states = self.network_(walks, torch.zeros(walks.shape, dtype=torch.bool))[:, 1:]
                total = torch.zeros(graphs.n_nodes, states.shape[2])
                total.index_add_(0, walks.flatten(), states.flatten(0, 1))
                visits = torch.bincount(walks.flatten(), minlength=graphs.n_nodes)
                latent.append((total / visits[:, None]).numpy())
        return np.stack(latent)


class _WalkTransformer(torch.nn.Module):
    """Nodes of a walk, and one token for the whole, through a layer of attention."""

    def __init__(self, n_nodes: int, n_windows: int, width: int, walk_length: int) -> None:
        super().__init__()
        self.tokens = torch.nn.Embedding(n_nodes + _SPECIAL, width)
        self.places = torch.nn.Parameter(0.1 * torch.randn(walk_length + 1, width))
        self.layer = torch.nn.TransformerEncoderLayer(
            width, nhead=2, dim_feedforward=4 * width, dropout=0.0, batch_first=True
        )
        self.which_node = torch.nn.Linear(width, n_nodes)
        self.which_window = torch.nn.Linear(width, n_windows)
        self.whole, self.mask = n_nodes, n_nodes + 1

    def forward(self, walks: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        tokens = walks.masked_fill(masked, self.mask)
        whole = torch.full((len(walks), 1), self.whole)
        return self.layer(self.tokens(torch.cat([whole, tokens], dim=1)) + self.places)


def biased_walks(
    adjacency: NDArray[Any],
    start: NDArray[np.int64],
    length: int,
    *,
    p: float,
    q: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """
    Draw second-order random walks [1]_.

    From node ``v``, reached from ``u``, the walk goes on to ``x`` with a probability in
    proportion to ``A[v, x]`` times ``1/p`` if ``x`` is ``u``, 1 if ``x`` is joined to ``u``, and
    ``1/q`` otherwise.  At a node without edges it stays.

    Parameters
    ----------
    adjacency : numpy.ndarray, shape (n_nodes, n_nodes)
        Non-negative weights, symmetric, without diagonal.
    start : numpy.ndarray of int, shape (n_walks,)
        First nodes.
    length : int
        Nodes of a walk.
    p, q : float
        Return and in-out parameter.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    numpy.ndarray
        Nodes, shape (n_walks, length).

    References
    ----------
    .. [1] Grover & Leskovec (2016), node2vec: scalable feature learning for networks, KDD.

    Examples
    --------
    >>> ring = np.roll(np.eye(4), 1, axis=1) + np.roll(np.eye(4), -1, axis=1)
    >>> rng = np.random.default_rng(0)
    >>> biased_walks(ring, np.array([0]), 5, p=1e9, q=1.0, rng=rng)[0, ::4]
    array([0, 0])
    """
    positive_int(length, "walk_length")
    positive_number(p, "p")
    positive_number(q, "q")
    walks = np.empty((len(start), length), dtype=np.int64)
    walks[:, 0] = start
    joined = adjacency > 0
    for step in range(1, length):
        here = walks[:, step - 1]
        weight = adjacency[here].astype(np.float64)
        if step > 1:
            before = walks[:, step - 2]
            weight *= np.where(joined[before], 1.0, 1.0 / q)
            # Where the walk stayed, before and here are one, and nothing leads back.
            each = np.arange(len(start))
            weight[each, before] = adjacency[here, before] / p
        total = np.cumsum(weight, axis=1)
        drawn = rng.random(len(start)) * total[:, -1]
        following = (total <= drawn[:, None]).sum(axis=1)
        walks[:, step] = np.where(total[:, -1] > 0, following, here)
    return walks
