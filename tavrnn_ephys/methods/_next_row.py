"""What the methods that predict the next row of a graph from its last rows share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._rows import trained_predictor
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["NextRowEmbedder"]


class NextRowEmbedder(GraphEmbedder):
    """A bottleneck between the last rows of each node and its next one; a method says which."""

    def __init__(
        self,
        *,
        latent_size: int = 8,
        hidden_sizes: tuple[int, ...] = (500, 300),
        lookback: int = 3,
        weights: str = "binary",
        density: float = 0.2,
        edge_weight: float = 5.0,
        windows_per_step: int = 6,
        n_steps: int = 200,
        learning_rate: float = 1e-3,
        seed: int = 0,
    ):
        self.latent_size = latent_size
        self.hidden_sizes = hidden_sizes
        self.lookback = lookback
        self.weights = weights
        self.density = density
        self.edge_weight = edge_weight
        self.windows_per_step = windows_per_step
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.seed = seed

    @property
    def valid_from(self) -> int:
        """Index of the first window whose past is complete."""
        return self.lookback - 1

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        positive_int(self.lookback, "lookback")
        positive_int(self.latent_size, "latent_size")
        self.predictor_, self.history_ = trained_predictor(
            self._networks,
            sequences,
            density=self.density,
            lookback=self.lookback,
            weights=self.weights,
            edge_weight=self.edge_weight,
            windows_per_step=self.windows_per_step,
            n_steps=self.n_steps,
            learning_rate=self.learning_rate,
            seed=self.seed,
        )

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return self.predictor_.latent(graphs, lookback=self.lookback, weights=self.weights)

    def predict_next(self, graphs: GraphSequence) -> NDArray[np.float32]:
        """
        Predict the graph that follows each window.

        Parameters
        ----------
        graphs : GraphSequence
            Windows over the nodes seen in ``fit``.

        Returns
        -------
        numpy.ndarray
            Symmetric scores of the pairs, shape (n_windows, n_nodes, n_nodes).
        """
        return self.predictor_.following(graphs, lookback=self.lookback, weights=self.weights)

    @abstractmethod
    def _networks(self, n_nodes: int) -> tuple[Any, Any]:
        """Build the networks before and behind the embedding."""
