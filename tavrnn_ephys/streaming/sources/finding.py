"""Which sources there are, and which of them a text means."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from tavrnn_ephys.core.errors import InputError

__all__ = ["find_source", "list_sources"]

ENTRY_POINT_GROUP = "tavrnn_ephys.sources"


def list_sources() -> dict[str, Callable[..., Any]]:
    """
    Load all installed sources.

    Returns
    -------
    dict of str to callable
        What makes a source of a text, by name.

    Examples
    --------
    >>> sorted(list_sources())[:2]
    ['lsl', 'openephys']
    """
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point.load() for point in sorted(found, key=lambda item: item.name)}


def find_source(text: str) -> Any:
    """
    Make the source that a text means.

    Parameters
    ----------
    text : str
        ``lsl:NAME``, ``openephys:tcp://HOST:PORT``, ``replay:FILE`` or ``replay:FILE@SPEED``,
        ``pong:seed=1@SPEED``, or the name of another installed source, a colon, and what it
        takes.

    Returns
    -------
    StreamSource
        The source, not yet open.

    Raises
    ------
    InputError
        If there is no such source.

    Examples
    --------
    >>> find_source("replay:culture.nwb@10").speed
    10.0
    """
    kind, colon, rest = text.partition(":")
    known = list_sources()
    if not colon or kind not in known:
        raise InputError(
            f"'{text}' names no source. Write KIND:WHAT with one of {', '.join(known)}, such as "
            "replay:culture.nwb@1 or lsl:NAME."
        )
    if not rest:
        raise InputError(f"'{text}' does not say which. Write {kind}:WHAT.")
    return known[kind](rest)


def replay_of(text: str) -> Any:
    """
    Make a replay of ``FILE`` or ``FILE@SPEED``; without a speed it is real time.

    Parameters
    ----------
    text : str
        File and speed; ``FILE@max`` plays as fast as bins are taken.

    Returns
    -------
    ReplaySource
        The source.

    Raises
    ------
    InputError
        If the speed is no number.
    """
    from tavrnn_ephys.streaming.sources.replay_source import ReplaySource

    path, at, speed = text.rpartition("@")
    if not at:
        return ReplaySource(text, 1.0)
    if speed == "max":
        return ReplaySource(path)
    try:
        return ReplaySource(path, float(speed))
    except ValueError:
        raise InputError(
            f"'{speed}' is no speed. Write a number behind @, such as {path}@10, or @max."
        ) from None
