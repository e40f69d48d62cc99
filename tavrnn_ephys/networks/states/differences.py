"""What sets a state apart: pairs and blocks of nodes whose weight differs from other states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tavrnn_ephys.core.containers import ConnectivitySequence, Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks.states.features import Components, pairs_of, window_features
from tavrnn_ephys.networks.states.hidden_markov import fit_model, predict_states
from tavrnn_ephys.networks.states.model import LEAST_STAYS, NetworkStates
from tavrnn_ephys.networks.states.stretches import stay_starts, stretch_lengths
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.welch import welch_p_values

if TYPE_CHECKING:
    import pandas

__all__ = ["LEAST_STAYS", "StateDifferences", "state_differences"]

# Pairs are left out together in so many parts while the states that judge them are found.
_N_PARTS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class StateDifferences:
    """
    How the weights of each state differ from those of all others.

    Parameters
    ----------
    pairs : pandas.DataFrame
        One row per state and pair of nodes: ``state``, ``node_1``, ``node_2``, ``mean_weight``
        in the state, ``difference`` from the mean of all other windows, ``p_value`` and
        ``q_value``.
    blocks : pandas.DataFrame
        The same for mean weights within and between groups of nodes, ``group_1`` and ``group_2``;
        without rows where nodes have fewer than two groups.
    notes : tuple of str
        What the recording cannot decide, in sentences.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> weights = np.tile(np.eye(4), (24, 1, 1))
    >>> weights[12:, 0, 1:] = weights[12:, 1:, 0] = 0.9
    >>> weights[:, 1, 2] = weights[:, 2, 1] = np.tile([0.1, 0.2], 12)
    >>> windows = te.Windows(start_s=np.arange(24.0), stop_s=np.arange(24.0) + 1)
    >>> connectivity = te.ConnectivitySequence(
    ...     weights=weights, windows=windows, nodes=te.Nodes(ids="abcd"), measure="pearson"
    ... )
    >>> states = te.network_states(connectivity, n_states=2, method="kmeans")
    >>> print(te.state_differences(connectivity, states).notes[0])
    State 0 has 1 stay, and all others have 1; 3 of each are needed to say what sets it apart. ...
    """

    pairs: pandas.DataFrame
    blocks: pandas.DataFrame
    notes: tuple[str, ...] = ()


def state_differences(
    connectivity: ConnectivitySequence,
    states: NetworkStates,
    *,
    surrogates: Sequence[ConnectivitySequence] = (),
    seed: int = 0,
) -> StateDifferences:
    """
    Test which pairs and blocks of nodes set each state apart from the others.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        The connectivity that the states were found in.
    states : NetworkStates
        The states.
    surrogates : sequence of ConnectivitySequence
        The same of surrogate recordings that keep rates, such as those that the states were found
        with; their mean, window by window, is what rates explain, and is taken off first.
    seed : int
        Seed of the parts and of the fits.

    Returns
    -------
    StateDifferences
        Differences with p-values; NaN where a state has too few stays.

    Raises
    ------
    InputError
        If the connectivity is of other nodes or windows than the states.

    Notes
    -----
    States are found from the weights that they are to explain, so that noise alone makes weights
    of states differ.  Pairs are therefore divided at random into ten parts, and each part is
    tested with states that were found without it, matched to the others by overlap [1]_.  Windows
    of one stay resemble each other; what is independent is the stay.  The mean weights of stays in
    a state are compared with those of all other stays by Welch's test [2]_; three stays on either
    side are the fewest.  ``q_value`` is that of Benjamini and Hochberg over all states and pairs.

    References
    ----------
    .. [1] Kuhn (1955), Naval Research Logistics Quarterly 2, 83-97.
    .. [2] Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=120 * pq.s, mean_rate_hz=15.0, seed=1)
    >>> activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
    >>> windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    >>> connectivity = te.compute_connectivity(activity, windows)
    >>> states = te.network_states(connectivity)
    >>> found = te.state_differences(connectivity, states)
    >>> len(found.pairs), bool((found.pairs["q_value"] < 0.05).any())
    (380, True)
    """
    if connectivity.nodes != states.nodes or connectivity.windows != states.windows:
        raise InputError(
            "state_differences got connectivity of other nodes or windows than the states. Give "
            "that in which they were found."
        )
    features = window_features(connectivity)
    beyond = features - _expected(features, surrogates)
    pairs = pairs_of(connectivity)
    judge = _Judge(features, states, seed)
    part = np.random.default_rng(seed).permutation(features.shape[1]) % _N_PARTS
    p_values = judge.p_values(beyond, part, part)
    blocks = _blocks(connectivity.nodes, pairs)
    table = _table(states, features, p_values, _pair_names(connectivity.nodes, pairs))
    return StateDifferences(
        pairs=table, blocks=_block_table(states, judge, features, beyond, blocks),
        notes=_notes(states),
    )  # fmt: skip


def _expected(
    features: NDArray[np.float64], surrogates: Sequence[ConnectivitySequence]
) -> NDArray[np.float64]:
    total = np.zeros_like(features)
    for item in surrogates:
        total += window_features(item)
    return total / max(len(surrogates), 1)


class _Judge:
    """Tests columns with states that were found without the pairs of their part."""

    def __init__(self, features: NDArray[np.float64], states: NetworkStates, seed: int) -> None:
        self.features, self.states, self.seed = features, states, seed
        self.lengths = stretch_lengths(states.windows)

    def p_values(
        self,
        values: NDArray[np.float64],
        part_of_column: NDArray[np.int64],
        part_of_pair: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """P-value of each state and column of values."""
        found = np.full((self.states.n_states, values.shape[1]), np.nan)
        if self.states.n_states == 1:
            return found
        for part in np.unique(part_of_column):
            kept = part_of_pair != part
            if kept.sum() >= self.states.n_states:
                here = part_of_column == part
                found[:, here] = self._of_stays(values[:, here], self._states_without(kept))
        return found

    def _states_without(self, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        states, features = self.states, self.features[:, kept]
        n_components = states.fitted.components.axes.shape[0]
        points = Components.fit(features, n_components).points(features, n_components)
        model = fit_model(points, states.n_states, method=states.method, lengths=self.lengths,
                          seed=self.seed)  # fmt: skip
        labels, _ = predict_states(model, points, self.lengths)
        shared = np.zeros((states.n_states, states.n_states))
        np.add.at(shared, (labels, states.labels), 1.0)
        _, names = linear_sum_assignment(-shared)
        return names[labels]

    def _of_stays(
        self, values: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        starts = stay_starts(labels, self.lengths)
        n_windows = np.diff(np.append(starts, len(labels)))
        means = np.add.reduceat(values, starts, axis=0) / n_windows[:, np.newaxis]
        found = np.full((self.states.n_states, values.shape[1]), np.nan)
        for state in range(self.states.n_states):
            is_in = labels[starts] == state
            if min(is_in.sum(), (~is_in).sum()) >= LEAST_STAYS and self._is_tested(state):
                found[state] = welch_p_values(means[is_in], means[~is_in])
        return found

    def _is_tested(self, state: int) -> bool:
        return state not in self.states.few_stays


def _notes(states: NetworkStates) -> tuple[str, ...]:
    if states.n_states == 1:
        return ()
    stays = states.durations.table["n_stays"].to_numpy()
    return tuple(
        f"State {state} has {stays[state]} stay{'' if stays[state] == 1 else 's'}, and all others "
        f"have {stays.sum() - stays[state]}; {LEAST_STAYS} of each are needed to say what sets it "
        "apart. No p-value is given. Record longer."
        for state in states.few_stays
    )


def _pair_names(nodes: Nodes, pairs: tuple[NDArray[np.intp], ...]) -> dict[str, NDArray[np.str_]]:
    return {"node_1": nodes.ids[pairs[0]], "node_2": nodes.ids[pairs[1]]}


def _table(
    states: NetworkStates,
    values: NDArray[np.float64],
    p_values: NDArray[np.float64],
    names: dict[str, NDArray[np.str_]],
) -> pandas.DataFrame:
    """One row per state and column of values."""
    import pandas as pd

    numbers = range(states.n_states)
    inside = np.stack([values[states.labels == state].mean(axis=0) for state in numbers])
    outside = np.stack([_mean(values[states.labels != state]) for state in numbers])
    n = values.shape[1]
    return pd.DataFrame(
        {
            "state": np.repeat(np.arange(states.n_states), n),
            **{key: np.tile(given, states.n_states) for key, given in names.items()},
            "mean_weight": inside.ravel(),
            "difference": (inside - outside).ravel(),
            "p_value": p_values.ravel(),
            "q_value": q_values(p_values.ravel()),
        }
    )


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)


def _blocks(
    nodes: Nodes, pairs: tuple[NDArray[np.intp], ...]
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Pairs of each block, by the names of its groups; nodes without a group are in none."""
    if len(nodes.group_names) < 2:
        return {}
    first, second = nodes.groups[pairs[0]], nodes.groups[pairs[1]]
    found = {}
    for index, one in enumerate(nodes.group_names):
        for two in nodes.group_names[index:]:
            chosen = (first == one) & (second == two) | (first == two) & (second == one)
            if chosen.any():
                found[one, two] = chosen
    return found


def _block_table(
    states: NetworkStates,
    judge: _Judge,
    features: NDArray[np.float64],
    beyond: NDArray[np.float64],
    blocks: dict[tuple[str, str], NDArray[np.bool_]],
) -> pandas.DataFrame:
    import pandas as pd

    if not blocks:
        return pd.DataFrame()
    part = np.arange(len(blocks)) % _N_PARTS
    part_of_pair = np.full(features.shape[1], -1)
    for number, chosen in zip(part, blocks.values(), strict=True):
        part_of_pair[chosen] = number
    means = [np.stack([values[:, chosen].mean(axis=1) for chosen in blocks.values()], axis=1)
             for values in (features, beyond)]  # fmt: skip
    p_values = judge.p_values(means[1], part, part_of_pair)
    ones, twos = zip(*blocks, strict=True)
    return _table(states, means[0], p_values,
                  {"group_1": np.array(ones), "group_2": np.array(twos)})  # fmt: skip
