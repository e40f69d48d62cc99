"""Columns of a table from text, JSON, NumPy and Parquet, whatever its columns mean."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5_faults import one_line, raised_by
from tavrnn_ephys.adapters._text import decoded, encoding_of
from tavrnn_ephys.adapters.tables._names import names_a_spike_column
from tavrnn_ephys.adapters.tables._text_tables import Table, column_of, text_table
from tavrnn_ephys.core.errors import (
    FileFormatError,
    InputError,
    MissingDependencyError,
    TavrnnEphysError,
)

__all__ = ["load_table"]

_NUMPY, _ZIP, _PARQUET = b"\x93NUMPY", b"PK", b"PAR1"
_FEWEST_COLUMNS = 2
# A list of spikes is long and narrow; wider arrays are matrices of something else.
_MOST_COLUMNS = 4
_SETTINGS = ("meta", "metadata", "info", "header", "attrs")
# Deflate shrinks at most 1032 to 1.
_LARGEST_RATIO = 1100
# What the parsers raise when bytes make no sense.
_DAMAGE = (
    OSError, ValueError, LookupError, EOFError, RecursionError, zipfile.BadZipFile, zlib.error,
    NotImplementedError, RuntimeError, SyntaxError, TokenError, ArithmeticError,
)  # fmt: skip
# Of these packages a TypeError is about the bytes; one of ours would be a fault of this program.
_PARSERS = ("numpy", "pandas", "json", "zipfile")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0,
}  # fmt: skip


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except TavrnnEphysError:
        raise
    except MemoryError as error:
        raise InputError(
            f"Reading '{path.name}' needs more memory than there is ({one_line(error)}). Cut it "
            "into files of fewer rows, or use a larger machine."
        ) from error
    except TypeError as error:
        if not any(raised_by(error, package) for package in _PARSERS):
            raise
        raise _not_understood(path, error) from error
    except _DAMAGE as error:
        raise _not_understood(path, error) from error


def _not_understood(path: Path, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"'{path.name}' is no spike table, is damaged, or is cut short ({one_line(error, 120)}). "
        "Write it again, or copy it from its source."
    )


def load_table(path: Path) -> Table:
    """
    Read all columns of a table.

    Parameters
    ----------
    path : pathlib.Path
        Text with a delimiter, JSON, ``.npy``, ``.npz`` or Parquet; known by its content.

    Returns
    -------
    Table
        At least two columns and one row.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, empty, or holds no table.
    MissingDependencyError
        If Parquet is not installed.
    """
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    with _reading(path):
        with path.open("rb") as stream:
            head = stream.read(4096)
        if head.startswith(_NUMPY):
            _require_as_large(path)
            table = _from_array(np.load(path, allow_pickle=False), {})
        elif head.startswith(_ZIP):
            table = _from_archive(path)
        elif head.startswith(_PARQUET):
            table = _from_parquet(path)
        elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            table = _from_json(json.loads(path.read_bytes().decode("utf-8-sig")))
        else:
            if b"\0" in head and encoding_of(head) != "utf-16":
                raise ValueError("neither text nor JSON, NumPy or Parquet")
            table = text_table(decoded(path.read_bytes()))
    _check(table, path.name)
    return table


def _require_as_large(path: Path) -> None:
    """Refuse an array that claims more than its file holds, before room is made for it."""
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        reader = _HEADERS.get(version)
        if reader is None:
            return
        shape, _, dtype = reader(stream)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind != "O" and stream.tell() + size > path.stat().st_size:
            raise ValueError(f"it claims {math.prod(shape)} entries, more than the file holds")


def _check(table: Table, name: str) -> None:
    if len(table.columns) < _FEWEST_COLUMNS:
        raise FileFormatError(
            f"'{name}' is no spike table: it has {len(table.columns)} columns, and a time and a "
            "channel or unit are needed. Write one row per spike."
        )
    lengths = {len(column) for column in table.columns}
    if len(lengths) > 1 or not max(lengths):
        raise FileFormatError(
            f"'{name}' is no spike table: its columns have {sorted(lengths)} entries; all need the "
            "same number, at least one. Write one row per spike."
        )


# ---- JSON, NumPy, Parquet ----------------------------------------------------


def _from_json(content: Any) -> Table:
    settings: dict[str, Any] = {}
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict) and key.lower() in _SETTINGS:
                settings.update(value)
            elif not isinstance(value, list | dict):
                settings[key] = value
        rows = content.get("spikes", content.get("spike_times"))
        if isinstance(rows, list) and not _is_flat(rows):
            content = rows
        elif isinstance(rows, dict):
            content = rows
    if isinstance(content, dict):
        named = {key: value for key, value in content.items() if isinstance(value, list)}
        return Table(
            columns=[_values(value) for value in named.values()], names=list(named),
            settings=settings, first_line=0,
        )  # fmt: skip
    if not content or not isinstance(content, list):
        raise ValueError("no list of spikes in it")
    if all(isinstance(row, dict) for row in content):
        names = list(content[0])
        rows = [[row.get(name) for name in names] for row in content]
        columns = [_values([row[index] for row in rows]) for index in range(len(names))]
        return Table(columns=columns, names=names, settings=settings, first_line=0)
    widths = {len(row) if isinstance(row, list) else 0 for row in content}
    if len(widths) > 1 or not _FEWEST_COLUMNS <= max(widths) <= _MOST_COLUMNS:
        raise ValueError("its spikes are no rows of 2 to 4 values")
    columns = [_values(list(column)) for column in zip(*content, strict=True)]
    return Table(columns=columns, names=[], settings=settings, first_line=0)


def _is_flat(rows: list[Any]) -> bool:
    return not any(isinstance(row, list | dict) for row in rows)


def _values(values: Sequence[Any]) -> NDArray[Any]:
    """Numbers where every value is one or missing, else text."""
    if any(isinstance(value, list | dict) for value in values):
        raise ValueError("a list where a number or a name is needed")
    given = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return column_of(np.array(["" if value is None else str(value) for value in values], dtype=str))


def _from_array(array: NDArray[Any], settings: Mapping[str, Any]) -> Table:
    if array.dtype.names:
        flat = array.ravel()
        names = list(array.dtype.names)
        columns = [_plain(flat[name]) for name in names]
        return Table(columns=columns, names=names, settings=settings, first_line=0)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(f"an array of shape {array.shape} and type {array.dtype}")
    # One row per spike, or one per column of the table.
    if array.shape[1] > _MOST_COLUMNS and array.shape[0] <= _MOST_COLUMNS:
        array = array.T
    if array.shape[1] > _MOST_COLUMNS:
        raise ValueError(f"an array of shape {array.shape}, of 2 to 4 columns at most")
    columns = [_plain(column) for column in array.T]
    return Table(columns=columns, names=[], settings=settings, first_line=0)


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    if column.ndim != 1 or column.dtype.kind not in "biufUS":
        raise ValueError(f"a column of shape {column.shape} and type {column.dtype}")
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", errors="replace")
    return column_of(column) if column.dtype.kind == "U" else column.astype(np.float64)


def _from_archive(path: Path) -> Table:
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > _LARGEST_RATIO * path.stat().st_size:
        raise ValueError(f"it claims to unfold to {size} bytes")
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: np.asarray(archive[name]) for name in archive.files}
    settings = {name: array.item() for name, array in arrays.items() if array.size == 1}
    lists = {name: array for name, array in arrays.items() if array.ndim == 1 and array.size != 1}
    if len(lists) >= _FEWEST_COLUMNS:
        known = {name: array for name, array in lists.items() if names_a_spike_column(name)}
        chosen = known if len(known) >= _FEWEST_COLUMNS else lists
        columns = [_plain(array) for array in chosen.values()]
        return Table(columns=columns, names=list(chosen), settings=settings, first_line=0)
    tables = [array for array in arrays.values() if array.ndim == 2 or array.dtype.names]
    if len(tables) != 1:
        raise ValueError(f"the arrays {', '.join(arrays)[:60]}, not one list of spikes")
    return _from_array(tables[0], settings)


def _from_parquet(path: Path) -> Table:
    if find_spec("pyarrow") is None:
        raise MissingDependencyError(
            f"Reading '{path.name}' needs pyarrow. Install it: pip install 'tavrnn_ephys[parquet]'."
        )
    import pandas as pd

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except Exception as error:
        raise ValueError(" ".join(str(error).split())[:120]) from error
    columns = [_values(frame[name].astype(object).where(frame[name].notna(), None).tolist())
               for name in frame]  # fmt: skip
    return Table(columns=columns, names=[str(name) for name in frame], first_line=0)
