"""Bins and spikes that another part of a program hands over."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

from tavrnn_ephys.streaming.chunks import Counts, Spikes
from tavrnn_ephys.streaming.updates import StreamInfo

__all__ = ["PushSource"]


class PushSource:
    """
    A place to put bins or spikes into, from any thread.

    Parameters
    ----------
    is_live : bool
        Whether three bins without news are a stall.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> source = te.sources.push()
    >>> source.counts([0, 1, 2])
    >>> source.close()
    >>> [chunk.counts for chunk in source.chunks()]
    [[0, 1, 2]]
    """

    name = "pushed bins"
    can_wait = False

    def __init__(self, *, is_live: bool = True) -> None:
        self.is_live = is_live
        self._chunks: queue.SimpleQueue[Counts | Spikes | None] = queue.SimpleQueue()

    def open(self, info: StreamInfo) -> None:
        """
        Take anything; the stream checks what comes.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """

    def counts(self, counts: Any, t_start_s: float | None = None) -> None:
        """
        Hand over counts of bins.

        Parameters
        ----------
        counts : array_like of int, shape (n_nodes,) or (n_nodes, n_bins)
            Spike counts.
        t_start_s : float, optional
            Start of the first bin.
        """
        self._chunks.put(Counts(counts=counts, t_start_s=t_start_s))

    def spikes(
        self,
        times_s: Any,
        node_ids: Any,
        *,
        until_s: float | None = None,
        t_start_s: float | None = None,
    ) -> None:
        """
        Hand over spikes.

        Parameters
        ----------
        times_s : array_like of float, shape (n_spikes,)
            Times on the clock of the source.
        node_ids : array_like of str or int, shape (n_spikes,)
            Node of each spike.
        until_s, t_start_s : float, optional
            Stretch of time that they are all spikes of.
        """
        chunk = Spikes(times_s=times_s, node_ids=node_ids, until_s=until_s, t_start_s=t_start_s)
        self._chunks.put(chunk)

    def chunks(self) -> Iterator[Counts | Spikes]:
        """
        Bring what was handed over.

        Yields
        ------
        Counts or Spikes
            In order.
        """
        while (chunk := self._chunks.get()) is not None:
            yield chunk

    def close(self) -> None:
        """Say that there is no more."""
        self._chunks.put(None)
