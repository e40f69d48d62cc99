"""What the methods share that read adjacency rows: lags, and the loss that weighs edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods._training import run_steps, seeded


def lagged_rows(rows: NDArray[np.float32], lookback: int) -> NDArray[np.float32]:
    """
    Rows of each window and of those before it, oldest first.

    Returns shape (n_windows, n_nodes, lookback, n_nodes).  Before the first window stands the
    first window.
    """
    index = np.arange(len(rows))[:, None] + np.arange(1 - lookback, 1)
    return np.ascontiguousarray(np.swapaxes(rows[np.maximum(index, 0)], 1, 2))


def edge_weighted_loss(
    predicted: torch.Tensor, target: torch.Tensor, edge_weight: float
) -> torch.Tensor:
    """Mean of ``((x̂ − x) ∘ B)²``, where ``B`` is ``edge_weight`` on edges and 1 elsewhere."""
    weight = torch.where(target != 0, edge_weight, 1.0)
    return ((predicted - target) * weight).square().mean()


class RowPredictor:
    """Trains a network ``rows of the past → latent → row of the next window``, and applies it."""

    def __init__(self, encoder: torch.nn.Module, decoder: torch.nn.Module, level: float) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self.level = level

    def train(
        self,
        sequences: Sequence[GraphSequence],
        *,
        lookback: int,
        weights: str,
        edge_weight: float,
        windows_per_step: int,
        n_steps: int,
        learning_rate: float,
        seed: int,
    ) -> list[float]:
        """Train on pairs of a past and its next window; returns the loss of every step."""
        positive_number(edge_weight, "edge_weight")
        size = positive_int(windows_per_step, "windows_per_step")
        past, following = [], []
        for sequence in sequences:
            rows = rows_of(sequence, self.level, weights)
            if len(rows) > lookback:
                past.append(lagged_rows(rows, lookback)[lookback - 1 : -1])
                following.append(rows[lookback:])
        if not past:
            raise InputError(
                f"No stretch has more than {lookback} windows, from which the next one could be "
                "predicted. Shorten lookback, or record longer."
            )
        inputs, targets = np.concatenate(past), np.concatenate(following)
        rng = np.random.default_rng(seed)

        def loss(_: int) -> torch.Tensor:
            chosen = rng.integers(len(inputs), size=size)
            target = torch.from_numpy(targets[chosen]).flatten(0, 1)
            given = torch.from_numpy(inputs[chosen]).flatten(0, 1)
            return edge_weighted_loss(self.decoder(self.encoder(given)), target, edge_weight)

        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        return run_steps(parameters, loss, n_steps=n_steps, learning_rate=learning_rate)

    def latent(self, graphs: GraphSequence, *, lookback: int, weights: str) -> NDArray[np.float32]:
        """Embed every window from itself and those before it."""
        given = torch.from_numpy(lagged_rows(rows_of(graphs, self.level, weights), lookback))
        with torch.no_grad():
            latent = self.encoder(given.flatten(0, 1))
        return latent.reshape(len(graphs), graphs.n_nodes, -1).numpy()

    def following(
        self, graphs: GraphSequence, *, lookback: int, weights: str
    ) -> NDArray[np.float32]:
        """Predict the adjacency behind each window, symmetric."""
        latent = torch.from_numpy(self.latent(graphs, lookback=lookback, weights=weights))
        with torch.no_grad():
            rows = self.decoder(latent.flatten(0, 1)).reshape(*latent.shape[:2], -1)
        return ((rows + rows.transpose(1, 2)) / 2).numpy()


def trained_predictor(
    networks: Callable[[int], tuple[torch.nn.Module, torch.nn.Module]],
    sequences: list[GraphSequence],
    *,
    density: float,
    seed: int,
    **options: Any,
) -> tuple[RowPredictor, list[float]]:
    """Build a predictor with a threshold of the training windows, and train it."""
    level = edge_level(sequences, density)
    n_nodes = sequences[0].n_nodes
    with seeded(seed, n_nodes):
        encoder, decoder = networks(n_nodes)
        predictor = RowPredictor(encoder, decoder, level)
        return predictor, predictor.train(sequences, seed=seed, **options)
