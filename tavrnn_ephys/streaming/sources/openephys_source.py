"""Spikes from the ZMQ Interface of the Open Ephys GUI."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tavrnn_ephys.core.checks import positive_number, some
from tavrnn_ephys.core.errors import InputError, MissingDependencyError
from tavrnn_ephys.streaming.chunks import Spikes
from tavrnn_ephys.streaming.updates import StreamError, StreamInfo

__all__ = ["OpenEphysSource"]

_HEARTBEAT_S = 2.0
_POLL_MS = 50
_ROOM = 1_000_000


class OpenEphysSource:
    """
    Spikes that the ZMQ Interface plugin publishes.

    A node is an electrode by its name, or ``"NAME:ID"`` for a sorted unit of it.  Messages of
    continuous data tell the sampling rate and how far time has come: select one channel of them
    in the plugin.  A jump of the message numbers means that messages were lost: the stretch
    since the last one counts as missing.

    Parameters
    ----------
    address : str
        Address of the data port, such as ``"tcp://localhost:5556"``; the port for heartbeats is
        the next one.
    sample_rate_hz : float, optional
        Sampling rate, where the plugin sends spikes alone.
    heartbeat_address : str, optional
        Address for heartbeats, where it is not the next port.

    Raises
    ------
    InputError
        If the address has no port.
    MissingDependencyError
        If ``pyzmq`` is not installed.
    """

    is_live, can_wait = True, False

    def __init__(
        self,
        address: str = "tcp://localhost:5556",
        *,
        sample_rate_hz: float | None = None,
        heartbeat_address: str | None = None,
    ) -> None:
        try:
            import zmq
        except ImportError:
            raise MissingDependencyError(
                "Open Ephys needs pyzmq: pip install 'tavrnn_ephys[openephys]'."
            ) from None
        self._zmq, self.address, self.name = zmq, address, f"Open Ephys at {address}"
        self._heartbeats = heartbeat_address or _next_port(address)
        self._rate = None
        if sample_rate_hz is not None:
            self._rate = positive_number(sample_rate_hz, "sample_rate_hz")
        self._closed = threading.Event()
        self._number: int | None = None
        self._until_s: float | None = None
        self._early: list[dict[str, Any]] = []
        self._unknown: set[str] = set()
        self._said: set[str] = set()

    def open(self, info: StreamInfo) -> None:
        """
        Subscribe.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """
        self._places = {str(name): index for index, name in enumerate(info.node_ids)}
        self._context = self._zmq.Context()
        self._data = self._context.socket(self._zmq.SUB)
        # The default high-water mark drops without a word.
        self._data.setsockopt(self._zmq.RCVHWM, _ROOM)
        self._data.setsockopt(self._zmq.SUBSCRIBE, b"")
        self._data.connect(self.address)

    def chunks(self) -> Iterator[Spikes]:
        """
        Bring the spikes of each buffer, and keep the plugin informed that somebody listens.

        Yields
        ------
        Spikes
            What came.

        Raises
        ------
        StreamError
            If the sampling rate changes.
        """
        pulse = _Pulse(self._zmq, self._context, self._heartbeats)
        try:
            while not self._closed.is_set():
                pulse.beat()
                if not self._data.poll(_POLL_MS):
                    continue
                headers: list[dict[str, Any] | None] = []
                while self._data.poll(0) and len(headers) < 1000:
                    headers.append(_header(self._data.recv_multipart()))
                yield from self._as_chunks([item for item in headers if item])
        finally:
            pulse.close()
            self._data.close(linger=0)
            self._context.term()

    def _as_chunks(self, headers: list[dict[str, Any]]) -> Iterator[Spikes]:
        """Gather headers up to a loss or a new acquisition into one chunk each."""
        gathered: list[dict[str, Any]] = []
        for header in headers:
            number = int(header.get("message_num", header.get("message_no", -1)))
            before, self._number = self._number, number
            jump = 1 if before is None else number - before
            if jump != 1:
                yield from self._chunk(gathered)
                gathered = []
                if jump > 1:
                    yield from self._chunk([header], lost=jump - 1)
                else:
                    self._until_s = None
                    yield from self._chunk([header], restarts=True)
                continue
            gathered.append(header)
        yield from self._chunk(gathered)

    def _chunk(
        self, headers: list[dict[str, Any]], *, lost: int = 0, restarts: bool = False
    ) -> Iterator[Spikes]:
        if not headers and not lost and not restarts:
            return
        for header in headers:
            if header.get("type") == "data":
                self._take_data(header["content"])
        spikes = [item["spike"] for item in headers if item.get("type") == "spike"]
        if self._rate is None:
            # Spikes do not tell the sampling rate; they wait for data that do.
            self._early += spikes
            return
        spikes, self._early = [*self._early, *spikes], []
        rate = self._rate
        names = [self._node_of(item) for item in spikes]
        known = [item for item in zip(spikes, names, strict=True) if item[1] is not None]
        times = np.array([float(item["sample_num"]) / rate for item, _ in known])
        start = None
        if lost:
            here = [t for t in (*times[:1], self._until_s) if t is not None]
            start = float(max(here)) if here else None
        yield Spikes(
            times_s=times,
            node_ids=np.array([place for _, place in known], np.int64),
            until_s=self._until_s,
            t_start_s=start,
            lost=lost,
            restarts=restarts,
            notes=self._notes(),
        )

    def _take_data(self, content: dict[str, Any]) -> None:
        rate = float(content["sample_rate"])
        if self._rate is not None and rate != self._rate:
            raise StreamError(
                f"{self.name} sends {rate:g} samples a second, before {self._rate:g}. Begin a new "
                "stream with it."
            )
        self._rate = rate
        until = (int(content["sample_num"]) + int(content["num_samples"])) / rate
        self._until_s = until if self._until_s is None else max(self._until_s, until)

    def _node_of(self, spike: dict[str, Any]) -> int | None:
        electrode = str(spike["electrode"])
        for name in (electrode, f"{electrode}:{spike.get('sorted_id', 0)}"):
            if name in self._places:
                return self._places[name]
        self._unknown.add(electrode)
        return None

    def _notes(self) -> tuple[str, ...]:
        """Name electrodes that the fit did not have, each once."""
        new = sorted(self._unknown - self._said)
        self._said |= self._unknown
        if not new:
            return ()
        return (f"Spikes of electrodes that the fit did not have are left out: {some(new)}.",)

    def close(self) -> None:
        """Unsubscribe."""
        self._closed.set()


class _Pulse:
    """Heartbeats, without which the plugin takes nobody to listen."""

    def __init__(self, zmq: Any, context: Any, address: str) -> None:
        self._zmq, self._context, self._address = zmq, context, address
        self._message = json.dumps(
            {"application": "tavrnn_ephys", "uuid": str(uuid.uuid4()), "type": "heartbeat"}
        ).encode()
        self._next = 0.0
        self._connect()

    def _connect(self) -> None:
        self._socket = self._context.socket(self._zmq.REQ)
        self._socket.connect(self._address)
        self._waits = False

    def beat(self) -> None:
        """Send one if it is time; a plugin that did not answer is asked afresh."""
        if self._waits and self._socket.poll(0):
            self._socket.recv()
            self._waits = False
        if time.monotonic() < self._next:
            return
        if self._waits:
            self._socket.close(linger=0)
            self._connect()
        self._socket.send(self._message)
        self._waits, self._next = True, time.monotonic() + _HEARTBEAT_S

    def close(self) -> None:
        """Disconnect."""
        self._socket.close(linger=0)


def _header(frames: list[bytes]) -> dict[str, Any] | None:
    """Read the header of a message; None for one of another kind."""
    if len(frames) < 2:
        return None
    try:
        header = json.loads(frames[1])
    except ValueError:
        return None
    return header if isinstance(header, dict) else None


def _next_port(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "tcp" or parts.port is None:
        raise InputError(
            f"'{address}' is no address of a data port. Write tcp://HOST:PORT, such as "
            "tcp://localhost:5556."
        )
    return f"tcp://{parts.hostname}:{parts.port + 1}"
