"""Columns of a table of text: comma, semicolon, tab or blanks; header or none; decimal comma."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._text import decoded, encoding_of
from tavrnn_ephys.adapters.tables._names import names_a_spike_column

__all__ = ["Table", "column_of", "first_lines", "text_names", "text_table"]

_DELIMITERS = ("\t", ";", ",")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*|\s*[-+]?(nan|inf)\s*", re.I)
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*")
# A cell longer than this is no time, channel or amplitude, and is kept once per row.
_LONGEST_LINE, _MOST_CELLS = 100_000, 1000


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
    if b"\0" in head and encoding_of(head) != "utf-16":
        return None
    text = decoded(head)
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
    longest = max(map(len, lines), default=0)
    if longest > _LONGEST_LINE:
        raise ValueError(f"a line of {longest} characters")
    first, delimiter, names = _head(lines)
    n_cells = len(_split(lines[first - 1 if names and first else first], delimiter))
    if n_cells > _MOST_CELLS:
        raise ValueError(f"rows of {n_cells} cells")
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
    columns = [column_of(frame[name].fillna("").to_numpy(dtype=str)) for name in frame]
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


def column_of(cells: NDArray[np.str_]) -> NDArray[Any]:
    """
    Give numbers where every cell is one or empty, else text.

    Parameters
    ----------
    cells : numpy.ndarray of str
        Cells of one column.

    Returns
    -------
    numpy.ndarray
        The column.
    """
    stripped = np.char.strip(np.char.strip(cells), "\"'")
    filled = stripped[stripped != ""]
    if len(filled) and all(_DECIMAL_COMMA.fullmatch(cell) or cell.lstrip("+-").isdigit()
                           for cell in filled) and any("," in cell for cell in filled):  # fmt: skip
        stripped = np.char.replace(stripped, ",", ".")
    try:
        return np.where(stripped == "", "nan", stripped).astype(np.float64)
    except ValueError:
        return stripped
