"""What a sentence says of behaviours: of one alone, or of each of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tavrnn_ephys.results.answer.clauses import begun, beside_chance, listed, p_value
from tavrnn_ephys.results.answer.judging import LEVEL, BehaviorClaim, Claims
from tavrnn_ephys.results.answer.quoting import Quotes

__all__ = ["followers", "link", "links"]

# Of more behaviours the p-value alone is named: the table of the family holds the rest.
_MOST_IN_FULL = 3


def link(quotes: Quotes, claim: BehaviorClaim) -> str:
    """
    Say whether the network goes with the only behaviour, and how much, beside chance.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    claim : BehaviorClaim
        What may be claimed of it.

    Returns
    -------
    str
        A sentence without its full stop.
    """
    if claim.row is None:
        name = quotes(claim.table, 0, "behavior", "name")
        return (
            f"What {name} has to do with the network cannot be decided: it changes too seldom for "
            "a p-value"
        )
    if not claim.is_decidable:
        least = quotes(claim.table, claim.row, "smallest_p", "p")
        return (
            "Whether the network goes with the behaviour cannot be decided: so few shifts of the "
            f"behaviour exist that no p-value falls below {least}"
        )
    numbers = _numbers(quotes, claim)
    if not claim.is_linked:
        return f"No link of the network to the behaviour can be told from chance {numbers}"
    rest = ""
    if claim.held_row is not None:
        verb = "stays" if claim.is_beyond_rates else "vanishes"
        p = p_value(quotes, claim.table, claim.held_row)
        rest = f"; with rates held constant it {verb} ({p})"
    return f"The network goes with the behaviour {numbers}{rest}"


def links(quotes: Quotes, claims: Sequence[BehaviorClaim]) -> str:
    """
    Say of each of several behaviours whether the network goes with it.

    Parameters
    ----------
    quotes : Quotes
        Of the sentence.
    claims : sequence of BehaviorClaim
        What may be claimed of each.

    Returns
    -------
    str
        A sentence without its full stop; what was found first, what cannot be decided last.
    """
    told = [claim for claim in claims if claim.row is not None]
    in_full = len(told) <= _MOST_IN_FULL
    linked = [claim for claim in told if claim.is_linked]
    parts = []
    if linked:
        parts.append(f"the network goes with {_beside(quotes, linked, 'and', in_full=in_full)}")
        parts += _held(quotes, linked)
    if missing := [claim for claim in told if not claim.is_linked and claim.is_decidable]:
        which = _beside(quotes, missing, "or", in_full=in_full)
        parts.append(f"no link to {which} can be told from chance")
    for claim in told:
        if not claim.is_decidable:
            name = _named(quotes, claim)
            least = quotes(claim.table, claim.row or 0, "smallest_p", "p")
            parts.append(f"too few shifts of {name} exist to decide (smallest p = {least})")
    if seldom := [_named(quotes, claim) for claim in claims if claim.row is None]:
        verb = "changes" if len(seldom) == 1 else "change"
        parts.append(f"{listed(seldom)} {verb} too seldom to decide")
    if len(told) > 1:
        parts.append(f"p is corrected over {quotes.rows('behavior_family')} behaviours")
    return begun("; ".join(parts))


def followers(claims: Claims, quotes: Quotes) -> str:
    """
    Say which nodes and edges follow the behaviour, rates held constant.

    Parameters
    ----------
    claims : Claims
        What may be claimed; the network goes with a behaviour.
    quotes : Quotes
        Of the sentence.

    Returns
    -------
    str
        A clause; of several behaviours about the one of the smallest p-value.
    """
    linked = [claim for claim in claims.behaviors if claim.is_linked]
    best = min(linked, key=lambda claim: _p_of(quotes, claim))
    node, edge = (_strongest(quotes, f"{best.stem}_{what}") for what in ("nodes", "edges"))
    if node is None and edge is None:
        return f"no single node and no single pair follows {_named(quotes, best)} beyond rates"
    nodes = "" if node is None else quotes(f"{best.stem}_nodes", node, "node_id", "name")
    ends = () if edge is None else ("node_a", "node_b")
    pair = "–".join(quotes(f"{best.stem}_edges", edge or 0, end, "name") for end in ends)
    if not pair:
        text = f"node {nodes} follows {_named(quotes, best)} beyond rates"
        return f"{text}, and no single pair does"
    if not nodes:
        text = f"the pair {pair} follows {_named(quotes, best)} beyond rates"
        return f"{text}, and no single node does"
    name = _named(quotes, best)
    return f"node {nodes} and the pair {pair} follow {name} most, beyond rates"


def _named(quotes: Quotes, claim: BehaviorClaim) -> str:
    """Quote the name of one of several behaviours."""
    if claim.name_cell is None:
        return "the behaviour"
    return f"'{quotes(*claim.name_cell, 'behavior', 'name')}'"


def _numbers(quotes: Quotes, claim: BehaviorClaim) -> str:
    row = claim.row or 0
    metric = str(quotes.tables[claim.table]["metric"].iloc[row])
    return beside_chance(quotes, claim.table, row, "score", metric)


def _beside(quotes: Quotes, claims: Sequence[BehaviorClaim], last: str, *, in_full: bool) -> str:
    """List behaviours, each with its numbers."""
    told = []
    for claim in claims:
        name = _named(quotes, claim)
        short = f"({p_value(quotes, claim.table, claim.row or 0)})" if not in_full else ""
        told.append(f"{name} {short or _numbers(quotes, claim)}")
    return listed(told, last)


def _held(quotes: Quotes, linked: Sequence[BehaviorClaim]) -> list[str]:
    """Say of each behaviour that was found whether it stays with rates held constant."""
    told = []
    for claim in linked:
        if claim.held_row is not None:
            verb = "stays" if claim.is_beyond_rates else "vanishes"
            name = _named(quotes, claim)
            told.append(f"{name} {verb} ({p_value(quotes, claim.table, claim.held_row)})")
    return [f"with rates held constant {listed(told)}"] if told else []


def _p_of(quotes: Quotes, claim: BehaviorClaim) -> float:
    return float(quotes.tables[claim.table]["p_value"].iloc[claim.row or 0])


def _strongest(quotes: Quotes, name: str) -> int | None:
    """Give the row of smallest q below the level, of equal ones the largest statistic."""
    table = quotes.tables.get(name)
    if table is None or not (table["q_value"] < LEVEL).any():
        return None
    size = table["correlation" if "correlation" in table else "r_squared"].abs()
    order = np.lexsort((-size.to_numpy(), table["q_value"].to_numpy()))
    return int(order[0])
