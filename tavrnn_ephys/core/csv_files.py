"""Tables as CSV that a spreadsheet takes as text and numbers, and as nothing else."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

__all__ = ["harmless_cell", "write_csv"]

# Spreadsheets run what begins with these as a formula, also in the wide form of East Asian text;
# blanks, quotes and marks that are not seen are skipped in front of it.
_FORMULA = ("=", "+", "-", "@")
_SKIPPED = ("\t", "\r", "\n")


def harmless_cell(value: Any) -> Any:
    """
    Put an apostrophe before text that a spreadsheet would run as a formula.

    Parameters
    ----------
    value : object
        Content of a cell.

    Returns
    -------
    object
        The same, unless it is such a text; numbers that are written as text stay numbers.

    Examples
    --------
    >>> harmless_cell("=HYPERLINK(A1)"), harmless_cell("u17"), harmless_cell("-3.5")
    ("'=HYPERLINK(A1)", 'u17', '-3.5')
    """
    if not isinstance(value, str) or not _begins_a_formula(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _begins_a_formula(text: str) -> bool:
    if text.startswith(_SKIPPED):
        return True
    for mark in text:
        seen = not mark.isspace() and unicodedata.category(mark) not in ("Cc", "Cf")
        if seen and mark != '"':
            return unicodedata.normalize("NFKC", mark).startswith(_FORMULA)
    return False


def write_csv(table: pandas.DataFrame, path: Path, **options: Any) -> None:
    """
    Write a table without its index.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    path : pathlib.Path
        The file.
    **options : object
        Further options of :meth:`pandas.DataFrame.to_csv`.
    """
    # By place: names can be numbers, or stand twice.
    columns = [table.iloc[:, index] for index in range(table.shape[1])]
    safe = {
        index: column.map(harmless_cell) if column.dtype.kind not in "biufc" else column
        for index, column in enumerate(columns)
    }
    header = [harmless_cell(str(name)) for name in table.columns]
    frame = type(table)(safe, index=table.index)
    frame.to_csv(path, index=False, header=header, **options)
