"""TAVRNN, its profiles and its ablations, as methods of the comparison."""

from __future__ import annotations

import dataclasses
from typing import Any

import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.names import FORMER_PROFILES
from tavrnn_ephys.methods._dense import edge_level, rows_of
from tavrnn_ephys.methods.contract import GraphEmbedder
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors.sessions import N_SWEEPS

__all__ = ["LabelledStateSpaceMethod", "StateSpaceMethod", "TavrnnMethod", "thinned_graphs"]

_NETWORKS = ("recurrent", "paper")


class TavrnnMethod(GraphEmbedder):
    """
    TAVRNN's graph recurrent network, with a budget of optimizer steps.

    Parameters
    ----------
    profile : {"recurrent", "paper"}
        The corrected network, or the published one.
    options : dict of str to object, optional
        Options that differ from the profile.
    latent_size : int
        Width of the latent variable; the embedding is twice as wide, unless its option says
        otherwise.
    density : float, optional
        Share of node pairs that are edges over the training windows; by default all are.
    n_steps : int
        Optimizer steps.
    seed : int
        Seed of weights and sampling.

    Attributes
    ----------
    model_ : TAVRNN
        The fitted estimator.
    level_ : float
        Smallest absolute weight of an edge.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(
    ...     ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)), features="weights"
    ... )
    >>> TavrnnMethod(latent_size=2, n_steps=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 4, without attention
    """

    name = "tavrnn_recurrent"
    features = "weights"
    history_node = True
    # The estimator itself says so where its network reads undirected graphs.
    takes_directed = True

    def __init__(
        self,
        *,
        profile: str = "recurrent",
        options: dict[str, Any] | None = None,
        latent_size: int = 8,
        density: float | None = None,
        n_steps: int = 200,
        seed: int = 0,
    ):
        self.profile = profile
        self.options = options
        self.latent_size = latent_size
        self.density = density
        self.n_steps = n_steps
        self.seed = seed

    @property
    def n_optimizer_steps(self) -> int:
        """Optimizer steps that ``fit`` has made."""
        return getattr(self, "n_steps_", 0)

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        self.level_ = 0.0 if self.density is None else edge_level(sequences, self.density)
        n_steps = positive_int(self.n_steps, "n_steps")
        model = TAVRNN(
            profile=one_of(self.profile, _NETWORKS, "profile", former=FORMER_PROFILES),
            options={**(self.options or {}), "training_steps": n_steps},
            latent_size=self.latent_size,
            seed=self.seed,
        )
        self.model_ = model.fit([thinned_graphs(item, self.level_) for item in sequences])
        self.n_steps_ = n_steps

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return self.model_.transform(thinned_graphs(graphs, self.level_)).mean


class StateSpaceMethod(TavrnnMethod):
    """
    TAVRNN as it is by default: a mean graph, gated factors, and states that decay.

    Parameters
    ----------
    options : dict of str to object, optional
        Options that differ from the profile.
    latent_size : int
        Number of factors; the embedding is twice as wide, unless its option says otherwise.
    n_steps : int
        Budget of sweeps over the training windows; the profile makes no more than it needs.
    seed : int
        Kept with the embedding; the fit draws nothing at random.

    Attributes
    ----------
    model_ : TAVRNN
        The fitted estimator.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.
    """

    name = "tavrnn"
    history_node = False
    takes_directed = True

    def __init__(
        self,
        *,
        options: dict[str, Any] | None = None,
        latent_size: int = 8,
        n_steps: int = 25,
        seed: int = 0,
    ):
        self.options = options
        self.latent_size = latent_size
        self.n_steps = n_steps
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        n_steps = min(positive_int(self.n_steps, "n_steps"), N_SWEEPS)
        model = TAVRNN(
            profile="state_space",
            options={**(self.options or {}), "training_steps": n_steps},
            latent_size=self.latent_size,
            seed=self.seed,
        )
        self.model_ = model.fit(sequences, labels)
        self.n_steps_ = len(self.model_.history_)

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return self.model_.transform(graphs).mean


class LabelledStateSpaceMethod(StateSpaceMethod):
    """
    TAVRNN's state-space profile with labels of training windows as further evidence.

    Windows without a label are learnt from too.

    Parameters
    ----------
    options : dict of str to object, optional
        Options that differ from the profile.
    latent_size : int
        Number of factors.
    n_steps : int
        Budget of sweeps over the training windows; the profile makes no more than it needs.
    seed : int
        Kept with the embedding.

    Attributes
    ----------
    model_ : TAVRNN
        The fitted estimator.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.
    """

    name = "tavrnn_labels"
    supervision = "label"
    takes_unlabelled = True


def thinned_graphs(graphs: GraphSequence, level: float) -> GraphSequence:
    """
    Drop the edges whose absolute weight lies below a level.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    level : float
        Smallest absolute weight that stays; 0 for all.

    Returns
    -------
    GraphSequence
        The same windows, nodes and features with fewer edges.
    """
    if level == 0:
        return graphs
    rows = rows_of(graphs, level, "signed")
    return dataclasses.replace(graphs, weights=tuple(map(scipy.sparse.csr_array, rows)))
