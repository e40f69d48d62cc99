"""The face of the NWB adapter; PyNWB is loaded only when a file is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.adapters.nwb._files import looks_like_nwb
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import Placement, Results, RunInfo
from tavrnn_ephys.io.outlines import Outline
from tavrnn_ephys.io.protocols import StoredRun
from tavrnn_ephys.io.quality import asked_quality

if TYPE_CHECKING:
    import neo

__all__ = ["NwbAdapter"]

_OPTIONS = (
    "series", "t_start", "t_stop", "channels", "quality", "sampling_rate", "outside_files",
)  # fmt: skip


class NwbAdapter:
    """
    Recordings and results in NWB 2 files (HDF5, or Zarr), through PyNWB.

    Examples
    --------
    >>> NwbAdapter().suffixes
    ('.nwb',)
    """

    name = "nwb"
    description = "Neurodata Without Borders: units, ROI traces, behaviour, intervals and results"
    suffixes: tuple[str, ...] = (".nwb",)
    # A Zarr store is a folder.
    reads_folders = True
    reads_addresses = True
    choices: Mapping[str, str] = MappingProxyType({
        "series": "Of several tables of units the file's own. Of several ROI series ΔF/F before "
        "fluorescence before others before deconvolved before neuropil, and of equals the first. "
        "Without units and ROI series, ten or more numbered plain series count as neurons.",
        "quality": "Units and ROIs that a column of the file rejects are left out.",
        "t_start": "Without observation intervals a recording starts at 0 s, or at its first "
        "spike if that comes late.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file calls itself NWB.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file, or a Zarr store, whose root is an ``NWBFile``.
        """
        return looks_like_nwb(path)

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the units, ROI traces, behaviour and intervals of a file.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        **options : object
            ``series``: name of the ROI series to analyse, such as ``"Deconvolved"``, or of
            series with one neuron each, such as ``"Activity_*"``, or of a table of units;
            ``t_start``, ``t_stop``: part of the recording to read; ``channels``: ids of the
            electrodes whose raw voltage is kept; ``quality``: which units and ROIs are kept by
            their judgement, ``"accepted"``, ``"all"`` or labels; ``sampling_rate``: of ROI traces
            whose file states none; ``outside_files``: whether data may lie outside the folder.

        Returns
        -------
        neo.Block
            One segment; see :func:`tavrnn_ephys.adapters.nwb.read.read_block`.

        Raises
        ------
        FileFormatError
            If the file is damaged, not NWB, or holds no nodes.
        InputError
            If an option is unknown.
        """
        from tavrnn_ephys.adapters.nwb.read import read_block

        return read_block(path, **_known(options))

    def outline(self, path: Path, **options: Any) -> tuple[Outline, ...] | None:
        """
        Say how many units or ROIs a file holds, and how long it is, from its headers.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            Those of :meth:`read`.

        Returns
        -------
        tuple of Outline or None
            One segment; None where the file has to be read.
        """
        from tavrnn_ephys.adapters.nwb.outline import outline_block

        return outline_block(path, **_known(options))

    def write_block(self, block: neo.Block, path: Path, *, overwrite: bool = False) -> Path:
        """
        Write a block to a new file.

        Parameters
        ----------
        block : neo.Block
            The recording: one segment and ``rec_datetime``.
        path : pathlib.Path
            The new file.
        overwrite : bool
            Whether an existing file may be replaced.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from tavrnn_ephys.adapters.nwb.write import write_block

        return write_block(block, path, overwrite=overwrite)

    def write_results(
        self, source: Path, results: Results, out: Path | None, placement: Placement
    ) -> Path:
        """
        Write a run into a copy of a recording, into its own file, or beside it.

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
        from tavrnn_ephys.adapters.nwb.results import write_results

        return write_results(source, results, out, placement)

    def check_results_source(self, source: Path, placement: Placement) -> None:
        """
        Refuse a recording that a run cannot be added to, before any work.

        Parameters
        ----------
        source : pathlib.Path
            The recording.
        placement : Placement
            Name of the run and way of writing.

        Raises
        ------
        OutputError
            If it holds a run of that name.
        """
        from tavrnn_ephys.adapters.nwb.results import check_results_source

        check_results_source(source, placement)

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
        from tavrnn_ephys.adapters.nwb.results import list_runs

        return list_runs(path)

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
        from tavrnn_ephys.adapters.nwb.results import delete_runs

        delete_runs(path, names)

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
            Gives the run; its arrays are loaded when they are asked for.
        """
        from tavrnn_ephys.adapters.nwb.results import open_run

        return open_run(path, name)


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown options, and take the former name of one."""
    unknown = sorted(set(options) - {*_OPTIONS, "cells"})
    if unknown:
        raise InputError(
            f"The adapter 'nwb' has no option {some(unknown)}. It has: {some(_OPTIONS)}."
        )
    quality = asked_quality(options)
    return {**options, "quality": quality}
