"""What a segment holds of behaviour: columns of signals, and named epochs and events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.io.blocks.segments import (
    behavior_signals,
    columns_of_signal,
    distinct_names,
    loaded_segment,
    require_segment,
)

if TYPE_CHECKING:
    import neo

__all__ = ["Column", "SegmentBehaviors", "behaviors_of_segment", "named_markers"]

#: Times in seconds, values, and the unit of the values, empty for plain numbers.
Column = tuple[NDArray[np.float64], NDArray[np.float64], str]
#: Name, ``"epoch"`` or ``"event"``, and the Neo object.
Marker = tuple[str, str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentBehaviors:
    """
    What a segment holds of behaviour, loaded.

    Parameters
    ----------
    segment : neo.Segment
        The segment, with its epochs and events loaded.
    columns : dict of str to tuple
        Times in seconds, values and unit of each column of the behaviour signals.
    markers : list of tuple
        Name, kind (``"epoch"`` or ``"event"``) and Neo object of what is named; of several with
        one name, each with its number.
    without_role : tuple, optional
        Times, values and unit of the signal that is asked for by its name and has no role.
    others : list of str
        Names of the signals without a role that no other of them bears.
    """

    segment: neo.Segment
    columns: dict[str, Column]
    markers: list[Marker]
    without_role: Column | None = None
    others: list[str]


def behaviors_of_segment(
    segment: neo.Segment, name: str = "", *, asked_by: str
) -> SegmentBehaviors:
    """
    Load what a segment holds of behaviour.

    Parameters
    ----------
    segment : neo.Segment
        The segment; it is not changed.
    name : str
        A signal without a role that is meant: to ask for it says what it is.
    asked_by : str
        The function that was called, for the message.

    Returns
    -------
    SegmentBehaviors
        Columns of signals, epochs and events.

    Raises
    ------
    InputError
        If it is no segment.
    """
    require_segment(segment, asked_by)
    segment = loaded_segment(segment)
    pairs = [
        (column, (*samples, _text_of_unit(signal)))
        for head, signal in behavior_signals(segment).items()
        for column, samples in columns_of_signal(head, signal)
    ]
    names = distinct_names([column for column, _ in pairs])
    columns = dict(zip(names, (samples for _, samples in pairs), strict=True))
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    plain = [item for item in signals if "role" not in item.annotations]
    counts = Counter(str(item.name) for item in plain)
    meant = [item for item in plain if item.name == name and name not in columns]
    return SegmentBehaviors(
        segment=segment,
        columns=columns,
        markers=named_markers(segment),
        without_role=_only_column(meant[0]) if len(meant) == 1 else None,
        others=[own for own, n in counts.items() if n == 1],
    )


def named_markers(segment: neo.Segment) -> list[Marker]:
    """
    List the named epochs and events of a segment, loaded.

    Parameters
    ----------
    segment : neo.Segment
        The segment; it is not changed.

    Returns
    -------
    list of (str, {"epoch", "event"}, neo.Epoch or neo.Event)
        In their order; of several with one name, each with its number.
    """
    segment = loaded_segment(segment)
    found = [
        (kind, item)
        for kind, items in (("epoch", segment.epochs), ("event", segment.events))
        for item in items
        if item.name
    ]
    names = distinct_names([str(item.name) for _, item in found])
    return [(name, kind, item) for name, (kind, item) in zip(names, found, strict=True)]


def _only_column(signal: Any) -> Column | None:
    """Unfold a signal of one channel; one of several is left alone, unread."""
    if signal.shape[1] != 1:
        return None
    ((_, samples),) = columns_of_signal(str(signal.name), signal)
    return (*samples, _text_of_unit(signal))


def _text_of_unit(signal: Any) -> str:
    unit = str(signal.dimensionality)
    return "" if unit == "dimensionless" else unit
