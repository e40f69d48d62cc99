"""Storage of runs in HDF5 files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tavrnn_ephys.adapters._hdf5_faults import one_line
from tavrnn_ephys.adapters._hdf5_requiring import require_neighbours
from tavrnn_ephys.adapters.nwb._attributes import attributes_of, restore_attributes
from tavrnn_ephys.adapters.nwb._moving import has_values_elsewhere, move_references
from tavrnn_ephys.adapters.nwb._rewriting import (
    copy_bytes,
    copy_objects,
    digest_of,
    has_references,
    same_content,
)
from tavrnn_ephys.adapters.nwb._run_file import RunFile
from tavrnn_ephys.adapters.nwb._tables import compressed
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.output import check_output, reserve_room, temporary_beside, whole_file
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["Hdf5RunFile"]

# Gaps below this share of a file are left, so that ten replacements add less than a hundredth.
_GAPS = 1e-3
_CHUNK_BYTES = 2**28
# What tables, their descriptions and a cached schema take at most beside the arrays.
_TABLES_BYTES = 2**22


class Hdf5RunFile(RunFile):
    """A copy of a recording in HDF5, with its runs."""

    _freed = 0

    @staticmethod
    def checked_target(source: Path, out: Path | None, placement: Placement) -> Path:
        """Say before any work whether a file may be written."""
        if out is None:
            return check_output(source, overwrite=True)
        if source.is_dir():
            raise OutputError("Results of a recording in Zarr go into Zarr: end out in '.zarr'.")
        return check_output(out, inputs=(source,), overwrite=placement.overwrite)

    @classmethod
    @contextmanager
    def completed(cls, target: Path, source: Path, *, in_place: bool) -> Iterator[RunFile]:
        """Give a file that appears at its place, whole, when the block ends."""
        with whole_file(target) as temporary:
            yield cls(temporary, target, source)

    def fill(self, placement: Placement) -> dict[str, Any]:
        """Copy the recording, or make a file that links to its large data."""
        source = self.source
        try:
            # Held open while it is copied, so that no writer of HDF5 can enter.
            with h5py.File(source, "r") as recording:
                if placement.way == "sidecar":
                    # As the recording's own links: relative to its folder, until all are moved.
                    link = source.resolve().name
                    with h5py.File(self.path, "w", libver=("earliest", "latest")) as sidecar:
                        copy_objects(recording, sidecar, link_large=link, gather=True)
                    digest = None
                elif self._stays_in_its_folder() or not has_values_elsewhere(recording):
                    digest = copy_bytes(source, self.path)
                else:
                    # A copy elsewhere would look for the values in vain, and read zeros.
                    require_neighbours(source, outside=True)
                    with h5py.File(self.path, "w", libver=("earliest", "latest")) as copy:
                        copy_objects(recording, copy, gather=True)
                    digest = digest_of(source)
        except BlockingIOError as error:
            raise OutputError(
                f"'{source.name}' is open for writing in another program. Close it there first."
            ) from error
        with h5py.File(self.path, "r+") as copy:
            move_references(copy, source.resolve().parent, self.target.parent)
        return {
            "source.file": source.name,
            "source.n_bytes": source.stat().st_size,
            "source.sha256": digest,
            "way": placement.way,
        }

    def _stays_in_its_folder(self) -> bool:
        # HDF5 follows a link to the recording, and looks for neighbours where that lies.
        return self.source.resolve().parent == self.target.resolve().parent

    def reserve(self, results: Results) -> None:
        """Notice a full disk: HDF5 that finds it can abort, here it is still an ordinary error."""
        reserve_room(self.path, int(1.1 * results.n_bytes) + _TABLES_BYTES)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the file for changes, and count what they leave empty."""
        with h5py.File(self.path, "r+") as file:
            yield file
            if file:  # PyNWB closes what it has written.
                self._keep_gaps(file)

    @contextmanager
    def written_through(self, root: Any) -> Iterator[Any]:
        """Open the file in PyNWB; the recording's attributes are put back behind it."""
        from pynwb import NWBHDF5IO

        before = attributes_of(root)
        with NWBHDF5IO(file=root, mode="r+") as io:
            yield io
            # PyNWB lifts what it finds to its newest schema; the recording stays what it was.
            restore_attributes(root, before)
            self._keep_gaps(root)

    def _keep_gaps(self, file: Any) -> None:
        """Count the bytes that are left empty: HDF5 forgets them when it closes the file."""
        file.flush()
        self._freed = int(file.id.get_freespace())

    def note_removal(self) -> None:
        """Do nothing: HDF5 says nothing elsewhere of an object that nothing points to."""

    def pointers(self, root: Any) -> Iterator[tuple[str, str]]:
        """Give every soft link, and every reference in attributes and data."""
        for key in root:
            place = f"{root.name.rstrip('/')}/{key}"
            link = root.get(key, getlink=True)
            if isinstance(link, h5py.SoftLink):
                yield place, link.path
            if not isinstance(link, h5py.HardLink):
                continue
            item = root[key]
            for reference in _references(item):
                yield place, _name_of(item.file, reference)
            if isinstance(item, h5py.Group):
                yield from self.pointers(item)

    @staticmethod
    def wrap(data: Any, chunks: tuple[int, ...], compress: bool) -> Any:
        """Mark an array for storage in chunks."""
        from hdmf.backends.hdf5 import H5DataIO

        if compress:
            return compressed(data, chunks)
        return H5DataIO(data, chunks=_bounded(chunks, data.dtype.itemsize))

    def close_gaps(self) -> None:
        """Write the file anew where deletions left gaps; otherwise leave it as it is."""
        size = self.path.stat().st_size
        if self._freed <= _GAPS * size:
            return
        packed = temporary_beside(self.target)
        try:
            if not _has_room(packed, size):
                return
            with (
                h5py.File(self.path, "r") as old,
                h5py.File(packed, "w", libver=("earliest", "latest")) as new,
            ):
                copy_objects(old, new)
            # Room is worth less than certainty: only what is the same to the last bit takes over.
            if same_content(self.path, packed) and packed.stat().st_size < size:
                os.replace(packed, self.path)
        except (InputError, RuntimeError, TypeError, ValueError, LookupError) as error:
            warnings.warn(
                f"The room of deleted results was not given back ({one_line(error)}).",
                stacklevel=2,
            )
        finally:
            packed.unlink(missing_ok=True)


