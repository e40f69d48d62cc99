"""What a run consists of: the results that are stored together under one name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.frozen import FrozenMapping
from tavrnn_ephys.core.names import FORMS, WAYS, several
from tavrnn_ephys.core.run_parts import RUN_PARTS, check_type, cut_to_window, window_position
from tavrnn_ephys.core.run_windows import WindowResults

if TYPE_CHECKING:
    import pandas

__all__ = [
    "DEFAULT_RUN",
    "Placement",
    "ResultTable",
    "Results",
    "RunInfo",
    "WindowResults",
    "check_run_name",
]

DEFAULT_RUN = "default"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LONGEST = 64


def check_run_name(name: Any, what: str = "run") -> str:
    """
    Refuse a name that cannot be part of the name of an NWB object everywhere.

    Parameters
    ----------
    name : object
        The name.
    what : str
        What bears it, for the message.

    Returns
    -------
    str
        The name.

    Raises
    ------
    InputError
        If it is empty, long, or holds more than letters, digits and underscores.

    Examples
    --------
    >>> check_run_name("threshold_06")
    'threshold_06'
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or len(name) > _LONGEST:
        raise InputError(
            f"A {what} cannot be named {name!r}: use letters, digits and underscores behind a "
            f"letter, at most {_LONGEST}, such as 'threshold_06'."
        )
    return name


