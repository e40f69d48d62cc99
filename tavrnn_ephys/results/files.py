"""Runs written to files, listed, read as a whole, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import DEFAULT_RUN, Placement, Results, RunInfo
from tavrnn_ephys.io.finding import results_store
from tavrnn_ephys.results.stored import open_results

__all__ = ["delete_runs", "list_runs", "read_results", "write_results"]


def write_results(
    source: str | Path,
    results: Results | NodeEmbedding,
    *,
    out: str | Path | None = None,
    run: str = DEFAULT_RUN,
    way: str = "copy",
    module: str | None = None,
    connectivity: str = "triangle",
    replace: bool = False,
    overwrite: bool = False,
) -> Path:
    """
    Write results beside the recording that they are of, as a run with a name.

    A file is never changed where it stands: a copy beside it is completed, validated and
    flushed, and takes its place in one step.

    Parameters
    ----------
    source : str or pathlib.Path
        NWB file of the recording; the runs that it holds are kept.
    results : Results or NodeEmbedding
        The results.
    out : str or pathlib.Path, optional
        The file to write; none for ``way="in_place"``.  An ending ``.zarr`` writes Zarr.
    run : str
        Name of the run.
    way : {"copy", "in_place", "sidecar"}
        Into a copy of the recording, which itself stays byte for byte; into the recording's own
        file; or into a small file that links to the large data of the recording.
    module : str, optional
        Processing module; ``"ophys"`` for ROIs and ``"ecephys"`` for other nodes by default.
    connectivity : {"triangle", "full", "edges"}
        How connectivity is stored: the upper triangle, whole matrices, or not beyond the edges
        of the graphs.
    replace : bool
        Whether a run of the same name is replaced.
    overwrite : bool
        Whether an existing output file is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileFormatError
        If the source is no NWB file.
    InputError
        If the results are of another recording, or a value cannot be stored.
    OutputError
        If the file exists, is the source, cannot be written, or holds a run of that name.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     again = te.read_results(path)
    >>> path.name, again.mean.shape
    ('results.nwb', (2, 2, 1))
    """
    if isinstance(results, NodeEmbedding):
        results = Results(embedding=results)
    if not isinstance(results, Results):
        raise InputError(
            f"results must be a Results or a NodeEmbedding, got {type(results).__name__}."
        )
    placement = Placement(
        run=run,
        way=way,
        module=module,
        connectivity=connectivity,
        replace=replace,
        overwrite=overwrite,
    )
    target = None if out is None else Path(out)
    return results_store().write_results(Path(source), results, target, placement)


def list_runs(path: str | Path) -> list[RunInfo]:
    """
    List the runs of a file.

    Parameters
    ----------
    path : str or pathlib.Path
        An NWB file.

    Returns
    -------
    list of RunInfo
        In the order of their writing; empty where there is none.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     runs = te.list_runs(path)
    >>> [run.name for run in runs]
    ['default']
    """
    return results_store().list_runs(Path(path))


def delete_runs(path: str | Path, *names: str) -> None:
    """
    Delete runs of a file, and give their room back.

    Parameters
    ----------
    path : str or pathlib.Path
        An NWB file.
    *names : str
        The runs.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file, or holds no results.
    InputError
        If there is no run of a name, or something else in the file points to one.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     te.delete_runs(path, "default")
    ...     left = te.list_runs(path)
    >>> left
    []
    """
    results_store().delete_runs(Path(path), _all_texts(names))


def _all_texts(names: Sequence[Any]) -> Sequence[str]:
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"A run is named by text, got {name!r}.")
    return names


def read_results(path: str | Path, *, run: str | None = None, what: str = "embedding") -> Any:
    """
    Read an embedding, or another part of a run, from an NWB file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.
    what : {"embedding", "connectivity", "graphs", "all"}
        Which part.

    Returns
    -------
    NodeEmbedding, ConnectivitySequence, GraphSequence or Results
        Equal to what was written; configuration, versions and seed stand in the embedding.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or holds no results.
    InputError
        If there is no run of that name, or it lacks that part.

    See Also
    --------
    open_results : One window, table or fact without loading all.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     again = te.read_results(path)
    >>> again.windows.stop_s.tolist(), again.nodes.ids.tolist()
    ([2.0, 4.0], ['0', '1'])
    """
    one_of(what, ("embedding", "connectivity", "graphs", "all"), "what")
    with open_results(path, run=run) as stored:
        found = stored.load() if what == "all" else getattr(stored, what)
        if found is None:
            raise InputError(
                f"The run '{stored.info.name}' of '{Path(path).name}' holds no {what}; it holds "
                f"{', '.join(stored.info.contents)}."
            )
        return found
