"""
Cortical Labs CL1 recordings: spikes, stimulations, data streams, and traces left in the file.

HDF5 written through PyTables.  ``/spikes`` has the columns timestamp, channel and samples (75
values around the spike), ``/stims`` timestamp and channel, ``/samples`` the voltage of all
channels, ``/data_stream/<name>`` an index and the bytes of messages in MessagePack.  Timestamps
count frames.  Attributes that PyTables pickled are scanned for plain values and never unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import (
    attribute,
    file_name,
    has_items,
    load_columns,
    open_hdf5,
)
from tavrnn_ephys.adapters.mea._cl1_streams import pickled_values, read_streams
from tavrnn_ephys.adapters.mea._parts import (
    asked_span_s,
    choose,
    in_span,
    refuse_unknown,
    span_within,
    spiketrains_of_table,
)
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.lazy_signals import LazySignal
from tavrnn_ephys.io.outlines import Outline

if TYPE_CHECKING:
    import neo

__all__ = ["Cl1Adapter"]

_EVENTS = {"timestamp": "iu", "channel": "iu"}
_MOST_CHANNELS = 65536
_RELATIVE = "stim_and_spike_timestamps_relative_to_start"
_NEEDED = ("channel_count", "frames_per_second", "duration_frames")


class Cl1Adapter:
    """
    Recordings of the Cortical Labs CL1.

    Examples
    --------
    >>> Cl1Adapter().name
    'cl1'
    """

    name = "cl1"
    description = "Cortical Labs CL1: spikes, stimulations and data streams"
    suffixes: tuple[str, ...] = (".h5",)
    choices: Mapping[str, str] = MappingProxyType({
        "channels": "All channels that the recording counts, silent ones too.",
        "streams": "All data streams.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file is a recording of a CL1 or of its simulator.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file with the attributes of a CL1 at its root.
        """
        import h5py

        if not has_items(path, ()):
            return False
        try:
            with h5py.File(path, "r") as file:
                return all(name in file.attrs for name in ("channel_count", "uV_per_sample_unit"))
        except Exception:
            return False

    def read(
        self,
        path: Path,
        *,
        channels: Sequence[Any] | None = None,
        streams: Sequence[str] | None = None,
        t_start: Any = None,
        t_stop: Any = None,
        traces: bool = False,
        **unknown: Any,
    ) -> neo.Block:
        """
        Read spikes, stimulations and data streams.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        channels : sequence of int or str, optional
            Channels; all by default, silent ones too.
        streams : sequence of str, optional
            Data streams by name; all by default, none for an empty list.
        t_start, t_stop : quantities.Quantity, optional
            Part of the recording; all of it by default.
        traces : bool
            Whether the voltages lie beside the spikes, unloaded.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            One segment from 0 s.  Stimulations are the event ``"stims"``, labelled with the
            channel.  A stream of numbers, or of the numeric fields of its messages, is a
            behaviour signal under its name; whatever else a stream holds is an event whose labels
            are text or JSON, named after the stream, with the field behind it.

        Raises
        ------
        FileFormatError
            If the file is damaged, incomplete, or contradicts itself.
        InputError
            If an option is unknown, or names what the file does not have.
        """
        import neo

        refuse_unknown(self, unknown)
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        segment = neo.Segment(name=path.stem, file_origin=path.name)
        with open_hdf5(path) as file:
            facts = _facts(file)
            span = span_within(asked, (0.0, facts.duration_s), path.name)
            ids = [str(channel) for channel in range(facts.n_channels)]
            chosen = choose(channels, ids, "channel", path.name)
            segment.spiketrains.extend(_trains(file, facts, span, chosen))
            if "stims" in file:
                segment.events.append(_stims(file, facts, span))
            for item in read_streams(file, streams, facts.origin, facts.rate_hz, span):
                kind = segment.events if isinstance(item, neo.Event) else None
                (segment.irregularlysampledsignals if kind is None else kind).append(item)
            if traces:
                segment.analogsignals.append(_traces(path, file, facts, span, chosen))
            block = neo.Block(name=path.stem, file_origin=path.name)
            block.rec_datetime = _date(file)
            block.annotate(**_about(file))
        block.segments.append(segment)
        return block

    def outline(self, path: Path, **options: Any) -> tuple[Outline, ...]:
        """
        Say how many channels a file holds, and how long it is, from its attributes.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            Those of :meth:`read`.

        Returns
        -------
        tuple of Outline
            One segment.
        """
        path = Path(path)
        asked = asked_span_s(options.get("t_start"), options.get("t_stop"))
        with open_hdf5(path) as file:
            facts = _facts(file)
        start_s, stop_s = span_within(asked, (0.0, facts.duration_s), path.name)
        ids = [str(channel) for channel in range(facts.n_channels)]
        n_nodes = len(choose(options.get("channels"), ids, "channel", path.name))
        return (Outline(n_nodes=n_nodes, t_start_s=start_s, t_stop_s=stop_s),)


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the attributes at the root say; ``origin`` is the timestamp of 0 s."""

    n_channels: int
    rate_hz: float
    duration_s: float
    origin: int


def _facts(file: Any) -> _Facts:
    name = file_name(file)
    values = {key: attribute(file, key) for key in _NEEDED}
    bad = [key for key, value in values.items() if not isinstance(value, int | float)]
    if bad:
        raise FileFormatError(
            f"'{name}' lacks the attributes {some(bad)} of a CL1 recording, or was not closed. "
            "Stop the recording before it is copied, or name the adapter of its format."
        )
    n_channels, rate_hz, n_frames = (float(values[key]) for key in _NEEDED)
    if not (1 <= n_channels <= _MOST_CHANNELS and 0 < rate_hz < 1e9 and 0 < n_frames < 1e15):
        raise FileFormatError(
            f"'{name}' claims {n_channels:g} channels and {n_frames:g} frames at {rate_hz:g} Hz; "
            "each must be positive. The recording is empty or damaged."
        )
    format_of = file.attrs.get("file_format", b"")
    relative = pickled_values(format_of).get(_RELATIVE, True)
    start = attribute(file, "start_timestamp", 0)
    origin = 0 if relative or not isinstance(start, int) else start
    return _Facts(
        n_channels=int(n_channels), rate_hz=rate_hz, duration_s=n_frames / rate_hz, origin=origin
    )


def _table(file: Any, name: str, facts: _Facts) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    columns = load_columns(file, name, _EVENTS)
    times_s = (columns["timestamp"].astype(np.int64) - facts.origin) / facts.rate_hz
    channels = columns["channel"].astype(np.int64)
    if len(channels) and channels.max() >= facts.n_channels:
        raise FileFormatError(
            f"'/{name}' of '{file_name(file)}' names channel {channels.max()} of a device with "
            f"{facts.n_channels} channels. The file is damaged; copy it again."
        )
    outside = (times_s < 0) | (times_s > facts.duration_s)
    if outside.any():
        raise FileFormatError(
            f"{int(outside.sum())} of {len(times_s)} rows of '/{name}' of '{file_name(file)}' lie "
            f"outside 0 s to {facts.duration_s:g} s. The file is damaged, or its clock is of "
            "another version; record again with current software."
        )
    return times_s, channels


def _trains(file: Any, facts: _Facts, span: Any, chosen: list[int]) -> list[neo.SpikeTrain]:
    if "spikes" not in file:
        raise FileFormatError(
            f"'{file_name(file)}' was recorded without spikes. Record with include_spikes=True, "
            "or detect spikes in its samples."
        )
    times_s, channels = _table(file, "spikes", facts)
    owners = np.full(facts.n_channels, -1)
    owners[chosen] = np.arange(len(chosen))
    kept = owners[channels] >= 0
    nodes = Nodes(ids=chosen, kind="channel", rows=chosen)
    return spiketrains_of_table(
        times_s[kept], owners[channels[kept]], nodes, span, sampling_rate_hz=facts.rate_hz
    )


def _stims(file: Any, facts: _Facts, span: tuple[float, float]) -> neo.Event:
    import neo
    import quantities as pq

    times_s, channels = _table(file, "stims", facts)
    order = np.argsort(times_s, kind="stable")
    order = order[in_span(times_s[order], span)]
    return neo.Event(
        times_s[order] * pq.s,
        labels=channels[order].astype(str),
        name="stims",
        array_annotations={"channel": channels[order]},
    )


def _traces(path: Path, file: Any, facts: _Facts, span: Any, chosen: list[int]) -> LazySignal:
    samples = file.get("samples")
    scale = attribute(file, "uV_per_sample_unit")
    fits = samples is not None and samples.ndim == 2 and samples.shape[1] == facts.n_channels
    if not fits or not isinstance(scale, float):
        raise FileFormatError(
            f"'{path.name}' was recorded without samples, or they do not fit its "
            f"{facts.n_channels} channels. Read it with traces=False."
        )

    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[Any]:
        with open_hdf5(path) as again:
            part = again["samples"][start:stop]
        part = part if channels is None else part[:, list(channels)]
        return part.astype(np.float32) * np.float32(scale)

    signal = LazySignal(
        read_part,
        n_samples=samples.shape[0],
        n_channels=facts.n_channels,
        sampling_rate_hz=facts.rate_hz,
        name="samples",
        array_annotations={"node_id": np.arange(facts.n_channels).astype(str)},
        annotations={"role": "raw", "node_kind": "channel"},
    )
    first, last = (round(limit * facts.rate_hz) for limit in span)
    return signal.part(start=first, stop=min(last, samples.shape[0]), channels=chosen)


def _date(file: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(attribute(file, "created_utc", ""))
    except (ValueError, TypeError):
        return None


def _about(file: Any) -> dict[str, Any]:
    names = ("hostname", "project_id", "cell_batch_id", "system_id", "git_hash", "git_branch")
    found = {name: attribute(file, name) for name in names}
    about = {key: value for key, value in found.items() if value not in (None, "")}
    return about | {
        f"application_{key}": value
        for key, value in pickled_values(file.attrs.get("application", b"")).items()
    }
