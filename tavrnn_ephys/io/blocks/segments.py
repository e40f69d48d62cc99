"""What a segment holds, its limits, and one segment alone."""

from __future__ import annotations

import warnings
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
