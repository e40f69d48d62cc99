"""One stored run: its columns restored, its parts read whole or for one window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5_faults import faults_told
from tavrnn_ephys.adapters.nwb._encoding import decode_array
from tavrnn_ephys.adapters.nwb._run_index import RunEntry, plain_values
from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.core.run_parts import RUN_PARTS, joined_fields, window_position
from tavrnn_ephys.core.runs import RunInfo, WindowResults
from tavrnn_ephys.core.spec import told_selection
from tavrnn_ephys.io.protocols import StoredRun

__all__ = ["NwbRun", "PartReader", "describe_run", "options_below"]

# Facts that say how columns are stored, which is nobody's business but the readers'.
_HIDDEN = ("columns.", "table_columns.", "table_types.", "table_missing.", "table_intervals.",
           "window_columns.", "window_values.", "node_values.", "graphs.",
           "connectivity.origin.")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PartReader:
    """
    How one part of a run is read.

    Parameters
    ----------
    read : callable
        Reads it whole from a run; None where the run has none.
    window : callable, optional
        Reads its share of one window, as fields of ``WindowResults``, from a run, the position
        of the window and the fields that are known already.  By default the whole part, which
        is small, is kept and cut.
    contents : callable
        Names what a listing counts, from the groups of the tables of a run.
    """

    read: Callable[[NwbRun], Any]
    window: Callable[[NwbRun, int, Mapping[str, Any]], dict[str, Any]] | None = None
    contents: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda groups: ()


class NwbRun(StoredRun):
    """
    A run in an open file; arrays are loaded when they are asked for.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        The open file.
    entry : RunEntry
        The run.
    file_name : str
        Name of the file, for messages.
    readers : mapping of str to PartReader
        How each part is read.
    """

    def __init__(
        self, root: Any, entry: RunEntry, file_name: str, readers: Mapping[str, PartReader]
    ) -> None:
        self._root = root
        self._file_name = file_name
        self._entry = entry
        self._readers = readers
        self._kept: dict[str, Any] = {}
        self.options = entry.options
        self.groups = {part: entry.group(root, part) for part in entry.tables}

    @property
    def info(self) -> RunInfo:
        """What the run consists of."""
        return describe_run(self._root, self._entry, self._readers)

    @property
    def provenance(self) -> dict[str, Any]:
        """Every fact about the origin, by dotted key."""
        return {key: value for key, value in self.options.items() if not key.startswith(_HIDDEN)}

    @cached_property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.groups["windows"]["id"])

    @cached_property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.groups["nodes"]["id"])

    @property
    def windows(self) -> Windows:
        """The windows, read once."""
        windows: Windows = self._small_part("windows")
        return windows

    @property
    def nodes(self) -> Nodes:
        """The nodes, read once."""
        nodes: Nodes = self._small_part("nodes")
        return nodes

    def part(self, name: str) -> Any:
        """Read one part; None where the run has none."""
        return self._kept[name] if name in self._kept else self._readers[name].read(self)

    def graphs(self, build: Callable[..., Any]) -> Any | None:
        """Load the graphs, and build a sequence of another type of them."""
        found = self.part("graphs")
        if found is None:
            return None
        return build(**{item.name: getattr(found, item.name) for item in fields(found)})

    def window(self, index: int) -> WindowResults:
        """Load one window and nothing of the others."""
        position = window_position(index, self.n_windows)
        known: dict[str, Any] = {}
        for row in RUN_PARTS:
            if row.cut is None:
                continue
            reader = self._readers[row.name]
            if reader.window is not None:
                given = reader.window(self, position, known)
            else:
                given = row.cut(self._small_part(row.name), position)
            known = joined_fields(known, given)
        return WindowResults(index=position, **known)

    def _small_part(self, name: str) -> Any:
        if name not in self._kept:
            self._kept[name] = self._readers[name].read(self)
        return self._kept[name]

    def restored(self, part: str, column: str, rows: slice = slice(None)) -> NDArray[Any] | None:
        """
        Read a column as it was before it was stored.

        Parameters
        ----------
        part : str
            Table of the run.
        column : str
            Name of the column in the file.
        rows : slice
            Which rows.

        Returns
        -------
        numpy.ndarray or None
            Equal to what was written; None where nothing was.
        """
        if part not in self.groups:
            return None
        named = part if self._entry.format_version > 1 else self._entry.tables[part]
        note = options_below(f"columns.{named}.{column}.", self.options)
        if not note:
            return None
        there = column in self.groups[part]
        stored = self.stored(part, column, rows) if there else None
        values = decode_array(stored, note)
        return values[rows] if stored is None else values

    def stored(self, part: str, column: str, rows: slice = slice(None)) -> NDArray[Any]:
        """
        Read a column as it lies in the file.

        Parameters
        ----------
        part : str
            Table of the run.
        column : str
            Name of the column.
        rows : slice
            Which rows.

        Returns
        -------
        numpy.ndarray
            Numbers, booleans or text.

        Raises
        ------
        FileFormatError
            If the column is missing or damaged.
        """
        if column not in self.groups[part]:
            raise self.lacks(column)
        with faults_told(Path(self._file_name)):
            return plain_values(self.groups[part][column][rows])

    def needed(self, part: str, column: str, rows: slice = slice(None)) -> NDArray[Any]:
        """
        Read a column that must be there, as it was before it was stored.

        Parameters
        ----------
        part : str
            Table of the run.
        column : str
            Name of the column.
        rows : slice
            Which rows.

        Returns
        -------
        numpy.ndarray
            Equal to what was written.

        Raises
        ------
        FileFormatError
            If the column is missing or damaged.
        """
        values = self.restored(part, column, rows)
        if values is None:
            raise self.lacks(column)
        return values

    def named(self, part: str, prefix: str) -> dict[str, NDArray[Any]]:
        """
        Read the columns that bore names of their own.

        Parameters
        ----------
        part : str
            Table of the run.
        prefix : str
            What stands before their names among the options.

        Returns
        -------
        dict of str to numpy.ndarray
            Columns by the name that they were given.
        """
        found = {
            name: self.restored(part, stored)
            for stored, name in options_below(prefix, self.options).items()
        }
        return {name: values for name, values in found.items() if values is not None}

    def texts(self, part: str) -> dict[str, str]:
        """
        Read what a table and its columns mean.

        Parameters
        ----------
        part : str
            Table of the run.

        Returns
        -------
        dict of str to str
            Descriptions by column; that of the table under the empty text.
        """
        group = self.groups[part]
        texts = {name: str(group[name].attrs.get("description", "")) for name in group}
        return {**texts, "": str(group.attrs.get("description", ""))}

    def lacks(self, column: str) -> FileFormatError:
        """
        Make the error for a column that is missing.

        Parameters
        ----------
        column : str
            The column.

        Returns
        -------
        FileFormatError
            To be raised.
        """
        return FileFormatError(
            f"The run '{self._entry.name}' lacks its column '{column}'. Run the analysis again."
        )


def options_below(prefix: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """
    Collect the options under a dotted key.

    Parameters
    ----------
    prefix : str
        The key, with its dot.
    options : mapping of str to object
        Options by key.

    Returns
    -------
    dict of str to object
        Options by the rest of their keys.

    Examples
    --------
    >>> options_below("config.", {"config.seed": 1, "run": "default"})
    {'seed': 1}
    """
    return {
        key.removeprefix(prefix): value
        for key, value in options.items()
        if key.startswith(prefix)
    }  # fmt: skip


def describe_run(root: Any, entry: RunEntry, readers: Mapping[str, PartReader]) -> RunInfo:
    """
    Describe a run without loading it.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        The file.
    entry : RunEntry
        The run.
    readers : mapping of str to PartReader
        How each part is read.

    Returns
    -------
    RunInfo
        What it consists of.
    """
    module = root["processing"][entry.module]
    there = {part: module[name] for part, name in entry.tables.items() if name in module}
    sizes = [
        len(there[part]["id"]) if part in there and "id" in there[part] else 0
        for part in ("windows", "nodes")
    ]
    return RunInfo(
        name=entry.name,
        module=entry.module,
        created=str(entry.options.get("created", "")),
        software_version=str(entry.options.get("software_version", "")),
        n_windows=sizes[0],
        n_nodes=sizes[1],
        node_kind=str(entry.options.get("node_kind", "")),
        contents=tuple(listed for reader in readers.values() for listed in reader.contents(there)),
        n_bytes=sum(sum(_stored_bytes(group)) for group in there.values()),
        selection=told_selection(entry.options),
    )


def _stored_bytes(group: Any) -> Iterator[int]:
    for name in group:
        item = group[name]
        if hasattr(item, "dtype"):
            yield int(item.id.get_storage_size() if hasattr(item, "id") else item.nbytes_stored)
