"""Neo block → new NWB file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from tavrnn_ephys.adapters.nwb._names import METADATA, SUBJECT_FIELDS
from tavrnn_ephys.adapters.nwb._pynwb import load_pynwb
from tavrnn_ephys.adapters.nwb._write_beside import add_behavior, add_events, add_intervals
from tavrnn_ephys.adapters.nwb._write_nodes import add_traces, add_units
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.output import check_output, whole_file
from tavrnn_ephys.io.blocks import annotated_fields, behavior_signals, node_signals
from tavrnn_ephys.io.blocks.recorded import nothing_of_nodes

if TYPE_CHECKING:
    import neo

__all__ = ["write_block"]

_LISTS = ("experimenter", "keywords", "related_publications")


def write_block(block: neo.Block, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write a block to a new NWB file.

    Spike trains become the units table, with an electrode each where the nodes are channels or
    have positions, and with their sampling interval, if it is known, as its resolution; signals
    of nodes become ``RoiResponseSeries``; behaviour becomes time series in the module
    ``behavior``; epochs become tables of intervals, events tables of events.

    Parameters
    ----------
    block : neo.Block
        One segment, in the conventions of :mod:`tavrnn_ephys.io.blocks`, and ``rec_datetime``, the
        start of the session, local time where it has no time zone.  These annotations enter
        where present: ``subject`` (a dict of NWB's fields: subject_id, species, sex, age, …),
        ``session_description``, ``identifier``, ``session_id``, ``experimenter``,
        ``experiment_description``, ``institution``, ``lab``, ``keywords``, ``notes``,
        ``protocol``, ``related_publications``, and ``device`` and ``imaging_plane`` (dicts of
        NWB's fields).
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
    InputError
        If the block has several segments, no nodes or no ``rec_datetime``, or a name that NWB
        cannot hold.
    OutputError
        If the file exists or cannot be written.

    Warns
    -----
    DataLossWarning
        If the segment holds data that is not written: raw signals, image sequences, waveforms.
    """
    pynwb = load_pynwb()
    target = check_output(path, overwrite=overwrite)
    segment = _only_segment(block)
    nwbfile = _nwbfile(block)
    device = annotated_fields(block.annotations, "device")
    if len(segment.spiketrains):
        add_units(nwbfile, segment.spiketrains, device)
    for signal in node_signals(segment):
        add_traces(
            nwbfile,
            signal,
            device,
            annotated_fields(block.annotations, "imaging_plane"),
            _alternatives(segment, signal),
        )
    for name, signal in behavior_signals(segment).items():
        add_behavior(nwbfile, signal, "" if signal.name is None else name)
    for epoch in segment.epochs:
        add_intervals(nwbfile, epoch)
    for event in segment.events:
        add_events(nwbfile, event)
    with whole_file(target) as temporary, pynwb.NWBHDF5IO(str(temporary), mode="w") as io:
        io.write(nwbfile)
    _warn_of_losses(segment, target.name)
    return target


def _only_segment(block: neo.Block) -> neo.Segment:
    if len(block.segments) != 1:
        raise InputError(
            f"An NWB file is written from a block of one segment, '{block.name}' has "
            f"{len(block.segments)}. Choose one: --segment 0 on the command line, or write each "
            "segment as a block of its own."
        )
    segment = block.segments[0]
    if not len(segment.spiketrains) and not node_signals(segment):
        raise InputError(f"Block '{block.name}' {nothing_of_nodes(segment)}")
    return segment


def _alternatives(segment: neo.Segment, chosen: Any) -> list[Any]:
    """Other traces of the nodes of a signal, where it is the only one of nodes."""
    if len(node_signals(segment)) != 1:
        return []
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    return [
        signal
        for signal in signals
        if signal.annotations.get("role") == "traces_alternative"
        and signal.shape[1] == chosen.shape[1]
        and np.array_equal(
            signal.array_annotations.get("node_id", ()), chosen.array_annotations.get("node_id", ())
        )
    ]


def _nwbfile(block: neo.Block) -> Any:
    from pynwb import NWBFile

    start = block.rec_datetime or block.segments[0].rec_datetime
    if not isinstance(start, datetime):
        raise InputError(
            f"NWB needs the date and time at which the session started, and block '{block.name}' "
            "has none. Set block.rec_datetime to a datetime."
        )
    about = {name: block.annotations[name] for name in METADATA if block.annotations.get(name)}
    about |= {
        name: (about[name],)
        for name in _LISTS
        if isinstance(about.get(name), str)
    }  # fmt: skip
    title = block.description or block.name or "Recording written by tavrnn_ephys."
    return NWBFile(
        **{"session_description": str(title), "identifier": str(uuid4()), **about},
        session_start_time=start if start.tzinfo is not None else start.astimezone(),
        subject=_subject(annotated_fields(block.annotations, "subject")),
    )


def _subject(about: Mapping[str, Any]) -> Any:
    from pynwb.file import Subject

    if not about:
        return None
    unknown = sorted(set(about) - set(SUBJECT_FIELDS))
    if unknown:
        raise InputError(
            f"The annotation 'subject' has fields that NWB does not know: {some(unknown)}. "
            f"Use {', '.join(SUBJECT_FIELDS)}."
        )
    return Subject(**about)


def _warn_of_losses(segment: neo.Segment, file_name: str) -> None:
    written = {id(signal) for signal in node_signals(segment)}
    written |= {id(signal) for signal in behavior_signals(segment).values()}
    for signal in node_signals(segment):
        written |= {id(item) for item in _alternatives(segment, signal)}
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    lost = [f"signal '{signal.name}'" for signal in signals if id(signal) not in written]
    lost += [f"images '{images.name}'" for images in segment.imagesequences]
    n_waveforms = int(np.sum([train.waveforms is not None for train in segment.spiketrains]))
    lost += [f"waveforms of {n_waveforms} spike trains"] if n_waveforms else []
    if lost:
        warnings.warn(
            f"{len(lost)} parts of the segment are not written to '{file_name}': "
            f"{', '.join(lost[:5])}{', …' if len(lost) > 5 else ''}.",
            DataLossWarning,
            stacklevel=3,
        )
