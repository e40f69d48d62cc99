"""The states of a network as tables, each column described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tavrnn_ephys.core.names import STATE_TABLES
from tavrnn_ephys.studies.states.finding import StatesResult

if TYPE_CHECKING:
    import pandas

__all__ = ["STATE_TABLES", "state_tables"]


def state_tables(result: StatesResult) -> dict[str, pandas.DataFrame]:
    """
    Give the states as tables.

    Parameters
    ----------
    result : StatesResult
        The states.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``state_visits`` (one row per stay, an interval), ``state_windows``, ``state_summary``,
        ``state_evidence`` where the number was chosen, and for several states
        ``state_transitions``, ``state_pairs``, and where there is something to tell
        ``state_blocks``, ``state_behavior`` and ``state_decoding``.  What a table and its columns
        mean stands in ``attrs``.
    """
    found, several = result.found, result.found.n_states > 1
    visits = found.durations.stays.rename(columns={"start_s": "start_time", "stop_s": "stop_time"})
    tables = {
        "state_visits": (visits, "Stays in each network state, in the order of time."),
        "state_windows": (_windows(result), "State of each window, and its probability."),
        "state_summary": (_summary(result), "How much of the time each network state holds."),
        "state_evidence": (
            _evidence(result),
            "Why there are so many states: components beyond surrogates that keep rates, held-out "
            "likelihood and stability of 1, 2, … states.",
        ),
        "state_behavior": (result.behavior, "Behaviour in each network state, beside shifts."),
        "state_decoding": (
            result.decoding,
            "How well the behaviour is told from states that were found in other blocks of time.",
        ),
    }
    if several:
        tables |= {
            "state_transitions": (_transitions(result), "What follows each network state."),
            "state_pairs": (
                result.differences.pairs,
                "Mean graph of each network state, and its difference from all other windows.",
            ),
            "state_blocks": (
                result.differences.blocks,
                "Mean weights within and between groups of nodes in each network state.",
            ),
        }
    return {
        name: _described(*tables[name])
        for name in STATE_TABLES
        if name in tables and len(tables[name][0]) > 0
    }


def _windows(result: StatesResult) -> pandas.DataFrame:
    import pandas as pd

    found = result.found
    return pd.DataFrame(
        {
            "start_s": np.asarray(found.windows.start_s),
            "stop_s": np.asarray(found.windows.stop_s),
            "state": found.labels,
            **{
                f"probability_{state}": found.probabilities[:, state]
                for state in range(found.n_states)
            },
        }
    )


def _summary(result: StatesResult) -> pandas.DataFrame:
    table = result.found.durations.table.copy()
    pairs = result.differences.pairs
    counts = (pairs["q_value"] < 0.05).groupby(pairs["state"]).sum()
    table["n_pairs_apart"] = counts.reindex(table["state"]).to_numpy()
    return table


def _transitions(result: StatesResult) -> pandas.DataFrame:
    import pandas as pd

    durations = result.found.durations
    rows, columns = np.nonzero(~np.eye(result.found.n_states, dtype=bool))
    low, high = durations.transition_limits
    return pd.DataFrame(
        {
            "state": rows,
            "next_state": columns,
            "share": durations.transitions[rows, columns],
            "low": low[rows, columns],
            "high": high[rows, columns],
        }
    )


def _evidence(result: StatesResult) -> pandas.DataFrame:
    import pandas as pd

    evidence = result.found.evidence
    if evidence is None:
        return pd.DataFrame()
    n = max(len(evidence.sizes), len(evidence.likelihoods))

    def filled(values: object) -> np.ndarray:
        column = np.full(n, np.nan)
        known = np.asarray(values, dtype=np.float64)
        column[: len(known)] = known
        return column

    return pd.DataFrame(
        {
            "number": np.arange(1, n + 1),
            "component_size": filled(evidence.sizes),
            "component_limit": filled(evidence.null_limits),
            "likelihood": filled(evidence.likelihoods),
            "stability": filled(evidence.stabilities),
            "p_value": filled([evidence.p_value]),
            "smallest_p": filled([evidence.smallest_p]),
        }
    )


def _described(table: pandas.DataFrame, text: str) -> pandas.DataFrame:
    described = table.reset_index(drop=True)
    described.attrs = {
        "description": text,
        "columns": {
            name: _COLUMNS.get(name.rstrip("0123456789"), _COLUMNS.get(name, ""))
            for name in map(str, table.columns)
        },
    }
    return described


_COLUMNS = {
    "start_time": "Start of the stay, in seconds from the start of the session.",
    "stop_time": "End of the stay, in seconds: half way between two windows of different states.",
    "start_s": "Start of the window in seconds.",
    "stop_s": "End of the window in seconds.",
    "state": "Network state; 0 is the most frequent one.",
    "next_state": "Network state that follows.",
    "n_windows": "Number of windows of the stay.",
    "probability_": "Probability of this state, given the whole recording.",
    "occupancy": "Share of the time.",
    "n_stays": "Number of stays; those cut by an end of the recording count.",
    "dwell_s": "Mean dwell time in seconds: time in the state over the number of its ends.",
    "dwell_low_s": "Lower limit of its 95 % interval in seconds.",
    "dwell_high_s": "Upper limit of its 95 % interval in seconds; infinite if it never ended.",
    "n_pairs_apart": "Pairs of nodes whose weight sets the state apart, q < 0.05.",
    "share": "Share of the ends of the state after which the other begins.",
    "low": "Lower limit of its 95 % interval.",
    "high": "Upper limit of its 95 % interval.",
    "node_1": "First node of the pair; of directed weights the source.",
    "node_2": "Second node of the pair; of directed weights the target.",
    "group_1": "One group of nodes.",
    "group_2": "The other group of nodes, or the same.",
    "mean_weight": "Mean weight over the windows of the state.",
    "difference": "Mean in the windows of the state less the mean in all other windows.",
    "behavior": "The behaviour, in its own unit; of a label, the share of windows.",
    "mean": "Mean of the behaviour in the windows of the state.",
    "p_value": "P-value; NaN where the recording cannot decide.",
    "q_value": "Benjamini-Hochberg over the rows of the table.",
    "smallest_p": "Smallest p-value that so many shifts, or surrogates, can give.",
    "metric": "What the score is.",
    "score": "Score of the prediction.",
    "chance_low": "Lower limit of the central 95 % of shifts of the behaviour in time.",
    "chance_high": "Upper limit of the central 95 % of shifts of the behaviour in time.",
    "number": "Number of the component, and number of states.",
    "component_size": "Singular value of the component of the windows.",
    "component_limit": "Largest one of the surrogates that keep rates.",
    "likelihood": "Held-out logarithmic likelihood per window of so many states, in nats.",
    "stability": "Agreement of so many states found without different blocks, adjusted Rand index.",
}
