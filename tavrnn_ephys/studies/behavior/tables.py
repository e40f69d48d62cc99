"""The link to a behaviour as tables, each column described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.networks.alignment import DESCRIPTIONS as ALIGNMENT
from tavrnn_ephys.networks.alignment import PAIR_DESCRIPTIONS
from tavrnn_ephys.networks.attention import DESCRIPTIONS as ATTENTION
from tavrnn_ephys.networks.measures import DESCRIPTIONS as NETWORK
from tavrnn_ephys.statistics.association.effects import COLUMNS as ASSOCIATION
from tavrnn_ephys.studies.behavior.partition import DESCRIPTIONS as PARTITION
from tavrnn_ephys.studies.behavior.result import BehaviorResult
from tavrnn_ephys.studies.behavior.scores import n_components_of

if TYPE_CHECKING:
    import pandas

__all__ = ["BEHAVIOR_TABLES", "UNDECIDED_TABLE", "behavior_tables", "undecided_tables"]

BEHAVIOR_TABLES = (
    "behavior_windows",
    "behavior_decoding",
    "behavior_partition",
    "behavior_association",
    "behavior_nodes",
    "behavior_edges",
    "behavior_changes",
    "behavior_ranking",
)
#: Why a recording cannot decide about a behaviour, in place of the tables of the link to it.
UNDECIDED_TABLE = "behavior_undecided"
_MANY_EDGES_SHOWN = 1000


def behavior_tables(result: BehaviorResult) -> dict[str, pandas.DataFrame]:
    """
    Give the results as tables, each column described.

    Parameters
    ----------
    result : BehaviorResult
        The results.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``behavior_windows``, ``behavior_decoding``, ``behavior_partition``,
        ``behavior_association``, ``behavior_nodes``, ``behavior_edges`` (at most the 1000 of
        largest correlation),
        ``behavior_changes`` and, where windows were ranked, ``behavior_ranking``.
        ``table.attrs["description"]`` says what a table is, ``table.attrs["columns"]`` what each
        of its columns is, with its unit.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> config = te.GameConfig(game_s=120.0, mean_rate_hz=20.0)
    >>> block = te.game_block(te.play_game(config, nodes=30, seed=1))
    >>> result = te.analyze(
    ...     block,
    ...     te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1),
    ... )
    >>> config = te.BehaviorConfig(
    ...     behavior="game:rally_length", n_nulls=19, n_shuffles=9, model_in_folds=False
    ... )
    >>> found = te.analyze_behavior(block, result, config)
    >>> tables = te.behavior_tables(found)
    >>> "behavior_association" in tables, len(tables["behavior_windows"])
    (True, 59)
    """
    if result.n_behaviors > 1:
        # Which behaviour, where tables of several stand beside each other.
        texts_of = f" Behaviour: '{result.behavior.name}'."
    else:
        texts_of = ""
    strongest = result.edges["correlation"].abs().sort_values(ascending=False, kind="stable")
    tables = {
        "behavior_windows": (
            result.per_window,
            "One row per window: behaviour, alignment of groups, network measures, attention.",
        ),
        "behavior_decoding": (
            result.decoding,
            "How well the behaviour is predicted from features of windows, in folds of time.",
        ),
        "behavior_partition": (
            result.partition,
            "What an embedding says of the behaviour beside mean rates, and what both say alike.",
        ),
        "behavior_association": (
            result.association,
            "Correlation of measures of windows with the behaviour.",
        ),
        "behavior_nodes": (result.nodes, "How the embedding of each node follows the behaviour."),
        "behavior_edges": (
            result.edges.loc[strongest.index[:_MANY_EDGES_SHOWN]].reset_index(drop=True),
            "How the weight of pairs of nodes follows the behaviour, rates held constant.",
        ),
        "behavior_changes": (result.changes, "Change points of the network and the behaviour."),
    }
    if result.ranking is not None:
        frame = result.per_window[["start_s", "stop_s"]]
        ranking = result.ranking
        ranked = frame.iloc[ranking.order].reset_index(drop=True)
        ranked.insert(0, "rank", ranking.names)
        ranked.insert(1, "window_index", ranking.order)
        ranked["score"] = ranking.scores[ranking.order]
        tables["behavior_ranking"] = (ranked, "Windows of highest and lowest behaviour.")
    return {
        name: _described(table, f"{text}{texts_of}", result.behavior, result.n_behaviors)
        for name, (table, text) in tables.items()
        if len(table) > 0
    }


def undecided_tables(
    behavior: WindowBehavior, windows: Windows, reason: str
) -> dict[str, pandas.DataFrame]:
    """
    Give what is known of a behaviour about which the recording cannot decide.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.
    windows : Windows
        The windows.
    reason : str
        Why it cannot be decided.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``behavior_windows`` and ``behavior_undecided``.
    """
    import pandas as pd

    limits = {"start_s": windows.start_s, "stop_s": windows.stop_s}
    tables = {
        "behavior_windows": (
            pd.DataFrame({**limits, "behavior": behavior.values}),
            "One row per window: the behaviour that was asked for.",
        ),
        UNDECIDED_TABLE: (
            pd.DataFrame({"behavior": [behavior.name], "reason": [reason]}),
            "Why the recording cannot decide what the behaviour has to do with the network.",
        ),
    }
    return {name: _described(table, text, behavior) for name, (table, text) in tables.items()}


def _described(
    table: pandas.DataFrame, text: str, behavior: WindowBehavior, n_behaviors: int = 1
) -> pandas.DataFrame:
    known = {
        **_COLUMNS,
        **PARTITION,
        **ASSOCIATION,
        **NETWORK,
        **{f"attention_{name}": value for name, value in ATTENTION.items()},
        **ALIGNMENT,
        "behavior": behavior.description,
        "score": f"Score of the prediction, or of the window: {behavior.description}",
    }
    for name, value in ALIGNMENT.items():
        known[f"{name}_z"] = (
            f"{value[:-1]}; in standard deviations from the mean of shuffled groups."
        )
        known[f"{name}_p"] = f"{value[:-1]}; share of shuffled groups that are at least as large."
    for name in ("q_value", "p_family"):
        known[name] = f"{known[name][:-1]}{_how_corrected(behavior, n_behaviors)}."
    columns = {}
    for name in map(str, table.columns):
        base = next((key for key in PAIR_DESCRIPTIONS if name.startswith(f"{key}_")), "")
        group = name.removeprefix(f"{base}_")
        pair = f"{PAIR_DESCRIPTIONS[base][:-1]}, group '{group}'." if base else ""
        columns[name] = known.get(name) or pair
    described = table.copy()
    described.attrs = {"description": text, "columns": columns}
    return described


def _how_corrected(behavior: WindowBehavior, n_behaviors: int) -> str:
    """Say over what else q-values hold."""
    n_components = n_components_of(behavior)
    what = [f"{n_components} components of the behaviour"] if n_components > 1 else []
    what += [f"{n_behaviors} behaviours"] if n_behaviors > 1 else []
    return f"; times the number of {' and '.join(what)}, at most 1" if what else ""


_COLUMNS = {
    "component": "Label against all others, or cosine or sine of an angle.",
    "p_corrected": "P-value by Holm's rule over the behaviours that were asked for.",
    "start_s": "Start of the window in seconds.",
    "stop_s": "End of the window in seconds.",
    "window_index": "Position of the window, from 0.",
    "rank": "Rank of the window, High 1 the highest, Low 1 the lowest.",
    "mean_activity": "Mean activity of all nodes: spikes per second, or the unit of the traces.",
    "features": "What the behaviour is predicted from.",
    "metric": "What the score is.",
    "chance_low": "Lower limit of the central 95 % of circular shifts.",
    "chance_high": "Upper limit of the central 95 % of circular shifts.",
    "n_independent": "Windows over the correlation time of the behaviour, in windows.",
    "feature": "Measure of a window.",
    "rates_held": "Whether the mean rate of the window is held constant.",
    "node_id": "Name of the node.",
    "node_a": "Name of one node.",
    "node_b": "Name of the other node.",
    "group": "Group of the node; empty where it has none.",
    "r_squared": "Share of the variance of the behaviour's ranks that the node's place gives.",
    "what": "Whether the network or the behaviour changes.",
    "reason": "Why, and a way out.",
    "matched": "Share of the behaviour's changes with a change of the network beside them.",
}
