"""Sentences that know from which cell of which table each of their numbers is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas

__all__ = ["Number", "Quotes", "Sentence", "Tables", "shown"]

# A name of a node that is longer is cut.
_LONGEST_NAME = 24
#: Tables of a run by name.
Tables = Mapping[str, "pandas.DataFrame"]


def shown(value: Any, form: str) -> str:
    """
    Write a value as a sentence shows it.

    Parameters
    ----------
    value : object
        A number or text.
    form : {"number", "p", "share", "seconds", "count", "name"}
        How.

    Returns
    -------
    str
        The text.

    Examples
    --------
    >>> shown(0.12345, "number"), shown(0.0049, "p"), shown(0.123, "share"), shown(62.0, "seconds")
    ('0.12', '0.005', '12 %', '62 s')
    """
    if form == "name":
        name = str(value)
        return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    number = float(value)
    if not np.isfinite(number):
        return "unknown"
    if form == "number":
        # Minus zero is zero.
        return f"{round(number, 2) + 0.0:.2f}"
    if form == "p":
        return f"{number:.3f}" if number >= 0.001 else f"{number:.1g}"
    if form == "share":
        return f"{round(100 * number):d} %"
    return f"{number:.4g} s" if form == "seconds" else f"{round(number):d}"


@dataclass(frozen=True, kw_only=True)
class Number:
    """
    A number of a sentence, and the cell that it is from.

    Parameters
    ----------
    table, column : str
        Name of the table and of its column; the column ``"rows"`` stands for a number of rows.
    row : int
        Row, from 0.
    form : str
        How it is shown, as :func:`shown` takes it.
    text : str
        As it stands in the sentence.
    """

    table: str
    column: str
    row: int
    form: str
    text: str

    def holds(self, tables: Tables) -> bool:
        """
        Say whether the cell still gives this text.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame
            Tables of the run.

        Returns
        -------
        bool
            False also where the cell is gone.
        """
        table = tables.get(self.table)
        if table is None or (self.column not in table and self.column != "rows"):
            return False
        if self.column == "rows":
            return self.text == str(len(table))
        if not 0 <= self.row < len(table):
            return False
        return shown(table[self.column].iloc[self.row], self.form) == self.text


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """
    One sentence of an answer.

    Parameters
    ----------
    topic : str
        What it is about, such as ``"change"`` or ``"behaviour"``.
    text : str
        The sentence.
    numbers : tuple of Number
        Every number in it, in order.
    """

    topic: str
    text: str
    numbers: tuple[Number, ...] = ()

    def holds(self, tables: Tables) -> bool:
        """
        Say whether each number of the sentence is that of its table, and stands in the sentence.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame
            Tables of the run.

        Returns
        -------
        bool
            False if a number or the sentence changed, or a number has no source.
        """
        rest = self.text
        for number in self.numbers:
            before, found, after = rest.partition(number.text)
            if not found or not number.holds(tables) or re.search(r"\d", before):
                return False
            rest = after
        return re.search(r"\d", rest) is None

    def __str__(self) -> str:
        return self.text


@dataclass
class Quotes:
    """
    Takes numbers from tables for one sentence, and remembers where they stand.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.
    numbers : list of Number
        What was taken, in order.

    Examples
    --------
    >>> import pandas as pd
    >>> quotes = Quotes({"change": pd.DataFrame({"p_value": [0.005]})})
    >>> found = quotes("change", 0, "p_value", "p")
    >>> sentence = quotes.sentence("change", f"It changed (p = {found}).")
    >>> sentence.text, sentence.holds({"change": pd.DataFrame({"p_value": [0.4]})})
    ('It changed (p = 0.005).', False)
    """

    tables: Tables
    numbers: list[Number] = field(default_factory=list)

    def __call__(self, table: str, row: int, column: str, form: str = "number") -> str:
        """
        Take a number.

        Parameters
        ----------
        table, column : str
            Name of the table and of its column.
        row : int
            Row, from 0.
        form : str
            How it is shown, as :func:`shown` takes it.

        Returns
        -------
        str
            The number as text.
        """
        text = shown(self.tables[table][column].iloc[row], form)
        self.numbers.append(Number(table=table, column=column, row=row, form=form, text=text))
        return text

    def rows(self, table: str) -> str:
        """
        Take the number of rows of a table.

        Parameters
        ----------
        table : str
            Name of the table.

        Returns
        -------
        str
            The number as text.
        """
        text = str(len(self.tables[table]))
        self.numbers.append(Number(table=table, column="rows", row=-1, form="count", text=text))
        return text

    def sentence(self, topic: str, text: str) -> Sentence:
        """
        Make the sentence.

        Parameters
        ----------
        topic : str
            What it is about.
        text : str
            The sentence, with the numbers in the order in which they were taken.

        Returns
        -------
        Sentence
            The sentence with its numbers.
        """
        return Sentence(topic=topic, text=text, numbers=tuple(self.numbers))
