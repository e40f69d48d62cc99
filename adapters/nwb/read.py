"""NWB file → Neo block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters.nwb._files import open_nwb
from tavrnn_ephys.adapters.nwb._read_beside import (
    read_behavior,
    read_epochs,
    read_events,
    read_metadata,
)
from tavrnn_ephys.adapters.nwb._read_neuron_series import find_neuron_series, read_neuron_signal
from tavrnn_ephys.adapters.nwb._read_raw import read_raw_signals
from tavrnn_ephys.adapters.nwb._read_rois import (
    choose_roi_series,
    find_roi_series,
    read_roi_signals,
)
from tavrnn_ephys.adapters.nwb._read_snippets import read_snippets
from tavrnn_ephys.adapters.nwb._read_spikes import read_spiketrains
from tavrnn_ephys.adapters.nwb._read_units import find_units
from tavrnn_ephys.adapters.nwb._series import Limits
from tavrnn_ephys.core.addresses import Address, OpenFile, place_of
from tavrnn_ephys.core.checks import time_s
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import rate_hz
from tavrnn_ephys.io.choices import Choice, note_choice
from tavrnn_ephys.io.lazy_signals import LazySignal

if TYPE_CHECKING:
    import neo

__all__ = ["asked_limits_s", "read_block"]

# Parts of other objects, which say nothing of what a file holds.
_PARTS = {
    "VectorData", "VectorIndex", "DynamicTableRegion", "ElementIdentifiers", "ProcessingModule",
    "Device", "TimeSeriesReferenceVectorData",
}  # fmt: skip


def read_block(
    path: str | Path,
    *,
    series: str | None = None,
    t_start: Any = None,
    t_stop: Any = None,
    channels: Sequence[Any] | None = None,
    quality: Any = "accepted",
    sampling_rate: Any = None,
    outside_files: bool = False,
) -> neo.Block:
    """
    Read the nodes of an NWB file and what was recorded beside them.

    Units become spike trains; each ``RoiResponseSeries`` becomes a signal, of which one has
    the role ``"nodes"`` (a ΔF/F series before a fluorescence before deconvolved traces before
    neuropil) and the others ``"traces_alternative"``; position and other numeric series become
    behaviour, intervals become epochs.  Raw voltage stays in the file: each
    ``ElectricalSeries`` becomes a :class:`~tavrnn_ephys.LazySignal` with the role ``"raw"``.
    Images are not read.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, which is opened read-only; or an address, ``https://…``, of which only the
        parts that are needed are loaded.
    series : str, optional
        Name of the ROI series to analyse, ``"series"`` or ``"container/series"``; or, with
        wildcards, the names of plain series that hold one neuron each, such as
        ``"Activity_*"``.  In a file without units and ROI series, ten or more series of one
        length whose names differ in a number at their end are taken as neurons by default.
    t_start, t_stop : quantities.Quantity, optional
        Part of the recording to read; traces and signals outside are not loaded, intervals
        that reach into the part are kept.
    channels : sequence of str or int, optional
        Ids of the electrodes whose raw voltage is kept; all by default.
    quality : str or list of str
        ``"accepted"`` leaves out units and ROIs that a column of the file rejects (``quality``,
        ``KSLabel``, ``iscell``, ``Accepted``, …); ``"all"`` keeps them; labels keep these.
    sampling_rate : quantities.Quantity, optional
        Sampling rate of ROI traces, where the file does not state a usable one.
    outside_files : bool
        Whether data sets may keep their values in files outside the folder of this one.

    Returns
    -------
    neo.Block
        One segment.  Units are those of the file, or of a processing module; in a file without
        any, each ``SpikeEventSeries`` becomes one node.  Units are named by a unique column
        ``unit_name``, else by their id; their groups come from the units' column
        ``node_group``, else from the electrodes' ``node_group``, else from the electrodes'
        ``location``; their positions are the mean of their electrodes' in µm.  The recording
        starts and stops with the observation intervals; without any it starts at 0 s, at an
        earlier spike, or at a first spike that comes late (with a warning), and stops just
        behind the last spike or with the last sample or interval of the file.  A file without
        units and traces gives a segment without nodes.

    Raises
    ------
    FileFormatError
        If the file is damaged, not NWB, inconsistent, or holds no recording at all.
    InputError
        If there is no series or channel of that name, or nothing between the limits.

    Warns
    -----
    DataLossWarning
        If behaviour without usable sample times is left out, or units were not observed all
        the time.
    """
    path = place_of(path)
    limits = asked_limits_s(t_start, t_stop)
    known_hz = None if sampling_rate is None else rate_hz(sampling_rate, None, path.name)
    with open_nwb(path, outside=outside_files) as nwbfile:
        segment = _segment(nwbfile, path.name)
        block = _block(nwbfile, path, segment)
        units, series = _chosen_units(find_units(nwbfile), series, block, path.name)
        traces, taken = _traces(
            nwbfile, block, path.name, series, limits, quality=quality, rate_hz=known_hz,
            has_units=units is not None,
        )  # fmt: skip
        for signal in [
            *traces,
            *read_raw_signals(nwbfile, path.name, limits=limits, channels=channels),
            *read_behavior(nwbfile, path.name, limits=limits, taken=taken),
        ]:
            _append_signal(segment, signal)
        segment.epochs.extend(_within(read_epochs(nwbfile), limits))
        segment.events.extend(_within(read_events(nwbfile), limits))
        last_s = _last_s(segment)
        if units is not None:
            trains = read_spiketrains(units, path.name, last_s, limits, quality)
            segment.spiketrains.extend(trains)
        elif not traces:
            segment.spiketrains.extend(read_snippets(nwbfile, path.name, last_s, limits))
        _require_anything(nwbfile, segment, path.name)
        return block


def _chosen_units(
    tables: list[Any], series: str | None, block: neo.Block, file_name: str
) -> tuple[Any, str | None]:
    """Take the table that was named, else the first; give what the name means otherwise."""
    named = [table for table in tables if series is not None and table.name == series]
    if named:
        return named[0], None
    if len(tables) > 1:
        names = tuple(str(table.name) for table in tables)
        choice = Choice(
            what="tables of units", chosen=names[0], candidates=names, option="series=NAME",
            reason="it is the first, the file's own before those of processing modules",
        )  # fmt: skip
        note_choice(block, choice, file_name=file_name)
    return (tables[0] if tables else None), series


def asked_limits_s(t_start: Any, t_stop: Any) -> Limits:
    """
    Read the limits of the part that is asked for.

    Parameters
    ----------
    t_start, t_stop : quantities.Quantity or None
        Times.

    Returns
    -------
    tuple of float or None
        Seconds.

    Raises
    ------
    InputError
        If they are no times, or in the wrong order.
    """
    limits = (
        None if t_start is None else time_s(t_start, "t_start"),
        None if t_stop is None else time_s(t_stop, "t_stop"),
    )
    if limits[0] is not None and limits[1] is not None and not limits[0] < limits[1]:
        raise InputError(
            f"t_start must lie before t_stop, got {limits[0]:g} s and {limits[1]:g} s."
        )
    return limits


def _traces(
    nwbfile: Any,
    block: neo.Block,
    file_name: str,
    series: str | None,
    limits: Limits,
    *,
    quality: Any,
    rate_hz: float | None,
    has_units: bool,
) -> tuple[list[Any], frozenset[str]]:
    """Give the signals with one trace per node, and the plain series that entered them."""
    rois = find_roi_series(nwbfile)
    by_pattern = series is not None and any(character in series for character in "*?[")
    neurons = []
    if by_pattern or (not rois and not has_units):
        neurons = find_neuron_series(nwbfile, file_name, series)
        if series is not None and not neurons:
            raise InputError(f"'{file_name}' has no series '{series}'.")
    if neurons:
        if not by_pattern:
            note_choice(block, _guess(neurons), file_name=file_name)
        ids = frozenset(str(item.object_id) for item in neurons)
        return [read_neuron_signal(neurons, file_name, limits)], ids
    ordered, choice = choose_roi_series(rois, file_name, series)
    if choice is not None:
        note_choice(block, choice, file_name=file_name)
    signals = read_roi_signals(ordered, file_name, limits=limits, quality=quality, rate_hz=rate_hz)
    return signals, frozenset()


def _guess(neurons: list[Any]) -> Choice:
    return Choice(
        what="plain series of one length whose names differ in a number",
        chosen=f"{neurons[0].name} … {neurons[-1].name}",
        candidates=tuple(str(item.name) for item in neurons),
        reason="nothing in the file says what they are, and so many are taken for one neuron each",
        option="series=PATTERN",
    )


def _within(epochs: list[Any], limits: Limits) -> list[Any]:
    start_s = -np.inf if limits[0] is None else limits[0]
    stop_s = np.inf if limits[1] is None else limits[1]
    if limits == (None, None):
        return epochs
    kept = []
    for epoch in epochs:
        starts = epoch.times.rescale("s").magnitude
        lasts = epoch.durations.rescale("s").magnitude if hasattr(epoch, "durations") else 0.0
        inside = (starts < stop_s) & (starts + lasts >= start_s)
        if inside.any():
            kept.append(epoch[inside])
    return kept


def _require_anything(nwbfile: Any, segment: neo.Segment, file_name: str) -> None:
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    electrodes = nwbfile.electrodes is not None and len(nwbfile.electrodes.id) > 0
    if not (signals or segment.spiketrains or segment.epochs or segment.events or electrodes):
        raise FileFormatError(
            f"'{file_name}' holds neither units nor ROI traces nor any other recording that can "
            f"be read, so there is no network to analyse. It holds {_told_content(nwbfile)}. Add "
            "a units table or RoiResponseSeries to the file."
        )


def _told_content(nwbfile: Any) -> str:
    """Count what a file holds by its type, the most frequent first."""
    own = {id(nwbfile), id(nwbfile.subject)}
    kinds = Counter(
        type(item).__name__
        for item in nwbfile.objects.values()
        if id(item) not in own and type(item).__name__ not in _PARTS
    )
    if not kinds:
        return "nothing but a description of the session"
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(8))
    without = nwbfile.units is not None and "spike_times" not in nwbfile.units.colnames
    return f"{told} (its units have no column spike_times)" if without else told


def _segment(nwbfile: Any, file_name: str) -> neo.Segment:
    import neo

    return neo.Segment(
        name=nwbfile.session_id or Path(file_name).stem,
        rec_datetime=nwbfile.session_start_time,
        file_origin=file_name,
    )


def _block(nwbfile: Any, path: Path | Address | OpenFile, segment: neo.Segment) -> neo.Block:
    import neo

    block = neo.Block(
        name=path.stem,
        description=nwbfile.session_description,
        rec_datetime=nwbfile.session_start_time,
        file_origin=path.name,
    )
    block.annotate(**read_metadata(nwbfile))
    block.segments.append(segment)
    return block


def _append_signal(segment: neo.Segment, signal: Any) -> None:
    import neo

    regular = isinstance(signal, neo.AnalogSignal | LazySignal)
    (segment.analogsignals if regular else segment.irregularlysampledsignals).append(signal)


def _last_s(segment: neo.Segment) -> float:
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    stops = [float(signal.t_stop.rescale("s").magnitude) for signal in signals]
    for epoch in segment.epochs:
        stops += (epoch.times + epoch.durations).rescale("s").magnitude.tolist()
    return max((stop for stop in stops if np.isfinite(stop)), default=0.0)
