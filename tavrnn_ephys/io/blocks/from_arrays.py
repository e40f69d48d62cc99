"""A block from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import duration_s, some, time_s
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.counts import check_counts, check_total
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.io.blocks.behavior_objects import add_behavior
from tavrnn_ephys.io.blocks.limits import recording_start_s, warn_of_units_of_time
from tavrnn_ephys.io.blocks.objects import make_signal, make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = ["block_from_arrays"]


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
        Spike counts, at most a million in a bin; the spikes of a bin are laid out evenly inside
        it, so that binning at ``bin_size`` gives the counts back.
    spike_times : sequence of array_like or quantities.Quantity, optional
        Spike times, one array per node, in seconds unless they have a unit.
    traces : array_like of float, shape (n_nodes, n_samples), optional
        Calcium traces or other continuous activity.
    bin_size : quantities.Quantity, optional
        Width of a bin, needed with ``counts``.
    sampling_rate : quantities.Quantity, optional
        Sampling rate, needed with ``traces``.
    t_start, t_stop : quantities.Quantity, optional
        Limits of the recording; by default 0 s and the last bin, sample or spike.  Spike times
        that begin late, without behaviour beside them, start at the first spike, with a warning.
    node_ids : array_like of str, shape (n_nodes,), optional
        Names; ``"0"``, ``"1"``, … by default.
    node_kind : {"unit", "channel", "roi"}, optional
        ``"roi"`` by default for traces, else ``"unit"``.
    positions : quantities.Quantity, shape (n_nodes, 2 or 3), optional
        Coordinates with a unit of length.
    groups : array_like of str, shape (n_nodes,), optional
        Subregion of each node.
    behavior : mapping of str to array_like, shape (n_samples,) or (n_samples, n_columns), optional
        Signals beside the activity; a quantity keeps its unit.  Text, one label per sample,
        becomes a :class:`neo.Epoch` of the runs of each label; an empty text is no label.
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
        If not exactly one kind of activity is given, or lengths, units, times or the size of
        counts are wrong.

    Warns
    -----
    DataLossWarning
        If spike times look like samples or milliseconds.

    Examples
    --------
    >>> import quantities as pq
    >>> block = block_from_arrays(counts=[[1, 0, 2], [0, 1, 0]], bin_size=25 * pq.ms)
    >>> [len(train) for train in block.segments[0].spiketrains]
    [3, 1]
    """
    import neo

    counts, traces = plain_array(counts, "counts"), plain_array(traces, "traces")
    chosen, activity = _only_one(counts=counts, spike_times=spike_times, traces=traces)
    nodes = Nodes(
        ids=node_ids if node_ids is not None else [str(index) for index in range(len(activity))],
        kind=node_kind or ("roi" if chosen == "traces" else "unit"),
        groups=groups,
        positions_um=_length_um(positions),
    )
    if len(nodes) != len(activity):
        raise InputError(f"{chosen} has {len(activity)} rows for {len(nodes)} node_ids.")
    start_s = 0.0 if t_start is None else _finite_s(t_start, "t_start")
    stop_s = None if t_stop is None else _finite_s(t_stop, "t_stop")
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
            trains, rate_hz, end_s = _trains_of_counts(counts, bin_size, start_s, nodes)
        else:
            trains, rate_hz = _trains_of_times(activity, nodes), None
            warn_of_units_of_time(trains, f"'{name}'")
            if t_start is None and _is_empty(behavior):
                start_s = _start_s(trains, name)
            end_s = _end_s(trains, start_s)
        _add_spiketrains(segment, trains, nodes, start_s, end_s if stop_s is None else stop_s)
    if behavior is not None:
        if behavior_rate is not None:
            rate_hz = _rate_hz(behavior_rate, "behavior_rate", "behavior")
        add_behavior(segment, behavior, rate_hz, start_s)
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
    name, activity = chosen[0], given[chosen[0]]
    if np.ndim(activity if hasattr(activity, "ndim") else [0]) == 0 or not _is_sequence(activity):
        raise InputError(f"{name} must hold one array per node, got {type(activity).__name__}.")
    return name, activity


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping)


def _finite_s(value: Any, name: str) -> float:
    seconds = time_s(value, name)
    if not np.isfinite(seconds):
        raise InputError(f"{name} must be a finite time, got {seconds:g} s.")
    return seconds


