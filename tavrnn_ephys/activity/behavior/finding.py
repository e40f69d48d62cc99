"""Which behaviours a segment holds, each under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.activity.behavior.game import GAME_MEASURES, episodes_of_segment
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks.behaviors import SegmentBehaviors, behaviors_of_segment, named_markers

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
    return _names(behaviors_of_segment(segment, asked_by="behavior_names"))


def _names(held: SegmentBehaviors) -> list[str]:
    game = [f"game:{name}" for name in GAME_MEASURES] if episodes_of_segment(held.segment) else []
    return [*held.columns, *(name for name, _, _ in held.markers), *game]


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
    if not isinstance(name, str):
        raise InputError(f"name must be the name of one behaviour, a text, got {name!r}.")
    held = behaviors_of_segment(segment, name, asked_by="window_behavior")
    if name in held.columns:
        return "signal", held.columns[name], ""
    head, _, label = name.partition(":")
    if head == "game" and label in GAME_MEASURES:
        episodes = episodes_of_segment(held.segment)
        if episodes is not None:
            return "game", episodes, label
    if head in held.columns and label:
        return "state", (*held.columns[head][:2], ""), label
    marker = next((found for found in held.markers if found[0] in (name, head)), None)
    if marker is None:
        if held.without_role is not None:
            return "signal", held.without_role, ""
        known = [*_names(held), *held.others]
        hint = f"it has {some(known, 12)}" if known else "it has none"
        raise InputError(f"The recording has no behaviour '{name}'; {hint}.")
    own, kind, item = marker
    wanted = label if own == head else ""
    if wanted and wanted not in np.asarray(item.labels, dtype=str):
        labels = some(np.unique(np.asarray(item.labels, dtype=str)))
        raise InputError(f"'{head}' has no label '{wanted}'; it has {labels}.")
    return kind, item, wanted


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
    known = {own: item for own, kind, item in named_markers(segment) if kind in kinds}
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
