"""Tables as CSV that a spreadsheet takes as text and numbers, and as nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

__all__ = ["harmless_cell", "write_csv"]

# Spreadsheets run what begins with these as a formula; a tab or line feed in front is skipped.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


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
    text = table.select_dtypes(exclude=["number", "bool"]).columns
    safe = table.assign(**{str(name): table[name].map(harmless_cell) for name in text})
    safe = safe.rename(columns=harmless_cell)
    safe.to_csv(path, index=False, **options)
