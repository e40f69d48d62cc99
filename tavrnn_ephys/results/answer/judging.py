"""Which claims the tests of a run bear, all of them together at five per cent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tavrnn_ephys.results.answer.quoting import Quotes, Tables

if TYPE_CHECKING:
    import pandas

__all__ = ["LEVEL", "Claims", "behavior_tables_of", "claims_of", "p_column"]

#: Chance of claiming anything where there is nothing.
LEVEL = 0.05
# The network by the best of its embeddings that was computed.
_NETWORKS = ("TAVRNN embedding", "spectral embedding")
_HELD = ", rates held"


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
    goes_with_behavior, behavior_beyond_rates : bool
        Whether it goes with the behaviour, and also with rates held constant.
    behavior_row, behavior_held_row : int or None
        Rows of its table that say so; None where no behaviour was asked for.
    decidable : bool
        Whether the shifts of the behaviour are enough for a p-value that would count.
    behavior_table : str
        The table that both rows of the behaviour stand in: of several behaviours that of the one
        which the network predicts best beside chance.
    has_states : bool
        Whether there are several network states beyond chance.
    states_row : int or None
        Row of ``state_evidence`` that says so; None where no states were looked for.
    """

    tables: Tables
    changed: bool
    beyond_rates: bool
    goes_with_behavior: bool
    behavior_beyond_rates: bool
    behavior_row: int | None
    behavior_held_row: int | None
    decidable: bool = True
    behavior_table: str = "behavior_decoding"
    has_states: bool = False
    states_row: int | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether change, behaviour and states leave no room for a sentence on states alone."""
        is_asked = self.behavior_row is not None or self.undecided_table is not None
        return is_asked and self.changed and "state_summary" in self.tables

    @property
    def undecided_table(self) -> str | None:
        """Table that says why no behaviour could be decided; None where one could, or none was."""
        names = sorted(name for name in self.tables if re.fullmatch(r"behavior\d*_undecided", name))
        return names[0] if names and self.behavior_row is None else None

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

    Up to three questions are asked: whether the network changed, whether it goes with the
    behaviour, and whether it has states.  Their p-values are held against five per cent by Holm's
    rule [1]_.  With rates held constant a claim is asked again only where it was made, which
    needs no further correction.

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
    changed_row = _row(tables, "change_network", "network")
    table, behavior_row = _best_behavior(tables)
    held_row = None
    if behavior_row is not None:
        name = str(tables[table]["features"].iloc[behavior_row])
        held_row = _row(tables, table, f"{name}{_HELD}")
    states_row = 0 if len(tables.get("state_evidence", ())) else None
    rows = {"change_network": changed_row, table: behavior_row, "state_evidence": states_row}
    asked = {name: _p(tables, name, row) for name, row in rows.items() if row is not None}
    rejected = dict(zip(asked, _holm(list(asked.values())), strict=True))
    changed, goes, varies = (rejected.get(name, False) for name in rows)
    held = _row(tables, "change_network", f"network{_HELD}")
    return Claims(
        tables=tables,
        changed=changed,
        beyond_rates=changed and _p(tables, "change_network", held) <= LEVEL,
        goes_with_behavior=goes,
        behavior_beyond_rates=goes and _p(tables, table, held_row) <= LEVEL,
        behavior_row=behavior_row,
        behavior_held_row=held_row,
        decidable=goes
        or behavior_row is None
        or float(tables[table]["smallest_p"].iloc[behavior_row]) * len(behavior_tables_of(tables))
        <= LEVEL / (len(asked) - sum(rejected.values())),
        has_states=varies and len(tables["state_summary"]) > 1,
        states_row=states_row,
        behavior_table=table,
    )


def behavior_tables_of(tables: Tables) -> list[str]:
    """
    Name the tables of predictions, one for each behaviour.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of a run.

    Returns
    -------
    list of str
        In the order in which the behaviours were asked for.
    """
    names = [name for name in tables if re.fullmatch(r"behavior\d*_decoding", name)]
    return sorted(names, key=lambda name: (len(name), name))


def _best_behavior(tables: Tables) -> tuple[str, int | None]:
    """Find the table and the row of the behaviour of the smallest p-value, corrected over all."""
    rows = []
    for table in behavior_tables_of(tables):
        places = [_row(tables, table, name) for name in _NETWORKS]
        rows += [(table, place) for place in places if place is not None][:1]
    if not rows:
        return "behavior_decoding", None
    return min(rows, key=lambda item: _p(tables, *item))


def _row(tables: Tables, table: str, features: str) -> int | None:
    frame = tables.get(table)
    if frame is None or "features" not in frame:
        return None
    found = np.flatnonzero(frame["features"].to_numpy() == features)
    return int(found[0]) if len(found) else None


def _p(tables: Tables, table: str, row: int | None) -> float:
    """Give a p-value, 1 where there is none."""
    value = 1.0 if row is None else float(tables[table][p_column(tables[table])].iloc[row])
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
