"""SpikeInterface's sortings and recordings as Neo blocks, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError, MissingDependencyError
from tavrnn_ephys.io.blocks import make_signal, make_spiketrain, nodes_of_spiketrains
from tavrnn_ephys.io.lazy_signals import LazySignal

if TYPE_CHECKING:
    import neo

__all__ = ["from_spikeinterface", "to_spikeinterface"]

# Properties of SpikeInterface that name the subregion of a unit or channel.
_GROUPS = ("brain_area", "location_name", "group")


def from_spikeinterface(source: Any, recording: Any = None) -> neo.Block:
    """
    Turn a sorting or a recording of SpikeInterface into a block.

    Parameters
    ----------
    source : spikeinterface.BaseSorting or spikeinterface.BaseRecording
        Spike trains become units; a recording becomes raw voltage that stays where it is until
        it is loaded.
    recording : spikeinterface.BaseRecording, optional
        The recording of a sorting that does not know its own; it tells when the segments end.

    Returns
    -------
    neo.Block
        One segment per segment of the source.  Units and channels keep their ids; groups come
        from the property ``brain_area``, positions of channels from their probe, positions of
        units from the property ``unit_location`` or ``estimated_unit_locations``.

    Raises
    ------
    MissingDependencyError
        If SpikeInterface is not installed.
    InputError
        If the source is neither a sorting nor a recording.
    """
    import neo

    core = _core()
    is_sorting = isinstance(source, core.BaseSorting)
    if not (is_sorting or isinstance(source, core.BaseRecording)):
        raise InputError(
            f"from_spikeinterface takes a sorting or a recording, got {type(source).__name__}."
        )
    block = neo.Block(name=str(source.get_annotation("name") or source.name or "spikeinterface"))
    for index in range(source.get_num_segments()):
        segment = neo.Segment(name=f"segment {index}")
        if is_sorting:
            segment.spiketrains.extend(_trains(source, recording, index))
        else:
            segment.analogsignals.append(_raw(source, index))
        block.segments.append(segment)
    return block


def to_spikeinterface(block: neo.Block, *, sampling_frequency: float | None = None) -> Any:
    """
    Turn the spike trains of a block into a sorting of SpikeInterface.

    Parameters
    ----------
    block : neo.Block
        Segments with the same units.
    sampling_frequency : float, optional
        Samples per second, to which spike times are rounded; by default that of the trains,
        where they know it.

    Returns
    -------
    spikeinterface.NumpySorting
        With the properties ``brain_area``, ``node_kind`` and, where positions are known,
        ``unit_location``.

    Raises
    ------
    MissingDependencyError
        If SpikeInterface is not installed.
    InputError
        If the segments differ in their units or no sampling rate is known.
    """
    core = _core()
    nodes = [nodes_of_spiketrains(segment.spiketrains) for segment in block.segments]
    if not nodes or any(item.ids.tolist() != nodes[0].ids.tolist() for item in nodes):
        raise InputError("A sorting needs segments with the same units in the same order.")
    rate = sampling_frequency or _common_rate(block)
    samples, starts = [], []
    for segment in block.segments:
        start = min(float(train.t_start.rescale("s")) for train in segment.spiketrains)
        starts.append(start)
        samples.append(
            {
                str(name): np.round((train.rescale("s").magnitude - start) * rate).astype(np.int64)
                for name, train in zip(nodes[0].ids, segment.spiketrains, strict=True)
            }
        )
    sorting = core.NumpySorting.from_unit_dict(samples, sampling_frequency=rate)
    sorting.set_property("brain_area", np.asarray(nodes[0].groups, dtype=str))
    sorting.set_property("node_kind", np.full(len(nodes[0]), nodes[0].kind))
    if nodes[0].positions_um is not None:
        sorting.set_property("unit_location", nodes[0].positions_um)
    return sorting


def _core() -> Any:
    try:
        import spikeinterface.core as core
    except ImportError:
        raise MissingDependencyError(
            "This needs SpikeInterface. Install it: pip install tavrnn_ephys[spikeinterface]."
        ) from None
    return core


def _common_rate(block: neo.Block) -> float:
    rates = {
        float(train.sampling_rate.rescale("Hz").magnitude)
        for segment in block.segments
        for train in segment.spiketrains
        if train.sampling_rate is not None
    }
    # Neo's default of 1 Hz stands for "not known".
    if len(rates) != 1 or min(rates) <= 1:
        raise InputError(
            "A sorting counts time in samples, and the trains do not know one sampling rate. "
            "Give it: sampling_frequency=20000."
        )
    return rates.pop()


def _property(source: Any, names: Sequence[str]) -> Any:
    keys = source.get_property_keys()
    return next((source.get_property(name) for name in names if name in keys), None)


def _trains(sorting: Any, recording: Any, index: int) -> list[neo.SpikeTrain]:
    import quantities as pq

    groups = _property(sorting, ("brain_area",))
    kinds = _property(sorting, ("node_kind",))
    positions = _property(
        sorting, ("unit_location", "estimated_unit_locations", "gt_unit_locations")
    )
    nodes = Nodes(
        ids=[str(name) for name in sorting.unit_ids],
        kind=str(kinds[0]) if kinds is not None else "unit",
        groups=None if groups is None else [str(name) for name in groups],
        positions_um=None if positions is None else np.asarray(positions, dtype=np.float64),
    )
    times = [
        np.asarray(sorting.get_unit_spike_train(unit, segment_index=index, return_times=True))
        for unit in sorting.unit_ids
    ]
    known = recording
    if known is None and sorting.has_recording():
        known = sorting._recording
    rate = float(sorting.get_sampling_frequency())
    if known is not None:
        start = float(known.get_start_time(segment_index=index))
        stop = start + known.get_num_samples(segment_index=index) / rate
    else:
        start = min([0.0, *(float(train[0]) for train in times if len(train))])
        last = max((float(train[-1]) for train in times if len(train)), default=start)
        stop = float(np.nextafter(last, np.inf))
    trains = []
    for position, train in enumerate(times):
        item = make_spiketrain(train, nodes, position, t_start_s=start, t_stop_s=stop)
        item.sampling_rate = rate * pq.Hz
        trains.append(item)
    return trains


def _raw(recording: Any, index: int) -> LazySignal:
    in_uv = bool(recording.has_scaleable_traces())
    groups = _property(recording, _GROUPS)
    positions = recording.get_channel_locations() if recording.has_probe() else None
    nodes = Nodes(
        ids=[str(name) for name in recording.channel_ids],
        kind="channel",
        groups=None if groups is None else [str(name) for name in groups],
        positions_um=positions,
    )
    units = "uV" if in_uv else "dimensionless"
    template = make_signal(
        np.zeros((1, len(nodes))), name="raw", role="raw", sampling_rate_hz=1.0, nodes=nodes
    )

    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[Any]:
        ids = None if channels is None else [recording.channel_ids[item] for item in channels]
        return recording.get_traces(
            segment_index=index, start_frame=start, end_frame=stop, channel_ids=ids,
            return_in_uV=in_uv,
        )  # fmt: skip

    return LazySignal(
        read_part,
        n_samples=int(recording.get_num_samples(segment_index=index)),
        n_channels=len(nodes),
        sampling_rate_hz=float(recording.get_sampling_frequency()),
        t_start_s=float(recording.get_start_time(segment_index=index)),
        units=units,
        name="raw",
        array_annotations=template.array_annotations,
        annotations=template.annotations,
    )
