"""What a segment holds, its limits, and one segment alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = [
    "behavior_columns",
    "behavior_signals",
    "node_signals",
    "columns_of_signal",
    "loaded",
    "numbered",
    "one_segment",
    "require_segment",
    "segment_limits_s",
]


def require_segment(value: Any, what: str) -> None:
    """
    Refuse what is no segment.

    Parameters
    ----------
    value : object
        What the caller passed.
    what : str
        The function that was called, for the message.

    Raises
    ------
    InputError
        If it is a block, a list or anything else; the message says how to reach a segment.
    """
    if hasattr(value, "spiketrains") and hasattr(value, "analogsignals"):
        return
    if hasattr(value, "segments"):
        n_segments = len(value.segments)
        raise InputError(
            f"{what} takes one segment, got a block of {n_segments}. Pass block.segments[0]"
            + (f", or another up to block.segments[{n_segments - 1}]." if n_segments > 1 else ".")
        )
    raise InputError(f"{what} takes a neo.Segment, got {type(value).__name__}.")


def loaded(item: Any) -> Any:
    """
    Load a lazy object of Neo; others are returned as they are.

    Parameters
    ----------
    item : neo.SpikeTrain, neo.AnalogSignal, neo.Epoch, or a proxy of one
        The object.

    Returns
    -------
    object
        The object with its data.
    """
    return item.load() if hasattr(item, "load") else item


def numbered(names: list[str]) -> list[str]:
    """
    Give each of several equal names its number; names that stand alone stay.

    Parameters
    ----------
    names : list of str
        The names.

    Returns
    -------
    list of str
        Unique names.

    Examples
    --------
    >>> numbered(["position", "speed", "position"])
    ['position (1)', 'speed', 'position (2)']
    """
    given: list[str] = []
    for index, name in enumerate(names):
        several = names.count(name) > 1
        given.append(f"{name} ({names[: index + 1].count(name)})" if several else name)
    return given


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
        Signals whose role is ``"behavior"``; of several with one name, each under its name and
        number.
    """
    signals = [
        signal
        for signal in (*segment.analogsignals, *segment.irregularlysampledsignals)
        if signal.annotations.get("role") == "behavior"
    ]
    names = numbered([str(signal.name) for signal in signals])
    return dict(zip(names, signals, strict=True))


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
    columns: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for name, signal in behavior_signals(segment).items():
        columns |= columns_of_signal(name, signal)
    return columns


def columns_of_signal(
    name: str, signal: Any
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """
    Unfold one signal into named columns.

    Parameters
    ----------
    name : str
        Name of the signal.
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal, perhaps a proxy of Neo.

    Returns
    -------
    dict of str to (numpy.ndarray, numpy.ndarray)
        As in :func:`behavior_columns`.
    """
    signal = loaded(signal)
    times_s = signal.times.rescale("s").magnitude
    n_channels = signal.shape[1]
    labels = signal.array_annotations.get("column", np.arange(n_channels))
    return {
        name if n_channels == 1 else f"{name}_{labels[channel]}": (
            times_s,
            np.asarray(signal.magnitude[:, channel], dtype=np.float64),
        )
        for channel in range(n_channels)
    }


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
