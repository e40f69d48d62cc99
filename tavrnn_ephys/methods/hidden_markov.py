"""A hidden Markov model on components of edges: the states of the past weigh on the present."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import edges_of, of_every_node
from tavrnn_ephys.methods._state_chain import filtered_states, hidden_markov_models
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["HiddenMarkov"]

_FLOOR = 1e-12


class HiddenMarkov(GraphEmbedder):
    """
    Filtered state probabilities of a Gaussian hidden Markov model on principal components [1]_.

    Parameters
    ----------
    n_states : int
        Number of states.
    latent_size : int
        Number of principal components of the edges.
    seed : int
        Seed of the first guess.

    Attributes
    ----------
    pca_ : sklearn.decomposition.PCA
        The components.
    model_ : hmmlearn.hmm.GaussianHMM
        The fitted model.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    References
    ----------
    .. [1] Vidaurre, Smith & Woolrich (2017), PNAS 114, 12827-12832.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).normal(0, 0.1, (40, 5, 5))
    >>> weights[10:30, :2] += 1.0
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights, directed=True))
    >>> found = HiddenMarkov(n_states=2, latent_size=2).fit(graphs).transform(graphs).mean[:, 0]
    >>> bool((found[10:30].argmax(axis=1) != found[0].argmax()).all())
    True
    """

    name = "hmm"
    takes_directed = True

    def __init__(self, *, n_states: int = 4, latent_size: int = 8, seed: int = 0) -> None:
        self.n_states = n_states
        self.latent_size = latent_size
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        from sklearn.decomposition import PCA

        positive_int(self.n_states, "n_states")
        wanted = positive_int(self.latent_size, "latent_size")
        make = hidden_markov_models().GaussianHMM
        edges = np.concatenate([edges_of(sequence) for sequence in sequences])
        kept = min(wanted, max(len(edges) - 1, 1), edges.shape[1])
        self.pca_ = PCA(kept, svd_solver="full").fit(edges)
        scores = self.pca_.transform(edges).astype(np.float64)
        self.scale_ = scores.std(axis=0) + _FLOOR
        n_states = min(self.n_states, max(len(scores) // 2, 1))
        self.model_ = make(
            n_states, covariance_type="diag", n_iter=50, min_covar=0.01, random_state=self.seed
        )
        self.model_.fit(scores / self.scale_, [len(sequence) for sequence in sequences])

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        scores = self.pca_.transform(edges_of(graphs)).astype(np.float64) / self.scale_
        spread = np.stack([np.diagonal(item) for item in self.model_.covars_])
        away = np.square(scores[:, np.newaxis] - self.model_.means_) / spread
        likelihood = -0.5 * (away + np.log(spread)).sum(axis=2)
        states = filtered_states(likelihood, self.model_.startprob_, self.model_.transmat_)
        return of_every_node(states, graphs.n_nodes)
