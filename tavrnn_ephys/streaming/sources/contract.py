"""What a source has to offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming.updates import StreamInfo

__all__ = ["StreamSource", "places_of"]


@runtime_checkable
class StreamSource(Protocol):
    """
    Something that brings bins or spikes as they come; called from a thread of its own.

    Attributes
    ----------
    name : str
        What it is called in messages.
    is_live : bool
        Whether it goes by a clock: then waiting bins make the stream hurry, and three bins
        without news are a stall.
    can_wait : bool
        Whether it may be kept waiting when the queue is full; otherwise what finds no room is
        dropped and counted.

    Notes
    -----
    A source may have ``waits_for_stream``; where that is true it is called in the thread of the
    stream, and brings a chunk only when all sinks were told what followed from the one before.
    One that can be acted on has a sink ``stimulator``, and one that has something to say in the
    end has the text ``told``.
    """

    name: str
    is_live: bool
    can_wait: bool

    def open(self, info: StreamInfo) -> None:
        """
        Connect, and refuse what does not suit the fit.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """
        ...

    def chunks(self) -> Iterator[Any]:
        """
        Bring what comes, until there is no more or :meth:`close` is called.

        Yields
        ------
        Counts or Spikes
            What came.
        """
        ...

    def close(self) -> None:
        """Disconnect; called from another thread than :meth:`chunks`."""
        ...


def places_of(found: NDArray[Any], info: StreamInfo, where: str) -> NDArray[np.int64]:
    """
    Find the nodes of a fit among those of a source.

    Parameters
    ----------
    found : numpy.ndarray of str, shape (n_found,)
        Nodes of the source.
    info : StreamInfo
        What the stream expects.
    where : str
        Name of the source, for the message.

    Returns
    -------
    numpy.ndarray of int, shape (n_nodes,)
        Position of each node of the fit in the source.

    Raises
    ------
    InputError
        If the source lacks one.
    """
    position = {str(name): index for index, name in enumerate(found)}
    missing = [str(name) for name in info.node_ids if str(name) not in position]
    if missing:
        raise InputError(
            f"{where} has {len(found)} nodes, the fit had {info.n_nodes}; missing: "
            f"{some(missing)}. Send the nodes of the fit, or fit again."
        )
    return np.array([position[str(name)] for name in info.node_ids], np.int64)
