"""
The makers of sentences, in the order in which their sentences stand.

A maker takes what may be claimed of a run and gives one sentence, or None where it has nothing to
say.  A new question is a further maker in ``MAKERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tavrnn_ephys.results.answer import behaviors, clauses
from tavrnn_ephys.results.answer.clauses import begun, beside_chance, p_value
from tavrnn_ephys.results.answer.judging import Claims
from tavrnn_ephys.results.answer.quoting import Sentence

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
    return quotes.sentence("when", f"{begun(text)}.")


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
    return quotes.sentence("states", f"{begun(text)}.")


def behavior(claims: Claims) -> Sentence | None:
    """
    Say whether the network goes with each behaviour, and how much, beside chance.

    Parameters
    ----------
    claims : Claims
        What may be claimed of the run.

    Returns
    -------
    Sentence or None
        None where no behaviour was asked for.
    """
    quotes, asked = claims.quotes(), claims.behaviors
    if not asked:
        return None
    text = behaviors.link(quotes, asked[0]) if len(asked) == 1 else behaviors.links(quotes, asked)
    return quotes.sentence("behaviour", f"{text}.")


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
    if not claims.behaviors:
        text = "What causes what cannot be said, and no behaviour was asked for."
    elif all(claim.row is None or not claim.is_decidable for claim in claims.behaviors):
        text = "What causes what cannot be said, nor what a longer recording would show."
    elif claims.goes_with_behavior:
        text = f"What causes what cannot be said; {behaviors.followers(claims, quotes)}."
    else:
        text = (
            "A missing link is no proof of independence: a weak one, or one that is faster than a "
            "window, would not be seen."
        )
    return quotes.sentence("limits", text)


MAKERS = (
    Maker(make=change, rank=0),
    Maker(make=carriers, rank=4),
    Maker(make=rates, rank=3),
    Maker(make=states, rank=5),
    Maker(make=behavior, rank=1),
    Maker(make=limits, rank=2),
)
