"""
How nodes and behaviour stand in a Neo block: one convention for adapters, simulation and binning.

A spike train carries its node as annotations ``node_id``, ``node_kind``, ``node_group``,
``x``, ``y``, ``z`` (quantities, micrometres), ``node_row`` and ``node_table``; an
``AnalogSignal`` of traces carries the same names as array annotations, one entry per
channel, and ``node_kind`` and ``node_table`` as annotations.  Signals are told apart by the
annotation ``role``: ``"nodes"``, ``"behavior"`` or ``"raw"``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import duration_s, some, time_s
from tavrnn_ephys.containers import Nodes
from tavrnn_ephys.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = [
    "behavior_columns",
    "behavior_signals",
    "block_from_arrays",
    "make_signal",
    "make_spiketrain",
    "node_signals",
    "nodes_of_signal",
    "nodes_of_spiketrains",
    "one_segment",
    "segment_limits_s",
]

_AXES = ("x", "y", "z")


def make_spiketrain(
    times_s: NDArray[np.float64],
    nodes: Nodes,
    index: int,
    *,
    t_start_s: float,
    t_stop_s: float,
    **annotations: Any,
) -> neo.SpikeTrain:
    """
    Build the spike train of one node.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_spikes,)
        Ascending spike times in seconds within ``[t_start_s, t_stop_s]``.
    nodes : Nodes
        All nodes of the recording.
    index : int
        Which of them.
    t_start_s, t_stop_s : float
        Limits of the recording in seconds.
    **annotations : object
        Further annotations.

    Returns
    -------
    neo.SpikeTrain
        The train, named and annotated after its node.
    """
    import neo
    import quantities as pq

    about: dict[str, Any] = {
        "node_id": str(nodes.ids[index]),
        "node_kind": nodes.kind,
        "node_group": str(nodes.groups[index]),
        "node_row": int(nodes.rows[index]),
        "node_table": nodes.table,
    }
    if nodes.positions_um is not None:
        for axis, value in zip(_AXES, nodes.positions_um[index], strict=False):
            about[axis] = float(value) * pq.um
    return neo.SpikeTrain(
        times_s,
        units="s",
        t_start=t_start_s,
        t_stop=t_stop_s,
        name=str(nodes.ids[index]),
        **{**about, **annotations},
    )


def make_signal(
    values: NDArray[Any],
    *,
    name: str,
    role: str,
    t_start_s: float = 0.0,
    sampling_rate_hz: float | None = None,
    times_s: NDArray[np.float64] | None = None,
    units: str = "dimensionless",
    columns: Sequence[str] = (),
    nodes: Nodes | None = None,
    **annotations: Any,
) -> neo.AnalogSignal | neo.IrregularlySampledSignal:
    """
    Build a signal that follows the conventions of this module.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_samples,) or (n_samples, n_channels)
        The samples.
    name : str
        Name of the signal.
    role : {"nodes", "behavior", "raw"}
        What the signal stands for.
    t_start_s : float
        Time of the first sample in seconds, for regular sampling.
    sampling_rate_hz : float, optional
        Sampling rate; without it, ``times_s`` gives every sample's time.
    times_s : numpy.ndarray, shape (n_samples,), optional
        Ascending sample times in seconds.
    units : str
        Unit as ``quantities`` knows it.
    columns : sequence of str
        Name of each channel.
    nodes : Nodes, optional
        The nodes that the channels record.
    **annotations : object
        Further annotations.

    Returns
    -------
    neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal.
    """
    import neo
    import quantities as pq

    samples = np.asarray(values)
    samples = samples[:, np.newaxis] if samples.ndim == 1 else samples
    arrays: dict[str, Any] = {"column": np.asarray(columns, dtype=str)} if len(columns) else {}
    if nodes is not None:
        arrays |= {"node_id": nodes.ids, "node_group": nodes.groups, "node_row": nodes.rows}
        annotations |= {"node_kind": nodes.kind, "node_table": nodes.table}
        if nodes.positions_um is not None:
            for axis, position in zip(_AXES, nodes.positions_um.T, strict=False):
                arrays[axis] = position * pq.um
    about = {"name": name, "array_annotations": arrays, "role": role, **annotations}
    if sampling_rate_hz is not None:
        return neo.AnalogSignal(
            samples,
            units=units,
            sampling_rate=sampling_rate_hz * pq.Hz,
            t_start=t_start_s * pq.s,
            **about,
        )
    return neo.IrregularlySampledSignal(times_s, samples, units=units, time_units="s", **about)


def nodes_of_spiketrains(spiketrains: Sequence[neo.SpikeTrain]) -> Nodes:
    """
    Read the nodes off a list of spike trains.

    Parameters
    ----------
    spiketrains : sequence of neo.SpikeTrain
        Trains of one segment.  Without our annotations a train is known by ``unit_id``,
        by its name, or by its position in the list, whichever comes first and is unique.

    Returns
    -------
    Nodes
        One node per train, in their order.

    Raises
    ------
    InputError
        If there is no train, or an id stands twice.
    """
    if len(spiketrains) == 0:
        raise InputError("This segment has no spike trains.")
    about = [train.annotations for train in spiketrains]
    tables = {str(item.get("node_table", "")) for item in about}
    return Nodes(
        ids=_spiketrain_ids(spiketrains),
        kind=str(about[0].get("node_kind", "unit")),
        groups=[item.get("node_group", "") for item in about],
        positions_um=_positions_um(about),
        rows=[item.get("node_row", -1) for item in about],
        table=tables.pop() if len(tables) == 1 else "",
    )


def _spiketrain_ids(spiketrains: Sequence[neo.SpikeTrain]) -> list[str]:
    explicit = [train.annotations.get("node_id") for train in spiketrains]
    if all(value is not None for value in explicit):
        return [str(value) for value in explicit]
    for candidate in (
        [train.annotations.get("unit_id") for train in spiketrains],
        [train.name for train in spiketrains],
    ):
        if all(value not in (None, "") for value in candidate):
            ids = [str(value) for value in candidate]
            if len(set(ids)) == len(ids):
                return ids
    return [str(index) for index in range(len(spiketrains))]


def _positions_um(about: Sequence[Mapping[str, Any]]) -> NDArray[np.float64] | None:
    if not all("x" in item and "y" in item for item in about):
        return None
    axes = _AXES if all("z" in item for item in about) else _AXES[:2]
    return np.array([[_micrometres(item[axis]) for axis in axes] for item in about])


def _micrometres(value: Any) -> float:
    return float(value.rescale("um").magnitude) if hasattr(value, "rescale") else float(value)


def nodes_of_signal(signal: neo.AnalogSignal) -> Nodes:
    """
    Read the nodes off a signal with one channel per node.

    Parameters
    ----------
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        Traces, shape (n_samples, n_nodes).

    Returns
    -------
    Nodes
        One node per channel, named by position where no ``node_id`` is annotated.
    """
    arrays, n_nodes = signal.array_annotations, signal.shape[1]
    axes = [axis for axis in _AXES if axis in arrays]
    positions = None
    if len(axes) >= 2:
        positions = np.column_stack(
            [
                arrays[axis].rescale("um").magnitude
                if hasattr(arrays[axis], "rescale")
                else np.asarray(arrays[axis], dtype=float)
                for axis in axes
            ]
        )
    return Nodes(
        ids=arrays.get("node_id", np.arange(n_nodes)),
        kind=str(signal.annotations.get("node_kind", "roi")),
        groups=arrays.get("node_group"),
        positions_um=positions,
        rows=arrays.get("node_row"),
        table=str(signal.annotations.get("node_table", "")),
    )


def node_signals(segment: neo.Segment) -> list[Any]:
    """
    List the signals of a segment that hold one trace per node.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    list of neo.AnalogSignal or neo.IrregularlySampledSignal
        Signals with the role ``"nodes"``; in a segment that knows no roles, its only signal.
    """
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    with_role = [signal for signal in signals if signal.annotations.get("role") == "nodes"]
    if with_role or any("role" in signal.annotations for signal in signals):
        return with_role
    return signals if len(signals) == 1 else []


def behavior_signals(segment: neo.Segment) -> dict[str, Any]:
    """
    Find the behaviour signals of a segment by name.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    dict of str to neo.AnalogSignal or neo.IrregularlySampledSignal
        Signals whose role is ``"behavior"``.
    """
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    return {
        str(signal.name): signal
        for signal in signals
        if signal.annotations.get("role") == "behavior"
    }


def behavior_columns(
    segment: neo.Segment,
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """
    Unfold the behaviour signals of a segment into named columns.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    dict of str to (numpy.ndarray, numpy.ndarray)
        Sample times in seconds and values, both of shape (n_samples,).  A signal of one
        channel keeps its name; several channels append the channel's name, or its number.
    """
    columns = {}
    for name, signal in behavior_signals(segment).items():
        times_s = signal.times.rescale("s").magnitude
        n_channels = signal.shape[1]
        labels = signal.array_annotations.get("column", np.arange(n_channels))
        for channel in range(n_channels):
            key = name if n_channels == 1 else f"{name}_{labels[channel]}"
            columns[key] = (times_s, np.asarray(signal.magnitude[:, channel], dtype=np.float64))
    return columns


def one_segment(block: neo.Block, index: int) -> neo.Block:
    """
    Give a block that holds one segment of another.

    Parameters
    ----------
    block : neo.Block
        The recording, which is not changed.
    index : int
        Which segment, counted from 0.

    Returns
    -------
    neo.Block
        A new block of the same description, or the block itself if it holds one segment.

    Raises
    ------
    InputError
        If there is no such segment.
    """
    import neo

    n_segments = len(block.segments)
    if not 0 <= index < n_segments:
        raise InputError(
            f"segment {index} does not exist: the recording has {n_segments} segments, counted "
            "from 0."
        )
    if n_segments == 1:
        return block
    chosen = neo.Block(
        name=block.name,
        description=block.description,
        rec_datetime=block.rec_datetime,
        file_origin=block.file_origin,
    )
    chosen.annotations = dict(block.annotations)
    chosen.segments.append(block.segments[index])
    return chosen


def segment_limits_s(segment: neo.Segment) -> tuple[float, float]:
    """
    Return the start and stop of the recording of a segment's nodes.

    Behaviour does not count: its clock may be off, or run longer.

    Parameters
    ----------
    segment : neo.Segment
        A segment with at least one spike train or signal of traces.

    Returns
    -------
    tuple of float
        Start and stop in seconds.
    """
    data = [*segment.spiketrains, *node_signals(segment)]
    starts = [float(item.t_start.rescale("s")) for item in data]
    stops = [float(item.t_stop.rescale("s")) for item in data]
    return min(starts), max(stops)


def block_from_arrays(
    *,
    counts: Any = None,
    spike_times: Any = None,
    traces: Any = None,
    bin_size: Any = None,
    sampling_rate: Any = None,
    t_start: Any = None,
    t_stop: Any = None,
    node_ids: Any = None,
    node_kind: str | None = None,
    positions: Any = None,
    groups: Any = None,
    behavior: Mapping[str, Any] | None = None,
    behavior_rate: Any = None,
    name: str = "arrays",
) -> neo.Block:
    """
    Build a Neo block from NumPy arrays: binned counts, spike times or traces.

    Parameters
    ----------
    counts : array_like of int, shape (n_nodes, n_bins), optional
        Spike counts; the spikes of a bin are laid out evenly inside it, so that binning at
        ``bin_size`` gives the counts back.
    spike_times : sequence of array_like, optional
        Spike times in seconds, one array per node.
    traces : array_like of float, shape (n_nodes, n_samples), optional
        Calcium traces or other continuous activity.
    bin_size : quantities.Quantity, optional
        Width of a bin, needed with ``counts``.
    sampling_rate : quantities.Quantity, optional
        Sampling rate, needed with ``traces``.
    t_start, t_stop : quantities.Quantity, optional
        Limits of the recording; by default 0 s and the last bin, sample or spike.
    node_ids : array_like of str, shape (n_nodes,), optional
        Names; ``"0"``, ``"1"``, … by default.
    node_kind : {"unit", "channel", "roi"}, optional
        ``"roi"`` by default for traces, else ``"unit"``.
    positions : quantities.Quantity, shape (n_nodes, 2 or 3), optional
        Coordinates with a unit of length.
    groups : array_like of str, shape (n_nodes,), optional
        Subregion of each node.
    behavior : mapping of str to array_like, shape (n_samples,) or (n_samples, n_columns), optional
        Signals beside the activity; a quantity keeps its unit.
    behavior_rate : quantities.Quantity, optional
        Their sampling rate; by default one sample per bin or trace sample.
    name : str
        Name of the block.

    Returns
    -------
    neo.Block
        One segment, with the conventions that every adapter follows.

    Raises
    ------
    InputError
        If not exactly one kind of activity is given, or lengths, units or times are wrong.

    Examples
    --------
    >>> import quantities as pq
    >>> block = block_from_arrays(counts=[[1, 0, 2], [0, 1, 0]], bin_size=25 * pq.ms)
    >>> [len(train) for train in block.segments[0].spiketrains]
    [3, 1]
    """
    import neo

    chosen, activity = _only_one(counts=counts, spike_times=spike_times, traces=traces)
    nodes = Nodes(
        ids=node_ids if node_ids is not None else [str(index) for index in range(len(activity))],
        kind=node_kind or ("roi" if chosen == "traces" else "unit"),
        groups=groups,
        positions_um=_length_um(positions),
    )
    if len(nodes) != len(activity):
        raise InputError(f"{chosen} has {len(activity)} rows for {len(nodes)} node_ids.")
    start_s = 0.0 if t_start is None else time_s(t_start, "t_start")
    stop_s = None if t_stop is None else time_s(t_stop, "t_stop")
    segment = neo.Segment(name=name)
    if chosen == "traces":
        rate_hz: float | None = _rate_hz(sampling_rate, "sampling_rate", "traces")
        segment.analogsignals.append(
            make_signal(
                _matrix(traces, "traces").T,
                name="traces",
                role="nodes",
                t_start_s=start_s,
                sampling_rate_hz=rate_hz,
                nodes=nodes,
            )
        )
    else:
        if chosen == "counts":
            trains, rate_hz, end_s = _trains_of_counts(counts, bin_size, start_s)
        else:
            trains, rate_hz, end_s = _trains_of_times(spike_times, start_s)
        _add_spiketrains(segment, trains, nodes, start_s, end_s if stop_s is None else stop_s)
    if behavior:
        _add_behavior(segment, behavior, behavior_rate, rate_hz, start_s)
    block = neo.Block(name=name)
    block.segments.append(segment)
    return block


def _only_one(**given: Any) -> tuple[str, Any]:
    """Choose the one kind of activity that is there."""
    chosen = [key for key, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise InputError(
            "Give exactly one of counts, spike_times and traces, "
            f"got {' and '.join(chosen) if chosen else 'none'}."
        )
    return chosen[0], given[chosen[0]]


def _trains_of_counts(
    counts: Any, bin_size: Any, start_s: float
) -> tuple[list[NDArray[np.float64]], float, float]:
    """Lay the spikes of each bin out; give bins per second and the end of the last bin too."""
    if bin_size is None:
        raise InputError("counts need bin_size, such as 25 * quantities.ms.")
    size_s = duration_s(bin_size, "bin_size")
    matrix = _matrix(counts, "counts")
    trains = _times_of_counts(matrix, size_s, start_s)
    return trains, 1.0 / size_s, start_s + matrix.shape[1] * size_s


def _trains_of_times(
    spike_times: Any, start_s: float
) -> tuple[list[NDArray[np.float64]], None, float]:
    """Sort the spikes of each node; the recording ends just behind the last of all."""
    trains = [np.sort(np.asarray(times, dtype=np.float64)) for times in spike_times]
    last = max((times[-1] for times in trains if len(times)), default=start_s)
    return trains, None, float(np.nextafter(last, np.inf))


def _add_spiketrains(
    segment: neo.Segment,
    trains: list[NDArray[np.float64]],
    nodes: Nodes,
    start_s: float,
    stop_s: float,
) -> None:
    _check_times(trains, nodes, start_s, stop_s)
    segment.spiketrains.extend(
        [
            make_spiketrain(times, nodes, index, t_start_s=start_s, t_stop_s=stop_s)
            for index, times in enumerate(trains)
        ]
    )


def _add_behavior(
    segment: neo.Segment,
    behavior: Mapping[str, Any],
    behavior_rate: Any,
    rate_hz: float | None,
    start_s: float,
) -> None:
    """Add signals at their own rate, or at that of the bins or samples beside them."""
    if behavior_rate is not None:
        rate_hz = _rate_hz(behavior_rate, "behavior_rate", "behavior")
    if rate_hz is None:
        raise InputError("behavior beside spike_times needs behavior_rate, such as 60 * pq.Hz.")
    for key, values in behavior.items():
        segment.analogsignals.append(_behavior_signal(key, values, start_s, rate_hz))


def _matrix(values: Any, name: str) -> NDArray[Any]:
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise InputError(
            f"{name} must be a numeric array of shape (n_nodes, n_samples), got shape "
            f"{matrix.shape} and type {matrix.dtype}."
        )
    return matrix


def _times_of_counts(
    counts: NDArray[Any], bin_size_s: float, start_s: float
) -> list[NDArray[np.float64]]:
    if not np.array_equal(counts, np.round(counts)) or counts.min(initial=0) < 0:
        raise InputError(
            "counts must be whole numbers of at least 0; pass traces for anything else."
        )
    trains = []
    for row in counts.astype(np.int64):
        bins = np.repeat(np.arange(len(row)), row)
        first = np.cumsum(row) - row
        rank = np.arange(len(bins)) - np.repeat(first, row)
        trains.append(start_s + (bins + (rank + 0.5) / np.repeat(row, row)) * bin_size_s)
    return trains


def _check_times(
    trains: list[NDArray[np.float64]], nodes: Nodes, start_s: float, stop_s: float
) -> None:
    bad = [
        not np.isfinite(times).all()
        or (len(times) > 0 and (times[0] < start_s or times[-1] > stop_s))
        for times in trains
    ]
    if any(bad):
        raise InputError(
            f"Spikes of {some(nodes.ids[bad])} lie outside {start_s:g} s to {stop_s:g} s or are "
            "not finite. Set t_start and t_stop to the limits of the recording."
        )


def _length_um(positions: Any) -> NDArray[np.float64] | None:
    if positions is None:
        return None
    try:
        return np.asarray(positions.rescale("um").magnitude, dtype=np.float64)
    except (AttributeError, ValueError):
        raise InputError(
            "positions must carry a unit of length, such as array * quantities.um."
        ) from None


def _rate_hz(value: Any, name: str, what: str) -> float:
    if value is None:
        raise InputError(f"{what} need {name}, such as 20 * quantities.Hz.")
    try:
        rate = float(value.rescale("Hz").magnitude)
    except (AttributeError, ValueError, TypeError):
        raise InputError(f"{name} must be a scalar in hertz, got {value!r}.") from None
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{name} must be positive, got {rate:g} Hz.")
    return rate


def _behavior_signal(name: str, values: Any, start_s: float, rate_hz: float) -> neo.AnalogSignal:
    units = values.dimensionality.string if hasattr(values, "dimensionality") else "dimensionless"
    return make_signal(
        np.asarray(values, dtype=np.float64),
        name=name,
        role="behavior",
        t_start_s=start_s,
        sampling_rate_hz=rate_hz,
        units=units,
    )
