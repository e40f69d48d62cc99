"""Adapters: what they must offer, how they are found, and the calls that go through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from tavrnn_ephys._heaps import refuse_endless_heap
from tavrnn_ephys.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.errors import FileFormatError, InputError
from tavrnn_ephys.runs import Placement, Results, RunInfo, WindowResults

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = [
    "BlockWriter",
    "Reader",
    "ResultsStore",
    "StoredRun",
    "find_adapter",
    "list_adapters",
    "read",
    "read_mat",
    "results_store",
    "write_nwb",
]

ENTRY_POINT_GROUP = "tavrnn_ephys.adapters"


@runtime_checkable
class Reader(Protocol):
    """
    What every adapter offers: recognise a file by its content, and read it.

    An adapter is a class without arguments, registered as an entry point of the group
    ``tavrnn_ephys.adapters``.  ``name`` is what ``adapter="…"`` chooses, ``description`` one
    line for people, ``suffixes`` the lower-case file endings of the format.
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
        Read a file into a block that follows :mod:`tavrnn_ephys.blocks`.

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


class StoredRun(Protocol):
    """A run in an open file; arrays are loaded when they are asked for."""

    @property
    def info(self) -> RunInfo:
        """What the run consists of."""

    @property
    def provenance(self) -> dict[str, Any]:
        """Every fact about the origin, by dotted key."""

    @property
    def windows(self) -> Windows:
        """The windows."""

    @property
    def nodes(self) -> Nodes:
        """The nodes."""

    @property
    def window_values(self) -> dict[str, NDArray[Any]]:
        """Summaries of the windows, by name."""

    @property
    def node_values(self) -> dict[str, NDArray[Any]]:
        """Summaries of the nodes, by name."""

    @property
    def embedding(self) -> NodeEmbedding | None:
        """The embedding, None where there is none."""

    @property
    def connectivity(self) -> ConnectivitySequence | None:
        """The connectivity, None where it was not stored."""

    @property
    def tables(self) -> dict[str, pandas.DataFrame]:
        """Further tables, by name."""

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


def list_adapters() -> dict[str, Reader]:
    """
    Load all installed adapters.

    Returns
    -------
    dict of str to Reader
        Adapters by name, in alphabetical order.

    Examples
    --------
    >>> adapters = list_adapters()
    >>> "nwb" in adapters, adapters["suite2p"].suffixes
    (True, ('.npy',))
    """
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point.load()() for point in sorted(found, key=lambda item: item.name)}


def find_adapter(path: str | Path, adapter: str | None = None) -> Reader:
    """
    Choose the adapter for a file, by its content first and by its ending second.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    adapter : str, optional
        Name of an adapter that is to be taken whatever the file looks like.

    Returns
    -------
    Reader
        The adapter.

    Raises
    ------
    FileFormatError
        If the file is missing, or no adapter suits it, or several do.
    InputError
        If there is no adapter of that name.
    """
    file = Path(path)
    if not file.exists():
        raise FileFormatError(f"There is no file '{file}'. Check the path.")
    adapters = list_adapters()
    if file.is_dir():
        adapters = {
            name: item for name, item in adapters.items() if getattr(item, "reads_folders", False)
        }
        if not any(item.recognises(file) for item in adapters.values()):
            raise FileFormatError(f"'{file}' is not a file. Name the recording's own file.")
    elif not file.is_file():
        raise FileFormatError(f"'{file}' is not a file. Name the recording's own file.")
    else:
        refuse_endless_heap(file)
    if adapter is not None:
        if adapter not in adapters:
            raise InputError(
                f"There is no adapter '{adapter}'. Choose one of {', '.join(adapters)}."
            )
        return adapters[adapter]
    suiting = [item for item in adapters.values() if item.recognises(file)]
    if len(suiting) > 1:
        names = ", ".join(item.name for item in suiting)
        raise FileFormatError(
            f"'{file.name}' suits {len(suiting)} adapters: {names}. "
            f'Choose one: adapter="{suiting[0].name}".'
        )
    # Content that no adapter recognises still has an ending: the adapter of that
    # ending knows best what is wrong with the file.
    if not suiting:
        ending = file.name.lower().endswith
        suiting = [item for item in adapters.values() if any(map(ending, item.suffixes))]
    if len(suiting) > 1:
        names = ", ".join(item.name for item in suiting)
        raise FileFormatError(
            f"'{file.name}' lacks what each adapter of its ending looks for ({names}), or is "
            f'damaged. Name one to hear what it misses: adapter="{suiting[-1].name}".'
        )
    if not suiting:
        raise FileFormatError(
            f"No adapter reads '{file.name}': its content is of none of the known formats "
            f"({', '.join(adapters)}). Convert it, or name its adapter."
        )
    return suiting[0]


