"""Parts of sentences: numbers beside chance, when, which nodes, which states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tavrnn_ephys.results.answer.judging import LEVEL, Claims, p_column
from tavrnn_ephys.results.answer.quoting import Quotes

__all__ = ["begun", "beside_chance", "listed", "p_value", "states", "when", "who"]

_MOST_NAMED = 3


def begun(text: str) -> str:
    """
    Begin a sentence with a capital; a name of a node keeps its letters.

    Parameters
    ----------
    text : str
        A clause.

    Returns
    -------
    str
        The clause.

    Examples
    --------
    >>> begun("node a1 shows it")
    'Node a1 shows it'
    """
    return f"{text[0].upper()}{text[1:]}"


def p_value(quotes: Quotes, table: str, row: int) -> str:
    """
    Name a p-value, and that it is the smallest that can be reached.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    table : str
        Name of the table.
    row : int
        Row, from 0.

    Returns
    -------
    str
        Such as ``"p = 0.001, the smallest possible"``.
    """
    values = quotes.tables[table].iloc[row]
    column = p_column(quotes.tables[table])
    p, smallest = values[column], values.get("smallest_p", np.nan)
    least = ", the smallest possible" if np.isfinite(p) and p <= smallest * 1.0001 else ""
    return f"p = {quotes(table, row, column, 'p')}{least}"


def beside_chance(quotes: Quotes, table: str, row: int, column: str, name: str) -> str:
    """
    Write a number beside the interval of chance and its p-value.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    table : str
        Name of the table.
    row : int
        Row, from 0.
    column : str
        Column of the number.
    name : str
        What the number is.

    Returns
    -------
    str
        Such as ``"(r = 0.31, chance -0.05 to 0.06, p = 0.001)"``.
    """
    number = quotes(table, row, column)
    low, high = (quotes(table, row, f"chance_{end}") for end in ("low", "high"))
    return f"({name} {number}, chance {low} to {high}, {p_value(quotes, table, row)})"


def when(quotes: Quotes, most: int = _MOST_NAMED) -> str:
    """
    Say when the network changed most.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    most : int
        How many times are named at most.

    Returns
    -------
    str
        A clause.
    """
    table = quotes.tables.get("change_times")
    if table is None or not len(table):
        return "no single time stands out"
    named = [quotes("change_times", row, "start_s", "seconds") for row in range(len(table))[:most]]
    return f"its largest change{' lies' if len(named) == 1 else 's lie'} at {listed(named)}"


def who(quotes: Quotes, most: int = _MOST_NAMED) -> str:
    """
    Say which nodes carry the change, and of which group they are where all are of one.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    most : int
        How many nodes are named at most.

    Returns
    -------
    str
        A clause.
    """
    name = "change_nodes"
    table = quotes.tables.get(name)
    found = None if table is None else table[table["q_value"] < LEVEL]
    if found is None or not len(found):
        return "no single node stands out"
    # The names of nodes hold digits that are no results, and are quoted like them.
    names = [quotes(name, row, "node_id", "name") for row in range(len(found))[:most]]
    groups = set(found["group"]) if "group" in found else {""}
    where = f" of {quotes(name, 0, 'group', 'name')}" if len(groups) == 1 and groups != {""} else ""
    largest = quotes(name, len(names) - 1, "q_value", "p")
    nodes, show = ("node", "shows") if len(names) == 1 else ("nodes", "show")
    return f"{nodes} {listed(names)}{where} {show} it most clearly (q {largest})"


def states(claims: Claims, quotes: Quotes) -> str:
    """
    Say which network states there are.

    Parameters
    ----------
    claims : Claims
        What may be claimed.
    quotes : Quotes
        Of the sentence.

    Returns
    -------
    str
        A clause; empty where no states were asked for.
    """
    table = quotes.tables.get("state_summary")
    if table is None:
        return ""
    several = len(table) > 1
    if claims.states_row is None:
        number = quotes.rows("state_summary")
        return f"{number} network state{'s were' if several else ' was'} asked for, untested"
    if claims.has_states:
        number = quotes.rows("state_summary")
        return f"{number} network states come and go ({_evidence(claims, quotes)})"
    if several:
        number = quotes.rows("state_summary")
        return f"chance may give the {number} network states ({_evidence(claims, quotes)})"
    return f"no separate network states were found ({_evidence(claims, quotes)})"


def _evidence(claims: Claims, quotes: Quotes) -> str:
    return f"variation beyond rates: {p_value(quotes, 'state_evidence', claims.states_row or 0)}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """
    Join what is alike.

    Parameters
    ----------
    items : sequence of str
        At least one.
    last : str
        The word before the last one.

    Returns
    -------
    str
        Such as ``"a, b and c"``.
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
