"""A server of files for tests, which serves parts, counts, and can be told to misbehave."""

import re
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """
    What a server holds, how it behaves, and what it was asked for.

    ``fault`` is one of ``"none"``, ``"no parts"``, ``"cut"``, ``"changes"``, ``"busy"`` (503 at
    every second request), ``"down"`` (503 always), or a status of HTTP.
    """

    def __init__(self, path):
        self.content = path.read_bytes()
        self.fault = "none"
        self.n_requests = self.n_bytes = 0
        self.is_first = True
        self.delay_s = 0.0


def _handler(served):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            served.n_requests += 1
            time.sleep(served.delay_s)
            if isinstance(served.fault, int):
                return self._say(served.fault)
            if served.fault == "down" or (served.fault == "busy" and served.n_requests % 2):
                return self._say(503)
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked is None or served.fault == "no parts":
                return self._say(200, served.content)
            first, last = int(asked[1]), min(int(asked[2]), len(served.content) - 1)
            part = served.content[first : last + 1]
            if served.fault == "cut" and not served.is_first:
                part = part[: len(part) // 2]
            version = "two" if served.fault == "changes" and not served.is_first else "one"
            served.is_first = False
            served.n_bytes += len(part)
            place = f"bytes {first}-{last}/{len(served.content)}"
            return self._say(206, part, {"Content-Range": place, "ETag": f'"{version}"'})

        def _say(self, status, body=b"", headers=None):
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up: those that are sent too much do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(path):
    """Give the address of a file, and what its server is asked for."""
    served = Served(path)
    server = _Server(("127.0.0.1", 0), _handler(served))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/some/{path.name}", served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
