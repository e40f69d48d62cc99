"""Data sets: local copies, the cache, downloads that break off, files that differ."""

import hashlib
import http.server
import json
import re
import threading
from dataclasses import replace

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.datasets import fetching, registry
from tavrnn_ephys.datasets.registry import DATASETS

CONTENT = bytes(range(256)) * 8000


class Site:
    """A web site of one machine: what lies where, what was asked, and where it breaks off."""

    def __init__(self):
        self.pages, self.asked, self.break_after = {}, [], None
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                first = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
                site.asked.append((self.path, first))
                content = site.pages.get(self.path.split("?")[0])
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(206 if first else 200)
                self.send_header("Content-Length", str(len(content) - first))
                self.end_headers()
                self.wfile.write(content[first : site.break_after])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    made = Site()
    yield made
    made.close()


@pytest.fixture
def known(site, tmp_path, monkeypatch):
    """A data set on the site, an empty cache, no local copies."""
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    monkeypatch.delenv("TAVRNN_EPHYS_DATA", raising=False)
    file = replace(
        DATASETS["hipsc-mea"].files[0],
        name="file.bin",
        url=f"{site.address}/file.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    entry = replace(DATASETS["hipsc-mea"], name="mine", files=(file,), folder="mine")
    monkeypatch.setattr(registry, "DATASETS", {**DATASETS, "mine": entry})
    site.pages["/file.bin"] = CONTENT
    return entry


def test_download_is_kept_and_asked_for_once(site, known):
    assert not fetching.is_here(known)
    path = te.datasets.fetch("mine")
    assert path.read_bytes() == CONTENT
    assert fetching.is_here(known)
    assert te.datasets.fetch("mine") == path
    assert site.asked == [("/file.bin", 0)]


def test_interrupted_download_goes_on_where_it_stopped(site, known):
    site.break_after = 500_000
    with pytest.raises(FileFormatError, match="the connection broke.*Connect to the network"):
        te.datasets.fetch("mine")
    assert not fetching.is_here(known)
    site.break_after = None
    assert te.datasets.fetch("mine").read_bytes() == CONTENT
    (_, first), (_, second) = site.asked
    assert first == 0
    assert 400_000 < second <= 500_000


def test_other_content_is_refused_and_not_kept(site, known):
    site.pages["/file.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(FileFormatError, match="not the published file: its SHA-256"):
        te.datasets.fetch("mine")
    assert not fetching.is_here(known)
    site.pages["/file.bin"] = CONTENT
    assert te.datasets.fetch("mine").read_bytes() == CONTENT


def test_damaged_file_in_the_cache_is_replaced(site, known):
    path = te.datasets.fetch("mine")
    path.write_bytes(b"damaged")
    assert te.datasets.fetch("mine").read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_without_network_one_sentence_names_the_way_out(site, known):
    site.close()
    with pytest.raises(FileFormatError) as caught:
        te.datasets.fetch("mine")
    message = str(caught.value)
    assert f"{site.address}/file.bin (no connection)" in message
    assert "TAVRNN_EPHYS_DATA=DIR" in message
    assert "\n" not in message


def test_missing_page_is_named(site, known):
    del site.pages["/file.bin"]
    with pytest.raises(FileFormatError, match="the server answers 404"):
        te.datasets.fetch("mine")


def test_local_copy_is_taken_and_nothing_asked_for(site, known, tmp_path, monkeypatch):
    (tmp_path / "local/mine").mkdir(parents=True)
    (tmp_path / "local/mine/file.bin").write_bytes(CONTENT)
    monkeypatch.setenv("TAVRNN_EPHYS_DATA", str(tmp_path / "local"))
    assert te.datasets.fetch("mine") == tmp_path / "local/mine/file.bin"
    assert site.asked == []


def test_changed_local_copy_is_refused(known, tmp_path, monkeypatch):
    (tmp_path / "local/mine").mkdir(parents=True)
    (tmp_path / "local/mine/file.bin").write_bytes(b"other")
    monkeypatch.setenv("TAVRNN_EPHYS_DATA", str(tmp_path / "local"))
    with pytest.raises(FileFormatError, match="its SHA-256 differs"):
        te.datasets.fetch("mine")


@pytest.fixture
def dandiset(site, known, monkeypatch):
    """The data set as an asset of a dandiset, whose archive states the checksum."""
    file = replace(known.files[0], url="sub-1/file.bin", sha256="")
    entry = replace(known, files=(file,), dandi="000001/0.1.2")
    monkeypatch.setattr(registry, "DATASETS", {**DATASETS, "mine": entry})
    monkeypatch.setattr(fetching, "DANDI_API", f"{site.address}/api")
    listed = {"results": [{"path": "sub-1/file.bin", "asset_id": "abc"}]}
    digest = {"digest": {"dandi:sha2-256": hashlib.sha256(CONTENT).hexdigest()}}
    site.pages = {
        "/api/dandisets/000001/versions/0.1.2/assets/": json.dumps(listed).encode(),
        "/api/assets/abc/": json.dumps(digest).encode(),
        "/api/assets/abc/download/": CONTENT,
    }
    return entry


def test_dandi_states_the_checksum_and_is_asked_once(site, dandiset):
    assert te.datasets.fetch("mine").read_bytes() == CONTENT
    n_asked = len(site.asked)
    assert te.datasets.fetch("mine").read_bytes() == CONTENT
    assert len(site.asked) == n_asked == 3


def test_dandi_download_that_differs_is_refused(site, dandiset):
    site.pages["/api/assets/abc/download/"] = b"other"
    with pytest.raises(FileFormatError, match="not the published file"):
        te.datasets.fetch("mine")


def test_dandi_without_checksum_is_refused(site, dandiset):
    site.pages["/api/assets/abc/"] = json.dumps({"digest": {}}).encode()
    with pytest.raises(FileFormatError, match="states no SHA-256"):
        te.datasets.fetch("mine")


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="There is no data set 'rats'.*rat-hippocampus-hc11"):
        te.datasets.fetch("rats")


def test_every_data_set_has_licence_citation_and_checksum():
    table = te.datasets.available()
    assert set(table.index) == set(DATASETS)
    for name, entry in DATASETS.items():
        assert entry.licence in te.datasets.cite(name)
        assert entry.citation in te.datasets.cite(name)
        assert entry.page.startswith("https://")
        for file in entry.files:
            assert bool(entry.dandi) or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert bool(entry.dandi) or re.search(r"/[0-9a-f]{40}/", file.url)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
@pytest.mark.parametrize(
    "name", [name for name, e in DATASETS.items() if not e.dandi and name != "dishbrain-layout"]
)
def test_recordings_are_read(name, recordings, monkeypatch):
    monkeypatch.setenv("TAVRNN_EPHYS_DATA", str(recordings))
    block = te.datasets.load(name)
    assert block.annotations["stand_in"] is False
    segment = block.segments[0]
    assert len(segment.spiketrains) or segment.analogsignals


def test_layout_is_not_a_recording(recordings, monkeypatch):
    monkeypatch.setenv("TAVRNN_EPHYS_DATA", str(recordings))
    assert te.datasets.fetch("dishbrain-layout").name == "channel_locs.csv"
    with pytest.raises(InputError, match="not a recording"):
        te.datasets.load("dishbrain-layout")


@pytest.mark.parametrize(
    "name", ["hipsc-mea", "rat-hippocampus-hc11", "mouse-dg-calcium", "axion-plate"]
)
def test_stand_in_says_that_it_is_one_and_repeats(name):
    one, two = (te.datasets.simulated_stand_in(name, seed=3) for _ in range(2))
    assert one.description.startswith(f"SIMULATED STAND-IN for '{name}'")
    for first, second in zip(one.segments[0].spiketrains, two.segments[0].spiketrains, strict=True):
        assert np.array_equal(first.magnitude, second.magnitude)


def test_what_cannot_be_had_is_simulated_and_says_why(site, known):
    site.close()
    block = te.datasets.load_or_simulate("mine")
    assert block.annotations["stand_in"] is True
    assert "The recording cannot be had: 'file.bin'" in block.description
