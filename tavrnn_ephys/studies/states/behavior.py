"""Which behaviour goes with which state, each beside shifts in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import FoldFeatures, blocked_folds, decode_labels, regress_values
from tavrnn_ephys.networks.states import NetworkStates, network_states
from tavrnn_ephys.networks.states.differences import LEAST_STAYS
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.time_shifts import circular_shifts, correlation_time, shift_surrogates

if TYPE_CHECKING:
    import pandas

__all__ = ["behaviors_of_states", "states_decode_behavior"]

_N_FOLDS = 5
_LEAST_PER_CLASS = 10
Columns = Mapping[str, NDArray[Any]]


def behaviors_of_states(
    states: NetworkStates, columns: Columns, *, n_nulls: int, seed: int
) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    """
    Compare each behaviour in a state with the same behaviour in all other windows.

    Parameters
    ----------
    states : NetworkStates
        The states.
    columns : mapping of str to numpy.ndarray, shape (n_windows,)
        Behaviours: numbers, NaN where unknown, or text, empty where unknown.
    n_nulls : int
        Number of circular shifts of the behaviour in time.
    seed : int
        Seed of the shifts.

    Returns
    -------
    table : pandas.DataFrame
        One row per state and behaviour, of labels one per label: mean in the state, difference
        from the mean elsewhere, p-value against shifts at least as long as behaviour and states
        resemble themselves, and q-value over the table.
    notes : tuple of str
        What cannot be decided.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if states.n_states > 1:
        for name, values in columns.items():
            for label, numbers in _numbers(name, values):
                found, note = _compared(states, numbers, label, n_nulls, seed)
                rows += found
                notes += [note] if note else []
    table = pd.DataFrame(rows)
    if len(table):
        table["q_value"] = q_values(table["p_value"].to_numpy())
    return table, tuple(notes)


def _numbers(name: str, values: NDArray[Any]) -> list[tuple[str, NDArray[np.float64]]]:
    """Give a behaviour as numbers; of text, zeros and ones for each label."""
    if values.dtype.kind == "U":
        known = sorted(set(values.tolist()) - {""})
        return [
            (f"{name}: {label}", np.where(values == "", np.nan, values == label))
            for label in known
            if len(known) > 1
        ]
    return [(name, values.astype(np.float64))] if values.dtype.kind in "biuf" else []


def _compared(
    states: NetworkStates, values: NDArray[np.float64], name: str, n_nulls: int, seed: int
) -> tuple[list[dict[str, Any]], str]:
    known = np.isfinite(values)
    values, labels = values[known], states.labels[known]
    if len(values) == 0 or np.ptp(values) <= 1e-9 * np.abs(values).max(initial=0.0):
        return [], ""
    present = [
        state for state in range(states.n_states) if 0 < (labels == state).sum() < len(labels)
    ]
    inside = np.stack([labels == state for state in present]).astype(np.float64)
    weights = inside / inside.sum(axis=1, keepdims=True)
    weights -= (1 - inside) / (1 - inside).sum(axis=1, keepdims=True)
    spread = float(values.std())
    observed, null, note = weights @ values, np.zeros((0, len(present))), ""
    least = max(correlation_time(values), correlation_time(labels))
    try:
        shifts = circular_shifts(len(values), min_shift=least, n_shifts=n_nulls, seed=seed)
        null = shift_surrogates(values, shifts) @ weights.T
    except InputError:
        note = (
            f"Which state goes with '{name}' cannot be told from {len(values)} windows: both "
            "change too slowly for shifts in time. No p-value is given. Record longer."
        )
    judged = Null(observed=observed / spread, values=null / spread, tail="both")
    refused = states.few_stays
    rows = [
        {
            "state": state,
            "behavior": name,
            "mean": float(values[labels == state].mean()),
            "difference": float(observed[index]),
            "p_value": np.nan if state in refused else float(judged.p_value[index]),
            "smallest_p": judged.smallest_p,
        }
        for index, state in enumerate(present)
    ]
    return rows, note


def states_decode_behavior(
    connectivity: ConnectivitySequence,
    states: NetworkStates,
    columns: Columns,
    *,
    n_nulls: int,
    seed: int,
) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    """
    Tell each behaviour from states that were found in other blocks of time.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        What the states were found in.
    states : NetworkStates
        The states; their number is kept, everything else is fitted anew in the training windows of
        each fold.
    columns : mapping of str to numpy.ndarray, shape (n_windows,)
        Behaviours: numbers, or text with two labels.
    n_nulls : int
        Number of circular shifts of the behaviour in time.
    seed : int
        Seed of fits and shifts.

    Returns
    -------
    table : pandas.DataFrame
        One row per behaviour: score, its chance, and its p-value.
    notes : tuple of str
        What cannot be decided.
    """
    import pandas as pd

    if states.n_states == 1 or not columns:
        return pd.DataFrame(), ()
    if states.few_stays:
        return pd.DataFrame(), (
            "No behaviour is told from states that were found in other blocks of time: a state has "
            f"fewer than {LEAST_STAYS} stays.",
        )
    rows, notes, known_folds = [], [], dict[bytes, list[FoldFeatures]]()
    for name, values in columns.items():
        known = values != "" if values.dtype.kind == "U" else np.isfinite(values.astype(np.float64))
        try:
            if known.tobytes() not in known_folds:
                known_folds[known.tobytes()] = _features(connectivity, states, known, seed)
            row = _decoded(name, values[known], known_folds[known.tobytes()], n_nulls, seed)
        except InputError as error:
            notes.append(f"'{name}' is not told from states. {error}")
            continue
        rows += [row] if row else []
    return pd.DataFrame(rows), tuple(notes)


def _features(
    connectivity: ConnectivitySequence, states: NetworkStates, known: NDArray[np.bool_], seed: int
) -> list[FoldFeatures]:
    """One column per state, fitted in the training windows of each fold."""
    chosen = connectivity.select(np.flatnonzero(known))
    gap = chosen.windows.overlap + 1
    found = []
    for fold in blocked_folds(len(chosen.windows), n_folds=_N_FOLDS, gap=gap):
        inside = network_states(
            chosen.select(fold.train), n_states=states.n_states, method=states.method, seed=seed
        )
        one_hot = np.eye(states.n_states)
        found.append(
            FoldFeatures(
                fold=fold,
                train=one_hot[inside.labels],
                test=one_hot[inside.predict(chosen.select(fold.test))],
            )
        )
    return found


def _decoded(
    name: str, values: NDArray[Any], features: list[FoldFeatures], n_nulls: int, seed: int
) -> dict[str, Any]:
    if values.dtype.kind == "U":
        names, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(names) < 2 or counts.min() < _LEAST_PER_CLASS:
            return {}
        found: Any = decode_labels(name, features, codes.astype(np.int64), n_shifts=n_nulls,
                                   min_shift=correlation_time(codes), seed=seed)  # fmt: skip
        metric, score = "balanced accuracy", found.balanced_accuracy
    else:
        numbers = values.astype(np.float64)
        if np.ptp(numbers) <= 1e-9 * np.abs(numbers).max():
            return {}
        found = regress_values(name, features, numbers, n_shifts=n_nulls,
                               min_shift=correlation_time(numbers), seed=seed)  # fmt: skip
        metric, score = "rank correlation in blocks", found.correlation
    low, high = found.chance_interval
    return {
        "behavior": name, "metric": metric, "score": score, "chance_low": low,
        "chance_high": high, "p_value": found.p_value, "smallest_p": found.smallest_p,
    }  # fmt: skip
