"""A data set that several processes ask for at once: loaded once, whole for each of them."""

import hashlib
import http.server
import subprocess
import sys
import threading

import pytest

CONTENT = bytes(range(256)) * 4096

ASK = """
import sys
from pathlib import Path
from tavrnn_ephys.datasets import fetching, registry
from tavrnn_ephys.datasets.registry import Dataset, DatasetFile

address, checksum, cache = sys.argv[1:]
item = DatasetFile(name="a.bin", url=f"{address}/a.bin", sha256=checksum)
found = Dataset(
    name="small", title="t", files=(item,), licence="l", citation="c", page="p", folder="small"
)
fetching._cache = lambda _: Path(cache)
print(fetching._one_file(found, item, progress=False).stat().st_size)
"""


@pytest.fixture
def site():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            for first in range(0, len(CONTENT), 2**16):
                self.wfile.write(CONTENT[first : first + 2**16])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_of_several_processes_one_loads_and_all_have_the_file(site, tmp_path):
    address, asked = site
    checksum = hashlib.sha256(CONTENT).hexdigest()
    command = [sys.executable, "-W", "ignore", "-c", ASK, address, checksum, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [process.communicate(timeout=120) for process in processes]
    assert [said for said, _ in ended] == [f"{len(CONTENT)}\n"] * 4, ended[0][1]
    assert [process.returncode for process in processes] == [0] * 4
    assert asked == ["/a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert not (tmp_path / "a.bin.part").exists()
