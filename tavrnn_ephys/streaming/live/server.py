"""
A page on this machine alone, and a socket that its frames come through.

Tornado serves both: one package without dependencies, HTTP and WebSocket in one, kept for
Jupyter and Dask.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.routing import HostMatches
from tornado.tcpserver import TCPServer
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from tavrnn_ephys.streaming.live.view import LiveView

__all__ = ["serve"]

_LOOPBACK = "127.0.0.1"
_FIRST_FRAME_S = 30.0
_FAREWELL_S = 1.0
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src ws://{host}; base-uri 'none'; frame-ancestors 'none'"
)


async def serve(about: Mapping[str, Any]) -> None:
    """
    Serve a page until its stream ends; say where on the output.

    Parameters
    ----------
    about : mapping of str to object
        What :class:`LiveView` takes, ``token``, ``port`` (0 for a free one) and ``every_s``.
    """
    view, readers = LiveView(about["view"]), set[_Reader]()
    pages = bind_sockets(about["port"], _LOOPBACK)
    rules: list[Any] = [
        (r"/feed", _Reader, {"view": view, "readers": readers}),
        (r"/(page\.css|page\.js|plotly\.js)?", _File, {"files": _files()}),
    ]
    server = HTTPServer(Application([(HostMatches(r"(127\.0\.0\.1|localhost)"), rules)]))
    server.add_sockets(pages)
    feed = _Feed(view, about["token"])
    frames = bind_sockets(0, _LOOPBACK)
    feed.add_sockets(frames)
    ports = {"feed": frames[0].getsockname()[1], "page": pages[0].getsockname()[1]}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.wait_for(feed.begun.wait(), _FIRST_FRAME_S)
    while not feed.ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(feed.ended.wait(), about["every_s"])
        for reader in list(readers):
            reader.tell()
    view.ended = True
    farewells = [asyncio.ensure_future(reader.tell_last()) for reader in readers]
    if farewells:
        await asyncio.wait(farewells, timeout=_FAREWELL_S)


def _files() -> dict[str, tuple[str, bytes]]:
    """Read what the page is made of."""
    from plotly.offline import get_plotlyjs

    folder = Path(__file__).parent
    found = {
        name: (_TYPES[Path(name).suffix], (folder / name).read_bytes())
        for name in ("page.html", "page.css", "page.js")
    }
    return {**found, "plotly.js": (_TYPES[".js"], get_plotlyjs().encode())}


class _File(RequestHandler):
    """One of the files of the page."""

    def initialize(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        self.files = files

    def get(self, name: str | None) -> None:
        kind, content = self.files[name or "page.html"]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", _POLICY.format(host=self.request.host))
        self.write(content)


class _Reader(WebSocketHandler):
    """One browser; it gets a picture when it has taken the last one, and misses those between."""

    def initialize(self, view: LiveView, readers: set[_Reader]) -> None:
        self.view, self.readers = view, readers
        self._told: asyncio.Future[None] | None = None

    def open(self, *args: str, **kwargs: str) -> None:
        self.readers.add(self)
        self.tell()

    def tell(self) -> None:
        """Send the present picture, unless the last one is still on its way."""
        if self._told is None or self._told.done():
            self._told = self.write_message(self.view.message(), binary=True)

    async def tell_last(self) -> None:
        """Send the last picture once the one before is there, and let go."""
        with suppress(WebSocketClosedError, StreamClosedError):
            if self._told is not None:
                await self._told
            await self.write_message(self.view.message(), binary=True)
            self.close()

    def on_message(self, message: str | bytes) -> None:
        """Browsers have nothing to say."""

    def on_close(self) -> None:
        self.readers.discard(self)


class _Feed(TCPServer):
    """Takes frames from the one stream that knows the token."""

    def __init__(self, view: LiveView, token: str) -> None:
        super().__init__()
        self._view, self._token = view, token.encode()
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        try:
            if not hmac.compare_digest(await stream.read_bytes(len(self._token)), self._token):
                stream.close()
                return
            self.begun.set()
            while True:
                (size,) = struct.unpack(">I", await stream.read_bytes(4))
                self._view.take(msgpack.unpackb(await stream.read_bytes(size)))
                # What has come already is read without a wait: frames that come faster than they
                # are taken would keep pictures back until the stream ends.
                await asyncio.sleep(0)
        except StreamClosedError:
            if self.begun.is_set():
                self.ended.set()
