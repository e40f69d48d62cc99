"""Spikes and counts on the clock of a source, cut into the bins of a fit."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.counts import BIN_TOLERANCE
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.plain_arrays import in_unit, plain_array
from tavrnn_ephys.streaming.running_gram import require_counts
from tavrnn_ephys.streaming.updates import Event

__all__ = ["BinCutter", "Restart"]

# A bin that starts this part of a bin beside its place was cut by another clock.
_LARGEST_JITTER = 0.45
_MOST_EVENTS = 1000
# Rounding of a time may move a spike by this part of a bin, and no further.
_ROUNDING = 0.01
# More silence at once than 27 hours in bins of 1 ms are no seconds.
_MOST_AT_ONCE = 10**8


class Restart:
    """Stands for a gap longer than a window: what comes next starts afresh."""


class BinCutter:
    """
    Bins of one width from an origin on the source's clock, each closed once.

    Parameters
    ----------
    node_ids : numpy.ndarray of str
        Nodes.
    bin_size_s : float
        Width of a bin.
    n_window : int
        Number of bins after which a gap starts everything afresh.
    lateness_s : float
        Time that a bin waits for spikes that come late.
    t_start_s : float, optional
        Origin; the start of what comes first by default.
    """

    def __init__(
        self,
        node_ids: NDArray[np.str_],
        bin_size_s: float,
        n_window: int,
        lateness_s: float,
        t_start_s: float | None,
    ) -> None:
        self.node_ids, self.size, self.n_window = node_ids, bin_size_s, n_window
        self.lateness_s = lateness_s
        self.origin_s = self._point(t_start_s, "t_start_s")
        # The next bin to be closed, and up to where the source vouches for its spikes.
        self.next_bin, self.known_s = 0, self.origin_s
        # Nobody may ever ask for them: the last ones are kept, all are counted.
        self.events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self.losses: Counter[str] = Counter()
        self._place = {str(name): index for index, name in enumerate(node_ids)}
        self._times, self._nodes = np.zeros(0), np.zeros(0, np.int64)
        self._unknown: list[tuple[float, float]] = []

    @property
    def closed_s(self) -> float:
        """End of the last bin that was closed."""
        return self._start_s + self.next_bin * self.size

    @property
    def _start_s(self) -> float:
        """Start of the first bin; 0 before anything came."""
        return 0.0 if self.origin_s is None else self.origin_s

    def begin_anew(self) -> None:
        """Forget the clock, and what is open: another one begins."""
        self.origin_s = self.known_s = None
        self.next_bin, self._unknown = 0, []
        self._times, self._nodes = np.zeros(0), np.zeros(0, np.int64)

    def counts(self, counts: Any, t_start_s: float | None) -> Iterator[Any]:
        """Give counts of bins in order; None for missing bins, Restart for a long gap."""
        array = np.asarray(plain_array(counts, "counts"))
        columns = array[:, np.newaxis] if array.ndim == 1 else array
        if columns.ndim != 2 or len(columns) != len(self.node_ids):
            raise InputError(
                f"counts must have shape ({len(self.node_ids)},) or ({len(self.node_ids)}, "
                f"n_bins), as the fit had so many nodes; got {array.shape}."
            )
        # Refused whole: what follows a bin that is left out would stand at another time.
        require_counts(columns)
        given = self._point(t_start_s, "t_start_s")
        if self.origin_s is None:
            self.origin_s = 0.0 if given is None else given
        start = self.closed_s if given is None else given
        first = (start - self.origin_s) / self.size
        index = round(first)
        if abs(first - index) > _LARGEST_JITTER:
            raise InputError(
                f"A bin that starts at {start:.9g} s lies across bins of {self.size:g} s from "
                f"{self.origin_s:.9g} s. Cut bins by one clock, from one origin."
            )
        yield from self._up_to(index)
        old = min(max(self.next_bin - index, 0), columns.shape[1])
        if old:
            self._say("duplicate", f"{old} bins came twice and were dropped", old)
        for column in columns.T[old:]:
            self.next_bin += 1
            self.known_s = self.closed_s
            yield column

    def spikes(
        self, times_s: Any, node_ids: Any, until_s: float | None, t_start_s: float | None
    ) -> Iterator[Any]:
        """Take spikes in, and give the bins that no spike can come to any more."""
        times, nodes = self._checked(times_s, node_ids)
        given, vouched = self._point(t_start_s, "t_start_s"), self._point(until_s, "until_s")
        # Where the source vouches for a time, a spike behind it vouches for nothing.
        until = times.max(initial=-np.inf) if vouched is None else vouched
        begins = self._beginning(times, vouched, given)
        known = begins if self.known_s is None else self.known_s
        start = known
        if given is not None and given > known + BIN_TOLERANCE * self.size:
            start = given
        self._require_seconds(until - start)
        if self.origin_s is None:
            self.origin_s = begins
        if start > known:
            self._unknown.append((known, start))
        self._take(times, nodes)
        self.known_s = max(known, until)
        closing = (self.known_s - self.lateness_s - self._start_s) / self.size
        yield from self._close(int(np.floor(closing + BIN_TOLERANCE)))

    def _beginning(self, times: Any, until_s: float | None, t_start_s: float | None) -> float:
        """Say where spikes are known from, if nothing came before them."""
        if self.origin_s is not None:
            return self.closed_s
        first = times.min() if len(times) else until_s
        given = first if t_start_s is None else t_start_s
        if given is None:
            raise InputError("The first spikes of a stream are none. Say t_start_s or until_s.")
        return float(given)

    def _point(self, value: Any, name: str) -> float | None:
        """Give a point in time in seconds; None where none was given."""
        if value is None:
            return None
        found = self._seconds(value, name)
        if found.size != 1:
            raise InputError(f"{name} must be one number of seconds, got {found.size}.")
        return float(found[0])

    def _seconds(self, values: Any, name: str) -> NDArray[np.float64]:
        """Give times in seconds that are fine enough for the bins, whatever unit they carry."""
        plain = np.asarray(in_unit(plain_array(values, name), "s", name))
        try:
            if plain.dtype.kind in "cSU":
                raise TypeError
            times = plain.astype(np.float64).ravel()
        except (TypeError, ValueError):
            raise InputError(f"{name} must be numbers of seconds, got {plain.dtype}.") from None
        if not np.isfinite(times).all():
            raise InputError(f"{name} must be finite numbers of seconds.")
        furthest = np.abs(times).max(initial=0.0)
        if np.spacing(furthest) > _ROUNDING * self.size:
            raise InputError(
                f"{name} reaches {furthest:g} s, where numbers of double precision lie further "
                f"apart than bins of {self.size:g} s allow. Count seconds from a later origin."
            )
        return times

    def _require_seconds(self, silence_s: float) -> None:
        n_bins = silence_s / self.size
        if n_bins > _MOST_AT_ONCE:
            raise InputError(
                f"These spikes would close {n_bins:.2g} bins of {self.size:g} s at once. Are their "
                "times seconds? What was not recorded begins anew at t_start_s."
            )

    def _checked(self, times_s: Any, node_ids: Any) -> tuple[Any, NDArray[np.int64]]:
        times = self._seconds(times_s, "times_s")
        given = np.asarray(node_ids).ravel()
        if len(times) != len(given):
            raise InputError(f"{len(times)} spike times stand beside {len(given)} node ids.")
        if given.dtype.kind in "iu":
            nodes = given.astype(np.int64)
            wrong = (nodes < 0) | (nodes >= len(self.node_ids))
        else:
            nodes = np.array([self._place.get(str(name), -1) for name in given], np.int64)
            wrong = nodes < 0
        if wrong.any():
            unknown = list(dict.fromkeys(map(str, given[wrong])))
            raise InputError(
                f"Spikes came of nodes that the fit did not have: {some(unknown)}. Choose the "
                "nodes of the fit at the source, or fit again."
            )
        return times, nodes

    def _take(self, times: NDArray[np.float64], nodes: NDArray[np.int64]) -> None:
        late = times < self.closed_s - BIN_TOLERANCE * self.size
        if late.any():
            n = int(late.sum())
            self._say("late", f"{n} spikes came after their bin was closed and do not count", n)
        self._times = np.concatenate([self._times, times[~late]])
        self._nodes = np.concatenate([self._nodes, nodes[~late]])
        pairs = np.stack([self._times, self._nodes.astype(np.float64)])
        kept = np.sort(np.unique(pairs, axis=1, return_index=True)[1])
        n_twice = pairs.shape[1] - len(kept)
        if n_twice:
            self._say("duplicate", f"{n_twice} spikes came twice and were dropped", n_twice)
            self._times, self._nodes = self._times[kept], self._nodes[kept]

    def _close(self, last: int) -> Iterator[Any]:
        """Close the bins before ``last``."""
        if last <= self.next_bin:
            return
        where = np.floor((self._times - self._start_s) / self.size + BIN_TOLERANCE).astype(np.int64)
        for first, end in self._lost_bins(last):
            if end - first > self.n_window:
                yield from self._filled(where, first)
                yield self._restart(end)
                yield from self._close(last - end)
                return
        yield from self._filled(where, last)
        still = where >= last
        self._times, self._nodes = self._times[still], self._nodes[still]

    def _lost_bins(self, last: int) -> list[tuple[int, int]]:
        """Give the ranges of bins that an unknown stretch touches, before ``last``."""
        found, origin_s = [], self._start_s
        for start, stop in self._unknown:
            first = int(np.floor((start - origin_s) / self.size + BIN_TOLERANCE))
            end = int(np.ceil((stop - origin_s) / self.size - BIN_TOLERANCE))
            found.append((max(first, self.next_bin), min(end, last)))
        return [item for item in found if item[1] > item[0]]

    def _filled(self, where: NDArray[np.int64], last: int) -> Iterator[Any]:
        lost = self._lost_bins(last)
        order = np.argsort(where, kind="stable")
        ranked, nodes = where[order], self._nodes[order]
        before = int(np.searchsorted(ranked, self.next_bin))
        while self.next_bin < last:
            index = self.next_bin
            self.next_bin += 1
            behind = int(np.searchsorted(ranked, index, side="right"))
            if any(first <= index < end for first, end in lost):
                yield None
            else:
                yield np.bincount(nodes[before:behind], minlength=len(self.node_ids))
            before = behind
        n_lost = sum(end - first for first, end in lost)
        if n_lost:
            self._say("gap", f"{n_lost} bins are missing", n_lost)
        edge = self.closed_s + BIN_TOLERANCE * self.size
        self._unknown = [item for item in self._unknown if item[1] > edge]

    def _up_to(self, index: int) -> Iterator[Any]:
        """Fill a gap before a bin with missing bins, or start afresh behind a long one."""
        gap = index - self.next_bin
        if gap > self.n_window:
            yield self._restart(index)
        elif gap > 0:
            self._say("gap", f"{gap} bins are missing", gap)
            for _ in range(gap):
                self.next_bin += 1
                yield None

    def _restart(self, index: int) -> Restart:
        """Put the origin at a bin behind a gap longer than a window."""
        gap = index - self.next_bin
        text = f"A gap of {gap * self.size:g} s is longer than a window: warming up afresh"
        self._say("restart", text, gap)
        self.origin_s = self._start_s + index * self.size
        self.next_bin = 0
        self._unknown = [(max(a, self.origin_s), b) for a, b in self._unknown if b > self.origin_s]
        self.known_s = max(self.origin_s, self.known_s or self.origin_s)
        return Restart()

    def _say(self, kind: str, text: str, count: int) -> None:
        self.note(Event(kind=kind, t_s=self.closed_s, text=f"{text}.", count=int(count)))

    def note(self, event: Event) -> None:
        """Keep and count an event."""
        self.events.append(event)
        self.losses[event.kind] += event.count

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what is open."""
        numbers = [self.origin_s, self.next_bin, self.known_s]
        return {
            "numbers": np.array([np.nan if item is None else item for item in numbers]),
            "times": self._times.copy(),
            "nodes": self._nodes.copy(),
            "unknown": np.array(self._unknown, np.float64).reshape(-1, 2),
            "kinds": np.array(list(self.losses), dtype=str),
            "n_of_kind": np.array(list(self.losses.values()), dtype=np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up what was open."""
        origin, following, known = state["numbers"].tolist()
        self.origin_s = None if np.isnan(origin) else origin
        self.next_bin, self.known_s = int(following), None if np.isnan(known) else known
        self._times, self._nodes = np.array(state["times"]), np.array(state["nodes"])
        self._unknown = [(a, b) for a, b in state["unknown"].tolist()]
        counts = zip(state["kinds"].tolist(), state["n_of_kind"].tolist(), strict=True)
        self.losses = Counter(dict(counts))
