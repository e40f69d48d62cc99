"""A block from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import duration_s, some, time_s
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
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
    if chosen == "spike_times":
        warn_of_units_of_time(
            [np.asarray(times, dtype=np.float64) for times in spike_times], f"'{name}'"
        )
        if t_start is None and not behavior:
            start_s = _start_s(spike_times, name)
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


def _start_s(spike_times: Any, name: str) -> float:
    """Give 0 s, or the first spike where it comes late and nothing else says what came before."""
    filled = [np.asarray(times, dtype=np.float64) for times in spike_times if np.size(times)]
    if not filled:
        return 0.0
    first = min(float(times.min()) for times in filled)
    return recording_start_s(first, max(float(times.max()) for times in filled), f"'{name}'")


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
