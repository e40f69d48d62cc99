"""
A copy of a recording to which runs are added, and from which they are removed.

What holds for every format stands here once: refusal, replacement, removal, validation, what
points to what.  The backends, one for HDF5 and one for Zarr, only know how things are stored.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tavrnn_ephys.adapters.nwb._files import read_nwbfile
from tavrnn_ephys.adapters.nwb._run_build import add_run
from tavrnn_ephys.adapters.nwb._run_index import RunEntry, find_runs, require_free_name
from tavrnn_ephys.adapters.nwb._validation import validation_errors
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["RunFile", "silence"]


class RunFile(ABC):
    """
    A file beside its final place, which no one else sees.

    Parameters
    ----------
    path : pathlib.Path
        Where it is completed.
    target : pathlib.Path
        Its final place.
    source : pathlib.Path
        The recording, of which it becomes a copy.
    """

    def __init__(self, path: Path, target: Path, source: Path) -> None:
        self.path = path
        self.target = target
        self.source = source

    @staticmethod
    @abstractmethod
    def checked_target(source: Path, out: Path | None, placement: Placement) -> Path:
        """
        Say before any work whether a file may be written.

        Parameters
        ----------
        source : pathlib.Path
            The recording.
        out : pathlib.Path, optional
            The file to write; None for the recording's own.
        placement : Placement
            The way of writing.

        Returns
        -------
        pathlib.Path
            The file to write.

        Raises
        ------
        OutputError
            If it may not be written.
        """

    @classmethod
    @abstractmethod
    def completed(
        cls, target: Path, source: Path, *, in_place: bool
    ) -> AbstractContextManager[RunFile]:
        """
        Give a file that appears at its place, whole, when the block ends.

        Parameters
        ----------
        target : pathlib.Path
            Its final place.
        source : pathlib.Path
            The recording.
        in_place : bool
            Whether it takes the place of the recording.

        Returns
        -------
        context manager
            Gives the file.
        """

    @abstractmethod
    def fill(self, placement: Placement) -> dict[str, Any]:
        """
        Copy the recording into the file.

        Parameters
        ----------
        placement : Placement
            The way of writing.

        Returns
        -------
        dict of str to object
            What is known of the recording, by dotted key.
        """

    @abstractmethod
    def opened(self) -> AbstractContextManager[Any]:
        """
        Open the file for changes, beneath PyNWB.

        Returns
        -------
        context manager
            Gives its root, h5py.File or zarr.Group.
        """

    @abstractmethod
    def written_through(self, root: Any) -> AbstractContextManager[Any]:
        """
        Open the file in PyNWB; what it changes beside what is added is put back.

        Parameters
        ----------
        root : h5py.File or zarr.Group
            The open file.

        Returns
        -------
        context manager
            Gives the hdmf.backends.io.HDMFIO.
        """

    @abstractmethod
    def pointers(self, root: Any) -> Iterator[tuple[str, str]]:
        """
        Give every reference and every link of the file.

        Parameters
        ----------
        root : h5py.File or zarr.Group
            The open file.

        Yields
        ------
        tuple of str
            Paths of the object that points, and of what it points to.
        """

    @staticmethod
    @abstractmethod
    def wrap(data: Any, chunks: tuple[int, ...], compress: bool) -> Any:
        """
        Mark an array for storage in chunks.

        Parameters
        ----------
        data : array_like
            The array.
        chunks : tuple of int
            Shape of what is read as one.
        compress : bool
            Whether chunks are compressed.

        Returns
        -------
        hdmf.data_utils.DataIO
            The array with its settings.
        """

    @abstractmethod
    def reserve(self, results: Results) -> None:
        """
        Notice before writing that the disk is full, where the format does not bear that later.

        Parameters
        ----------
        results : Results
            What is going to be written.
        """

    @abstractmethod
    def note_removal(self) -> None:
        """Bring up to date what the file says elsewhere of objects that are gone."""

    @abstractmethod
    def close_gaps(self) -> None:
        """Give back the room that removed runs keep in the file."""

    def add(self, results: Results, placement: Placement, facts: dict[str, Any]) -> None:
        """
        Add a run in one session, and validate what was added.

        A second session would find half a group after an error.

        Parameters
        ----------
        results : Results
            The results.
        placement : Placement
            Name of the run.
        facts : dict of str to object
            What is known of the recording.

        Raises
        ------
        OutputError
            If there is a run of that name and it is not to be replaced, or the schema objects.
        """
        source_name = self.source.name
        self.reserve(results)
        with self.opened() as root:
            existing = require_free_name(find_runs(root), placement, source_name)
            if existing is not None:
                self._remove(root, existing)
            with self.written_through(root) as io:
                nwbfile = read_nwbfile(io, source_name)
                known = {**facts, "source.object_id": str(nwbfile.object_id),
                         "source.identifier": str(nwbfile.identifier)}  # fmt: skip
                names = add_run(
                    nwbfile,
                    results,
                    placement,
                    facts=known,
                    source_name=source_name,
                    wrap=self.wrap,
                )
                with silence():
                    io.write(nwbfile)
        self._require_valid(names)

    def remove(self, entries: Sequence[RunEntry]) -> None:
        """
        Remove runs.

        Parameters
        ----------
        entries : sequence of RunEntry
            The runs.

        Raises
        ------
        InputError
            If something else in the file points to one.
        """
        with self.opened() as root:
            for entry in entries:
                self._remove(root, entry)

    def _remove(self, root: Any, entry: RunEntry) -> None:
        module = root["processing"][entry.module]
        ours = {module[name].name for name in entry.tables.values() if name in module}
        outside = self._pointing_in(root, ours)
        if outside:
            raise InputError(
                f"The run '{entry.name}' of '{self.source.name}' cannot be removed: '{outside}' "
                "points to it, and the file would no longer open. Remove that first."
            )
        for name in entry.tables.values():
            if name in module:
                del module[name]
        if entry.options.get("module_created") and len(module) == 0:
            del root["processing"][entry.module]
        self.note_removal()

    def _pointing_in(self, root: Any, ours: set[str]) -> str:
        """Name an object outside the run whose references or links lead into it."""

        def inside(name: str) -> bool:
            return any(name == own or name.startswith(f"{own}/") for own in ours)

        found = (place for place, to in self.pointers(root) if inside(to) and not inside(place))
        return next(found, "")

    def schema_errors(self) -> list[Any]:
        """
        Validate the file by the schemas that it holds.

        Returns
        -------
        list of hdmf.validate.errors.Error
            What the schemas object to.
        """
        return validation_errors(self.path)

    def _require_valid(self, names: list[str]) -> None:
        """Refuse what the schema objects to in what was added; the source's faults stay its own."""
        with silence():
            errors = self.schema_errors()
        ours = [error for error in errors if any(name in str(error) for name in names)]
        if ours:
            raise OutputError(
                f"The results for '{self.target.name}' break the NWB schema and were not written: "
                f"{' '.join(str(ours[0]).split())}."
            )


@contextmanager
def silence() -> Iterator[None]:
    """
    Keep PyNWB from speaking about every departure from its newest schema.

    Yields
    ------
    None
        While warnings are silent.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