@dataclass(frozen=True, kw_only=True, eq=False)
class ResultTable:
    """
    A further table of results with what its columns mean.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers, booleans and text under the default index; other indices become columns first:
        ``frame.reset_index()``.
    description : str
        What the table says, for someone who opens the file in ten years.
    columns : mapping of str to str
        What each column means, with its unit.

    Raises
    ------
    InputError
        If a column is described that does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> table = ResultTable(
    ...     frame=pd.DataFrame({"r": [0.4, -0.1]}),
    ...     description="Correlation with the behaviour.",
    ...     columns={"r": "Spearman's rank correlation."},
    ... )
    >>> table.frame["r"].tolist()
    [0.4, -0.1]
    """

    frame: pandas.DataFrame
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in self.frame.columns]
        if unknown:
            raise InputError(
                f"Columns are described that the table does not have: {', '.join(unknown)}."
            )

    def __len__(self) -> int:
        return len(self.frame)

    def _repr_html_(self) -> str:
        shown: str = self.frame.to_html(max_rows=10)
        return _html.card(f"ResultTable: {self.description}") + shown


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Results:
    """
    Everything that is stored together under the name of one run.

    Parameters
    ----------
    embedding : NodeEmbedding, optional
        Embedding of every node in every window, with the whole configuration.
    connectivity : ConnectivitySequence, optional
        Connectivity of each window.
    graphs : GraphSequence, optional
        Graph of each window.
    window_values : mapping of str to array_like, shape (n_windows,), optional
        A summary of each window, by name.
    node_values : mapping of str to array_like, shape (n_nodes,), optional
        A summary of each node, by name.
    tables : mapping of str to pandas.DataFrame or ResultTable, optional
        Further tables, by name: association with behaviour, comparison of methods, data of a
        figure.
    descriptions : mapping of str to str, optional
        What columns of the windows, window values and node values mean, by name, with units.
    provenance : mapping of str to scalar, optional
        Further facts about the origin, by dotted key.

    Raises
    ------
    InputError
        If there is nothing with windows and nodes, or the parts differ in theirs.

    Examples
    --------
    >>> Results(connectivity=ConnectivitySequence.from_array(np.ones((3, 2, 2))))
    Results: 3 windows x 2 units: connectivity
    """

    embedding: NodeEmbedding | None = None
    connectivity: ConnectivitySequence | None = None
    graphs: Any = None
    window_values: Mapping[str, Any] = field(default_factory=dict)
    node_values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = self._parts()
        if not parts:
            raise InputError("Results need an embedding, connectivity or graphs; got none of them.")
        (first, reference), *others = parts.items()
        for name, part in others:
            if part.nodes != reference.nodes:
                raise InputError(f"The {name} and the {first} of these results differ in nodes.")
            if part.windows != reference.windows:
                raise InputError(f"The {name} and the {first} of these results differ in windows.")
        for name in ("window_values", "node_values"):
            object.__setattr__(self, name, self._checked_values(name))
        for name in self.tables:
            check_run_name(name, "table")
        for name in ("tables", "descriptions", "provenance"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

    def _parts(self) -> dict[str, Any]:
        """Parts with windows and nodes of their own, in the order of the parameters."""
        rows = {row.name: row for row in RUN_PARTS if row.role == "sequence"}
        names = [item.name for item in fields(self) if item.name in rows]
        parts = {name: getattr(self, name) for name in names}
        parts = {name: part for name, part in parts.items() if part is not None}
        for name, part in parts.items():
            check_type(rows[name], part)
        return parts

    def _checked_values(self, name: str) -> Mapping[str, NDArray[Any]]:
        length = len(self.windows if name == "window_values" else self.nodes)
        values = {}
        for key, given in getattr(self, name).items():
            array = np.asarray(given)
            array = array.astype(str) if array.dtype.kind in "OSU" else array
            if array.shape != (length,):
                raise InputError(
                    f"'{key}' of {name} has shape {array.shape}; ({length},) is expected."
                )
            values[str(key)] = array
        return FrozenMapping(values)

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[WindowResults]:
        return map(self.window, range(len(self)))

    def __getitem__(self, index: int) -> WindowResults:
        return self.window(index)

    @property
    def windows(self) -> Windows:
        """The windows of every part."""
        return next(iter(self._parts().values())).windows

    @property
    def nodes(self) -> Nodes:
        """The nodes of every part."""
        return next(iter(self._parts().values())).nodes

    @property
    def contents(self) -> tuple[str, ...]:
        """Names of the parts that are there."""
        rows = {row.name: row for row in RUN_PARTS}
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name in rows}
        return tuple(
            listed
            for name, part in given.items()
            if part is not None
            for listed in rows[name].contents(part)
        )

    @property
    def n_bytes(self) -> int:
        """Bytes that all arrays take at most, uncompressed."""
        parts = [(row, getattr(self, row.name)) for row in RUN_PARTS]
        return sum(row.count(part) for row, part in parts if part is not None)

    def window(self, index: int) -> WindowResults:
        """
        Cut to one window.

        Parameters
        ----------
        index : int
            Which window; negative ones count from the end.

        Returns
        -------
        WindowResults
            What the results say of it.

        Raises
        ------
        InputError
            If there is no such window.

        Examples
        --------
        >>> results = Results(connectivity=ConnectivitySequence.from_array(np.ones((3, 2, 2))))
        >>> results.window(-1)
        WindowResults: window 2 from 2 s to 3 s, with weights
        """
        position = window_position(index, len(self.windows))
        parts = {row.name: getattr(self, row.name) for row in RUN_PARTS}
        return WindowResults(index=position, **cut_to_window(parts, position))

    def __repr__(self) -> str:
        return (
            f"Results: {len(self.windows)} windows x {len(self.nodes)} "
            f"{several(self.nodes.kind)}: {', '.join(self.contents)}"
        )

    def _repr_html_(self) -> str:
        parts = [part for part in self._parts().values() if hasattr(part, "_repr_html_")]
        return _html.card(repr(self)) + "".join(part._repr_html_() for part in parts)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """
    Where and how results are written.

    Parameters
    ----------
    run : str
        Name of the run.
    way : {"copy", "in_place", "sidecar"}
        Into a copy of the recording; into the recording's own file, through a copy beside it
        that takes its place; or into a small file that links to the recording's large data.
    module : str, optional
        Processing module; ``"ophys"`` for ROIs and ``"ecephys"`` for other nodes by default.
    connectivity : {"triangle", "full", "edges"}
        How connectivity is stored: the upper triangle with the diagonal, whole matrices (as
        directed connectivity always is), or not beyond the edges of the graphs.
    replace : bool
        Whether a run of the same name is replaced.
    overwrite : bool
        Whether an existing output file is replaced.

    Raises
    ------
    InputError
        If a choice or a name is not possible.
    """

    run: str = DEFAULT_RUN
    way: str = "copy"
    module: str | None = None
    connectivity: str = "triangle"
    replace: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_run_name(self.run)
        one_of(self.way, WAYS, "way")
        one_of(self.connectivity, FORMS, "connectivity")
        if self.module is not None:
            check_run_name(self.module, "processing module")


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """
    What a file says of one run, without its arrays.

    Parameters
    ----------
    name : str
        Name of the run.
    module : str
        Processing module that it stands in.
    created : str
        ISO date of its writing.
    software_version : str
        Version of ``tavrnn_ephys`` that wrote it.
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    node_kind : str
        Kind of the nodes.
    contents : tuple of str
        Its parts.
    n_bytes : int
        Bytes that its arrays take in the file.
    selection : str
        Its windows, nodes and time in words; empty where the file does not say.
    """

    name: str
    module: str
    created: str
    software_version: str
    n_windows: int
    n_nodes: int
    node_kind: str
    contents: tuple[str, ...]
    n_bytes: int
    selection: str = ""

    def __str__(self) -> str:
        chosen = f"; {self.selection}" if self.selection else ""
        return (
            f"{self.name}: {self.n_windows} windows x {self.n_nodes} "
            f"{several(self.node_kind)}, {', '.join(self.contents)}; {self.n_bytes / 1e6:.3g} "
            f"MB in '{self.module}', written {self.created} by {self.software_version}{chosen}"
        )
