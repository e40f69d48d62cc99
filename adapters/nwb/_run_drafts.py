"""Tables of a run while its parts are written: each part adds its columns, or a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.adapters.nwb._run_columns import Column, Wrap, free_names, stored_columns
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["Draft", "RunTables"]


@dataclass(kw_only=True)
class Draft:
    """
    A table to which several parts add columns.

    Parameters
    ----------
    table_class : type
        Class of the table.
    text : str
        Its description.
    n_rows : int
        Number of its rows.
    taken : set of str
        Names that no further column may have.
    first, last : list of hdmf.common.VectorData
        Columns that stand before and behind the others.
    columns : list of Column
        The columns that are stored so that they come back equal.
    names : dict of str to dict
        Given name of each further column by its name in the table, under what they are.
    notes : dict of str to object
        What is noted behind all that is noted of the columns.
    """

    table_class: type
    text: str
    n_rows: int
    taken: set[str] = field(default_factory=set)
    first: list[Any] = field(default_factory=list)
    last: list[Any] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def add_named(self, what: str, given: Any, *, numbered: str, texts: Any, default: str) -> None:
        """
        Add columns that bear names of their own.

        Parameters
        ----------
        what : str
            What they are, under which their names are noted.
        given : mapping of str to numpy.ndarray
            The columns by name.
        numbered : str
            What stands before the number of one that cannot keep its name.
        texts : mapping of str to str
            What they mean, by name.
        default : str
            Meaning of the others, with ``{}`` for the name.
        """
        names = free_names(given, self.table_class, taken=self.taken, numbered=numbered)
        self.taken |= set(names)
        self.names[what] = names
        for stored, name in names.items():
            text = texts.get(name, default.format(name))
            self.columns.append(Column(name=stored, text=text, values=given[name]))


class RunTables:
    """
    The tables of a run, in the order in which they are begun.

    Parameters
    ----------
    results : Results
        The results.
    placement : Placement
        Name of the run, and how connectivity is stored.
    nwbfile : pynwb.NWBFile
        The open copy of the recording.
    source_name : str
        Name of the recording, for messages.
    wrap : callable
        Marks an array for chunked storage.
    """

    def __init__(
        self, results: Results, placement: Placement, nwbfile: Any, source_name: str, wrap: Wrap
    ) -> None:
        self.results = results
        self.placement = placement
        self.nwbfile = nwbfile
        self.source_name = source_name
        self.wrap = wrap
        self.drafts: dict[str, Draft] = {}
        self._tables: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}

    def name(self, part: str) -> str:
        """
        Name a table of the run.

        Parameters
        ----------
        part : str
            Which table.

        Returns
        -------
        str
            Its name in the file.
        """
        return table_name(self.placement.run, part)

    def table(self, part: str) -> Any:
        """
        Complete the tables that were begun, and give one.

        Parameters
        ----------
        part : str
            Which table.

        Returns
        -------
        hdmf.common.DynamicTable
            The table.
        """
        self._complete()
        return self._tables[part]

    def add(self, part: str, table: Any, notes: dict[str, Any]) -> None:
        """
        Add a table that is complete.

        Parameters
        ----------
        part : str
            Which table.
        table : hdmf.common.DynamicTable
            The table.
        notes : dict of str to object
            What reading back needs to know, by dotted key.
        """
        self._complete()
        self._tables[part] = table
        self._notes |= notes

    def stored(self, part: str, columns: Iterable[Column]) -> tuple[list[Any], dict[str, Any]]:
        """
        Store columns so that they come back equal.

        Parameters
        ----------
        part : str
            Table that they are of.
        columns : iterable of Column
            The columns.

        Returns
        -------
        stored : list of hdmf.common.VectorData
            What enters the table.
        notes : dict of str to object
            What reading back needs to know, by dotted key.
        """
        return stored_columns(part, columns, self.wrap)

    def completed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """
        Give all tables.

        Returns
        -------
        tables : dict of str to hdmf.common.DynamicTable
            By part.
        notes : dict of str to object
            What reading back needs to know, by dotted key.
        """
        self._complete()
        return self._tables, self._notes

    def _complete(self) -> None:
        for part, draft in self.drafts.items():
            if part in self._tables:
                continue
            stored, notes = self.stored(part, draft.columns)
            for what, names in draft.names.items():
                notes |= {f"{what}.{stored_name}": name for stored_name, name in names.items()}
            columns = [*draft.first, *stored, *draft.last]
            self._tables[part] = draft.table_class(
                name=self.name(part),
                description=draft.text,
                id=list(range(draft.n_rows)),
                columns=columns,
                colnames=[column.name for column in columns],
            )
            self._notes |= {**notes, **draft.notes}
