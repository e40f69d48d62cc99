"""Columns of the tables of a run: what enters them, in which form, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import FIRST_ROWS, encode_array
from tavrnn_ephys.adapters.nwb._names import is_free_name

__all__ = ["Column", "Wrap", "blocks", "free_names", "row_chunks", "stored_columns"]

#: Marks an array for storage in chunks, compressed or not, as the file format wants it.
Wrap = Callable[[Any, tuple[int, ...], bool], Any]

# Compressed together and read together where the row is not the natural unit.
_CHUNK_VALUES = 2**13
# Bytes handed to the file at once where a whole array would need its size again in memory.
_BLOCK_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class Column:
    """
    A column before it is stored.

    Parameters
    ----------
    name : str
        Name in the table.
    text : str
        What a value means, for someone who knows nothing of this package.
    values : numpy.ndarray
        One entry per row.
    chunks : tuple of int, optional
        Shape of what is read as one; no chunks by default.
    compress : bool
        Whether chunks are compressed.  Correlations shrink by a tenth and then take ten times
        as long to read and write, so that they are not.
    derive : callable, optional
        Gives the rows to be stored from some rows of ``values``, where that is another array.
    """

    name: str
    text: str
    values: NDArray[Any]
    chunks: tuple[int, ...] | None = None
    compress: bool = True
    derive: Callable[[NDArray[Any]], NDArray[Any]] | None = None


def stored_columns(
    part: str, columns: Iterable[Column], wrap: Wrap
) -> tuple[list[Any], dict[str, Any]]:
    """
    Store each column where it needs storing, and note how to undo it.

    Parameters
    ----------
    part : str
        Part of the run that the table is.
    columns : iterable of Column
        Its columns.
    wrap : callable
        Marks an array for chunked storage.

    Returns
    -------
    stored : list of hdmf.common.VectorData
        What enters the table.
    notes : dict of str to object
        What reading back needs to know, by dotted key.
    """
    stored: list[Any] = []
    notes: dict[str, Any] = {}
    for column in columns:
        data, note, text = _data(column, wrap)
        notes |= {f"columns.{part}.{column.name}.{key}": value for key, value in note.items()}
        if data is not None:
            stored.append(_vector(column.name, text, data))
    return stored, notes


def _data(column: Column, wrap: Wrap) -> tuple[Any, dict[str, Any], str]:
    if column.derive is not None and column.chunks is not None:
        first = column.derive(column.values[:1])
        dtype = first.dtype
        if np.isin(first, (0, 1)).all() and _derives_flags(column):
            whole = column.derive(column.values)
            values, note = encode_array(whole)
            if values is not None:
                return wrap(values, column.chunks, column.compress), note, column.text
        lines = blocks(column.values, column.derive, (len(column.values), *first.shape[1:]), dtype)
        return wrap(lines, column.chunks, column.compress), {"dtype": dtype.name}, column.text
    values, note = encode_array(column.values)
    text = column.text
    if "labels" in note:
        meaning = ", ".join(f"{code}: {label}" for code, label in enumerate(note["labels"]))
        text = f"{text} Codes: {meaning}."
    if values is None:
        return None, note, text
    if values.dtype.kind == "U":
        return values.tolist(), note, text
    data = values if column.chunks is None else wrap(values, column.chunks, column.compress)
    return data, note, text


def _derives_flags(column: Column) -> bool:
    """Say whether nwbinspector would take what is stored for flags; row by row, to save memory."""
    if column.derive is None:
        return False
    heads = column.values[:FIRST_ROWS]
    rows = (column.derive(heads[index : index + 1]) for index in range(len(heads)))
    values: set[float] = set()
    for row in rows:
        values |= set(np.unique(row).tolist())
        if not values <= {0, 1}:
            return False
    return values == {0, 1}


def _vector(name: str, text: str, data: Any) -> Any:
    from hdmf.common import VectorData

    return VectorData(name=name, description=text, data=data)


def blocks(
    values: NDArray[Any],
    derive: Callable[[NDArray[Any]], NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Any:
    """
    Derive and hand over an array some rows at a time.

    Parameters
    ----------
    values : numpy.ndarray
        What the rows are derived from.
    derive : callable
        Takes some rows of it.
    shape : tuple of int
        Shape of the whole.
    dtype : numpy.dtype
        Type of the whole.

    Returns
    -------
    hdmf.data_utils.DataChunkIterator
        The rows for HDMF.
    """
    from hdmf.data_utils import AbstractDataChunkIterator, DataChunk

    per_row = int(np.prod(shape[1:])) * dtype.itemsize
    step = max(1, _BLOCK_BYTES // max(per_row, 1))

    class Blocks(AbstractDataChunkIterator):
        def __init__(self) -> None:
            self._starts = iter(range(0, shape[0], step))

        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            start = next(self._starts)
            rows = slice(start, min(start + step, shape[0]))
            whole = tuple(slice(0, length) for length in shape[1:])
            return DataChunk(data=derive(values[rows]), selection=(rows, *whole))

        def recommended_chunk_shape(self) -> Any:
            return None

        def recommended_data_shape(self) -> Any:
            return shape

        @property
        def dtype(self) -> Any:
            return dtype

        @property
        def maxshape(self) -> Any:
            return shape

    return Blocks()


def row_chunks(n_rows: int, width: int) -> tuple[int, int]:
    """
    Choose chunks for narrow rows: many rows each.

    Parameters
    ----------
    n_rows, width : int
        Shape of the array.

    Returns
    -------
    tuple of int
        Shape of a chunk.
    """
    return min(n_rows, max(1, _CHUNK_VALUES // max(width, 1))), width


def free_names(
    names: Iterable[str], table_class: type, *, taken: Iterable[str], numbered: str
) -> dict[str, str]:
    """
    Name each further column as it is called where NWB allows that, else by number.

    Parameters
    ----------
    names : iterable of str
        Names that were given.
    table_class : type
        Class of the table.
    taken : iterable of str
        Names of its other columns.
    numbered : str
        What stands before a number.

    Returns
    -------
    dict of str to str
        Given name by the name in the file.
    """
    known = set(taken)
    stored = {}
    for index, name in enumerate(names):
        fits = name not in known and is_free_name(name, table_class)
        stored[name if fits and not name.startswith(numbered) else f"{numbered}{index}"] = name
    return stored
