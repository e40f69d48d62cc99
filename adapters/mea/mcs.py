"""
Multi Channel Systems HDF5: spikes, events and traces as MCS DataManager exports them.

``Data/Recording_N`` holds streams by kind.  ``TimeStampStream`` has the times of spikes per
channel or unit with their own unit and exponent, ``SegmentStream`` the cut-outs of the same spikes
with times in microseconds, ``EventStream`` digital events, ``AnalogStream`` sampled voltage.
Times count from the start of the recording.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import (
    attribute,
    file_name,
    has_items,
    load,
    open_hdf5,
    text,
)
from tavrnn_ephys.adapters.mea._mcs_streams import events_of_stream, traces_of_stream
from tavrnn_ephys.adapters.mea._parts import (
    asked_span_s,
    choose,
    refuse_unknown,
    span_within,
    spiketrains_of_table,
)
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError

if TYPE_CHECKING:
    import neo

__all__ = ["McsAdapter"]

_VERSIONS = range(1, 4)
_MICROSECOND = 1e-6
# .NET ticks: 100 ns since the first day of the year 1.
_TICKS_PER_SECOND = 10_000_000


class McsAdapter:
    """
    HDF5 files of Multi Channel Systems.

    Examples
    --------
    >>> McsAdapter().name
    'mcs'
    """

    name = "mcs"
    description = "Multi Channel Systems HDF5: spikes, events and traces"
    suffixes: tuple[str, ...] = (".h5",)
    choices: Mapping[str, str] = MappingProxyType({
        "recordings": "All recordings, one segment each.",
        "spikes": "The only stream of time stamps, or of cut-outs where there is none; of several "
        "one has to be named.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file is an MCS export.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file that names MCS's protocol at its root.
        """
        import h5py

        if not has_items(path, ()):
            return False
        try:
            with h5py.File(path, "r") as file:
                return "McsHdf5ProtocolType" in file.attrs
        except Exception:
            return False

    def read(
        self,
        path: Path,
        *,
        recordings: Sequence[Any] | None = None,
        spikes: str | None = None,
        channels: Sequence[Any] | None = None,
        t_start: Any = None,
        t_stop: Any = None,
        traces: bool = False,
        **unknown: Any,
    ) -> neo.Block:
        """
        Read spikes and events of every recording.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        recordings : sequence of str or int, optional
            Recordings by name or number, such as ``"Recording_0"`` or 0; all by default.
        spikes : str, optional
            Stream of spikes, such as ``"TimeStampStream/Stream_0"``; by default the only stream
            of time stamps, or the only stream of cut-outs where there is none.
        channels : sequence of str, optional
            Node ids; all by default.
        t_start, t_stop : quantities.Quantity, optional
            Part of each recording; all of it by default.
        traces : bool
            Whether the electrode voltages lie beside the spikes, unloaded.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            A segment per recording; node ids are the labels of the electrodes.

        Raises
        ------
        FileFormatError
            If the file is damaged, of another protocol or version, or holds no spikes.
        InputError
            If an option is unknown, names what the file does not have, or has to be given.
        """
        import neo

        refuse_unknown(self, unknown)
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        block = neo.Block(name=path.stem, file_origin=path.name)
        with open_hdf5(path) as file:
            groups = _recordings(file, recordings)
            for name, group in groups.items():
                trains, span = _read_spikes(group, spikes, channels, asked)
                segment = neo.Segment(name=name, file_origin=path.name)
                segment.spiketrains.extend(trains)
                for stream in _streams(group, "EventStream").values():
                    for event in events_of_stream(stream, span):
                        kind = segment.epochs if isinstance(event, neo.Epoch) else segment.events
                        kind.append(event)
                if traces:
                    wanted = [str(train.name) for train in trains]
                    for stream in _streams(group, "AnalogStream", "Electrode").values():
                        signal = traces_of_stream(path, stream, wanted, span)
                        segment.analogsignals.extend([] if signal is None else [signal])
                block.segments.append(segment)
            block.rec_datetime = _date(file["Data"])
            block.annotate(**_about(file["Data"]))
        return block


@dataclass(frozen=True, kw_only=True)
class _Entity:
    """One channel or unit of a stream of spikes."""

    dataset: str
    label: str
    channel: str
    scale_s: float


def _recordings(file: Any, wanted: Any) -> dict[str, Any]:
    name = file_name(file)
    protocol = attribute(file, "McsHdf5ProtocolType", "none")
    version = attribute(file, "McsHdf5ProtocolVersion", 0)
    if protocol != "RawData" or version not in _VERSIONS:
        raise FileFormatError(
            f"'{name}' follows the protocol {protocol} in version {version}; RawData in versions "
            "1 to 3 is read. Export it with MCS DataManager."
        )
    groups = file.get("Data", {})
    known = sorted(
        (item for item in groups if item.startswith("Recording_")),
        key=lambda item: (len(item), item),
    )
    if not known:
        raise FileFormatError(f"'{name}' holds no recording below 'Data'. Export it again.")
    if wanted is not None:
        listed = [wanted] if isinstance(wanted, str | int) else list(wanted)
        wanted = [f"Recording_{item}" if isinstance(item, int) else item for item in listed]
    return {known[i]: groups[known[i]] for i in choose(wanted, known, "recording", name)}


def _streams(recording: Any, kind: str, subtype: str | None = None) -> dict[str, Any]:
    """Streams of a kind by path; a subtype is part of what the stream says of itself."""
    found = recording.get(kind, {})
    return {
        f"{kind}/{name}": found[name]
        for name in sorted(found)
        if subtype is None or subtype in str(attribute(found[name], "DataSubType", ""))
    }


