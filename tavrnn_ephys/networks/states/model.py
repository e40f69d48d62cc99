"""Discrete states of a network, fitted to its windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.containers import ConnectivitySequence, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import STATE_METHODS
from tavrnn_ephys.networks.states.durations import Durations, durations_of
from tavrnn_ephys.networks.states.features import Components, Source, window_features
from tavrnn_ephys.networks.states.hidden_markov import fit_model, predict_states
from tavrnn_ephys.networks.states.selection import StateEvidence, choose_n_states
from tavrnn_ephys.networks.states.stretches import stretch_lengths

if TYPE_CHECKING:
    import pandas

__all__ = ["LEAST_STAYS", "NetworkStates", "check_windows", "network_states"]

#: Fewest stays in a state, and outside of it, of which a difference is tested.
LEAST_STAYS = 3

# One surrogate in twenty is as large as the recording by chance.
_LEAST_SURROGATES = 19
_LEAST_WINDOWS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedStates:
    """
    What tells the states of other windows.

    Parameters
    ----------
    components : Components
        Components that the windows are placed on.
    model : object or None
        Fitted hidden Markov model or k-means; None for one state.
    order : numpy.ndarray of int, shape (n_states,)
        State of each state of the model, by frequency.
    """

    components: Components
    model: Any
    order: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkStates:
    """
    States of a network: when each holds, how long, and what follows it.

    Parameters
    ----------
    n_states : int
        Number of states; state 0 is the most frequent one.
    labels : numpy.ndarray of int, shape (n_windows,)
        State of each window.
    probabilities : numpy.ndarray, shape (n_windows, n_states)
        Probability of each state, given the whole recording.
    mean_weights : numpy.ndarray, shape (n_states, n_nodes, n_nodes), or None
        Mean connectivity of each state; None where an embedding was given.
    durations : Durations
        Occupancy, dwell times and transitions.
    evidence : StateEvidence or None
        Why there are so many; None where the number was given.
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    method : str
        How they were fitted.
    fitted : FittedStates
        What :meth:`predict` uses.

    Examples
    --------
    >>> weights = np.tile(np.eye(3), (20, 1, 1))
    >>> weights[12:, 0, 1:] = weights[12:, 1:, 0] = 0.9
    >>> weights[:, 1, 2] = weights[:, 2, 1] = np.tile([0.1, 0.2], 10)
    >>> windows = Windows(start_s=np.arange(20.0), stop_s=np.arange(20.0) + 1)
    >>> connectivity = ConnectivitySequence(
    ...     weights=weights, windows=windows, nodes=Nodes(ids="abc"), measure="pearson"
    ... )
    >>> found = network_states(connectivity, n_states=2, method="kmeans")
    >>> found.to_pandas()
       start_s  stop_s  state  n_windows
    0      0.0    12.0      0         12
    1     12.0    20.0      1          8
    """

    n_states: int
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    mean_weights: NDArray[np.float64] | None
    durations: Durations
    evidence: StateEvidence | None
    windows: Windows
    nodes: Nodes
    method: str
    fitted: FittedStates

    @property
    def few_stays(self) -> list[int]:
        """States with fewer than three stays, or fewer than three stays outside of them."""
        stays = self.durations.table["n_stays"].to_numpy()
        fewest = np.minimum(stays, stays.sum() - stays)
        return np.flatnonzero(fewest < LEAST_STAYS).tolist()

    def predict(self, source: Source) -> NDArray[np.int64]:
        """
        Say which of the states other windows are in, such as those of a test block.

        Parameters
        ----------
        source : ConnectivitySequence or NodeEmbedding
            Windows of the same nodes.

        Returns
        -------
        numpy.ndarray of int
            State of each window.

        Raises
        ------
        InputError
            If the nodes are others.
        """
        features = window_features(source)
        if source.nodes != self.nodes or features.shape[1] != len(self.fitted.components.mean):
            raise InputError(
                "predict got windows of other nodes than network_states saw. Select the same "
                "nodes in the same order."
            )
        if self.n_states == 1:
            return np.zeros(len(features), dtype=np.int64)
        points = self.fitted.components.points(features, self.fitted.components.axes.shape[0])
        states, _ = predict_states(self.fitted.model, points, stretch_lengths(source.windows))
        return self.fitted.order[states]

    def to_pandas(self) -> pandas.DataFrame:
        """
        Return the stays in each state as a table.

        Returns
        -------
        pandas.DataFrame
            One row per stay: ``start_s``, ``stop_s``, ``state``, ``n_windows``.  A stay ends where
            the middle between two windows of different states lies.
        """
        return self.durations.stays.copy()

    def __str__(self) -> str:
        if self.n_states == 1 and self.evidence is not None and self.evidence.n_components:
            return (
                "One state: the network varies beyond chance, but no number of states is stable "
                "and foretells it."
            )
        if self.n_states == 1:
            return "One state: no component of the network varies beyond chance."
        lines = [f"{self.n_states} network states in {len(self.labels)} windows:"]
        for row in self.durations.table.itertuples():
            lines.append(
                f"  state {row.state}: {100 * row.occupancy:.0f} % of the time, "
                f"{row.n_stays} stays of {row.dwell_s:.3g} s "
                f"({row.dwell_low_s:.3g} to {row.dwell_high_s:.3g} s)"
            )
        return "\n".join(lines)


def network_states(
    source: Source,
    *,
    n_states: int | str = "auto",
    method: str = "hmm",
    surrogates: Sequence[Source] = (),
    max_states: int = 6,
    seed: int = 0,
) -> NetworkStates:
    """
    Find discrete states of a network in a sequence of windows.

    Parameters
    ----------
    source : ConnectivitySequence or NodeEmbedding
        What is known of each window.
    n_states : int or "auto"
        Number of states; by default as many as components vary beyond chance, plus one, where the
        held-out likelihood agrees.
    method : {"hmm", "kmeans"}
        Hidden Markov model with Gaussian states, or k-means, which knows no time.
    surrogates : sequence of ConnectivitySequence or NodeEmbedding
        The same of at least 19 surrogate recordings without coincidences, such as those of
        :func:`tavrnn_ephys.shuffle_bins_within_windows`: what rates explain stays in them.  For
        connectivity, by default, every pair is shifted in time on its own.
    max_states : int
        Most states that are tried.
    seed : int
        Seed of the fits and of the shifts.

    Returns
    -------
    NetworkStates
        The states.

    Raises
    ------
    InputError
        If windows or surrogates are too few, or the number of states is not known of an embedding
        without surrogates.

    Notes
    -----
    Windows become points on the principal components of their standardised weights.  The number of
    components is that of Horn's parallel analysis against the surrogates.  A network that drifts
    without states is cut into states as well: look at the order of the windows.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=120 * pq.s, mean_rate_hz=15.0, seed=1)
    >>> activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
    >>> windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    >>> connectivity = te.compute_connectivity(activity, windows)
    >>> te.network_states(connectivity).n_states
    2
    """
    one_of(method, STATE_METHODS, "method")
    whole_number(seed, "seed")
    check_windows(len(source.windows) if isinstance(source, Source) else _LEAST_WINDOWS)
    features, lengths = window_features(source), stretch_lengths(source.windows)
    if not np.ptp(features, axis=0).any():
        raise InputError(
            "The network is the same in all windows, as that of a silent recording is: no states "
            "can be told apart. Leave states out."
        )
    evidence = None
    if n_states == "auto":
        positive_int(max_states, "max_states")
        null = _surrogate_features(source, features, surrogates, seed)
        number, evidence = choose_n_states(
            features,
            null,
            max_states=max_states,
            gap=source.windows.overlap,
            lengths=lengths,
            seed=seed,
        )
        n_components = evidence.n_components
    else:
        number = positive_int(n_states, "n_states")
        n_components = number - 1
    components = Components.fit(features, max(n_components, 1))
    model, order = None, np.zeros(1, dtype=np.int64)
    labels, probabilities = np.zeros(len(features), np.int64), np.ones((len(features), 1))
    if number > 1:
        points = components.points(features, n_components)
        model = fit_model(points, number, method=method, lengths=lengths, seed=seed)
        found, chances = predict_states(model, points, lengths)
        by_size = np.argsort(-np.bincount(found, minlength=number), kind="stable")
        order = np.argsort(by_size)
        labels, probabilities = order[found], chances[:, by_size]
    return NetworkStates(
        n_states=number,
        labels=labels,
        probabilities=probabilities,
        mean_weights=_mean_weights(source, labels, number),
        durations=durations_of(labels, number, source.windows),
        evidence=evidence,
        windows=source.windows,
        nodes=source.nodes,
        method=method,
        fitted=FittedStates(components=components, model=model, order=order),
    )


def check_windows(n_windows: int) -> None:
    """
    Refuse windows that are too few to tell states apart, before anything is computed.

    Parameters
    ----------
    n_windows : int
        How many there are.

    Raises
    ------
    InputError
        If there are fewer than 20.
    """
    if n_windows < _LEAST_WINDOWS:
        raise InputError(
            f"{n_windows} windows are too few to tell states apart; {_LEAST_WINDOWS} are needed. "
            "Shorten the step, or record longer."
        )


def _surrogate_features(
    source: Source, features: NDArray[np.float64], surrogates: Sequence[Source], seed: int
) -> Iterator[NDArray[np.float64]]:
    if len(surrogates):
        if len(surrogates) < _LEAST_SURROGATES:
            raise InputError(
                f"{len(surrogates)} surrogates are too few for a chance of 0.05; "
                f"{_LEAST_SURROGATES} are needed."
            )
        yield from (window_features(item) for item in surrogates)
        return
    if not isinstance(source, ConnectivitySequence):
        raise InputError(
            "The number of states of an embedding needs surrogates: all its coordinates follow "
            "one course of time. Give surrogates, take the connectivity, or say n_states=2."
        )
    rng = np.random.default_rng(seed)
    n_windows, n_features = features.shape
    columns = np.arange(n_features)
    for _ in range(_LEAST_SURROGATES):
        shifts = rng.integers(n_windows, size=n_features)
        rows = (np.arange(n_windows)[:, np.newaxis] + shifts) % n_windows
        yield features[rows, columns]


def _mean_weights(
    source: Source, labels: NDArray[np.int64], n_states: int
) -> NDArray[np.float64] | None:
    if not isinstance(source, ConnectivitySequence):
        return None
    sums = np.zeros((n_states, source.n_nodes, source.n_nodes))
    n_known = np.zeros(sums.shape, dtype=np.int64)
    for label, weights in zip(labels, source.weights, strict=True):
        values = np.asarray(weights, dtype=np.float64)
        sums[label] += np.nan_to_num(values)
        n_known[label] += np.isfinite(values)
    # Windows in which a weight is not known say nothing of its mean.
    return sums / np.maximum(n_known, 1)
