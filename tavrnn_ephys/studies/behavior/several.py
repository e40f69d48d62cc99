"""
Several behaviours of one recording: each linked, and corrected over all of them.

The more behaviours are asked for, the more often one of them agrees with a network by chance.  P of
a prediction is corrected by Holm's rule over behaviours [1]_.  Q-values of measures, nodes and
pairs hold within a behaviour; multiplied by the number of behaviours they hold over all, since the
share of false discoveries in a union is at most the sum of the shares.

References
----------
.. [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.names import NETWORK_FEATURES
from tavrnn_ephys.statistics.discoveries import holm_p_values
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.analysis import analyze_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig, stem_of
from tavrnn_ephys.studies.behavior.result import BehaviorResult
from tavrnn_ephys.studies.behavior.tables import (
    BEHAVIOR_TABLES,
    UNDECIDED_TABLE,
    behavior_tables,
    undecided_tables,
)

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = [
    "FAMILY_TABLE",
    "analyze_behaviors",
    "corrected",
    "family_table",
    "table_names",
    "tables_of_behaviors",
]

FAMILY_TABLE = "behavior_family"
_CORRECTED = ("q_value", "p_family")
_COLUMNS = {
    "behavior": "Name of the behaviour.",
    "how": "How a window is summed up.",
    "n_windows": "Windows in which it is known.",
    "features": "What it is predicted from.",
    "metric": "What the score is.",
    "score": "Score of the prediction in folds of time.",
    "chance_low": "Lower limit of the central 95 % of circular shifts.",
    "chance_high": "Upper limit of the central 95 % of circular shifts.",
    "p_value": "Share of the null at least as large, the observation counted in; equal scores of "
    "labels are ranked by the log-probability of the true ones.",
    "p_corrected": "The same by Holm's rule over the behaviours that were asked for.",
    "smallest_p": "Smallest p_value that so many shifts can give.",
}


def analyze_behaviors(
    block: neo.Block, result: AnalysisResult, configs: Sequence[BehaviorConfig]
) -> tuple[BehaviorResult, ...]:
    """
    Ask what an analysed network has to do with each of several behaviours.

    Parameters
    ----------
    block : neo.Block
        The recording that was analysed.
    result : AnalysisResult
        The analysis.
    configs : sequence of BehaviorConfig
        The behaviours, as :func:`tavrnn_ephys.each_behavior` makes them.

    Returns
    -------
    tuple of BehaviorResult
        One each, corrected over all of them.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.analyze_behavior` does, of any behaviour.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> game = te.GameConfig(game_s=120.0, mean_rate_hz=20.0)
    >>> block = te.game_block(te.play_game(game, nodes=30, seed=1))
    >>> result = te.analyze(
    ...     block,
    ...     te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1),
    ... )
    >>> configs = te.each_behavior(
    ...     ["game:rally_length", "game:hits"], n_nulls=19, n_shuffles=9, model_in_folds=False
    ... )
    >>> found = te.analyze_behaviors(block, result, configs)
    >>> bool((found[0].decoding["p_corrected"] >= found[0].decoding["p_value"]).all())
    True
    """
    return corrected([analyze_behavior(block, result, config) for config in configs])


def corrected(
    results: Sequence[BehaviorResult], n_asked: int | None = None
) -> tuple[BehaviorResult, ...]:
    """
    Correct what was found of several behaviours over all of them.

    Parameters
    ----------
    results : sequence of BehaviorResult
        What was found of each.
    n_asked : int, optional
        How many tests there are; as many as results by default.

    Returns
    -------
    tuple of BehaviorResult
        The same with ``p_corrected`` in the table of predictions, and q-values and family-wise
        p-values over all behaviours; of one behaviour nothing is changed.
    """
    n_asked = n_asked or len(results)
    if n_asked < 2:
        return tuple(results)
    p_values = _over_behaviors(results)
    found = []
    for result, predicted in zip(results, p_values, strict=True):
        decoding = result.decoding.copy()
        place = list(decoding.columns).index("p_value") + 1
        decoding.insert(place, "p_corrected", predicted)
        changed: dict[str, Any] = {"decoding": decoding, "n_behaviors": n_asked}
        for name in ("association", "nodes", "edges"):
            changed[name] = _times(getattr(result, name), n_asked)
        found.append(dataclasses.replace(result, **changed))
    return tuple(found)


def _over_behaviors(results: Sequence[BehaviorResult]) -> list[list[float]]:
    """Correct the p-value of each prediction over behaviours, by what it is predicted from."""
    names = dict.fromkeys(name for item in results for name in item.decoding["features"])
    known: list[dict[str, float]] = [{} for _ in results]
    for name in names:
        rows = [item.decoding.loc[item.decoding["features"] == name, "p_value"] for item in results]
        here = [index for index, row in enumerate(rows) if len(row)]
        for index, p_value in zip(
            here, holm_p_values([float(rows[index].iloc[0]) for index in here]), strict=True
        ):
            known[index][name] = float(p_value)
    return [
        [of_result[name] for name in item.decoding["features"]]
        for item, of_result in zip(results, known, strict=True)
    ]


def _times(table: pandas.DataFrame, factor: int) -> pandas.DataFrame:
    changed = table.copy()
    for name in _CORRECTED:
        if name in changed:
            changed[name] = np.minimum(changed[name] * factor, 1.0)
    return changed


def family_table(results: Sequence[BehaviorResult]) -> pandas.DataFrame:
    """
    Put the behaviours beside each other.

    Parameters
    ----------
    results : sequence of BehaviorResult
        Corrected, as :func:`corrected` returns them.

    Returns
    -------
    pandas.DataFrame
        One row per behaviour: how well the network predicts it, and its p-value over all.
    """
    import pandas as pd

    rows = []
    for item in results:
        table = item.decoding
        features = next(name for name in NETWORK_FEATURES if name in set(table["features"]))
        row = table[table["features"] == features].iloc[0].to_dict()
        known = item.behavior.values != "" if item.behavior.is_label else np.isfinite(item.score)
        about = {"behavior": item.behavior.name, "how": item.behavior.how}
        rows.append({**about, "n_windows": int(known.sum()), **row})
    made = pd.DataFrame(rows)[list(_COLUMNS)]
    made.attrs = {
        "description": "How well the network predicts each behaviour, corrected over all of them.",
        "columns": dict(_COLUMNS),
    }
    return made


def table_names(n_behaviors: int) -> tuple[str, ...]:
    """
    Name the tables that an analysis can give of so many behaviours.

    Parameters
    ----------
    n_behaviors : int
        How many were asked for.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> table_names(2)[-1], table_names(1)[-1]
    ('behavior_family', 'behavior_undecided')
    """
    names = (*BEHAVIOR_TABLES, UNDECIDED_TABLE)
    each = [_renamed(name, index) for index in range(n_behaviors) for name in names]
    return (*each, *([FAMILY_TABLE] if n_behaviors > 1 else []))


def tables_of_behaviors(
    results: Mapping[int, BehaviorResult],
    unanswered: Mapping[int, tuple[WindowBehavior, str]] | None = None,
    windows: Windows | None = None,
) -> dict[str, pandas.DataFrame]:
    """
    Give what was found of several behaviours as tables.

    Parameters
    ----------
    results : mapping of int to BehaviorResult
        By position among the behaviours that were asked for.
    unanswered : mapping of int to (WindowBehavior, str), optional
        Those that the recording cannot decide, each with the reason.
    windows : Windows, optional
        The windows of these.

    Returns
    -------
    dict of str to pandas.DataFrame
        Those of the first begin with ``behavior_``, of the second with ``behavior2_``, …; and
        ``behavior_family`` where there are several.
    """
    found = {
        _renamed(name, index): table
        for index, result in results.items()
        for name, table in behavior_tables(result).items()
    }
    for index, (behavior, reason) in (unanswered or {}).items():
        if windows is not None:
            own = undecided_tables(behavior, windows, reason)
            found |= {_renamed(name, index): table for name, table in own.items()}
    several = [item for item in results.values() if item.n_behaviors > 1]
    return found | ({FAMILY_TABLE: family_table(several)} if several else {})


def _renamed(name: str, index: int) -> str:
    return f"{stem_of(index)}_{name.partition('_')[2]}"
