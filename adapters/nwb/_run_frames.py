"""Further tables of a run: data frames as NWB tables, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.adapters.nwb._run_columns import Column, Wrap, free_names, stored_columns
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import ResultTable

if TYPE_CHECKING:
    import pandas

__all__ = ["TABLE", "frame_of", "frame_table"]

#: What stands before the name of a further table among the parts of a run.
TABLE = "table_"


def frame_table(run: str, name: str, given: Any, wrap: Wrap) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of a data frame.

    Parameters
    ----------
    run : str
        Name of the run.
    name : str
        Name of the table.
    given : pandas.DataFrame or ResultTable
        The table; of a bare frame, ``attrs`` may hold ``description`` and ``columns``.
    wrap : callable
        Marks an array for chunked storage.

    Returns
    -------
    table : hdmf.common.DynamicTable
        The rows of the frame.
    notes : dict of str to object
        How the columns are to be read back.

    Raises
    ------
    InputError
        If it has no row, an index of its own, or a column of a type that NWB cannot hold.
    """
    from hdmf.common import DynamicTable

    about = _described(name, given)
    frame, part = about.frame, f"{TABLE}{name}"
    _check(name, frame)
    stored_names = free_names(
        [str(column) for column in frame.columns], DynamicTable, taken=("id",), numbered="column_"
    )
    notes: dict[str, Any] = {}
    columns = []
    for stored, column in zip(stored_names, frame.columns, strict=True):
        values, missing = _values(name, str(column), frame[column])
        columns.append(
            Column(
                name=stored,
                text=about.columns.get(column, f"Column '{column}' of the table '{name}'."),
                values=values,
            )
        )
        notes[f"table_columns.{part}.{stored}"] = str(column)
        notes[f"table_types.{part}.{stored}"] = str(frame[column].dtype)
        if missing:
            notes[f"table_missing.{part}.{stored}"] = missing
    encoded, how = stored_columns(part, columns, wrap)
    table = DynamicTable(
        name=table_name(run, part),
        description=about.description or f"Table '{name}' of the run '{run}'.",
        id=list(range(len(frame))),
        columns=encoded,
        colnames=[column.name for column in encoded],
    )
    return table, {**notes, **how}


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


def frame_of(
    part: str,
    options: Mapping[str, Any],
    restored: Callable[[str, str], NDArray[Any] | None],
    texts: Mapping[str, str],
) -> pandas.DataFrame:
    """
    Restore a data frame.

    Parameters
    ----------
    part : str
        Part of the run that it is.
    options : mapping of str to object
        Provenance of the run.
    restored : callable
        Gives a column by part and name.
    texts : mapping of str to str
        Descriptions: of the table under the empty text, of each column under its stored name.

    Returns
    -------
    pandas.DataFrame
        Equal to the one that was written, its descriptions in ``attrs``.
    """
    import pandas as pd

    prefix = f"table_columns.{part}."
    columns, described = {}, {}
    for key, name in options.items():
        if not key.startswith(prefix):
            continue
        stored = key.removeprefix(prefix)
        values: Any = restored(part, stored)
        kind = str(options[f"table_types.{part}.{stored}"])
        if values.dtype.kind == "U":
            texts_here = values.astype(object)
            texts_here[options.get(f"table_missing.{part}.{stored}", [])] = None
            values = pd.Series(texts_here, dtype=kind if kind in ("str", "string") else object)
        columns[name] = values
        described[name] = texts.get(stored, "")
    frame = pd.DataFrame(columns)
    frame.attrs = {"description": texts.get("", ""), "columns": described}
    return frame