def _bounded(chunks: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """HDF5 has no chunks beyond 4 GB: cut the second axis of large ones."""
    n_bytes = itemsize
    for length in chunks:
        n_bytes *= length
    if n_bytes <= _CHUNK_BYTES:
        return chunks
    return chunks[0], max(1, chunks[1] * _CHUNK_BYTES // n_bytes), *chunks[2:]


def _references(item: Any) -> Iterator[Any]:
    """Give the references that stand in the attributes of an object and in its data."""
    for key in item.attrs:
        try:
            value = item.attrs[key]
        except Exception:  # An attribute that h5py cannot read is no reference to ours.
            continue
        yield from _references_in(value)
    if isinstance(item, h5py.Dataset) and has_references(item.dtype):
        yield from _references_in(item[()])


def _references_in(value: Any) -> Iterator[Any]:
    if isinstance(value, h5py.Reference):
        if value:
            yield value
    elif isinstance(value, np.ndarray) and value.dtype.names:
        for name in value.dtype.names:
            yield from _references_in(value[name])
    elif isinstance(value, np.ndarray) and value.dtype.kind == "O":
        for each in value.flat:
            yield from _references_in(each)


def _name_of(file: h5py.File, reference: Any) -> str:
    try:
        return str(file[reference].name)
    except Exception:  # It dangles already.
        return ""


def _has_room(path: Path, n_bytes: int) -> bool:
    try:
        reserve_room(path, n_bytes)
    except OSError:
        return False
    return True
