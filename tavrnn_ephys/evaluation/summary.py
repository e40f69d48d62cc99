"""From records of single runs to the table of a benchmark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.intervals import (
    holm,
    mean_interval,
    paired_difference,
    unit_bootstrap,
)
from tavrnn_ephys.statistics.nulls import Null

if TYPE_CHECKING:
    import pandas

__all__ = ["markdown_table", "summarize"]

_MEANS = (
    "transductive", "f1", "k_nearest", "correlation", "ari", "nmi", "silhouette", "link_same",
    "link_next", "recovery", "consistency", "seconds", "n_steps", "peak_mb", "n_at_chance",
)  # fmt: skip
_FLOOR, _CEILING = "rates", "truth"
_DIFFERENCES = {
    "adds": "adds_to_rates",
    "control": "control_adds_to_rates",
    "rates_add": "rates_add",
    "shared": "shared",
}
_TESTS = (
    "p_value", "p_minus_rates", "p_minus_shuffled", "p_adds_to_rates", "p_minus_reference",
)  # fmt: skip


def summarize(
    records: Iterable[Mapping[str, Any]], *, reference: str = "tavrnn"
) -> pandas.DataFrame:
    """
    Average records over seeds and sessions, with intervals, nulls and comparisons.

    The units of intervals and of paired tests are sessions, or, where a task has one session
    alone, its blocks of time; seeds are averaged before.

    Parameters
    ----------
    records : iterable of mapping
        Records of :func:`run_jobs`, those of ``rates`` among them.
    reference : str
        Method that every other one is compared with, where it is among them.

    Returns
    -------
    pandas.DataFrame
        One row per task and method.  ``score``, its interval ``low`` and ``high``, the interval
        of chance, ``p_value`` of the shifts, ``smallest_p``, the smallest that so many shifts can
        give, and ``p_holm``, corrected over the methods of the task; ``p_max``, corrected by the
        largest of all methods under each shift, which does not ask for more shifts than there
        are methods [1]_; then ``rates`` and ``shuffled``, the two columns every score stands
        beside, with the paired differences, their intervals and p-values after Holm;
        ``with_rates`` and what the embedding adds to rates, its unique part;
        ``control_adds_to_rates``, the same for the embedding of shuffled bins; ``rates_add``, the
        unique part of rates, and ``shared``, what both say alike;
        ``minus_reference``, the paired difference from the ``reference``; further means;
        ``error`` where a method failed.  A ceiling, whose supervision is ``"truth"``, has no
        control and takes no part in tests.

    Raises
    ------
    InputError
        If there is no record.

    References
    ----------
    .. [1] Westfall & Young (1993), Resampling-based multiple testing, Wiley.
    """
    import pandas as pd

    by_task: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        by_task[record["task"]][record["method"]].append(record)
    if not by_task:
        raise InputError("There are no records to summarise: no job has been run.")
    rows: list[dict[str, Any]] = []
    for task, methods in by_task.items():
        floor, other = methods.get(_FLOOR, []), methods.get(reference, [])
        here = [
            _row(task, method, items, floor) | _beside(reference, method, items, other)
            for method, items in methods.items()
        ]
        for row in here:
            if row["supervision"] == _CEILING:
                _untest(row)
        for name in _TESTS:
            for row, corrected in zip(here, holm([row[name] for row in here]), strict=True):
                row[name.replace("p_", "p_holm_").replace("_value", "")] = corrected
        for row, p_value in zip(here, _largest_of_all(here), strict=True):
            row["p_max"] = p_value
            del row["chance"]
        rows += sorted(here, key=lambda row: -np.nan_to_num(row["score"], nan=-np.inf))
    return pd.DataFrame(rows)


def _untest(row: dict[str, Any]) -> None:
    """Leave a ceiling out of all tests, and without a control: it reads the truth, not bins."""
    untold = ("shuffled", "minus_shuffled", "control_adds_to_rates")
    names = [*_TESTS, *(f"{name}{end}" for name in untold for end in ("", "_low", "_high"))]
    row |= {name: float("nan") for name in names if name in row} | {"chance": None}


def _beside(
    reference: str,
    method: str,
    records: Sequence[Mapping[str, Any]],
    other: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Compare a method with the reference on the sessions, or blocks, that both have."""
    pair = None
    if method != reference:
        pair = _paired(_units(_scored(records), "blocks"), _units(_scored(other), "blocks"))
    return {"reference": reference if other else "", **_difference("reference", pair)}


