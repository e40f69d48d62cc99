"""States in which spikes drive spikes in different ways: a switching GLM with one-hot types."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number, whole_bins, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.logs import only_errors
from tavrnn_ephys.methods._dense import of_every_node
from tavrnn_ephys.methods._one_hot import OneHotCouplings
from tavrnn_ephys.methods._state_chain import filtered_states, hidden_markov_models, state_chain
from tavrnn_ephys.methods._windowed_glm import Bins, Drive, WindowSums
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["OneHotHMMGLM"]

# Share of the steps that learn what all states have in common, and steps between two readings of
# the states.
_SHARE_IN_COMMON, _STEPS_OF_A_ROUND = 0.3, 10
_N_COMPONENTS = 8
_FLOOR, _LITTLE = 1e-12, 1e-3


class OneHotHMMGLM(GraphEmbedder):
    """
    Filtered states of a hidden Markov model whose states are GLMs with one-hot types [1]_.

    It reads what was binned, and not the edges: graphs come from
    :func:`tavrnn_ephys.connectivity.with_counts`.  In state ``s`` node ``n`` has the mean rate
    times ``f(b_n^s + sum_m w_nm^s h_m(t))``, where ``h_m`` is the exponentially filtered past of
    node ``m``.  A coupling is the sign of its type times a strength: the type, inhibitory, none or
    excitatory, is drawn one-hot and shared by all states; the positive strength of each state has
    a Gaussian prior around that of its pair.

    Parameters
    ----------
    n_states : int
        Number of states.
    time_constant_s : float
        Time constant of the filtered past in seconds.
    same_bin : bool, optional
        Whether the past of another node holds the present bin; by default where bins are longer
        than the time constant, for most of an effect then falls into the bin of its cause.
    bin_size_s : float, optional
        Bins are summed to this width in seconds, a whole number of theirs; as they are by default.
    n_steps : int
        Optimizer steps in total.
    seed : int
        Seed of the first guess of the states.

    Attributes
    ----------
    types_ : numpy.ndarray of float32, shape (n_nodes, n_nodes, 3)
        Probability that a pair is inhibitory, uncoupled or excitatory, target first.
    couplings_ : numpy.ndarray of float32, shape (n_states, n_nodes, n_nodes)
        Expected couplings, target first: by what share of its mean one spike changes the rate of
        a target.  Of traces: in units of .15 standard deviations of the target for a change of
        the filtered past by one of its own.
    start_, transitions_ : numpy.ndarray
        Probabilities of the first state and, shape (n_states, n_states), of the next one.
    is_poisson_ : bool
        Whether the values are counts.
    history_ : list of float
        Loss of every step.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Notes
    -----
    What differs from the paper: a state lasts at least one window, whose log-likelihood is the
    emission.  Types belong to a pair, and not to a pair in a state.  They are summed out under a
    softmax where the paper relaxes them with Gumbel noise.  A node is not coupled to itself.
    The Poisson log-likelihood is expanded to second order around the mean rate [2]_, where the
    exponential and the linear ``f = 1 + x`` agree, so that sums per window stand for all bins.
    With ``same_bin`` it is a pseudo-likelihood.

    Values other than counts (traces, deconvolved or not) take the Gaussian GLM, after each node is
    freed of what its last bin tells.  Before a window all nodes count as being at their mean, so
    that windows may overlap, leave gaps and differ in length.

    The first guess of the states is a Gaussian hidden Markov model on principal components of
    each window's products of present and past, weighed by how likely a pair is coupled.

    References
    ----------
    .. [1] Li, Kim, Rodgers, Choi & Wu (2024), ICLR, One-hot generalized linear model for
       switching brain state discovery.
    .. [2] Zoltowski & Pillow (2018), NeurIPS 31, Scaling the Poisson GLM to massive neural
       datasets through polynomial approximations.

    Examples
    --------
    >>> from tavrnn_ephys.connectivity import compute_connectivity, with_counts
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
    >>> counts = np.random.default_rng(0).poisson(0.1, (4, 2000))
    >>> counts[1, 1:1000] += counts[0, :999]
    >>> activity = BinnedActivity(values=counts, bin_size_s=0.005, nodes=Nodes(ids="abcd"))
    >>> windows = Windows(start_s=np.arange(10.0), stop_s=np.arange(10.0) + 1)
    >>> graphs = build_graphs(compute_connectivity(activity, windows), history_node=False)
    >>> graphs = with_counts(graphs, activity)
    >>> method = OneHotHMMGLM(n_states=2).fit(graphs)
    >>> int(method.types_[1, 0].argmax())
    2
    >>> method.transform(graphs).mean[:, 0].argmax(axis=1).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """

    name = "hmm_glm"
    features = "counts"
    takes_directed = True

    def __init__(
        self,
        *,
        n_states: int = 4,
        time_constant_s: float = 0.005,
        same_bin: bool | None = None,
        bin_size_s: float | None = None,
        n_steps: int = 100,
        seed: int = 0,
    ) -> None:
        self.n_states = n_states
        self.time_constant_s = time_constant_s
        self.same_bin = same_bin
        self.bin_size_s = bin_size_s
        self.n_steps = n_steps
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        wanted = positive_int(self.n_states, "n_states")
        positive_int(self.n_steps, "n_steps")
        whole_number(self.seed, "seed")
        hidden_markov_models()
        bins = self._bins(sequences)
        self._drive = self._drive_of(sequences, bins)
        sums = self._drive.sums(bins)
        lengths = [len(sequence) for sequence in sequences]
        in_common, rounds = _budget(self.n_steps)
        model = OneHotCouplings(self._drive.precision)
        every = np.ones((1, len(sums)))
        self.history_ = model.improve(sums.weighted(every), in_common)
        n_states = min(wanted, max(len(sums) // 2, 1))
        states = self._first_guess(sums, 1.0 - model.types[..., 1], n_states, lengths)
        model.split(n_states)
        chain = state_chain(n_states)
        for n_steps in rounds:
            self.history_ += model.improve(sums.weighted(states.T), n_steps)
            likelihood = model.log_likelihood(sums)
            chain.fit(likelihood, lengths)
            states = chain.predict_proba(likelihood, lengths)
        self._model = model
        self.start_, self.transitions_ = chain.startprob_, chain.transmat_
        self.types_, self.couplings_ = model.types, model.couplings
        self.is_poisson_ = self._drive.is_poisson

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        likelihood = self._model.log_likelihood(self._drive.sums(self._bins([graphs])))
        states = filtered_states(likelihood, self.start_, self.transitions_)
        return of_every_node(states, graphs.n_nodes)

    def _bins(self, sequences: list[GraphSequence]) -> Bins:
        if self.bin_size_s is None:
            return Bins(sequences=sequences)
        wanted = positive_number(self.bin_size_s, "bin_size_s")
        return Bins(
            sequences=sequences,
            n_summed=whole_bins(wanted, _bin_size_s(sequences[0]), "bin_size_s"),
        )

    def _drive_of(self, sequences: list[GraphSequence], bins: Bins) -> Drive:
        time_constant_s = positive_number(self.time_constant_s, "time_constant_s")
        if self.same_bin not in (None, True, False):
            raise InputError(f"same_bin must be True, False or None, got {self.same_bin!r}.")
        bin_s = _bin_size_s(sequences[0]) * bins.n_summed
        same_bin = bin_s > time_constant_s if self.same_bin is None else bool(self.same_bin)
        return Drive.of(bins, decay=float(np.exp(-bin_s / time_constant_s)), same_bin=same_bin)

    def _first_guess(
        self, sums: WindowSums, gate: NDArray[np.float32], n_states: int, lengths: list[int]
    ) -> NDArray[np.float64]:
        """Give the states of windows by what their present and past have in common."""
        of_sources = np.diagonal(sums.gram, axis1=1, axis2=2)[:, :-1].mean(axis=0)
        noise = np.sqrt(np.maximum(self._drive.precision[:, np.newaxis] * of_sources, _FLOOR))
        points = (sums.score[:, :, :-1] / noise * gate).reshape(len(sums), -1)
        points = _principal_components(points.astype(np.float64), _N_COMPONENTS)
        model = hidden_markov_models().GaussianHMM(
            n_states,
            covariance_type="diag",
            n_iter=30,
            min_covar=0.05,
            # A state that is never left, or holds no window, would divide zero by zero.
            startprob_prior=1.0 + _LITTLE,
            transmat_prior=1.0 + _LITTLE,
            means_weight=_LITTLE,
            random_state=self.seed,
        )
        with only_errors("hmmlearn"), warnings.catch_warnings():
            # Windows that are all alike have fewer clusters than states; they begin as one.
            warnings.simplefilter("ignore")
            return np.asarray(model.fit(points, lengths).predict_proba(points, lengths))


def _budget(n_steps: int) -> tuple[int, list[int]]:
    """Split the steps between what states have in common and rounds that tell them apart."""
    in_common = int(_SHARE_IN_COMMON * n_steps)
    rest = n_steps - in_common
    n_rounds = max(1, rest // _STEPS_OF_A_ROUND)
    return in_common, [len(part) for part in np.array_split(np.arange(rest), n_rounds)]


def _bin_size_s(graphs: GraphSequence) -> float:
    known = graphs.origin.bin_size_s
    if known is not None:
        return known
    length_s = float((graphs.windows.stop_s - graphs.windows.start_s).max())
    return length_s / graphs.n_features


def _principal_components(points: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Give the first components of few points with many coordinates; the first has unit spread."""
    points = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(points @ points.T)
    kept = np.argsort(values)[::-1][: max(1, min(most, len(points) - 1))]
    spread = np.sqrt(np.maximum(values[kept], 0.0))
    return vectors[:, kept] * spread * np.sqrt(len(points)) / max(float(spread[0]), _FLOOR)
