"""CEBRA, through its own package: contrastive embeddings of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.errors import MissingDependencyError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edges_of, of_every_node
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["CebraBehavior", "CebraTime"]


class _Cebra(GraphEmbedder):
    """
    The package's estimator, with or without labels.

    The seed fixes its weights; the package draws its pairs of windows from a generator of its own,
    which takes no seed.
    """

    repeatable = False

    def __init__(
        self,
        *,
        latent_size: int = 8,
        on: str = "edges",
        n_steps: int = 200,
        learning_rate: float = 1e-3,
        seed: int = 0,
    ):
        self.latent_size = latent_size
        self.on = on
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        inputs = np.concatenate([_inputs(sequence, self.on) for sequence in sequences])
        labels = labels if self.supervision == "label" else None
        self.model_ = _fitted(self, inputs, labels)
        self.history_ = [float(loss) for loss in self.model_.state_dict_["loss"]]

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return of_every_node(self.model_.transform(_inputs(graphs, self.on)), graphs.n_nodes)


class CebraTime(_Cebra):
    """
    Contrastive embedding of windows in which neighbours in time lie close [1]_.

    Parameters
    ----------
    latent_size : int
        Width of the embedding.
    on : {"edges", "rates"}
        What is embedded: signed edges, or the mean activity that the graphs bring as features.
    n_steps : int
        Optimizer steps.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of the weights; the package draws pairs of windows anew in every fit.

    References
    ----------
    .. [1] Schneider, Lee & Mathis (2023), Learnable latent embeddings for joint behavioural and
       neural analysis, Nature 617, 360-368.
    """

    name = "cebra_time"
    supervision = "time"


class CebraBehavior(_Cebra):
    """
    Contrastive embedding of windows in which windows of like behaviour lie close [1]_.

    Parameters
    ----------
    latent_size : int
        Width of the embedding.
    on : {"edges", "rates"}
        What is embedded: signed edges, or the mean activity that the graphs bring as features.
    n_steps : int
        Optimizer steps.
    learning_rate : float
        Step of Adam.
    seed : int
        Seed of the weights; the package draws pairs of windows anew in every fit.

    References
    ----------
    .. [1] Schneider, Lee & Mathis (2023), Learnable latent embeddings for joint behavioural and
       neural analysis, Nature 617, 360-368.
    """

    name = "cebra_behavior"
    supervision = "label"


def _inputs(graphs: GraphSequence, on: str) -> NDArray[np.float32]:
    if one_of(on, ("edges", "rates"), "on") == "edges":
        return edges_of(graphs)
    if graphs.features is None:
        return np.zeros((len(graphs), graphs.n_nodes), np.float32)
    return graphs.features[:, : graphs.n_nodes, 0]


def _fitted(method: _Cebra, inputs: NDArray[np.float32], labels: NDArray[Any] | None) -> Any:
    """Fit it; numbers with a fraction count as continuous, all other labels as classes."""
    try:
        import cebra
    except ImportError:
        raise MissingDependencyError(
            f"{method.name} needs the package cebra. Install it: pip install tavrnn_ephys[cebra]."
        ) from None
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(method.seed)
        model = cebra.CEBRA(
            model_architecture="offset1-model",
            output_dimension=max(positive_int(method.latent_size, "latent_size"), 2),
            max_iterations=positive_int(method.n_steps, "n_steps"),
            batch_size=min(len(inputs), 512),
            learning_rate=method.learning_rate,
            conditional="time_delta",
            device="cpu",
            verbose=False,
        )
        if labels is None:
            return model.set_params(conditional="time").fit(inputs)
        if labels.dtype.kind != "f":
            labels = np.unique(labels, return_inverse=True)[1]
        else:
            labels = labels.astype(np.float32)
        return model.fit(inputs, labels)
