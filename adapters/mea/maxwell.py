"""
MaxWell MaxOne and MaxTwo: the spikes that the device itself detected, with wells and electrodes.

Three layouts are read.  Files of MaxLab Live since 2019 hold ``recordings/rec0000/well000`` (links
into ``data_store``) with ``spikes`` (frame number, channel, amplitude), ``settings/mapping``
(channel, electrode, x, y), ``settings/sampling`` and ``groups/routed`` with ``frame_nos`` and the
compressed ``raw``.  Legacy MaxOne files hold ``proc0/spikeTimes``, ``mapping`` and ``sig`` at the
root and are sampled at 20 kHz.  Times of a well count from its first frame or its first spike,
whichever comes first: the device begins its table up to some 0.2 s before it stores samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters._hdf5 import file_name, has_items, load, open_hdf5, text
from tavrnn_ephys.adapters.mea._maxwell_traces import traces_of_well
from tavrnn_ephys.adapters.mea._maxwell_wells import (
    EmptyWellError,
    Place,
    Well,
    places_of,
    read_well,
    size_of_well,
    start_of,
    where_is,
)
from tavrnn_ephys.adapters.mea._parts import (
    asked_span_s,
    choose,
    refuse_unknown,
    span_within,
    spiketrains_of_table,
)
from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.io.outlines import Outline

if TYPE_CHECKING:
    import neo

__all__ = ["MaxwellAdapter"]


class MaxwellAdapter:
    """
    Spike tables of MaxWell MaxOne and MaxTwo.

    Examples
    --------
    >>> MaxwellAdapter().suffixes
    ('.raw.h5',)
    """

    name = "maxwell"
    description = "MaxWell MaxOne and MaxTwo: the device's own spike table"
    suffixes: tuple[str, ...] = (".raw.h5",)
    choices: Mapping[str, str] = MappingProxyType({
        "recordings": "All recordings, one segment each.",
        "wells": "All wells that hold electrodes or spikes.",
        "unmapped": "Spikes on channels that the electrode map does not name are left out.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file has one of the three layouts.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file of MaxLab Live.
        """
        modern = has_items(path, ("wells", "recordings", "mxw_version"))
        return modern or has_items(path, ("mapping", "proc0/spikeTimes"))

    def read(
        self,
        path: Path,
        *,
        recordings: Sequence[Any] | None = None,
        wells: Sequence[Any] | None = None,
        channels: Sequence[Any] | None = None,
        t_start: Any = None,
        t_stop: Any = None,
        traces: bool = False,
        unmapped: str = "drop",
        **unknown: Any,
    ) -> neo.Block:
        """
        Read the spike table of every recording and well.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        recordings : sequence of str or int, optional
            Recordings by name or number, such as ``"rec0000"`` or 0; all by default.
        wells : sequence of str or int, optional
            Wells by name or number, such as ``"well003"`` or 3; all by default.
        channels : sequence of str or int, optional
            Node ids; all by default.
        t_start, t_stop : quantities.Quantity, optional
            Part of each recording; all of it by default.
        traces : bool
            Whether the raw voltage of each well lies beside the spikes, unloaded.  It needs the
            vendor's HDF5 filter.
        unmapped : {"drop", "keep"}
            What becomes of spikes on channels that the electrode map does not name: left out with
            a warning, or kept on nodes without a position.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            A segment per recording; node ids are channel numbers, with the well before them
            (``well003/881``) where the file has several wells; the subregion is the well.

        Raises
        ------
        FileFormatError
            If the file is damaged, of another layout, or contradicts itself.
        InputError
            If an option is unknown, or names what the file does not have.
        MissingDependencyError
            If traces are asked for and the vendor's HDF5 filter is absent.

        Warns
        -----
        DataLossWarning
            If spikes lie on channels that the electrode map does not name, the map joins several
            electrodes to one channel, or a well is empty.
        """
        import neo

        refuse_unknown(self, unknown)
        one_of(unmapped, ("drop", "keep"), "unmapped")
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        block = neo.Block(name=path.name.split(".")[0], file_origin=path.name)
        with open_hdf5(path) as file:
            places = places_of(file)
            several = len({place.well for place in places}) > 1
            read: list[Well] = []
            empty: list[str] = []
            for recording in _chosen(recordings, "rec", 4, places, "recording", file):
                present = [place for place in places if place.recording == recording]
                names = _chosen(wells, "well", 3, present, "well", file)
                places_here = [place for place in present if place.well in names]
                parts = _read_wells(places_here, several, unmapped, empty, wells is not None)
                read += parts
                segment = _segment(recording, parts, asked, channels, path.name)
                if traces:
                    start, stop = segment.annotations.pop("span")
                    for part in parts:
                        signal = traces_of_well(path, part, channels, start, stop)
                        if signal is not None:
                            segment.analogsignals.append(signal)
                segment.annotations.pop("span", None)
                block.segments.append(segment)
            _warn_of_unmapped(read, path.name)
            _warn_of_empty(empty, path.name)
            block.rec_datetime = block.segments[0].rec_datetime
            block.annotate(**_about(file))
        return block

    def outline(self, path: Path, **options: Any) -> tuple[Outline, ...] | None:
        """
        Say how many channels each recording has, and how long it is, from map and frame numbers.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            Those of :meth:`read`.

        Returns
        -------
        tuple of Outline or None
            One segment per recording; None where spikes decide, which channels are kept or how
            long a recording is.
        """
        if set(options) - {"recordings", "wells", "t_start", "t_stop", "traces"}:
            return None
        asked = asked_span_s(options.get("t_start"), options.get("t_stop"))
        path, found = Path(path), []
        with open_hdf5(path) as file:
            places = places_of(file)
            for recording in _chosen(
                options.get("recordings"), "rec", 4, places, "recording", file
            ):
                present = [place for place in places if place.recording == recording]
                names = _chosen(options.get("wells"), "well", 3, present, "well", file)
                sizes = [size_of_well(place) for place in present if place.well in names]
                known = [size for size in sizes if size is not None]
                if len(known) < len(sizes):
                    return None
                n_nodes = sum(size[0] for size in known)
                limits = 0.0, max(size[1] for size in known)
                start_s, stop_s = span_within(asked, limits, path.name)
                found.append(Outline(n_nodes=n_nodes, t_start_s=start_s, t_stop_s=stop_s))
        return tuple(found)


