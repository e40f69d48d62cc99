"""Runs added to and removed from a copy of an HDF5 file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from tavrnn_ephys.adapters._hdf5_faults import one_line
from tavrnn_ephys.adapters._hdf5_neighbours import require_neighbours
from tavrnn_ephys.adapters.nwb._attributes import attributes_of, restore_attributes
from tavrnn_ephys.adapters.nwb._files import read_nwbfile
from tavrnn_ephys.adapters.nwb._moving import has_values_elsewhere, move_references
from tavrnn_ephys.adapters.nwb._rewriting import (
    copy_bytes,
    copy_objects,
    digest_of,
    same_content,
)
from tavrnn_ephys.adapters.nwb._run_build import add_run
from tavrnn_ephys.adapters.nwb._run_index import RunEntry, find_runs
from tavrnn_ephys.adapters.nwb._tables import compressed
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.output import reserve_room, temporary_beside
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["add_run_to", "compact", "link_or_copy", "remove_runs"]

# Gaps below this share of a file are left, so that ten replacements add less than a hundredth.
_GAPS = 1e-3
_CHUNK_BYTES = 2**28
# What tables, their descriptions and a cached schema take at most beside the arrays.
_TABLES_BYTES = 2**22


def link_or_copy(
    source: Path, temporary: Path, target: Path, placement: Placement
) -> dict[str, Any]:
    """
    Copy a recording, or make a file that links to its large data.

    Parameters
    ----------
    source, temporary, target : pathlib.Path
        The recording, the file to fill, and its final place.
    placement : Placement
        The way of writing.

    Returns
    -------
    dict of str to object
        What is known of the source, by dotted key.
    """
    try:
        # Held open while it is copied, so that no writer of HDF5 can enter.
        with h5py.File(source, "r") as recording:
            if placement.way == "sidecar":
                # As the recording's own links: relative to its folder, until all are moved below.
                link = os.path.relpath(source.resolve(), source.parent.resolve())
                with h5py.File(temporary, "w", libver=("earliest", "latest")) as sidecar:
                    copy_objects(recording, sidecar, link_large=link, gather=True)
                digest = None
            elif _same_folder(source, target) or not has_values_elsewhere(recording):
                digest = copy_bytes(source, temporary)
            else:
                # A copy elsewhere would look for the values in vain, and read zeros.
                require_neighbours(source, outside=True)
                with h5py.File(temporary, "w", libver=("earliest", "latest")) as copy:
                    copy_objects(recording, copy, gather=True)
                digest = digest_of(source)
    except BlockingIOError as error:
        raise _is_written(source) from error
    with h5py.File(temporary, "r+") as copy:
        move_references(copy, source.parent, target.parent)
    return {
        "source.file": source.name,
        "source.n_bytes": source.stat().st_size,
        "source.sha256": digest,
        "way": placement.way,
    }


def _same_folder(source: Path, target: Path) -> bool:
    return source.parent.resolve() == target.parent.resolve()


def _is_written(source: Path) -> OutputError:
    return OutputError(
        f"'{source.name}' is open for writing in another program. Close it there first."
    )


def add_run_to(
    path: Path,
    results: Results,
    placement: Placement,
    facts: dict[str, Any],
    source_name: str,
) -> tuple[list[str], int]:
    """
    Add a run to a file in one session: a second one would find half a group after an error.

    Parameters
    ----------
    path : pathlib.Path
        The file, which no one else sees.
    results : Results
        The results.
    placement : Placement
        Name of the run.
    facts : dict of str to object
        What is known of the source.
    source_name : str
        Name of the recording, for messages.

    Returns
    -------
    names : list of str
        Names of the tables that were added.
    freed : int
        Bytes of the file that are left empty.

    Raises
    ------
    OutputError
        If there is a run of that name, and that is not to be replaced.
    """
    from pynwb import NWBHDF5IO

    # HDF5 that finds the disk full can abort the process; here it is still an ordinary error.
    reserve_room(path, int(1.1 * results.n_bytes) + _TABLES_BYTES)
    with h5py.File(path, "r+") as file:
        existing = find_runs(file).get(placement.run)
        if existing is not None:
            if not placement.replace:
                raise OutputError(
                    f"'{source_name}' already holds a run '{placement.run}'. Give this one "
                    'another name: run="…", on the command line --run NAME; or replace it: '
                    "replace=True, --replace."
                )
            _remove(file, existing, source_name)
        before = attributes_of(file)
        with NWBHDF5IO(file=file, mode="r+") as io:
            nwbfile = read_nwbfile(io, source_name)
            known = {**facts, "source.object_id": str(nwbfile.object_id),
                     "source.identifier": str(nwbfile.identifier)}  # fmt: skip
            names = add_run(
                nwbfile, results, placement, facts=known, source_name=source_name, wrap=_wrap
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                io.write(nwbfile)
            # PyNWB lifts what it finds to its newest schema; the recording stays what it was.
            restore_attributes(file, before)
            file.flush()
            return names, int(file.id.get_freespace())


def _wrap(data: Any, chunks: tuple[int, ...], compress: bool) -> Any:
    from hdmf.backends.hdf5 import H5DataIO

    if compress:
        return compressed(data, chunks)
    return H5DataIO(data, chunks=_bounded(chunks, data.dtype.itemsize))


def _bounded(chunks: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """HDF5 has no chunks beyond 4 GB: cut the second axis of large ones."""
    n_bytes = itemsize
    for length in chunks:
        n_bytes *= length
    if n_bytes <= _CHUNK_BYTES:
        return chunks
    return chunks[0], max(1, chunks[1] * _CHUNK_BYTES // n_bytes), *chunks[2:]


def remove_runs(path: Path, entries: Sequence[RunEntry], file_name: str) -> int:
    """
    Remove runs from a file.

    Parameters
    ----------
    path : pathlib.Path
        The file, which no one else sees.
    entries : sequence of RunEntry
        The runs.
    file_name : str
        Name of the file, for messages.

    Returns
    -------
    int
        Bytes of the file that are left empty.

    Raises
    ------
    InputError
        If something else in the file points to one.
    """
    with h5py.File(path, "r+") as file:
        for entry in entries:
            _remove(file, entry, file_name)
        file.flush()
        return int(file.id.get_freespace())


def _remove(file: h5py.File, entry: RunEntry, file_name: str) -> None:
    module = file["processing"][entry.module]
    ours = {module[name].name for name in entry.tables.values() if name in module}
    outside = _pointing_in(file, ours)
    if outside:
        raise InputError(
            f"The run '{entry.name}' of '{file_name}' cannot be removed: '{outside}' points to "
            "it, and the file would no longer open. Remove that first."
        )
    for name in entry.tables.values():
        if name in module:
            del module[name]
    if entry.options.get("module_created") and len(module) == 0:
        del file["processing"][entry.module]


def _pointing_in(file: h5py.File, ours: set[str]) -> str:
    """Name an object outside the run whose references or links lead into it."""
    found: list[str] = []

    def inside(name: str) -> bool:
        return any(name == own or name.startswith(f"{own}/") for own in ours)

    def look(group: Any) -> None:
        for key in group:
            place = f"{group.name.rstrip('/')}/{key}"
            if inside(place) or found:
                continue
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.SoftLink) and inside(link.path):
                found.append(place)
            if not isinstance(link, h5py.HardLink):
                continue
            item = group[key]
            for attribute in item.attrs:
                value = _attribute(item, attribute)
                if isinstance(value, h5py.Reference) and value and inside(_name_of(file, value)):
                    found.append(place)
            if isinstance(item, h5py.Group):
                look(item)

    look(file)
    return found[0] if found else ""


def _attribute(item: Any, key: str) -> Any:
    try:
        return item.attrs[key]
    except Exception:  # An attribute that h5py cannot read is no reference to ours.
        return None


def _name_of(file: h5py.File, reference: Any) -> str:
    try:
        return str(file[reference].name)
    except Exception:  # It dangles already.
        return ""


def compact(temporary: Path, target: Path, freed: int) -> None:
    """
    Write a file anew where deletions left gaps; otherwise leave it as it is.

    Parameters
    ----------
    temporary : pathlib.Path
        The file, which no one else sees.
    target : pathlib.Path
        Its final place.
    freed : int
        Bytes of it that are empty.
    """
    if freed <= _GAPS * temporary.stat().st_size:
        return
    packed = temporary_beside(target)
    try:
        if not _has_room(packed, temporary.stat().st_size):
            return
        with (
            h5py.File(temporary, "r") as old,
            h5py.File(packed, "w", libver=("earliest", "latest")) as new,
        ):
            copy_objects(old, new)
        # Room is worth less than certainty: only what is the same to the last bit takes over.
        if same_content(temporary, packed) and packed.stat().st_size < temporary.stat().st_size:
            os.replace(packed, temporary)
    except (InputError, RuntimeError, TypeError, ValueError, LookupError) as error:
        warnings.warn(
            f"The room of deleted results was not given back ({one_line(error)}).", stacklevel=2
        )
    finally:
        packed.unlink(missing_ok=True)


def _has_room(path: Path, n_bytes: int) -> bool:
    try:
        reserve_room(path, n_bytes)
    except OSError:
        return False
    return True
