"""How large a recording is, from the headers of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.io.finding import find_adapter

__all__ = ["Outline", "Outliner", "outline_of"]

# What the door of all adapters does with a block that was read: no header says what is left.
_AFTER_READING = ("nodes", "detect", "detect_signal")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """
    Size of one segment of a recording.

    Parameters
    ----------
    n_nodes : int
        Number of nodes; none where there is nothing to analyse.
    t_start_s, t_stop_s : float
        Its limits in seconds.
    """

    n_nodes: int
    t_start_s: float
    t_stop_s: float


@runtime_checkable
class Outliner(Protocol):
    """An adapter that knows the size of a recording without reading it."""

    def outline(self, path: Path, **options: Any) -> tuple[Outline, ...] | None:
        """
        Say how many nodes a recording has, and how long it is.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.
        **options : object
            Those of ``read``.

        Returns
        -------
        tuple of Outline or None
            One per segment that ``read`` would give; None where headers do not tell.
        """


def outline_of(
    path: Path | Address, adapter: str | None = None, options: Mapping[str, Any] | None = None
) -> tuple[Outline, ...] | None:
    """
    Say how large a recording is, from the headers of its file.

    Parameters
    ----------
    path : pathlib.Path or Address
        The recording.
    adapter : str, optional
        Adapter that reads it; found by content by default.
    options : mapping of str to object, optional
        Options of :func:`tavrnn_ephys.read`.

    Returns
    -------
    tuple of Outline or None
        One per segment; None where headers do not tell, and the recording has to be read.

    Raises
    ------
    FileFormatError
        If the file is damaged, or of an unknown format.
    """
    found = find_adapter(path, adapter)
    chosen = dict(options or {})
    if not isinstance(found, Outliner) or set(_AFTER_READING) & set(chosen):
        return None
    return found.outline(cast(Path, path), **chosen)
