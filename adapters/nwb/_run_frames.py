"""Further tables of a run: data frames as NWB tables, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._run_columns import Column, free_names
from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun, options_below
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import ResultTable

if TYPE_CHECKING:
    import pandas

__all__ = ["TABLE", "list_tables", "read_tables", "write_tables"]

#: What stands before the name of a further table among the parts of a run.
TABLE = "table_"
# A table that begins with these columns is one of intervals.
_LIMITS = ("start_time", "stop_time")


def write_tables(tables: RunTables) -> None:
    """
    Add the tables of data frames.

    Parameters
    ----------
    tables : RunTables
        The tables of the run.

    Raises
    ------
    InputError
        If one has no row, an index of its own, or a column of a type that NWB cannot hold.
    """
    for name, given in tables.results.tables.items():
        _write_table(tables, name, given)


def _write_table(tables: RunTables, name: str, given: Any) -> None:
    from hdmf.common import DynamicTable
    from pynwb.epoch import TimeIntervals

    about = _described(name, given)
    frame, part = about.frame, f"{TABLE}{name}"
    _check(name, frame)
    is_intervals = list(frame.columns[:2]) == list(_LIMITS)
    table_class = TimeIntervals if is_intervals else DynamicTable
    named = [str(column) for column in frame.columns[2 * is_intervals :]]
    stored_names = free_names(named, table_class, taken=("id", *_LIMITS), numbered="column_")
    limits = [_limit(about, column) for column in _LIMITS] if is_intervals else []
    notes: dict[str, Any] = {}
    columns = []
    for stored, column in zip(stored_names, frame.columns[2 * is_intervals :], strict=True):
        values, missing = _values(name, str(column), frame[column])
        text = about.columns.get(column, f"Column '{column}' of the table '{name}'.")
        columns.append(Column(name=stored, text=text, values=values))
        notes[f"table_columns.{part}.{stored}"] = str(column)
        notes[f"table_types.{part}.{stored}"] = str(frame[column].dtype)
        if missing:
            notes[f"table_missing.{part}.{stored}"] = missing
    encoded, how = tables.stored(part, columns)
    held = [*limits, *encoded]
    table = table_class(
        name=tables.name(part),
        description=about.description or f"Table '{name}' of the run '{tables.placement.run}'.",
        id=list(range(len(frame))),
        columns=held,
        colnames=[column.name for column in held],
    )
    if is_intervals:
        notes[f"table_intervals.{part}"] = True
    tables.add(part, table, {**notes, **how})


def _limit(about: ResultTable, column: str) -> Any:
    """Give a limit of intervals as NWB knows it, so that every reader of intervals finds it."""
    from hdmf.common import VectorData

    values = about.frame[column].to_numpy(dtype=np.float64)
    return VectorData(
        name=column,
        description=about.columns.get(column, f"The {column.replace('_', ' ')} in seconds."),
        data=values,
    )


def _described(name: str, given: Any) -> ResultTable:
    import pandas as pd

    if isinstance(given, ResultTable):
        return given
    if not isinstance(given, pd.DataFrame):
        raise InputError(
            f"Table '{name}' must be a pandas.DataFrame or a ResultTable, got "
            f"{type(given).__name__}."
        )
    columns = given.attrs.get("columns", {})
    return ResultTable(
        frame=given,
        description=str(given.attrs.get("description", "")),
        columns={key: text for key, text in columns.items() if key in given.columns},
    )


def _check(name: str, frame: pandas.DataFrame) -> None:
    import pandas as pd

    if len(frame) == 0 or len(frame.columns) == 0:
        raise InputError(f"Table '{name}' is empty. Leave it out.")
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.equals(pd.RangeIndex(len(frame)))
    if not plain:
        raise InputError(
            f"Table '{name}' has an index of its own, which NWB does not know. Make it a column: "
            "frame.reset_index()."
        )
    if len({str(column) for column in frame.columns}) < len(frame.columns):
        raise InputError(f"Table '{name}' has several columns of one name. Rename them.")


def _values(table: str, name: str, series: Any) -> tuple[NDArray[Any], list[int]]:
    """Give plain values and the rows whose text is missing."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return series.to_numpy(), []
    values = series.to_numpy(dtype=object)
    missing = np.flatnonzero(series.isna().to_numpy()).tolist()
    texts = ["" if index in missing else value for index, value in enumerate(values)]
    if not all(isinstance(text, str) for text in texts) or _is_categorical(series):
        raise InputError(
            f"Column '{name}' of the table '{table}' is of type {series.dtype}; numbers, booleans "
            "and text can be stored. Convert it, such as with frame.astype(str)."
        )
    return np.array(texts, dtype=str), missing


def _is_categorical(series: Any) -> bool:
    return str(series.dtype) == "category"


def read_tables(run: NwbRun) -> dict[str, pandas.DataFrame]:
    """Read the further tables."""
    parts = [part for part in run.groups if part.startswith(TABLE)]
    return {part.removeprefix(TABLE): _frame(run, part) for part in parts}


def list_tables(groups: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the further tables for a listing."""
    names = [part.removeprefix(TABLE) for part in groups if part.startswith(TABLE)]
    return tuple(f"table {name}" for name in names)


def _frame(run: NwbRun, part: str) -> pandas.DataFrame:
    import pandas as pd

    texts, columns, described = run.texts(part), {}, {}
    if run.options.get(f"table_intervals.{part}"):
        columns = {name: run.stored(part, name) for name in _LIMITS}
        described = {name: texts.get(name, "") for name in _LIMITS}
    for stored, name in options_below(f"table_columns.{part}.", run.options).items():
        values: Any = run.needed(part, stored)
        kind = str(run.options[f"table_types.{part}.{stored}"])
        if values.dtype.kind == "U":
            texts_here = values.astype(object)
            texts_here[run.options.get(f"table_missing.{part}.{stored}", [])] = None
            values = pd.Series(texts_here, dtype=kind if kind in ("str", "string") else object)
        columns[name] = values
        described[name] = texts.get(stored, "")
    frame = pd.DataFrame(columns)
    frame.attrs = {"description": texts.get("", ""), "columns": described}
    return frame
