"""The loop of a stream: one thread for input, one for the model, every loss said."""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from tavrnn_ephys.core.checks import one_of, positive_number
from tavrnn_ephys.streaming._autosave import Autosave
from tavrnn_ephys.streaming._pacing import PRIORITIES, use_priority
from tavrnn_ephys.streaming.chunks import as_chunk
from tavrnn_ephys.streaming.updates import StreamError, Update

__all__ = ["run_stream"]

_STALLED_BINS = 3
#: An update older than this comes too late to act on.
OLDEST_MS = 100.0


class _End:
    """Stands behind the last chunk."""


@dataclass
class _Inbox:
    """Chunks on their way from the thread of the source to that of the model."""

    chunks: queue.Queue[Any]
    stop: threading.Event = field(default_factory=threading.Event)
    n_dropped: int = 0
    fault: BaseException | None = None

    def fill(self, source: Any, priority: str) -> None:
        """Take all that a source brings; drop, and count, what finds no room."""
        try:
            use_priority(priority)
            for chunk in source.chunks():
                self._put(chunk, waits=source.can_wait)
                if self.stop.is_set():
                    break
        except BaseException as error:
            self.fault = error
        self._put(_End(), waits=True)

    def _put(self, chunk: Any, *, waits: bool) -> None:
        while not self.stop.is_set():
            try:
                self.chunks.put(chunk, block=waits, timeout=0.1)
                return
            except queue.Full:
                if not waits:
                    self.n_dropped += 1
                    return


def run_stream(
    stream: Any,
    source: Any,
    *,
    sinks: Sequence[Any] = (),
    triggers: Sequence[Any] = (),
    autosave: str | Path | None = None,
    autosave_every_s: float = 10.0,
    priority: str = "default",
    queue_s: float = 60.0,
) -> Iterator[Update]:
    """
    Take in all that a source brings, and hand every update on as it is made.

    Parameters
    ----------
    stream : Stream
        The stream.
    source : source or iterable of chunks
        One of :mod:`tavrnn_ephys.streaming.sources`, read by a thread of its own; or any iterable
        of chunks or arrays of counts.  One that ``waits_for_stream`` brings a chunk only when the
        one before was judged, in one thread with the model.
    sinks : sequence of sink
        Each is told of every bin, update and event; see :mod:`tavrnn_ephys.streaming.sinks`.
    triggers : sequence of Trigger
        Each judges every update; the decoder of the first gives updates their score.
    autosave : str or pathlib.Path, optional
        File in which the state is kept, written by a thread of its own.
    autosave_every_s : float
        Time between two savings.
    priority : {"default", "realtime"}
        Whether the system runs this process before others, where it allows that.
    queue_s : float
        Stretch of bins that may wait; what comes beyond is dropped and counted, and its bins are
        missing.

    Yields
    ------
    Update
        As of :meth:`Stream.push`.

    Raises
    ------
    StreamError
        If the stream fell behind and ``late="stop"``, or the source changed.
    """
    one_of(priority, PRIORITIES, "priority")
    positive_number(queue_s, "queue_s")
    if triggers and stream.decoder is None:
        stream.decoder = triggers[0].decoder
    with ExitStack() as stack:
        stack.enter_context(_undisturbed())
        for sink in sinks:
            stack.callback(sink.close)
        for sink in sinks:
            sink.open(stream.info)
        saver = Autosave(autosave, autosave_every_s) if autosave is not None else None
        if saver is not None:
            stack.callback(saver.close, stream)
        loop = _Loop(stream, sinks, triggers, saver)
        loop.announce_priority(priority)
        if getattr(source, "waits_for_stream", False):
            yield from loop.in_step(source, stack)
        elif hasattr(source, "chunks"):
            yield from loop.through_inbox(source, priority, queue_s, stack)
        else:
            yield from loop.through(source)
        loop.say_events()


