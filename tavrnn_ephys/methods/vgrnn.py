"""VGRNN: the network that TAVRNN adds attention and a history node to."""

from __future__ import annotations

import dataclasses
from typing import Any

from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edge_level
from tavrnn_ephys.methods.contract import GraphEmbedder
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn_method import thinned_graphs

__all__ = ["VGRNN"]

_OPTIONS: dict[str, Any] = {
    "attention": "none",
    "recurrence": "trained",
    "bias": "everywhere",
    "target_pairs": "nodes",
    "embedding": "mean",
    "sequence_length": 6,
    "clip_norm": 10.0,
}


class VGRNN(GraphEmbedder):
    """
    Variational graph recurrent network on binary edges [1]_.

    Parameters
    ----------
    latent_size : int
        Width of the embedding.
    density : float
        Share of node pairs that are edges over the training windows.
    n_steps : int
        Optimizer steps of six windows, rounded up to whole training epochs.
    seed : int
        Seed of weights and sampling.

    References
    ----------
    .. [1] Hajiramezanali et al. (2019), Variational graph recurrent neural networks, NeurIPS.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(
    ...     ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)), history_node=False
    ... )
    >>> with warnings.catch_warnings():  # Three steps teach little, which is said.
    ...     warnings.simplefilter("ignore")
    ...     model = VGRNN(latent_size=2, density=0.5, n_steps=3).fit(graphs)
    >>> model.transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "vgrnn"

    def __init__(
        self, *, latent_size: int = 8, density: float = 0.2, n_steps: int = 200, seed: int = 0
    ):
        self.latent_size = latent_size
        self.density = density
        self.n_steps = n_steps
        self.seed = seed

    @property
    def n_optimizer_steps(self) -> int:
        """Optimizer steps that ``fit`` has made."""
        return getattr(self, "n_steps_", 0)

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        self.level_ = edge_level(sequences, self.density)
        options = {**_OPTIONS, "training_steps": positive_int(self.n_steps, "n_steps")}
        model = TAVRNN(
            profile="paper", options=options, latent_size=self.latent_size, seed=self.seed
        )
        self.model_ = model.fit([self._thinned(item) for item in sequences])
        self.n_steps_ = self.n_steps

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return self.model_.transform(self._thinned(graphs)).mean

    def _thinned(self, graphs: GraphSequence) -> GraphSequence:
        features = None if graphs.features is None else graphs.features[:, : graphs.n_nodes]
        graphs = dataclasses.replace(graphs, history_node=False, features=features)
        return thinned_graphs(graphs, self.level_)
