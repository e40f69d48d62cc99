"""What an adapter offers: the protocols of readers, writers and stores of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.runs import Placement, Results, RunInfo, WindowResults

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["BlockWriter", "Reader", "ResultsStore", "RunParts", "StoredRun"]


@runtime_checkable
class Reader(Protocol):
    """
    What every adapter offers: recognise a file by its content, and read it.

    An adapter is a class without arguments, registered as an entry point of the group
    ``tavrnn_ephys.adapters``.  ``name`` is what ``adapter="…"`` chooses, ``description`` one
    line for people, ``suffixes`` the lower-case file endings of the format.

    It also says what it chooses among several things of a file: either ``choices``, a mapping
    from the name of an option to the sentence of what is taken without it, or
    ``nothing_to_choose``, the sentence of why nothing else can be meant.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]

    def recognises(self, path: Path) -> bool:
        """
        Say whether the content of a file is of this format; never raise.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True if :meth:`read` is the right call for it.
        """

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read a file into a block that follows :mod:`tavrnn_ephys.io.blocks`.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.
        **options : object
            Options of the format.

        Returns
        -------
        neo.Block
            The recording.
        """


@runtime_checkable
class BlockWriter(Protocol):
    """An adapter that also writes a recording."""

    name: str

    def write_block(self, block: neo.Block, path: Path, *, overwrite: bool = False) -> Path:
        """
        Write a block to a new file.

        Parameters
        ----------
        block : neo.Block
            The recording.
        path : pathlib.Path
            The new file.
        overwrite : bool
            Whether an existing file may be replaced.

        Returns
        -------
        pathlib.Path
            The file.
        """


@runtime_checkable
class ResultsStore(Protocol):
    """An adapter that also keeps results beside the recording."""

    name: str

    def write_results(
        self, source: Path, results: Results, out: Path | None, placement: Placement
    ) -> Path:
        """
        Write a run.

        Parameters
        ----------
        source : pathlib.Path
            The recording.
        results : Results
            The results.
        out : pathlib.Path, optional
            The file to write; none for ``way="in_place"``.
        placement : Placement
            Name of the run and way of writing.

        Returns
        -------
        pathlib.Path
            The file.
        """

    def check_results_source(self, source: Path, placement: Placement) -> None:
        """
        Refuse a recording that a run cannot be added to, before any work.

        Parameters
        ----------
        source : pathlib.Path
            The recording.
        placement : Placement
            Name of the run and way of writing.
        """

    def list_runs(self, path: Path) -> list[RunInfo]:
        """
        List the runs of a file.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Returns
        -------
        list of RunInfo
            In the order of their writing.
        """

    def delete_runs(self, path: Path, names: Sequence[str]) -> None:
        """
        Delete runs, and give their room back.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        names : sequence of str
            The runs.
        """

    def open_run(self, path: Path, name: str | None = None) -> AbstractContextManager[StoredRun]:
        """
        Open a run for reading.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        name : str, optional
            The run; the only one, or the default one, by default.

        Returns
        -------
        context manager
            Gives the run.
        """


class RunParts(Protocol):
    """The parts of a run by their own names, each read by the one method :meth:`part`."""

    def part(self, name: str) -> Any:
        """
        Read one part.

        Parameters
        ----------
        name : str
            Name of a row of ``tavrnn_ephys.core.run_parts.RUN_PARTS``.

        Returns
        -------
        object or None
            The part; None where the run has none.
        """

    @property
    def windows(self) -> Windows:
        """The windows."""
        windows: Windows = self.part("windows")
        return windows

    @property
    def nodes(self) -> Nodes:
        """The nodes."""
        nodes: Nodes = self.part("nodes")
        return nodes

    @property
    def window_values(self) -> Mapping[str, NDArray[Any]]:
        """Summaries of the windows, by name, each of shape (n_windows,)."""
        values: Mapping[str, NDArray[Any]] = self.part("window_values")
        return values

    @property
    def node_values(self) -> Mapping[str, NDArray[Any]]:
        """Summaries of the nodes, by name, each of shape (n_nodes,)."""
        values: Mapping[str, NDArray[Any]] = self.part("node_values")
        return values

    @property
    def embedding(self) -> NodeEmbedding | None:
        """The embedding, None where there is none."""
        embedding: NodeEmbedding | None = self.part("embedding")
        return embedding

    @property
    def connectivity(self) -> ConnectivitySequence | None:
        """The connectivity, None where it was not stored."""
        connectivity: ConnectivitySequence | None = self.part("connectivity")
        return connectivity

    @property
    def tables(self) -> Mapping[str, pandas.DataFrame]:
        """Further tables, by name; ``attrs`` hold what they and their columns mean."""
        tables: Mapping[str, pandas.DataFrame] = self.part("tables")
        return tables


class StoredRun(RunParts, Protocol):
    """A run in an open file; arrays are loaded when they are asked for."""

    @property
    def info(self) -> RunInfo:
        """What the run consists of."""

    @property
    def provenance(self) -> dict[str, Any]:
        """Every fact about the origin, by dotted key."""

    def graphs(self, build: Callable[..., Any]) -> Any | None:
        """
        Load the graphs.

        Parameters
        ----------
        build : callable
            Builds a sequence from ``weights``, ``windows``, ``nodes``, ``features``,
            ``history_node`` and ``node_mask``.

        Returns
        -------
        object or None
            What it built; None where no graphs were stored.
        """

    def window(self, index: int) -> WindowResults:
        """
        Load one window and nothing of the others.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        WindowResults
            What the run says of it.
        """
