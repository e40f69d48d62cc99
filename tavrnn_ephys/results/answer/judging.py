"""Which claims the tests of a run bear, all of them together at five per cent."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tavrnn_ephys.core.names import NETWORK_FEATURES
from tavrnn_ephys.results.answer.quoting import Quotes, Tables

if TYPE_CHECKING:
    import pandas

__all__ = ["LEVEL", "BehaviorClaim", "Claims", "claims_of", "p_column"]

#: Chance of claiming anything where there is nothing.
LEVEL = 0.05
_HELD = ", rates held"
_NETWORK_HELD = f"network{_HELD}"
_FAMILY = "behavior_family"
_OF_BEHAVIOR = re.compile(r"(behavior(\d*))_(decoding|undecided)")


@dataclass(frozen=True, kw_only=True)
class BehaviorClaim:
    """
    What may be claimed of one behaviour.

    Parameters
    ----------
    table : str
        The table of its predictions, or the one that says why it cannot be decided.
    row, held_row : int or None
        Rows of the prediction from the network, as it is and with rates held constant; None where
        there is none.
    name_cell : tuple of (table, row) or None
        Where its name stands in a column ``behavior``; None where it is the only one.
    is_linked, is_beyond_rates : bool
        Whether the network goes with it, and also with rates held constant.
    is_decidable : bool
        Whether its shifts are enough for a p-value that would count.
    """

    table: str
    row: int | None
    held_row: int | None = None
    name_cell: tuple[str, int] | None = None
    is_linked: bool = False
    is_beyond_rates: bool = False
    is_decidable: bool = True

    @property
    def stem(self) -> str:
        """What the names of its tables begin with, such as ``"behavior2"``."""
        return self.table.rpartition("_")[0]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """
    What may be claimed of a run.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.
    changed, beyond_rates : bool
        Whether the network changed, and also with rates held constant.
    behaviors : tuple of BehaviorClaim
        What may be claimed of each behaviour, in the order in which they were asked for.
    has_states : bool
        Whether there are several network states beyond chance.
    states_row : int or None
        Row of ``state_evidence`` that says so; None where no states were looked for.
    """

    tables: Tables
    changed: bool
    beyond_rates: bool
    behaviors: tuple[BehaviorClaim, ...] = ()
    has_states: bool = False
    states_row: int | None = None

    @property
    def goes_with_behavior(self) -> bool:
        """Whether the network goes with any behaviour."""
        return any(claim.is_linked for claim in self.behaviors)

    @property
    def is_crowded(self) -> bool:
        """Whether change, behaviour and states leave no room for a sentence on states alone."""
        return bool(self.behaviors) and self.changed and "state_summary" in self.tables

    def quotes(self) -> Quotes:
        """
        Begin a sentence.

        Returns
        -------
        Quotes
            Takes numbers from the tables of the run.
        """
        return Quotes(self.tables)

    def row(self, table: str, features: str) -> int | None:
        """
        Find a row by what it is about.

        Parameters
        ----------
        table : str
            Name of the table.
        features : str
            What stands in its column ``features``.

        Returns
        -------
        int or None
            Position of the row; None where there is none.
        """
        return _row(self.tables, table, features)


def claims_of(tables: Tables) -> Claims:
    """
    Judge the tests of a run.

    Each is a question: whether the network changed, whether it goes with each of the behaviours,
    and whether it has states.  Their p-values are held against five per cent by Holm's rule [1]_.
    With rates held constant a claim is asked again only where it was made, which needs no further
    correction but that over behaviours.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    Claims
        What may be claimed.

    References
    ----------
    .. [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    asked = _behaviors_of(tables)
    states_row = 0 if len(tables.get("state_evidence", ())) else None
    rows = {"change_network": _row(tables, "change_network", "network")}
    rows |= {claim.table: claim.row for claim in asked} | {"state_evidence": states_row}
    p_values = {
        name: _p(tables[name], row, "p_value") for name, row in rows.items() if row is not None
    }
    rejected = dict(zip(p_values, _holm(list(p_values.values())), strict=True))
    left = LEVEL / max(len(p_values) - sum(rejected.values()), 1)
    changed, held = (
        rejected.get("change_network", False),
        _row(tables, "change_network", _NETWORK_HELD),
    )
    return Claims(
        tables=tables,
        changed=changed,
        beyond_rates=changed and held is not None and _p(tables["change_network"], held) <= LEVEL,
        behaviors=tuple(
            _judged(
                claim, tables[claim.table], is_linked=rejected.get(claim.table, False), left=left
            )
            for claim in asked
        ),
        has_states=rejected.get("state_evidence", False) and len(tables["state_summary"]) > 1,
        states_row=states_row,
    )


def _behaviors_of(tables: Tables) -> list[BehaviorClaim]:
    """Find the behaviours that were asked for, before they are judged."""
    names = sorted(
        filter(_OF_BEHAVIOR.fullmatch, tables), key=lambda name: (len(name.partition("_")[0]), name)
    )
    found: list[BehaviorClaim] = []
    for name in names:
        if name.endswith("_undecided"):
            found.append(BehaviorClaim(table=name, row=None, name_cell=(name, 0)))
            continue
        n_before = sum(claim.row is not None for claim in found)
        row = next(
            (
                row
                for row in (_row(tables, name, kind) for kind in NETWORK_FEATURES)
                if row is not None
            ),
            None,
        )
        if row is None:
            continue
        held = _row(tables, name, f"{tables[name]['features'].iloc[row]}{_HELD}")
        cell = (_FAMILY, n_before) if _FAMILY in tables else None
        found.append(BehaviorClaim(table=name, row=row, held_row=held, name_cell=cell))
    return found


def _judged(
    claim: BehaviorClaim, table: pandas.DataFrame, *, is_linked: bool, left: float
) -> BehaviorClaim:
    """Say what of a behaviour may be claimed; ``left`` is the level of what was not rejected."""
    if claim.row is None:
        return claim
    return replace(
        claim,
        is_linked=is_linked,
        is_beyond_rates=is_linked
        and claim.held_row is not None
        and _p(table, claim.held_row) <= LEVEL,
        is_decidable=is_linked or float(table["smallest_p"].iloc[claim.row]) <= left,
    )


def _row(tables: Tables, table: str, features: str) -> int | None:
    frame = tables.get(table)
    if frame is None or "features" not in frame:
        return None
    found = np.flatnonzero(frame["features"].to_numpy() == features)
    return int(found[0]) if len(found) else None


def _p(table: pandas.DataFrame, row: int, column: str = "") -> float:
    """Give a p-value, 1 where it is unknown."""
    value = float(table[column or p_column(table)].iloc[row])
    return value if np.isfinite(value) else 1.0


def p_column(table: pandas.DataFrame) -> str:
    """
    Name the column of the p-value that counts.

    Parameters
    ----------
    table : pandas.DataFrame
        A table of a run.

    Returns
    -------
    str
        The one that is corrected over several behaviours, where there is one.
    """
    return "p_corrected" if "p_corrected" in table else "p_value"


def _holm(p_values: list[float]) -> list[bool]:
    """
    Say which hypotheses are rejected.

    Examples
    --------
    >>> _holm([0.03, 0.01]), _holm([0.03, 0.2])
    ([True, True], [False, False])
    """
    rejected = [False] * len(p_values)
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] > LEVEL / (len(p_values) - rank):
            break
        rejected[int(index)] = True
    return rejected
