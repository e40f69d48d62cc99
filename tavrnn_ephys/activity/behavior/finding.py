"""Which behaviours a segment holds, each under a name of its own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.activity.behavior.game import GAME_MEASURES, episodes_of_segment
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import (
    behavior_columns,
    behavior_signals,
    distinct_names,
    loaded_segment,
)
from tavrnn_ephys.io.blocks.segments import columns_of_signal, require_segment

if TYPE_CHECKING:
    import neo

__all__ = ["behavior_names", "find_behavior", "find_intervals", "find_times"]


def behavior_names(segment: neo.Segment) -> list[str]:
    """
    List what :func:`window_behavior` can read in a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    list of str
        Columns of behaviour signals, named epochs, named events, and measures of the game; of
        several with one name, each with its number.
    """
    require_segment(segment, "behavior_names")
    game = [f"game:{name}" for name in GAME_MEASURES] if episodes_of_segment(segment) else []
    return [*behavior_columns(segment), *(name for name, _, _ in _markers(segment)), *game]


def _markers(segment: neo.Segment) -> list[tuple[str, str, Any]]:
    """Named epochs and events: name, kind, object."""
    found = [
        (kind, item)
        for kind, items in (("epoch", segment.epochs), ("event", segment.events))
        for item in items
        if item.name
    ]
    names = distinct_names([str(item.name) for _, item in found])
    return [(name, kind, item) for name, (kind, item) in zip(names, found, strict=True)]


def find_behavior(segment: neo.Segment, name: str) -> tuple[str, Any, str]:
    """
    Find a behaviour.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    name : str
        As in :func:`window_behavior`.

    Returns
    -------
    kind : {"signal", "state", "epoch", "event", "game"}
        What it is; a state is one value of a signal.
    found : object
        Times, values and unit of a signal or state; else the Neo object or the episodes.
    label : str
        The label that was asked for; empty where none was.

    Raises
    ------
    InputError
        If there is none of this name, or it has no such label.
    """
    require_segment(segment, "window_behavior")
    if not isinstance(name, str):
        raise InputError(f"name must be the name of one behaviour, a text, got {name!r}.")
    segment = loaded_segment(segment)
    columns = behavior_columns(segment)
    if name in columns:
        return "signal", (*columns[name], _unit_of(segment, name)), ""
    head, _, label = name.partition(":")
    if head == "game" and label in GAME_MEASURES:
        episodes = episodes_of_segment(segment)
        if episodes is not None:
            return "game", episodes, label
    if head in columns and label:
        return "state", (*columns[head], ""), label
    for own, kind, item in _markers(segment):
        if own not in (name, head):
            continue
        wanted = label if own == head else ""
        if wanted and wanted not in np.asarray(item.labels, dtype=str):
            labels = some(np.unique(np.asarray(item.labels, dtype=str)))
            raise InputError(f"'{head}' has no label '{wanted}'; it has {labels}.")
        return kind, item, wanted
    return "signal", _without_role(segment, name), ""


def find_intervals(segment: neo.Segment, name: str) -> neo.Epoch:
    """
    Find a table of intervals.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    name : str
        Name of an epoch, or ``"NAME:LABEL"`` for its intervals of one label.

    Returns
    -------
    neo.Epoch
        The intervals.

    Raises
    ------
    InputError
        If there is none of this name, or it has no such label or no interval.
    """
    found = _find_marker(segment, name, ("epoch",), "table of intervals")
    if len(found) == 0:
        raise InputError(f"The table '{name}' holds no interval. Choose another.")
    return found


def find_times(segment: neo.Segment, name: str) -> Any:
    """
    Find events, or intervals whose starts are events.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    name : str
        Name of an event or an epoch, or ``"NAME:LABEL"`` for those of one label.

    Returns
    -------
    neo.Event or neo.Epoch
        What bears the name.

    Raises
    ------
    InputError
        If there is none of this name, or it has no such label.
    """
    return _find_marker(segment, name, ("event", "epoch"), "events or intervals")


def _find_marker(segment: neo.Segment, name: str, kinds: tuple[str, ...], what: str) -> Any:
    """Find an epoch or an event by its name, cut to one label where the name gives one."""
    segment = loaded_segment(segment)
    known = {own: item for own, kind, item in _markers(segment) if kind in kinds}
    if name in known:
        return known[name]
    # A name may hold a colon itself: the longest name before one is meant.
    heads = [own for own in known if name.startswith(f"{own}:")]
    if not heads:
        has = f"it has {some(known, 12)}" if known else "it has none"
        raise InputError(f"The recording has no {what} '{name}'; {has}.")
    head = max(heads, key=len)
    label = name[len(head) + 1 :]
    labels = np.asarray(known[head].labels, dtype=str)
    if label not in labels:
        raise InputError(f"'{head}' has no label '{label}'; it has {some(np.unique(labels), 12)}.")
    return known[head][np.flatnonzero(labels == label)]


def _without_role(segment: neo.Segment, name: str) -> tuple[Any, Any, str]:
    """Take a signal that is named and has no role: to ask for it says what it is."""
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    plain = [item for item in signals if "role" not in item.annotations]
    named = [item for item in plain if item.name == name]
    if len(named) == 1:
        columns = columns_of_signal(name, named[0])
        if len(columns) == 1:
            ((_, (times_s, values)),) = columns
            return times_s, values, _text_of_unit(named[0])
    known = behavior_names(segment)
    known += [key for key, n in Counter(str(item.name) for item in plain).items() if n == 1]
    hint = f"it has {some(known, 12)}" if known else "it has none"
    raise InputError(f"The recording has no behaviour '{name}'; {hint}.")


def _unit_of(segment: neo.Segment, name: str) -> str:
    """Find the unit of the signal that a column belongs to; none for plain numbers."""
    signals = behavior_signals(segment)
    heads = [head for head in signals if name == head or name.startswith(f"{head}_")]
    return _text_of_unit(signals[max(heads, key=len)]) if heads else ""


def _text_of_unit(signal: Any) -> str:
    unit = str(signal.dimensionality)
    return "" if unit == "dimensionless" else unit