def _trains_of_counts(
    counts: Any, bin_size: Any, start_s: float, nodes: Nodes
) -> tuple[list[NDArray[np.float64]], float, float]:
    """Lay the spikes of each bin out; give bins per second and the end of the last bin too."""
    if bin_size is None:
        raise InputError("counts need bin_size, such as 25 * quantities.ms.")
    size_s = duration_s(bin_size, "bin_size")
    matrix = _matrix(counts, "counts")
    trains = _times_of_counts(matrix, size_s, start_s, nodes)
    return trains, 1.0 / size_s, start_s + matrix.shape[1] * size_s


def _is_empty(behavior: Any) -> bool:
    return behavior is None or (isinstance(behavior, Mapping) and len(behavior) == 0)


def _start_s(trains: list[NDArray[np.float64]], name: str) -> float:
    """Give 0 s, or the first spike where it comes late and nothing else says what came before."""
    filled = [times for times in trains if len(times)]
    if not filled:
        return 0.0
    first = min(float(times[0]) for times in filled)
    return recording_start_s(first, max(float(times[-1]) for times in filled), f"'{name}'")


def _end_s(trains: list[NDArray[np.float64]], start_s: float) -> float:
    """End the recording just behind the last spike of all."""
    last = max((times[-1] for times in trains if len(times)), default=start_s)
    return float(np.nextafter(last, np.inf))


def _trains_of_times(spike_times: Any, nodes: Nodes) -> list[NDArray[np.float64]]:
    """Sort the spikes of each node."""
    return [_seconds(times, str(name)) for times, name in zip(spike_times, nodes.ids, strict=True)]


def _seconds(times: Any, node_id: str) -> NDArray[np.float64]:
    """Spike times of one node as ascending seconds."""
    times = plain_array(times, f"the spike times of '{node_id}'")
    try:
        plain = times.rescale("s").magnitude if hasattr(times, "rescale") else times
        seconds = np.asarray(plain)
        if seconds.dtype.kind not in "biuf" and seconds.size:
            seconds = seconds.astype(np.float64)
        flat = seconds.reshape(-1).astype(np.float64)
    except (ValueError, TypeError):
        raise InputError(
            f"The spike times of '{node_id}' are no numbers of seconds, nor times with a unit."
        ) from None
    if seconds.ndim != 1 and flat.size != max(seconds.shape, default=0):
        raise InputError(
            f"The spike times of '{node_id}' have shape {seconds.shape}; one row per node, "
            "(n_spikes,), is needed."
        )
    return np.sort(flat)


def _add_spiketrains(
    segment: neo.Segment,
    trains: list[NDArray[np.float64]],
    nodes: Nodes,
    start_s: float,
    stop_s: float,
) -> None:
    if stop_s <= start_s:
        raise InputError(
            f"The recording lasts from t_start, {start_s:g} s, to t_stop, {stop_s:g} s. Set "
            "t_stop behind t_start."
        )
    _check_times(trains, nodes, start_s, stop_s)
    segment.spiketrains.extend(
        [
            make_spiketrain(times, nodes, index, t_start_s=start_s, t_stop_s=stop_s)
            for index, times in enumerate(trains)
        ]
    )


def _matrix(values: Any, name: str) -> NDArray[Any]:
    try:
        matrix = np.asarray(values)
    except ValueError:
        raise InputError(f"{name} must be a numeric array: its rows differ in length.") from None
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise InputError(
            f"{name} must be a numeric array of shape (n_nodes, n_samples), got shape "
            f"{matrix.shape} and type {matrix.dtype}."
        )
    if matrix.shape[1] == 0:
        raise InputError(f"{name} has shape {matrix.shape}: it holds no sample.")
    return matrix


def _times_of_counts(
    counts: NDArray[Any], bin_size_s: float, start_s: float, nodes: Nodes
) -> list[NDArray[np.float64]]:
    if counts.dtype.kind == "f" and not np.array_equal(counts, np.round(counts)):
        raise InputError(
            "counts must be whole numbers of at least 0; pass traces for anything else."
        )
    # Before anything is laid out: the sum of huge counts wraps, and their spikes fill memory.
    check_counts(counts, nodes.ids)
    if counts.min(initial=0) < 0:
        raise InputError(
            "counts must be whole numbers of at least 0; pass traces for anything else."
        )
    check_total(counts)
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
