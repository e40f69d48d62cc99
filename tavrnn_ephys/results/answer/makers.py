"""
The makers of sentences, in the order in which their sentences stand.

A maker takes the tables of a run and gives one sentence, or None where it has nothing to say.  A
new question is a further maker in ``MAKERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tavrnn_ephys.results.answer.judging import LEVEL, behavior_tables_of, claims_of, p_column
from tavrnn_ephys.results.answer.quoting import Quotes, Sentence, Tables

__all__ = ["MAKERS", "Maker", "behavior", "carriers", "change", "limits", "rates"]

_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Maker:
    """
    A maker of a sentence.

    Parameters
    ----------
    make : callable
        Takes the tables of a run, gives a sentence or None.
    rank : int
        How important the sentence is, 0 the most; each rank once.
    """

    make: Callable[[Tables], Sentence | None]
    rank: int


def change(tables: Tables) -> Sentence | None:
    """
    Say whether the network changed.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Sentence
        With the correlation of similarity and nearness, its chance and its p-value.
    """
    claims, quotes = claims_of(tables), Quotes(tables)
    row = claims.row("change_network", "network")
    if row is None:
        text = "Whether the network changed cannot be said: too few windows share no time."
        return quotes.sentence("change", text)
    numbers = (
        f"(r = {quotes('change_network', row, 'correlation')}, chance "
        f"{quotes('change_network', row, 'chance_low')} to "
        f"{quotes('change_network', row, 'chance_high')}, {_p(quotes, 'change_network', row)})"
    )
    if claims.changed:
        text = f"The network changed: windows near in time resemble each other more {numbers}."
    else:
        text = f"No change of the network can be told from chance {numbers}."
    return quotes.sentence("change", text)


def carriers(tables: Tables) -> Sentence | None:
    """
    Say when the network changed most, and which nodes carry it.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Sentence or None
        None where no change was found.
    """
    if not claims_of(tables).changed:
        return None
    quotes = Quotes(tables)
    when, who = _when(tables, quotes), _who(tables, quotes)
    if not when and not who:
        return quotes.sentence("when", "No single time and no single node stand out.")
    parts = [when or "no single time stands out", who or "no single node stands out"]
    text = "; ".join(parts)
    return quotes.sentence("when", f"{text[0].upper()}{text[1:]}.")


def rates(tables: Tables) -> Sentence | None:
    """
    Say how much of the change mean rates explain.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Sentence or None
        None where no change was found.
    """
    claims, quotes = claims_of(tables), Quotes(tables)
    network = claims.row("change_network", "network")
    held = claims.row("change_network", "network, rates held")
    if not claims.changed or network is None or held is None:
        return None
    share = quotes("change_network", network, "explained", "share")
    left = (
        f"r = {quotes('change_network', held, 'correlation')}, {_p(quotes, 'change_network', held)}"
    )
    if claims.beyond_rates:
        text = f"Mean rates explain {share} of this change; the rest stays without them ({left})."
    else:
        text = f"Mean rates explain {share} of this change; without them none is left ({left})."
    return quotes.sentence("rates", text)


def behavior(tables: Tables) -> Sentence | None:
    """
    Say whether the network goes with the behaviour, and how much, beside chance.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Sentence or None
        None where no behaviour was asked for.
    """
    claims, quotes = claims_of(tables), Quotes(tables)
    row = claims.behavior_row
    if row is None:
        return None
    table = claims.behavior_table
    if not claims.decidable:
        least = quotes(table, row, "smallest_p", "p")
        text = (
            "Whether the network goes with the behaviour cannot be decided: so few shifts of the "
            f"behaviour exist that no p-value falls below {least}."
        )
        return quotes.sentence("behaviour", text)
    which = _which(tables, quotes, table)
    metric = str(tables[table]["metric"].iloc[row])
    numbers = (
        f"({metric} {quotes(table, row, 'score')}, chance {quotes(table, row, 'chance_low')} to "
        f"{quotes(table, row, 'chance_high')}, {_p(quotes, table, row)})"
    )
    if not claims.goes_with_behavior:
        text = f"No link of the network to {which} can be told from chance {numbers}."
        return quotes.sentence("behaviour", text)
    beyond = claims.behavior_held_row
    if beyond is not None:
        verb = "stays" if claims.behavior_beyond_rates else "vanishes"
        rest = f"; with rates held constant the link {verb} ({_p(quotes, table, beyond)})"
    else:
        rest = ""
    text = f"The network goes with {which} {numbers}{rest}."
    return quotes.sentence("behaviour", text)


def limits(tables: Tables) -> Sentence | None:
    """
    Say what cannot be said.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Sentence
        About causes, further recordings, and questions that were not asked.
    """
    claims, quotes = claims_of(tables), Quotes(tables)
    if claims.behavior_row is None:
        text = "What causes what cannot be said, and no behaviour was asked for."
    elif claims.goes_with_behavior:
        nodes, edges = _followers(tables)
        text = (
            "What causes what cannot be said; "
            f"{'single nodes' if nodes else 'no single node'} and "
            f"{'single edges' if edges else 'no single edge'} follow the behaviour beyond rates."
        )
    else:
        text = (
            "A missing link is no proof of independence: a weak one, or one that is faster than a "
            "window, would not be seen."
        )
    return quotes.sentence("limits", text)


MAKERS = (
    Maker(make=change, rank=0),
    Maker(make=carriers, rank=3),
    Maker(make=rates, rank=2),
    Maker(make=behavior, rank=1),
    Maker(make=limits, rank=4),
)


def _when(tables: Tables, quotes: Quotes) -> str:
    times = tables.get("change_times")
    if times is None or len(times) == 0:
        return ""
    named = [quotes("change_times", row, "start_s", "seconds") for row in _first(len(times))]
    return f"its largest change{' lies' if len(times) == 1 else 's lie'} at {_listed(named)}"


def _who(tables: Tables, quotes: Quotes) -> str:
    nodes = tables.get("change_nodes")
    found = 0 if nodes is None else int((nodes["q_value"] < LEVEL).sum())
    if not found:
        return ""
    # The names of nodes hold digits that are no results, and are quoted like them.
    names = [quotes("change_nodes", row, "node_id", "name") for row in _first(found)]
    largest = quotes("change_nodes", len(names) - 1, "q_value", "p")
    return f"{_listed(names)} carr{'ies' if len(names) == 1 else 'y'} most of it (q {largest})"


def _which(tables: Tables, quotes: Quotes, table: str) -> str:
    """Name the behaviour, where several were asked for: the best one stands for all of them."""
    family = tables.get("behavior_family")
    if family is None:
        return "the behaviour"
    place = behavior_tables_of(tables).index(table)
    name = quotes("behavior_family", place, "behavior", "name")
    return f"the behaviour '{name}', the best of {quotes.rows('behavior_family')},"


def _p(quotes: Quotes, table: str, row: int) -> str:
    """Name the p-value, and that it is the smallest that can be reached."""
    values = quotes.tables[table]
    column = p_column(values)
    p, smallest = values[column].iloc[row], values["smallest_p"].iloc[row]
    least = ", the smallest possible" if np.isfinite(p) and p <= smallest * 1.0001 else ""
    over_all = ", corrected over all" if column != "p_value" else ""
    return f"p = {quotes(table, row, column, 'p')}{least}{over_all}"


def _first(n: int) -> range:
    return range(min(n, _MOST_NAMED))


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _followers(tables: Tables) -> tuple[bool, bool]:
    found = []
    stem = claims_of(tables).behavior_table.removesuffix("_decoding")
    for name in (f"{stem}_nodes", f"{stem}_edges"):
        table = tables.get(name)
        found.append(table is not None and bool((table["q_value"] < LEVEL).any()))
    return found[0], found[1]
