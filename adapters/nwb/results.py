"""
Results inside NWB files: tables in a standard module, without an extension.

Every run has a table of windows, one of nodes in the order of the node axis of every array, one
of provenance, and where they were given tables of connectivity, of graphs and further ones.  A
file is never changed where it stands: a copy beside it is completed, validated and flushed, and
takes its place in one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.adapters._hdf5_faults import faults_told, one_line
from tavrnn_ephys.adapters.nwb._files import open_root
from tavrnn_ephys.adapters.nwb._hdf5_runs import Hdf5RunFile
from tavrnn_ephys.adapters.nwb._run_file import RunFile
from tavrnn_ephys.adapters.nwb._run_index import (
    choose_run,
    find_runs,
    require_free_name,
    require_intact,
)
from tavrnn_ephys.adapters.nwb._run_parts import READERS
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun, describe_run
from tavrnn_ephys.adapters.nwb._schema import require_known_schema
from tavrnn_ephys.adapters.nwb._zarr_runs import ZarrRunFile
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.output import one_writer
from tavrnn_ephys.core.ownership import as_private_as
from tavrnn_ephys.core.runs import Placement, Results, RunInfo

__all__ = ["check_results_source", "delete_runs", "list_runs", "open_run", "write_results"]


def write_results(
    source: str | Path, results: Results, out: str | Path | None, placement: Placement
) -> Path:
    """
    Write a run beside the recording that it is of.

    The file appears whole or not at all: it is completed and validated beside its final place.
    Two remarks of the inspector are all that results can call forth: on tables of a single row,
    for results of one window, and for two windows or two nodes on the positions 0 and 1 of rows,
    which it takes for truth values.

    Parameters
    ----------
    source : str or pathlib.Path
        The recording.
    results : Results
        The results.
    out : str or pathlib.Path, optional
        The file to write; none for ``way="in_place"``.
    placement : Placement
        Name of the run and way of writing.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileFormatError
        If the source is no intact NWB file.
    InputError
        If the nodes are not rows of the source, the windows of several segments share no clock,
        or a value is of a type that cannot be stored.
    OutputError
        If the file exists, is the source, cannot be written, or holds a run of that name.
    """
    source = Path(source)
    backend, target = _target(source, out, placement)
    with open_root(source) as root:
        require_known_schema(root, source.name)
    in_place = placement.way == "in_place"
    with (
        _writing(target, source),
        backend.completed(target, source, in_place=in_place) as file,
    ):
        facts = file.fill(placement)
        file.add(results, placement, facts)
        file.close_gaps()
    return target


def _backend(target: Path) -> type[RunFile]:
    zarr = target.is_dir() or target.suffix.lower() == ".zarr"
    return ZarrRunFile if zarr else Hdf5RunFile


def _target(
    source: Path, out: str | Path | None, placement: Placement
) -> tuple[type[RunFile], Path]:
    if placement.way == "in_place":
        if out is not None:
            raise OutputError(
                "Results that go into the recording's own file need no other: leave out."
            )
        # A link to the recording stays a link; the file that it leads to is replaced.
        own = source.resolve()
        return _backend(own), _backend(own).checked_target(own, None, placement)
    if out is None:
        raise OutputError("Say where the results go: out=…, on the command line --out.")
    backend = _backend(Path(out))
    return backend, backend.checked_target(source, Path(out), placement)


@contextmanager
def _writing(target: Path, source: Path) -> Iterator[None]:
    """Write alone, as private as the source is, and say in one sentence what went wrong."""
    with _one_sentence(target), one_writer(target), as_private_as(source):
        yield


@contextmanager
def _one_sentence(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        # What the system tells HDF5 while it flushes arrives as another kind of error.
        if not isinstance(error, OSError) and "errno" not in str(error):
            raise
        raise OutputError(
            f"Writing '{target}' failed ({one_line(error)}); nothing was left behind. "
            "Check the space and the permissions of its folder."
        ) from error


def check_results_source(source: str | Path, placement: Placement) -> None:
    """
    Refuse a recording that a run cannot be added to, before any work.

    Parameters
    ----------
    source : str or pathlib.Path
        The recording.
    placement : Placement
        Name of the run and way of writing.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file.
    OutputError
        If it holds a run of that name, and that is not to be replaced.
    """
    path = Path(source)
    with open_root(path) as root:
        require_known_schema(root, path.name)
        require_free_name(find_runs(root), placement, path.name)


def list_runs(path: str | Path) -> list[RunInfo]:
    """
    List the runs of a file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    list of RunInfo
        In the order of their writing.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file.
    """
    path = Path(path)
    with open_root(path) as root, faults_told(path):
        return [describe_run(root, entry, READERS) for entry in find_runs(root).values()]


def delete_runs(path: str | Path, names: Sequence[str]) -> None:
    """
    Delete runs, and give their room back.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    names : sequence of str
        The runs.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file, or holds no results.
    InputError
        If there is no run of a name, or something else in the file points to one.
    OutputError
        If the file cannot be written.
    """
    path = Path(path).resolve()
    with open_root(path) as root:
        runs = find_runs(root)
        entries = [choose_run(runs, name, path.name) for name in dict.fromkeys(names)]
    if not entries:
        raise InputError("Name at least one run to delete.")
    placement = Placement(way="in_place")
    backend, target = _target(path, None, placement)
    with _writing(target, path), backend.completed(target, path, in_place=True) as file:
        file.fill(placement)
        file.remove(entries)
        file.close_gaps()


@contextmanager
def open_run(path: str | Path, name: str | None = None) -> Iterator[NwbRun]:
    """
    Open a run for reading.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    name : str, optional
        The run; the only one, or the default one, by default.

    Yields
    ------
    NwbRun
        The run; its arrays are loaded when they are asked for.

    Raises
    ------
    FileFormatError
        If the file is no intact NWB file, or holds no results that can be read.
    InputError
        If there is no run of that name.
    """
    path = Path(path)
    with open_root(path) as root:
        entry = choose_run(find_runs(root), name, path.name)
        require_intact(root, entry, path.name)
        yield NwbRun(root, entry, path.name, READERS)