def read(path: str | Path, *, adapter: str | None = None, **options: Any) -> neo.Block:
    """
    Read a recording into a Neo block.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, of any format that an installed adapter reads.
    adapter : str, optional
        Name of the adapter; found by content, then by ending, if left out.
    **options : object
        Options of the adapter.

    Returns
    -------
    neo.Block
        The recording, following the conventions of :mod:`tavrnn_ephys.blocks`.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged or of an unknown format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "traces.csv"
    ...     np.savetxt(path, [[0, 0.5, 1, 1.5], [10, 11, 10, 12], [20, 20, 21, 20]], delimiter=",")
    ...     block = read(path, adapter="calcium_csv")
    >>> block.segments[0].analogsignals[0].shape
    (4, 2)
    """
    return find_adapter(path, adapter).read(Path(path), **options)


def read_mat(
    path: str | Path,
    *,
    counts: str | None = None,
    spike_times: str | None = None,
    traces: str | None = None,
    node_axis: int | None = None,
    samples: tuple[int, int] | None = None,
    behavior: Mapping[str, str] | None = None,
    positions: str | None = None,
    groups: str | None = None,
    node_ids: str | None = None,
    bin_size: Any = None,
    sampling_rate: Any = None,
    t_start: Any = None,
    t_stop: Any = None,
    node_kind: str | None = None,
    behavior_rate: Any = None,
) -> neo.Block:
    """
    Read a recording from variables of a MATLAB file.

    A variable is written as MATLAB nests it, cells counted from 0: ``"Ytr"``,
    ``"session.events"``, ``"spikes[0][2].time"``; ``[*]`` stands for every cell.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, of MATLAB 5 to 7.3.
    counts : str, optional
        Variable with a matrix of spike counts.
    spike_times : str, optional
        Variable with a cell of spike times in seconds per unit, or a path with ``[*]``; empty
        cells are no units.
    traces : str, optional
        Variable with a matrix of traces.
    node_axis : {0, 1}, optional
        Which axis of ``counts`` or ``traces`` counts the nodes; needed with them.
    samples : tuple of int, optional
        First sample and one past the last, of ``counts`` or ``traces``; all by default.
    behavior : mapping of str to str, optional
        Variables beside the activity, shape (n_samples,) or (n_samples, n_columns), by the name
        that they get; ``"other.mat:variable"`` takes one from a file in the same folder.
    positions : str, optional
        Variable of shape (n_nodes, 2 or 3) and, after a blank, its unit: ``"xy um"``.
    groups, node_ids : str, optional
        Variables with a text per node.
    bin_size, sampling_rate, t_start, t_stop : quantities.Quantity, optional
        As in :func:`block_from_arrays`.
    node_kind : {"unit", "channel", "roi"}, optional
        As in :func:`block_from_arrays`.
    behavior_rate : quantities.Quantity, optional
        As in :func:`block_from_arrays`.

    Returns
    -------
    neo.Block
        One segment.

    Raises
    ------
    FileFormatError
        If the file is no intact MATLAB file.
    InputError
        If a variable is missing or of the wrong kind.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import scipy.io
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scipy.io.savemat(f"{folder}/session.mat", {"counts": np.ones((10, 3))})
    ...     block = read_mat(
    ...         f"{folder}/session.mat", counts="counts", node_axis=1, bin_size=100 * pq.ms
    ...     )
    >>> [len(train) for train in block.segments[0].spiketrains]
    [10, 10, 10]
    """
    given = {
        "counts": counts, "spike_times": spike_times, "traces": traces, "node_axis": node_axis,
        "samples": samples, "behavior": behavior, "positions": positions, "groups": groups,
        "node_ids": node_ids,
        "bin_size": bin_size, "sampling_rate": sampling_rate, "t_start": t_start,
        "t_stop": t_stop, "node_kind": node_kind, "behavior_rate": behavior_rate,
    }  # fmt: skip
    return read(
        path, adapter="mat", **{key: value for key, value in given.items() if value is not None}
    )


def write_nwb(block: neo.Block, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write a block to a new NWB file.

    Parameters
    ----------
    block : neo.Block
        The recording.
    path : str or pathlib.Path
        The new file.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import quantities as pq
    >>> from tavrnn_ephys.blocks import block_from_arrays
    >>> block = block_from_arrays(spike_times=[[0.1, 0.5], [0.2]], t_stop=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read(write_nwb(block, f"{folder}/culture.nwb"))
    >>> [train.rescale("s").magnitude.tolist() for train in again.segments[0].spiketrains]
    [[0.1, 0.5], [0.2]]
    """
    writer = _with_ability(BlockWriter, "nwb")
    return writer.write_block(block, Path(path), overwrite=overwrite)


def results_store() -> ResultsStore:
    """
    Find the adapter that keeps results beside recordings.

    Returns
    -------
    ResultsStore
        The adapter for NWB files.

    Raises
    ------
    InputError
        If it is not installed.
    """
    store: ResultsStore = _with_ability(ResultsStore, "nwb")
    return store


def _with_ability(ability: Any, name: str) -> Any:
    adapter = list_adapters().get(name)
    if not isinstance(adapter, ability):
        raise InputError(
            f"The adapter '{name}' is not installed. Install the package again: pip install -e ."
        )
    return adapter
