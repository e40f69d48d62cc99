"""Bins or spikes from the Lab Streaming Layer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming._lsl import import_pylsl, labels_of, resolve
from tavrnn_ephys.streaming.chunks import Counts, Spikes
from tavrnn_ephys.streaming.sources._ticks import TickWatch, is_tick
from tavrnn_ephys.streaming.sources.contract import places_of
from tavrnn_ephys.streaming.updates import StreamError, StreamInfo

__all__ = ["LslSource"]

_KINDS = ("auto", "counts", "spikes")
_BUFFER_S = 360
_POLL_S = 0.05
# After so long without a sample another stream may be there in place of this one.
_SILENCE_S = 1.0
_MOST_SAMPLES = 256
# Without a tick in so many bins there are none.
_BLIND_BINS = 20


class LslSource:
    """
    A stream of the Lab Streaming Layer, of one of two kinds.

    *Counts*: a regular stream with one channel per node and one sample per bin, stamped with the
    start of the bin.  *Spikes*: an irregular stream of one channel, one sample per spike, the
    position of its node as a number or its name as text, stamped with the time of the spike; a
    sample of -1 or an empty text, a *tick*, says that all spikes before it were sent.  Ticks that
    count, -1, -2, -3 and so on, show every loss; others show one by their spacing, where that is
    even.  Without ticks a bin is closed by the first spike behind it, and a loss does not show,
    which the stream says.  A tick before the first spike says where
    the first bin starts.  Times are those of the sender's clock.

    Parameters
    ----------
    name : str
        Name of the stream.
    kind : {"auto", "counts", "spikes"}
        What it carries; by default counts where it has a regular rate.
    timeout_s : float
        Time to look for it.
    source_id : str, optional
        Identity of the sender, where several have the name.

    Raises
    ------
    MissingDependencyError
        If ``pylsl`` is not installed.
    """

    is_live, can_wait = True, False

    def __init__(
        self,
        name: str,
        *,
        kind: str = "auto",
        timeout_s: float = 10.0,
        source_id: str | None = None,
    ) -> None:
        self._pylsl = import_pylsl()
        self.stream_name, self.name = name, f"LSL stream '{name}'"
        self.kind, self.source_id = one_of(kind, _KINDS, "kind"), source_id
        self.timeout_s = positive_number(timeout_s, "timeout_s")
        self._closed = threading.Event()
        self._ticks, self._has_begun, self._said = TickWatch(), False, False
        self._begun_s: float | None = None
        self._present: Any = None

    def open(self, info: StreamInfo) -> None:
        """
        Find the stream, and refuse one of other bins or nodes.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.

        Raises
        ------
        InputError
            If it is not there, or several have the name, or it does not suit the fit.
        """
        self._info = info
        self._connect(resolve(self.stream_name, self.source_id, self.timeout_s))

    def _connect(self, found: Any) -> None:
        inlet = self._pylsl.StreamInlet(found, max_buflen=_BUFFER_S, recover=True)
        inlet.open_stream(timeout=self.timeout_s)
        about = inlet.info(timeout=self.timeout_s)
        regular = about.nominal_srate() > 0
        self.kind = ("counts" if regular else "spikes") if self.kind == "auto" else self.kind
        labels = labels_of(about)
        if self.kind == "counts":
            self._rows = self._check_counts(about, labels)
        elif about.channel_count() != 1:
            raise InputError(
                f"The {self.name} has {about.channel_count()} channels; a stream of spikes has "
                "one, the node of each spike."
            )
        self._shape = _shape_of(found)
        self._inlet = inlet

    def _check_counts(self, about: Any, labels: list[str]) -> NDArray[np.int64]:
        info, rate = self._info, about.nominal_srate()
        if rate and abs(rate * info.bin_size_s - 1.0) > 1e-6:
            raise InputError(
                f"The {self.name} has {rate:g} samples a second, the fit bins of "
                f"{info.bin_size_s:g} s, that is {1 / info.bin_size_s:g}. Send one sample per bin."
            )
        if labels:
            return places_of(np.array(labels), info, f"The {self.name}")
        if about.channel_count() != info.n_nodes:
            raise InputError(
                f"The {self.name} has {about.channel_count()} channels, the fit had "
                f"{info.n_nodes} nodes. Send the nodes of the fit."
            )
        return np.arange(info.n_nodes)

    def chunks(self) -> Iterator[Counts | Spikes]:
        """
        Bring what comes, and look for the stream again when it is gone.

        Yields
        ------
        Counts or Spikes
            What came.

        Raises
        ------
        StreamError
            If it returns with another rate or other channels.
        """
        from pylsl.util import LostError

        heard_s = time.monotonic()
        while not self._closed.is_set():
            try:
                samples, stamps = self._pull()
            except LostError:
                self._find_again()
                continue
            if stamps:
                heard_s = time.monotonic()
                yield from self._as_chunks(samples, stamps)
            elif time.monotonic() - heard_s > _SILENCE_S:
                self._refuse_another()

    def _pull(self) -> tuple[list[Any], list[float]]:
        """Wait for a sample, and take those that lie behind it."""
        # Given a time to wait, pull_chunk waits until its buffer is full or that time is over.
        sample, stamp = self._inlet.pull_sample(timeout=_POLL_S)
        if sample is None:
            return [], []
        samples, stamps = self._inlet.pull_chunk(timeout=0.0, max_samples=_MOST_SAMPLES)
        return [sample, *samples], [stamp, *stamps]

    def _as_chunks(self, samples: Any, stamps: list[float]) -> Iterator[Counts | Spikes]:
        received = time.perf_counter()
        if self.kind == "counts":
            for sample, stamp in zip(samples, stamps, strict=True):
                counts = np.asarray(sample)[self._rows]
                if counts.dtype.kind == "f":
                    counts = np.rint(counts).astype(np.int64)
                yield Counts(counts=counts, t_start_s=stamp, received_s=received)
            return
        yield from self._spikes([sample[0] for sample in samples], stamps, received)

    def _spikes(self, items: list[Any], stamps: list[float], received: float) -> Iterator[Spikes]:
        """Gather spikes up to each place where a tick says that some before it were lost."""
        first, ticks = 0, self._ticks
        # What stands before the first spike of all says from where on spikes are known.
        begin = stamps[0] if is_tick(items[0]) and not self._has_begun else None
        self._has_begun = True
        for place, (item, stamp) in enumerate(zip(items, stamps, strict=True)):
            if not is_tick(item):
                continue
            before = ticks.last_s
            n_lost = ticks.lost(item, stamp)
            if n_lost:
                yield self._chunk(items[first:place], stamps[first:place], before, received)
                first, begin = place, None
                yield Spikes(
                    times_s=[], node_ids=np.zeros(0, np.int64), t_start_s=stamp, until_s=stamp,
                    lost=n_lost, received_s=received,
                )  # fmt: skip
        chunk = self._chunk(items[first:], stamps[first:], ticks.last_s, received)
        yield replace(chunk, t_start_s=begin)

    def _chunk(
        self, items: list[Any], stamps: list[float], until_s: float | None, received: float
    ) -> Spikes:
        spikes = [not is_tick(item) for item in items]
        nodes = np.array([item for item, keep in zip(items, spikes, strict=True) if keep])
        if nodes.dtype.kind == "f":
            nodes = np.rint(nodes).astype(np.int64)
        return Spikes(
            times_s=np.asarray(stamps)[np.array(spikes, bool)],
            node_ids=nodes if len(nodes) else np.zeros(0, np.int64),
            until_s=until_s,
            notes=self._blindness(stamps),
            received_s=received,
        )

    def _blindness(self, stamps: list[float]) -> tuple[str, ...]:
        """Say once that without ticks the loss of spikes does not show."""
        if self._said or self._ticks.last_s is not None or not stamps:
            return ()
        self._begun_s = stamps[0] if self._begun_s is None else self._begun_s
        if stamps[-1] - self._begun_s < _BLIND_BINS * self._info.fit_bin_size_s:
            return ()
        self._said = True
        return (f"The {self.name} sends no ticks: spikes that are lost on the way do not show.",)

    def _find_again(self) -> None:
        """Wait for a stream that was lost, and refuse another one in its place."""
        while not self._closed.is_set():
            found = self._wanted(
                self._pylsl.resolve_byprop("name", self.stream_name, minimum=1, timeout=0.5)
            )
            if found:
                self._refuse(found[0])
                self._connect(found[0])
                return

    def _refuse_another(self) -> None:
        """
        Refuse a stream that took the place of a silent one.

        Others are looked for in the background: a sender that only paused is read at once.
        """
        if self._present is None:
            self._present = self._pylsl.ContinuousResolver(
                "name", self.stream_name, forget_after=_SILENCE_S
            )
        found = self._wanted(self._present.results())
        if found and all(_shape_of(item) != self._shape for item in found):
            self._refuse(found[0])

    def _wanted(self, found: list[Any]) -> list[Any]:
        wanted = self.source_id
        return [item for item in found if wanted is None or item.source_id() == wanted]

    def _refuse(self, found: Any) -> None:
        if _shape_of(found) != self._shape:
            (n_now, rate_now), (n_then, rate_then) = _shape_of(found), self._shape
            raise StreamError(
                f"The {self.name} came back with {n_now} channels at {rate_now:g} Hz, before "
                f"{n_then} at {rate_then:g} Hz. Begin a new stream with it."
            )

    def close(self) -> None:
        """Let go of the stream."""
        self._closed.set()


def _shape_of(found: Any) -> tuple[int, float]:
    return found.channel_count(), found.nominal_srate()