def _scored(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [record for record in records if not record.get("error") and "score" in record]


def _row(
    task: str,
    method: str,
    records: Sequence[Mapping[str, Any]],
    floor: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    done = [record for record in records if not record.get("error")]
    errors = sorted({str(record["error"]) for record in records if record.get("error")})
    row: dict[str, Any] = {
        "task": task,
        "method": method,
        "kind": done[0]["kind"] if done else "",
        "supervision": done[0]["supervision"] if done else "",
        "n_sessions": len({record["session"] for record in done}),
        "n_seeds": len({record["seed"] for record in done}),
    }
    row |= _scores(_scored(records), _scored(floor))
    for name in _MEANS:
        values = [record[name] for record in done if record.get(name) is not None]
        row[name] = float(np.mean(values)) if values else float("nan")
    row["error"] = "; ".join(errors)
    return row


def _scores(
    records: Sequence[Mapping[str, Any]], floor: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    nan = float("nan")
    if not records:
        names = (
            "score", "low", "high", "chance_low", "chance_high", "p_value", "smallest_p", "rates",
        )  # fmt: skip
        return (
            dict.fromkeys(names, nan)
            | _difference("rates", None)
            | _difference("shuffled", None)
            | {"shuffled": nan, "with_rates": nan, "chance": None}
            | _partition([], [])
        )
    units = _units(records, "blocks")
    low, high = unit_bootstrap(list(units.values()))
    chance = _mean_chance(records)
    row: dict[str, Any] = {"score": chance.observed, "low": low, "chance": chance}
    # A resample of blocks that holds one class more often can add up to more than all right.
    row["high"] = min(high, 1.0)
    row["chance_low"], row["chance_high"] = chance.interval
    row |= {"p_value": chance.p_value, "smallest_p": chance.smallest_p}
    rates = _units(floor, "blocks")
    row["rates"] = _mean(floor, "score") if floor else nan
    row |= _difference("rates", _paired(units, rates))
    row["shuffled"] = _mean(records, "shuffled")
    row |= _difference("shuffled", _paired(units, _units(records, "shuffled_blocks")))
    row["with_rates"] = _mean(records, "with_rates")
    return row | _partition(records, floor)


def _partition(
    records: Sequence[Mapping[str, Any]], floor: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Give what is unique to the embedding, to its control and to rates, and what is shared."""
    rates, units = _units(floor, "blocks"), _units(records, "blocks")
    both, control = (
        _units(records, f"{name}_blocks") for name in ("with_rates", "control_with_rates")
    )
    chance = records[0].get("chance_level", float("nan")) if records else float("nan")
    apart = {unit: units[unit] + rates[unit] - chance for unit in units if unit in rates}
    return (
        _difference("adds", _paired(both, rates))
        | _difference("control", _paired(control, rates))
        | _difference("rates_add", _paired(both, units))
        | _difference("shared", _paired(apart, both) if np.isfinite(chance) else None)
    )


def _mean_chance(records: Sequence[Mapping[str, Any]]) -> Null:
    """Average scores and their nulls, and what ranks equal scores where all records have it."""
    ties = None
    if all("null_ties" in record for record in records):
        ties = Null(observed=_mean(records, "ties"), values=_mean_null(records, "null_ties"))
    return Null(observed=_mean(records, "score"), values=_mean_null(records, "null"), ties=ties)


def _mean(records: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.mean([record[key] for record in records]))


def _mean_null(records: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64]:
    """
    Average nulls over sessions, which are independent: any shift of one goes with any of another.

    Sessions whose behaviour is slower allow fewer shifts.  Of the others as many are taken, evenly
    over all shifts, and the same for every method.
    """
    nulls = [np.asarray(record[key], dtype=np.float64) for record in records]
    n_shared = min(map(len, nulls))
    places = [np.linspace(0, len(null) - 1, n_shared).round().astype(np.int64) for null in nulls]
    return np.mean([null[place] for null, place in zip(nulls, places, strict=True)], axis=0)


def _largest_of_all(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Compare each standardised score with the largest of all methods under the same shifts."""
    found = [float("nan")] * len(rows)
    chances = {k: row["chance"] for k, row in enumerate(rows) if row["chance"] is not None}
    kinds = {k: (rows[k]["n_sessions"], len(item.values)) for k, item in chances.items()}
    # Methods that stand on other sessions have other shifts, and are compared with nobody.
    usual = Counter(kinds.values()).most_common(1)[0][0] if kinds else None
    chances = {k: item for k, item in chances.items() if kinds[k] == usual and kinds[k][1] > 1}
    if not chances:
        return found
    standard = {k: _standardized(chance) for k, chance in chances.items()}
    ties = [item.ties.values for item in standard.values() if item.ties is not None]
    scores = np.stack([item.values for item in standard.values()])
    has_ties = len(ties) == len(scores)
    finer = np.stack(ties) if has_ties else np.zeros_like(scores)
    # Of each shift the method with the largest score; of equal ones, that which ranks higher.
    best = np.lexsort((finer, scores), axis=0)[-1], np.arange(scores.shape[1])
    for index, item in standard.items():
        rank = replace(item.ties, values=finer[best]) if has_ties and item.ties else None
        found[index] = replace(item, values=scores[best], ties=rank).p_value
    return found


def _standardized(chance: Null) -> Null:
    mean, std = chance.values.mean(), max(chance.values.std(), 1e-12)
    return replace(
        chance, observed=(chance.observed - mean) / std, values=(chance.values - mean) / std
    )


def _units(records: Sequence[Mapping[str, Any]], key: str) -> dict[Any, float]:
    """Score of every session, or of every block of the only one; seeds are averaged."""
    found: dict[Any, list[float]] = defaultdict(list)
    several = len({record["session"] for record in records}) > 1
    for record in records:
        if key not in record:
            continue  # A record of a former version.
        if several:
            found[record["session"]].append(float(np.mean(record[key])))
        else:
            for index, value in enumerate(record[key]):
                found[index].append(value)
    return {unit: float(np.mean(values)) for unit, values in found.items()}


def _paired(
    first: Mapping[Any, float], second: Mapping[Any, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    shared = [unit for unit in first if unit in second]
    if not shared:
        return None
    return (
        np.array([first[unit] for unit in shared]),
        np.array([second[unit] for unit in shared]),
    )


def _difference(
    what: str, pair: tuple[NDArray[np.float64], NDArray[np.float64]] | None
) -> dict[str, float]:
    name = _DIFFERENCES.get(what, f"minus_{what}")
    if pair is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high", f"p_{name}"), float("nan"))
    found = paired_difference(*pair)
    # Parts of a score are often compared over the few blocks of one session.
    is_part = what in _DIFFERENCES
    low, high = mean_interval(pair[0] - pair[1]) if is_part else found.interval
    return {name: found.mean, f"{name}_low": low, f"{name}_high": high, f"p_{name}": found.p_value}


def markdown_table(table: pandas.DataFrame) -> str:
    """
    Write the columns that matter most as Markdown, one table per task.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`summarize`.

    Returns
    -------
    str
        Markdown.
    """
    parts = []
    for task, rows in table.groupby("task", sort=False):
        kind = next((kind for kind in rows["kind"] if kind), "")
        what = "explained variance" if kind == "regression" else "balanced accuracy"
        extra = "correlation" if kind == "regression" else "ari"
        reference = next((name for name in rows["reference"] if name), "")
        beside = (f"minus {reference} [95 %]",) if reference else ()
        names = (
            "method", "score [95 %]", *beside, "chance (95 %)", "p (over all methods)", "rates",
            "bins shuffled", "+ rates", "unique [95 %]", "unique, bins shuffled [95 %]",
            "fitted on all windows", extra, "recovery", "consistency",
            "steps", "seconds", "MB",
        )  # fmt: skip
        head = f"### {task}: {what}\n\n| {' | '.join(names)} |\n|" + "---|" * len(names)
        lines = [_line(row, extra, len(names)) for _, row in rows.iterrows()]
        parts.append("\n".join([head, *lines]))
    return "\n\n".join(parts) + "\n"


def _line(row: Any, extra: str, n_columns: int) -> str:
    if row["error"] and not np.isfinite(row["score"]):
        return f"| {row['method']} | failed: {row['error']} |" + " |" * (n_columns - 2)
    beside = [_with_interval(row, "minus_reference")] if row["reference"] else []
    cells = [
        row["method"],
        f"{_text(row['score'])} [{_text(row['low'])}, {_text(row['high'])}]",
        *beside,
        f"{_text(row['chance_low'])} to {_text(row['chance_high'])}",
        _text(row["p_max"]),
        _text(row["rates"]),
        _text(row["shuffled"]),
        _text(row["with_rates"]),
        _with_interval(row, "adds_to_rates"),
        _with_interval(row, "control_adds_to_rates"),
        _text(row["transductive"]),
        _text(row[extra]),
        _text(row["recovery"]),
        _text(row["consistency"]),
        "–" if not np.isfinite(row["n_steps"]) else f"{row['n_steps']:.0f}",
        _text(row["seconds"], 2),
        "–" if not np.isfinite(row["peak_mb"]) else f"{row['peak_mb']:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _with_interval(row: Any, name: str) -> str:
    if not np.isfinite(row[name]):
        return "–"
    return f"{row[name]:+.3f} [{row[f'{name}_low']:+.3f}, {row[f'{name}_high']:+.3f}]"


def _text(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"
