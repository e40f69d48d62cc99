"""Functions of one's own that are called with what a stream says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

__all__ = ["FunctionSink"]


class FunctionSink:
    """
    Calls functions, in the thread of the stream.

    Parameters
    ----------
    on_update : callable, optional
        Takes each update.
    on_event : callable, optional
        Takes each event.
    on_bin : callable, optional
        Takes the counts of each bin, or ``None`` where it is missing, and its end in seconds.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> sink = te.sinks.callback(on_event=lambda event: print(event.text))
    >>> sink.event(te.streaming.Event(kind="gap", t_s=2.0, text="3 bins are missing."))
    3 bins are missing.
    """

    def __init__(
        self,
        on_update: Callable[[Update], Any] | None = None,
        *,
        on_event: Callable[[Event], Any] | None = None,
        on_bin: Callable[[NDArray[Any] | None, float], Any] | None = None,
    ) -> None:
        self.on_update, self.on_event, self.on_bin = on_update, on_event, on_bin

    def open(self, info: StreamInfo) -> None:
        """
        Begin.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """

    def bin(self, counts: NDArray[Any] | None, t_s: float) -> None:
        """
        Hand a bin on.

        Parameters
        ----------
        counts : numpy.ndarray of int, shape (n_nodes,), or None
            Counts.
        t_s : float
            End of the bin.
        """
        if self.on_bin is not None:
            self.on_bin(counts, t_s)

    def update(self, update: Update) -> None:
        """
        Hand an update on.

        Parameters
        ----------
        update : Update
            What the stream says.
        """
        if self.on_update is not None:
            self.on_update(update)

    def event(self, event: Event) -> None:
        """
        Hand an event on.

        Parameters
        ----------
        event : Event
            What happened.
        """
        if self.on_event is not None:
            self.on_event(event)

    def close(self) -> None:
        """End."""
