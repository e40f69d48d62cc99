"""Columns of a table from text, JSON, NumPy and Parquet, whatever its columns mean."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.tables._names import names_a_spike_column
from tavrnn_ephys.core.errors import FileFormatError, MissingDependencyError, TavrnnEphysError

__all__ = ["Table", "first_lines", "load_table", "text_names", "text_table"]

_NUMPY, _ZIP, _PARQUET = b"\x93NUMPY", b"PK", b"PAR1"
_DELIMITERS = ("\t", ";", ",")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*|\s*[-+]?(nan|inf)\s*", re.I)
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*")
_FEWEST_COLUMNS = 2
# A list of spikes is long and narrow; wider arrays are matrices of something else.
_MOST_COLUMNS = 4
_SETTINGS = ("meta", "metadata", "info", "header", "attrs")
# Deflate shrinks at most 1032 to 1.
_LARGEST_RATIO = 1100
# What the parsers raise when bytes make no sense.
_DAMAGE = (
    OSError, ValueError, LookupError, EOFError, TypeError, MemoryError, RecursionError,
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, SyntaxError, TokenError,
    ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Table:
    """
    Columns of equal length.

    Parameters
    ----------
    columns : list of numpy.ndarray
        Numbers, or text where a cell is none.
    names : list of str
        Their names; empty without a header.
    settings : mapping
        What the file says beside the columns, such as a sampling rate.
    first_line : int
        Line or row of the file that the first entry stands in, for messages.
    """

    columns: list[NDArray[Any]]
    names: list[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    first_line: int = 1

    def __len__(self) -> int:
        return len(self.columns[0])


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except TavrnnEphysError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise FileFormatError(
            f"'{path.name}' is no spike table, is damaged, or is cut short ({reason}). Write it "
            "again, or copy it from its source."
        ) from error


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
            table = _from_array(np.load(path, allow_pickle=False), {})
        elif head.startswith(_ZIP):
            table = _from_archive(path)
        elif head.startswith(_PARQUET):
            table = _from_parquet(path)
        elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            table = _from_json(json.loads(path.read_bytes().decode("utf-8-sig")))
        else:
            if b"\0" in head:
                raise ValueError("neither text nor JSON, NumPy or Parquet")
            table = text_table(path.read_bytes().decode("utf-8-sig", errors="replace"))
    _check(table, path.name)
    return table


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


# ---- text --------------------------------------------------------------------


def first_lines(path: Path) -> str | None:
    """
    Give the first lines of a text file.

    Parameters
    ----------
    path : pathlib.Path
        Any file.

    Returns
    -------
    str or None
        Whole lines among its first 64 KB, or these if they are no lines; None for something else
        than text.
    """
    with path.open("rb") as stream:
        head = stream.read(2**16)
    if b"\0" in head:
        return None
    text = head.decode("utf-8-sig", errors="strict" if len(head) < 2**16 else "ignore")
    whole = text.rfind("\n") + 1
    return text if len(head) < 2**16 or not whole else text[:whole]


def text_table(text: str) -> Table:
    """
    Read a table of text: comma, semicolon, tab or blanks; header or none; decimal comma.

    Parameters
    ----------
    text : str
        Content of the file; lines that begin with ``#`` are comments, the last of them may be
        the header.

    Returns
    -------
    Table
        The columns.

    Raises
    ------
    ValueError
        If the lines have different numbers of cells.
    """
    import pandas as pd

    lines = text.splitlines()
    first, delimiter, names = _head(lines)
    n_cells = len(_split(lines[first - 1 if names and first else first], delimiter))
    body = "\n".join(lines[first:])
    if not body.strip():
        raise ValueError("no row below the header")
    for number, line in enumerate(lines[first:], start=first + 1):
        if line.strip() and len(_split(line, delimiter)) < n_cells:
            raise ValueError(f"line {number} has fewer than {n_cells} cells")
    frame = pd.read_csv(
        StringIO(body), sep=delimiter or r"\s+", header=None, dtype=str, keep_default_na=False,
        skipinitialspace=True, comment=None, engine="c",
    )  # fmt: skip
    if len(frame.columns) != n_cells:
        raise ValueError(f"rows of {len(frame.columns)} cells below a header of {n_cells}")
    columns = [_column(frame[name].fillna("").to_numpy(dtype=str)) for name in frame]
    return Table(columns=columns, names=names, first_line=first + 1)


def text_names(text: str) -> list[str]:
    """
    Read the names of the columns of a table of text.

    Parameters
    ----------
    text : str
        Content of the file, or its beginning.

    Returns
    -------
    list of str
        The names; empty without a header.

    Raises
    ------
    ValueError
        If the text is empty.
    """
    return _head(text.splitlines())[2]


def _head(lines: list[str]) -> tuple[int, str, list[str]]:
    """Find the first line of values, the delimiter, and the names above."""
    first = next(
        (index for index, line in enumerate(lines) if line.strip() and line.strip()[0] != "#"), None
    )
    if first is None:
        raise ValueError("it is empty")
    delimiter = _delimiter(lines[first : first + 20])
    cells = _split(lines[first], delimiter)
    if _is_header(cells):
        return first + 1, delimiter, [cell.strip().strip("\"'") for cell in cells]
    comment = _split(lines[first - 1].lstrip("# "), delimiter) if first else []
    names = [cell.strip() for cell in comment] if len(comment) == len(cells) else []
    return first, delimiter, names


def _delimiter(lines: Sequence[str]) -> str:
    """Give the delimiter that cuts all lines into equally many cells; blanks if none does."""
    for delimiter in _DELIMITERS:
        counts = {line.count(delimiter) for line in lines if line.strip()}
        if counts and min(counts) > 0 and (len(counts) == 1 or delimiter != ","):
            return delimiter
    return "," if any("," in line for line in lines[:1]) else ""


def _split(line: str, delimiter: str) -> list[str]:
    return line.split(delimiter) if delimiter else line.split()


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a row names columns: one known name, or no number at all."""
    if any(names_a_spike_column(cell) for cell in cells):
        return True
    return not any(_NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell) for cell in cells)


def _column(cells: NDArray[np.str_]) -> NDArray[Any]:
    """Numbers where every cell is one or empty, else text."""
    stripped = np.char.strip(np.char.strip(cells), "\"'")
    filled = stripped[stripped != ""]
    if len(filled) and all(_DECIMAL_COMMA.fullmatch(cell) or cell.lstrip("+-").isdigit()
                           for cell in filled) and any("," in cell for cell in filled):  # fmt: skip
        stripped = np.char.replace(stripped, ",", ".")
    try:
        return np.where(stripped == "", "nan", stripped).astype(np.float64)
    except ValueError:
        return stripped


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
    return _column(np.array(["" if value is None else str(value) for value in values], dtype=str))


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
    return _column(column) if column.dtype.kind == "U" else column.astype(np.float64)


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