class _Loop:
    """A stream between its source and its sinks."""

    def __init__(
        self,
        stream: Any,
        sinks: Sequence[Any],
        triggers: Sequence[Any],
        saver: Autosave | None,
    ) -> None:
        self.stream, self.sinks, self.triggers, self.saver = stream, sinks, triggers, saver
        self.hear_judged = [sink.judged for sink in sinks if hasattr(sink, "judged")]
        self.n_dropped = 0

    def announce_priority(self, priority: str) -> None:
        """Ask for a priority, and say where it is refused."""
        sentence = use_priority(priority)
        if sentence:
            self.stream.note("priority", sentence)

    def through(self, chunks: Iterable[Any]) -> Iterator[Update]:
        """Take chunks in as fast as they are made."""
        for item in chunks:
            yield from self.take(as_chunk(item), hurry=False, timed=False)

    def in_step(self, source: Any, stack: ExitStack) -> Iterator[Update]:
        """Let a source go on only when all that it brought is judged, and answered."""
        source.open(self.stream.info)
        stack.callback(source.close)
        yield from self.through(source.chunks())

    def through_inbox(
        self, source: Any, priority: str, queue_s: float, stack: ExitStack
    ) -> Iterator[Update]:
        """Take chunks in as they come, and notice when they do not."""
        info = self.stream.info
        source.open(info)
        stack.callback(source.close)
        room = max(2, round(queue_s / info.bin_size_s))
        inbox = _Inbox(queue.Queue(room))
        thread = threading.Thread(
            target=inbox.fill, args=(source, priority), name="stream input", daemon=True
        )
        stack.callback(thread.join, 5.0)
        stack.callback(inbox.stop.set)
        thread.start()
        patience = _STALLED_BINS * info.fit_bin_size_s
        is_live, stalled = bool(source.is_live), False
        while True:
            try:
                chunk = inbox.chunks.get(timeout=patience if is_live else None)
            except queue.Empty:
                if not stalled:
                    self._stall(patience)
                stalled = True
                continue
            if isinstance(chunk, _End):
                break
            if stalled:
                self.stream.note("resumed", "The source brings bins again.")
                stalled = False
            self._count_dropped(inbox)
            hurry = is_live and self.stream.late == "skip" and not inbox.chunks.empty()
            yield from self.take(as_chunk(chunk), hurry=hurry, timed=is_live)
        if inbox.fault is not None:
            self.stream.note("refused", str(inbox.fault))
            self.say_events()
            raise inbox.fault

    def _stall(self, patience: float) -> None:
        text = f"Nothing came for {patience:g} s, three bins: the source is stalled."
        self.stream.note("stalled", text)
        self.say_events()

    def _count_dropped(self, inbox: _Inbox) -> None:
        n_new = inbox.n_dropped - self.n_dropped
        if n_new:
            self.n_dropped += n_new
            text = f"{n_new} chunks found no room in the queue and were dropped."
            self.stream.note("dropped", text, n_new)

    def take(self, chunk: Any, *, hurry: bool, timed: bool) -> Iterator[Update]:
        """Take one chunk in; tell sinks of every bin before what follows from it."""
        for note in chunk.notes:
            self.stream.note("source", note)
        if chunk.lost:
            self.stream.note("lost", f"The source lost {chunk.lost} messages.", chunk.lost)
        # Without a clock a chunk is as old as the moment at which it is taken.
        received_s = chunk.received_s if timed else time.perf_counter()
        for counts, update in self.stream.take(chunk, hurry=hurry):
            for sink in self.sinks:
                sink.bin(counts, self.stream.t_s)
            if update is None:
                self._say_judged()
                continue
            latency = 1e3 * (time.perf_counter() - received_s)
            update = replace(update, latency_ms=latency)
            if timed and self.stream.late == "stop" and latency > OLDEST_MS:
                raise StreamError(
                    f"The stream fell {latency:.0f} ms behind its source at {update.t_stop_s:g} s, "
                    'more than 100 ms. Use larger bins, fewer nodes, or late="skip".'
                )
            self._decide(update)
            for sink in self.sinks:
                sink.update(update)
            self._say_judged()
            yield update
        self.say_events()
        if self.saver is not None and not hurry:
            self.saver.consider(self.stream)

    def _say_judged(self) -> None:
        for judged in self.hear_judged if self.stream.closes_bin_of_fit else ():
            judged(self.stream.t_s)

    def _decide(self, update: Update) -> None:
        for trigger in self.triggers:
            event = trigger.judge(update)
            if event is not None:
                self.stream.record(event)
        self.say_events()

    def say_events(self) -> None:
        """Tell sinks what happened."""
        for event in self.stream.events():
            for sink in self.sinks:
                sink.event(event)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Compute on one thread, and keep what is there out of garbage collection."""
    previous = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        torch.set_num_threads(previous)
