"""The face of the NWB adapter; PyNWB is loaded only when a file is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys._checks import some
from tavrnn_ephys.adapters.nwb._files import looks_like_nwb
from tavrnn_ephys.containers import NodeEmbedding
from tavrnn_ephys.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = ["NwbAdapter"]

_OPTIONS = ("series", "t_start", "t_stop", "channels")


class NwbAdapter:
    """
    Recordings and results in NWB 2 files (HDF5), through PyNWB.

    Examples
    --------
    >>> NwbAdapter().suffixes
    ('.nwb',)
    """

    name = "nwb"
    description = "Neurodata Without Borders: units, ROI traces, behaviour, intervals and results"
    suffixes: tuple[str, ...] = (".nwb",)

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
            True for an HDF5 file whose root is an ``NWBFile``.
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
            series with one neuron each, such as ``"Activity_*"``; ``t_start``, ``t_stop``: part
            of the recording to read; ``channels``: ids of the electrodes whose raw voltage is
            kept.

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

        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise InputError(
                f"The adapter 'nwb' has no option {some(unknown)}. It has: {some(_OPTIONS)}."
            )
        return read_block(path, **options)

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
        self, source: Path, embedding: NodeEmbedding, out: Path, *, overwrite: bool = False
    ) -> Path:
        """
        Copy a recording and add an embedding to the copy.

        Parameters
        ----------
        source : pathlib.Path
            The recording, which stays byte for byte.
        embedding : NodeEmbedding
            The results.
        out : pathlib.Path
            The copy.
        overwrite : bool
            Whether an existing copy may be replaced.

        Returns
        -------
        pathlib.Path
            The copy.
        """
        from tavrnn_ephys.adapters.nwb.results import write_results

        return write_results(source, embedding, out, overwrite=overwrite)

    def read_results(self, path: Path) -> NodeEmbedding:
        """
        Read the embedding back.

        Parameters
        ----------
        path : pathlib.Path
            A file written by :meth:`write_results`.

        Returns
        -------
        NodeEmbedding
            Equal to what was written.
        """
        from tavrnn_ephys.adapters.nwb.results import read_results

        return read_results(path)
