"""What a segment holds, its limits, and one segment alone."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import DataLossWarning, InputError

if TYPE_CHECKING:
    import neo

__all__ = [
    "behavior_columns",
    "behavior_signals",
    "choose_segment",
    "distinct_names",
    "loaded_segment",
    "node_signals",
    "one_segment",
    "segment_limits_s",
]


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
    if not with_role and not any("role" in signal.annotations for signal in signals):
        with_role = signals if len(signals) == 1 else []
    return [_loaded(signal) for signal in with_role]


def loaded_segment(segment: neo.Segment) -> neo.Segment:
    """
    Load what Neo read lazily, but for raw voltage.

    Parameters
    ----------
    segment : neo.Segment
        A segment that may hold proxies, as of ``read_segment(lazy=True)``; it is not changed.

    Returns
    -------
    neo.Segment
        The segment itself if it holds no proxy of spike trains, epochs or events; else a new one
        that holds them loaded, and the same signals.
    """
    import neo

    parts = (segment.spiketrains, segment.epochs, segment.events)
    if not any(hasattr(item, "load") for part in parts for item in part):
        return segment
    loaded = neo.Segment(
        name=segment.name, description=segment.description, file_origin=segment.file_origin,
        rec_datetime=segment.rec_datetime, **segment.annotations,
    )  # fmt: skip
    loaded.spiketrains = [_loaded(item) for item in segment.spiketrains]
    loaded.epochs = [_loaded(item) for item in segment.epochs]
    loaded.events = [_loaded(item) for item in segment.events]
    for name in ("analogsignals", "irregularlysampledsignals", "imagesequences"):
        getattr(loaded, name).extend(getattr(segment, name))
    return loaded


def _loaded(item: Any) -> Any:
    return item.load() if hasattr(item, "load") else item


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
        Signals whose role is ``"behavior"``; those that share a name are numbered from 0, as
        ``"position_0"``, so that none hides another.
    """
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    found = [signal for signal in signals if signal.annotations.get("role") == "behavior"]
    names = distinct_names([str(signal.name) for signal in found])
    return {name: _loaded(signal) for name, signal in zip(names, found, strict=True)}


def distinct_names(names: Sequence[str]) -> list[str]:
    """
    Tell names that stand more than once apart by numbers.

    Parameters
    ----------
    names : sequence of str
        Names.

    Returns
    -------
    list of str
        The same names in their order, those that repeat with ``_0``, ``_1``, … behind them.

    Examples
    --------
    >>> distinct_names(["speed", "lick", "speed"])
    ['speed_0', 'lick', 'speed_1']
    """
    totals, seen = Counter(names), Counter[str]()
    taken, distinct = {name for name in names if totals[name] == 1}, []
    for name in names:
        chosen = name
        while totals[name] > 1 and (chosen == name or chosen in taken):
            chosen = f"{name}_{seen[name]}"
            seen[name] += 1
        taken.add(chosen)
        distinct.append(chosen)
    return distinct


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
    names, columns = [], []
    for name, signal in behavior_signals(segment).items():
        times_s = signal.times.rescale("s").magnitude
        # Irregular samples may stand in any order; what reads them counts on the order of time.
        order = slice(None) if np.all(np.diff(times_s) >= 0) else np.argsort(times_s, kind="stable")
        n_channels = signal.shape[1]
        labels = signal.array_annotations.get("column", np.arange(n_channels))
        for channel in range(n_channels):
            names.append(name if n_channels == 1 else f"{name}_{labels[channel]}")
            values = np.asarray(signal.magnitude[:, channel], dtype=np.float64)
            columns.append((times_s[order], values[order]))
    return dict(zip(distinct_names(names), columns, strict=True))


def choose_segment(
    block: neo.Block, segment_index: int | None, *, where: str = "The recording"
) -> int:
    """
    Say which segment of a recording is meant.

    Parameters
    ----------
    block : neo.Block
        The recording.
    segment_index : int, optional
        The choice; the first by default.
    where : str
        What the recording is called in the warning.

    Returns
    -------
    int
        Its index, from 0.

    Raises
    ------
    InputError
        If there is no such segment.

    Warns
    -----
    DataLossWarning
        If there are several and none is chosen.
    """
    n_segments = len(block.segments)
    if segment_index is None and n_segments > 1:
        name = block.segments[0].name
        called = f", '{name}'," if name else ""
        warnings.warn(
            f"{where} has {n_segments} segments; only the first{called} is analysed. "
            "Choose another with segment_index, --segment on the command line.",
            DataLossWarning,
            stacklevel=3,
        )
    if not 0 <= (segment_index or 0) < n_segments:
        raise InputError(
            f"segment_index {segment_index or 0} does not exist: the recording has {n_segments} "
            "segments, counted from 0."
        )
    return segment_index or 0


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