def _chosen(
    wanted: Any, prefix: str, digits: int, places: list[Place], what: str, file: Any
) -> list[str]:
    known = sorted({place.recording if what == "recording" else place.well for place in places})
    if wanted is not None:
        listed = [wanted] if isinstance(wanted, str | int) else list(wanted)
        wanted = [f"{prefix}{item:0{digits}d}" if isinstance(item, int) else item
                  for item in listed]  # fmt: skip
    return [known[index] for index in choose(wanted, known, what, file_name(file))]


def _read_wells(
    places: list[Place], several: bool, unmapped: str, empty: list[str], named: bool
) -> list[Well]:
    """Read wells; one that holds nothing is left out, unless it was named or is the only one."""
    parts: list[Well] = []
    fault: EmptyWellError | None = None
    for place in places:
        try:
            parts.append(read_well(place, several, unmapped))
        except EmptyWellError as error:
            if named:
                raise
            fault = error
            empty.append(where_is(place))
    if not parts and fault is not None:
        raise fault
    return parts


def _warn_of_empty(empty: list[str], name: str) -> None:
    if empty:
        warnings.warn(
            f"{len(empty)} wells of '{name}' hold neither electrodes nor spikes and are left out: "
            f"{some(empty)}.",
            DataLossWarning,
            stacklevel=3,
        )


def _warn_of_unmapped(wells: list[Well], name: str) -> None:
    lost = sum(well.n_unmapped for well in wells)
    if lost:
        total = lost + sum(len(well.times_s) for well in wells)
        where = [where_is(well.place) for well in wells if well.n_unmapped]
        warnings.warn(
            f"{lost} of {total} spikes of '{name}' lie on channels that the electrode map does not "
            f"name ({some(where, limit=3)}) and are left out. Keep them without positions: "
            'unmapped="keep", on the command line --option unmapped=keep.',
            DataLossWarning,
            stacklevel=3,
        )


def _segment(
    recording: str, parts: list[Well], asked: Any, channels: Any, name: str
) -> neo.Segment:
    import neo

    all_ids = [str(item) for part in parts for item in part.nodes.ids]
    wanted = {all_ids[index] for index in choose(channels, all_ids, "channel", name)}
    span = span_within(asked, _limits(parts), name)
    segment = neo.Segment(name=recording, file_origin=name)
    segment.annotate(span=span)
    for part in parts:
        trains = spiketrains_of_table(
            part.times_s, part.owners, part.nodes, span, sampling_rate_hz=part.rate_hz,
            annotations=[{"electrode_id": int(item)} for item in part.electrodes],
        )  # fmt: skip
        segment.spiketrains.extend(
            [train for train in trains if train.annotations["node_id"] in wanted]
        )
    starts = [start for part in parts if (start := start_of(part.place)) is not None]
    segment.rec_datetime = min(starts, default=None)
    return segment


def _limits(parts: list[Well]) -> tuple[float, float]:
    """From 0 s to the last frame or a later spike, whatever well it is in."""
    last = max((float(part.times_s.max()) for part in parts if len(part.times_s)), default=0.0)
    stop = max(part.duration_s for part in parts)
    return 0.0, stop if last < stop else float(np.nextafter(last, np.inf))


def _about(file: Any) -> dict[str, str]:
    names = {"software_version": "mxw_version", "file_version": "version",
             "chip_id": "wellplate/id", "device": "wellplate/version",
             "assay": "assay/script_id"}  # fmt: skip
    found = {}
    for key, name in names.items():
        if name in file:
            values = np.ravel(load(file, name, kinds="SO"))
            if len(values):
                found[key] = text(values[0])
    return found
