"""
The makers of sentences, in the order in which their sentences stand.

A maker takes what may be claimed of a run and gives one sentence, or None where it has nothing to
say.  A new question is a further maker in ``MAKERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tavrnn_ephys.results.answer import clauses
from tavrnn_ephys.results.answer.clauses import beside_chance, p_value
from tavrnn_ephys.results.answer.judging import Claims, behavior_tables_of, p_column
from tavrnn_ephys.results.answer.quoting import Quotes, Sentence

__all__ = ["MAKERS", "Maker", "behavior", "carriers", "change", "limits", "rates", "states"]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """
    A maker of a sentence.

    Parameters
    ----------
    make : callable
        Takes the claims of a run, gives a sentence or None.
    rank : int
        How important the sentence is, 0 the most; each rank once.
    """

    make: Callable[[Claims], Sentence | None]
    rank: int


def change(claims: Claims) -> Sentence | None:
    """
    Say whether the network changed.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence
        With the correlation of similarity and nearness, its chance and its p-value.
    """
    quotes, row = claims.quotes(), claims.row("change_network", "network")
    if row is None:
        text = "Whether the network changed cannot be said: too few windows share no time."
        return quotes.sentence("change", text)
    numbers = beside_chance(quotes, "change_network", row, "correlation", "r =")
    if claims.changed:
        text = f"The network changed: windows near in time resemble each other more {numbers}."
    else:
        text = f"No change of the network can be told from chance {numbers}."
    return quotes.sentence("change", text)


def carriers(claims: Claims) -> Sentence | None:
    """
    Say when the network changed most, and which nodes carry it.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence or None
        None where no change was found.
    """
    if not claims.changed:
        return None
    quotes = claims.quotes()
    # Where a sentence on states finds no room of its own, it shares this one.
    most = 1 if claims.is_crowded else 3
    parts = [clauses.when(quotes, most), clauses.who(quotes, most)]
    text = "; ".join(parts)
    if claims.is_crowded:
        text += f", and {clauses.states(claims, quotes)}"
    return quotes.sentence("when", _sentence(text))


def rates(claims: Claims) -> Sentence | None:
    """
    Say how much of the change mean rates explain.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence or None
        None where no change was found.
    """
    table, quotes = "change_network", claims.quotes()
    network, held = (claims.row(table, name) for name in ("network", "network, rates held"))
    if not claims.changed or network is None or held is None:
        return None
    share = quotes(table, network, "explained", "share")
    left = f"(r = {quotes(table, held, 'correlation')}, {p_value(quotes, table, held)})"
    rest = "the rest stays without them" if claims.beyond_rates else "without them none is left"
    return quotes.sentence("rates", f"Mean rates explain {share} of this change; {rest} {left}.")


def states(claims: Claims) -> Sentence | None:
    """
    Say which network states there are, and how long the commonest holds.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence or None
        None where no states were asked for, or the sentence of the change holds them.
    """
    quotes = claims.quotes()
    text = "" if claims.is_crowded else clauses.states(claims, quotes)
    if not text:
        return None
    if len(quotes.tables["state_summary"]) > 1:
        state = quotes("state_summary", 0, "state", "count")
        share = quotes("state_summary", 0, "occupancy", "share")
        text += f"; state {state} holds for {share} of the time"
    return quotes.sentence("states", _sentence(text))


def behavior(claims: Claims) -> Sentence | None:
    """
    Say whether the network goes with the behaviour, and how much, beside chance.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence or None
        None where no behaviour was asked for.
    """
    table, quotes, row = claims.behavior_table, claims.quotes(), claims.behavior_row
    if claims.undecided_table is not None:
        name = quotes(claims.undecided_table, 0, "behavior", "name")
        text = (
            f"What {name} has to do with the network cannot be decided: it changes too seldom for "
            "a p-value."
        )
        return quotes.sentence("behaviour", text)
    if row is None:
        return None
    if not claims.decidable:
        least = quotes(table, row, "smallest_p", "p")
        text = (
            "Whether the network goes with the behaviour cannot be decided: so few shifts of the "
            f"behaviour exist that no p-value falls below {least}."
        )
        return quotes.sentence("behaviour", text)
    which = _which(claims, quotes)
    metric = str(quotes.tables[table]["metric"].iloc[row])
    numbers = beside_chance(quotes, table, row, "score", metric)
    if not claims.goes_with_behavior:
        text = f"No link of the network to {which} can be told from chance {numbers}."
        return quotes.sentence("behaviour", text)
    beyond, rest = claims.behavior_held_row, ""
    if beyond is not None:
        verb = "stays" if claims.behavior_beyond_rates else "vanishes"
        p = quotes(table, beyond, p_column(quotes.tables[table]), "p")
        rest = f"; with rates held constant it {verb} (p = {p})"
    return quotes.sentence("behaviour", f"The network goes with {which} {numbers}{rest}.")


def limits(claims: Claims) -> Sentence | None:
    """
    Say what cannot be said.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence
        About causes, which nodes and pairs alone follow the behaviour, and what was not asked.
    """
    quotes = claims.quotes()
    if claims.undecided_table is not None:
        text = "What causes what cannot be said, nor what a longer recording would show."
    elif claims.behavior_row is None:
        text = "What causes what cannot be said, and no behaviour was asked for."
    elif claims.goes_with_behavior:
        text = f"What causes what cannot be said; {clauses.followers(claims, quotes)}."
    else:
        text = (
            "A missing link is no proof of independence: a weak one, or one that is faster than a "
            "window, would not be seen."
        )
    return quotes.sentence("limits", text)


def _which(claims: Claims, quotes: Quotes) -> str:
    """Name the behaviour, where several were asked for: the best one stands for all of them."""
    if "behavior_family" not in claims.tables:
        return "the behaviour"
    place = behavior_tables_of(claims.tables).index(claims.behavior_table)
    name = quotes("behavior_family", place, "behavior", "name")
    return f"the behaviour '{name}', the best of {quotes.rows('behavior_family')},"


def _sentence(text: str) -> str:
    """Make a sentence of clauses; a name of a node keeps its letters."""
    return f"{text[0].upper()}{text[1:]}."


MAKERS = (
    Maker(make=change, rank=0),
    Maker(make=carriers, rank=4),
    Maker(make=rates, rank=3),
    Maker(make=states, rank=5),
    Maker(make=behavior, rank=1),
    Maker(make=limits, rank=2),
)