def _read_spikes(recording: Any, wanted: str | None, channels: Any, asked: Any) -> tuple[Any, Any]:
    name = file_name(recording)
    path, stream = _spike_stream(recording, wanted)
    entities = _timestamp_entities(stream) if "TimeStamp" in path else _segment_entities(stream)
    if not entities:
        raise FileFormatError(f"'{path}' of '{name}' lists no channels. Check the spike detector.")
    ids = _ids(entities)
    chosen = choose(channels, ids, "channel", name)
    times = [_times_s(stream, entities[index], path) for index in chosen]
    duration_s = float(attribute(recording, "Duration", 0)) * _MICROSECOND
    last_s = max((float(item.max()) for item in times if len(item)), default=0.0)
    if not duration_s > 0 or last_s > duration_s + 1.0:
        raise FileFormatError(
            f"'{name}' gives a duration of {duration_s:g} s to a recording with a spike at "
            f"{last_s:g} s. Export it again."
        )
    stop = duration_s if last_s < duration_s else float(np.nextafter(last_s, np.inf))
    span = span_within(asked, (0.0, stop), name)
    nodes = Nodes(
        ids=[ids[index] for index in chosen], kind=_kind(entities), rows=chosen, table=path
    )
    owners = np.repeat(np.arange(len(chosen)), [len(item) for item in times])
    about = [{"channel_label": entities[index].channel} for index in chosen]
    trains = spiketrains_of_table(
        np.concatenate(times), owners.astype(np.int64), nodes, span, annotations=about
    )
    return trains, span


def _spike_stream(recording: Any, wanted: str | None) -> tuple[str, Any]:
    name = file_name(recording)
    stamps = _streams(recording, "TimeStampStream", "NeuralSpike")
    cuts = _streams(recording, "SegmentStream", "Spike")
    known = stamps | cuts
    if wanted is not None:
        if wanted not in known:
            raise InputError(
                f"'{name}' has no stream of spikes '{wanted}'. Choose among {some(known)}."
            )
        return wanted, known[wanted]
    first = stamps or cuts
    if not first:
        raise FileFormatError(
            f"'{name}' holds no stream of spikes: neither time stamps nor cut-outs. Run the spike "
            "detector of Multi Channel Analyzer and export again."
        )
    if len(first) > 1:
        raise InputError(
            f"'{name}' holds {len(first)} streams of spikes: {some(first)}. "
            f'Choose one: spikes="{next(iter(first))}".'
        )
    return next(iter(first.items()))


def _timestamp_entities(stream: Any) -> list[_Entity]:
    entities = []
    for row in load(stream, "InfoTimeStamp", kinds="V"):
        unit, exponent = text(row["Unit"]), int(row["Exponent"])
        if unit != "s" or not -12 <= exponent <= 0:
            raise FileFormatError(
                f"Time stamps of '{file_name(stream)}' are in 10^{exponent} {unit!r}; a fraction "
                "of a second is needed. Export it again."
            )
        channel = text(row["SourceChannelLabels"])
        entities.append(
            _Entity(
                dataset=f"TimeStampEntity_{int(row['TimeStampEntityID'])}",
                label=text(row["Label"]), channel=channel, scale_s=10.0**exponent,
            )
        )  # fmt: skip
    return sorted(entities, key=lambda item: (len(item.dataset), item.dataset))


def _segment_entities(stream: Any) -> list[_Entity]:
    labels = {
        str(int(row["ChannelID"])): text(row["Label"])
        for row in load(stream, "SourceInfoChannel", kinds="V")
    }
    entities = []
    for row in load(stream, "InfoSegment", kinds="V"):
        source = text(row["SourceChannelIDs"])
        entities.append(
            _Entity(
                dataset=f"SegmentData_ts_{int(row['SegmentID'])}", label=text(row["Label"]),
                channel=labels.get(source, source), scale_s=_MICROSECOND,
            )
        )  # fmt: skip
    return sorted(entities, key=lambda item: (len(item.dataset), item.dataset))


def _ids(entities: list[_Entity]) -> list[str]:
    """Labels of electrodes; several units of an electrode are told apart by their labels."""
    channels = [item.channel for item in entities]
    if len(set(channels)) == len(channels):
        return channels
    number = [item.dataset.rsplit("_", 1)[1] for item in entities]
    labels = [item.label or digits for item, digits in zip(entities, number, strict=True)]
    ids = [f"{channel}/{label}" for channel, label in zip(channels, labels, strict=True)]
    return ids if len(set(ids)) == len(ids) else number


def _kind(entities: list[_Entity]) -> str:
    return "channel" if len({item.channel for item in entities}) == len(entities) else "unit"


def _times_s(stream: Any, entity: _Entity, path: str) -> NDArray[np.float64]:
    if entity.dataset not in stream:
        # A channel without a spike has no dataset.
        return np.zeros(0)
    times = np.ravel(load(stream, entity.dataset, kinds="iu")).astype(np.float64) * entity.scale_s
    if len(times) and times.min() < 0:
        raise FileFormatError(
            f"'{path}/{entity.dataset}' of '{file_name(stream)}' has negative times. Export again."
        )
    return times


def _date(data: Any) -> datetime.datetime | None:
    ticks = attribute(data, "DateInTicks", 0)
    try:
        seconds = ticks / _TICKS_PER_SECOND
        return datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=round(seconds, 3))
    except (OverflowError, TypeError):
        return None


def _about(data: Any) -> dict[str, str]:
    names = {"array_layout": "MeaLayout", "array": "MeaName", "serial_number": "MeaSN",
             "software": "ProgramName", "software_version": "ProgramVersion",
             "comment": "Comment"}  # fmt: skip
    found = {key: str(attribute(data, name, "")) for key, name in names.items()}
    return {key: value for key, value in found.items() if value}
