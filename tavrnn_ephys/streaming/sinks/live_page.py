"""A page that shows the stream while it runs, drawn by another process."""

from __future__ import annotations

import importlib.util
import json
import math
import secrets
import socket
import struct
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.errors import MissingDependencyError, OutputError
from tavrnn_ephys.streaming.sinks.functions import FunctionSink
from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

__all__ = ["LivePage"]

# What a frame holds at most, however long the viewer took for the last one.
_MOST_BINS, _MOST_COMMITS, _MOST_EVENTS = 1200, 120, 12
_MOST_BYTES = 4_000_000
_FAREWELL_S = 3.0


class LivePage(FunctionSink):
    """
    Shows raster, similarity to past windows, score, latency and losses in a browser.

    The page is served by a process of its own, to this machine alone.  Frames are handed over
    without waiting: one that finds no room is left out, and counted on the page.  A viewer that
    hangs or dies costs the stream nothing.

    Parameters
    ----------
    port : int
        Port of the page; 0 takes a free one.
    every_s : float
        Time between two frames.
    title : str
        Heading of the page.
    on_ready : callable, optional
        Called with the address once the page is there.

    Attributes
    ----------
    url : str
        Address of the page; empty before the stream runs.
    n_dropped : int
        Number of frames that found no room.

    Raises
    ------
    MissingDependencyError
        If ``tornado`` is not installed.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        every_s: float = 0.5,
        title: str = "tavrnn_ephys stream",
        on_ready: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__()
        if importlib.util.find_spec("tornado") is None:
            raise MissingDependencyError(
                "The live page needs tornado: pip install 'tavrnn_ephys[live]'."
            )
        self.port, self.title, self.on_ready = int(port), title, on_ready
        self.every_s = positive_number(every_s, "every_s")
        self.url, self.n_dropped = "", 0
        self._process: subprocess.Popen[str] | None = None
        self._socket: socket.socket | None = None
        self._rest = memoryview(b"")
        self._next_s = 0.0
        self._n_bins = self._n_committed = 0
        self._per_bin, self._parts = 1, list[Any]()
        self._bin_s, self._last_s = 0.0, 0.0
        self._state = ""
        self._losses: Counter[str] = Counter()
        self._bins: deque[Any] = deque(maxlen=_MOST_BINS)
        self._points: deque[Any] = deque(maxlen=_MOST_BINS)
        self._commits: deque[Any] = deque(maxlen=_MOST_COMMITS)
        self._events: deque[Any] = deque(maxlen=_MOST_EVENTS)

    def open(self, info: StreamInfo) -> None:
        """
        Start the viewer.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.

        Raises
        ------
        OutputError
            If it does not start, for one because the port is taken.
        """
        view = {
            "n_nodes": info.n_nodes,
            "bin_size_s": info.fit_bin_size_s,
            "width": info.width,
            "title": self.title,
        }
        self._bin_s = info.bin_size_s
        self._per_bin = max(1, round(info.fit_bin_size_s / info.bin_size_s))
        size = 4 * info.n_nodes * max(info.width, 1)
        self._commits = deque(maxlen=min(_MOST_COMMITS, 1 + _MOST_BYTES // size))
        token = secrets.token_hex(16)
        about = {"view": view, "token": token, "port": self.port, "every_s": self.every_s}
        command = [sys.executable, "-m", "tavrnn_ephys.streaming.live"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ports = self._started(json.dumps(about))
        self._socket = socket.create_connection(("127.0.0.1", ports["feed"]), timeout=5.0)
        self._socket.sendall(token.encode())
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{ports['page']}/"
        if self.on_ready is not None:
            self.on_ready(self.url)

    def _started(self, about: str) -> dict[str, int]:
        """Tell the viewer what it shows, and hear where."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise OutputError("The live page has no process.")
        with suppress(BrokenPipeError):
            process.stdin.write(about + "\n")
            process.stdin.close()
        said = process.stdout.readline()
        if not said:
            said = process.stderr.read().strip() if process.stderr else ""
            process.wait()
            reason = said.splitlines()[-1] if said else "no reason given"
            raise OutputError(
                f"The live page did not start ({reason}). Choose another port, or go without it."
            )
        ports: dict[str, int] = json.loads(said)
        return ports

    def bin(self, counts: NDArray[Any] | None, t_s: float) -> None:
        """
        Take a bin; those of one bin of the fit are shown together.

        Parameters
        ----------
        counts : numpy.ndarray of int, shape (n_nodes,), or None
            Counts.
        t_s : float
            End of the bin.
        """
        if self._parts and abs(t_s - self._last_s - self._bin_s) > 0.5 * self._bin_s:
            # The stream began afresh within a bin of the fit, which is never whole.
            self._parts = []
        self._parts.append(counts)
        self._last_s = t_s
        if len(self._parts) < self._per_bin:
            return
        total = None if any(item is None for item in self._parts) else np.sum(self._parts, axis=0)
        self._parts = []
        known = None if total is None else np.minimum(total, 255).astype(np.uint8).tobytes()
        self._bins.append((self._n_bins, t_s, known))
        self._n_bins += 1
        self._offer()

    def update(self, update: Update) -> None:
        """
        Take an update.

        Parameters
        ----------
        update : Update
            What the stream says.
        """
        self._state = update.state if update.committed else f"{update.state}, provisional"
        self._points.append((update.t_stop_s, update.latency_ms, update.score))
        if update.committed:
            self._n_committed += 1
            embedding = np.ascontiguousarray(update.embedding, np.float32)
            self._commits.append((update.t_stop_s, embedding.tobytes()))

    def event(self, event: Event) -> None:
        """
        Take an event.

        Parameters
        ----------
        event : Event
            What happened.
        """
        self._losses[event.kind] += event.count
        # Kept even where no bin comes any more, as in a stall.
        self._events.append((event.t_s, event.kind, event.text))
        self._offer()

    def _offer(self) -> None:
        """Hand a frame over if it is time, and the last one has gone."""
        if self._socket is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self.every_s
        self._push_on()
        if self._rest:
            self.n_dropped += 1
            return
        self._rest = memoryview(self._frame())
        self._push_on()

    def _frame(self) -> bytes:
        facts = {
            "n_committed": self._n_committed,
            "state": self._state,
            "losses": dict(self._losses),
            "n_dropped": self.n_dropped,
        }
        parts = {
            "bins": self._bins, "points": self._points, "commits": self._commits,
            "events": self._events,
        }  # fmt: skip
        packed: bytes = msgpack.packb({**{k: list(v) for k, v in parts.items()}, "facts": facts})
        for part in parts.values():
            part.clear()
        return struct.pack(">I", len(packed)) + packed

    def _push_on(self) -> None:
        """Send as much as there is room for, without waiting."""
        if self._socket is None:
            return
        try:
            while self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
        except BlockingIOError:
            pass
        except OSError:
            # The viewer is gone; the stream goes on.
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Hand the last frame over, and let the viewer go."""
        if self._socket is not None:
            self._next_s = -math.inf
            self._offer()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            try:
                self._process.wait(_FAREWELL_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            self._process = None
