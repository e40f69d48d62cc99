"""What a sink has to offer."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

__all__ = ["StreamSink"]


@runtime_checkable
class StreamSink(Protocol):
    """
    Something that is told of every bin, update and event, and must not take long.

    Notes
    -----
    One that has a method ``judged(t_s)`` is told, too, when all that follows from a bin was said.
    """

    def open(self, info: StreamInfo) -> None:
        """
        Begin.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """
        ...

    def bin(self, counts: NDArray[Any] | None, t_s: float) -> None:
        """
        Take a bin, before the update that follows from it.

        Parameters
        ----------
        counts : numpy.ndarray of int, shape (n_nodes,), or None
            Counts; ``None`` for a bin that is missing.
        t_s : float
            End of the bin on the clock of the source.
        """
        ...

    def update(self, update: Update) -> None:
        """
        Take an update.

        Parameters
        ----------
        update : Update
            What the stream says.
        """
        ...

    def event(self, event: Event) -> None:
        """
        Take an event.

        Parameters
        ----------
        event : Event
            What happened.
        """
        ...

    def close(self) -> None:
        """End; called in any case."""
        ...
