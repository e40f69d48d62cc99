"""The live page: what it shows, in a real browser, and what a dead viewer costs."""

import asyncio
import http.client
import io
import json
import os
import shutil
import signal
import socket
import struct
import time
from urllib.parse import urlsplit

import msgpack
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright
from tornado.iostream import StreamClosedError

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import MissingDependencyError, OutputError
from tavrnn_ephys.streaming import Event
from tavrnn_ephys.streaming.live.server import _Feed
from tavrnn_ephys.streaming.live.view import LiveView
from tests.streaming.models import committed, fitted

PATIENCE_S = 240.0  # For eight pictures, on a machine that has much else to do.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=1e3 * PATIENCE_S)
ABOUT = {"n_nodes": 3, "bin_size_s": 0.1, "width": 2, "title": "culture"}


def header_of(message):
    (size,) = struct.unpack(">I", message[:4])
    return json.loads(message[4 : 4 + size]), message[4 + size :]


# ---- what is shown --------------------------------------------------------------------


def test_bins_that_are_missing_or_were_not_shown_are_told_from_silent_ones():
    view = LiveView(ABOUT)
    view.take({"bins": [[0, 0.1, b"\0\1\7"], [1, 0.2, None], [3, 0.4, b"\0\0\0"]]})
    assert view.raster[:, -4:].tolist() == [[0, 5, 5, 0], [1, 5, 5, 0], [4, 5, 5, 0]]
    view.take({"bins": [[10_000, 1000.0, b"\1\1\1"]]})
    assert (view.raster[:, :-1] == 5).all()


def test_similarity_is_the_correlation_of_centred_embeddings():
    view, windows = LiveView(ABOUT), np.random.default_rng(0).normal(size=(150, 6))
    for part in (windows[:7], windows[7:]):
        commits = [[float(k), item.astype("<f4").tobytes()] for k, item in enumerate(part)]
        view.take({"bins": [[0, 0.1, None]], "commits": commits})
    header, rest = header_of(view.message())
    shown = windows[-120:] - windows[-120:].mean(axis=0)
    shown /= np.linalg.norm(shown, axis=1)[:, None]
    found = np.frombuffer(rest[-(120**2) :], np.int8).reshape(120, 120)
    assert len(header["stops"]) == 120
    assert np.abs(found - 100 * shown @ shown.T).max() <= 0.51


def test_many_nodes_share_rows_by_their_largest_count():
    view = LiveView({**ABOUT, "n_nodes": 1025})
    counts = np.zeros(1025, np.uint8)
    counts[[4, 1024]] = 1, 3
    view.take({"bins": [[0, 0.1, counts.tobytes()]]})
    assert view.row_size == 3
    assert np.flatnonzero(view.raster[:, -1]).tolist() == [1, 341]


def test_message_says_what_is_no_number_as_nothing_and_repeats_no_event():
    view = LiveView(ABOUT)
    view.take({"points": [[0.1, float("nan"), 0.5]], "facts": {"losses": {"gap": 3}}})
    view.take({"events": [[t, "skipped", "Skipped."] for t in (0.1, 0.2)]})
    header, _ = header_of(view.message())
    assert header["latency_ms"] == [None]
    assert header["losses"] == {"gap": 3}
    assert header["events"] == [[0.2, "skipped", "Skipped."]]


def test_message_does_not_grow_with_the_stream():
    view, sizes = LiveView(ABOUT), []
    for index in range(4000):
        commit = [[index / 10, np.ones(6, "<f4").tobytes()]]
        frame = {"bins": [[index, index / 10, b"\0\1\0"]], "points": [[index / 10, 1.0, 0.5]]}
        view.take({**frame, "commits": commit, "events": [[1.0, "gap", str(index)]]})
        if index in (2000, 3999):
            sizes.append(len(view.message()))
    assert sizes[1] < 1.1 * sizes[0]


def test_a_frame_of_more_bins_than_are_shown_shows_the_last():
    view, n_columns = LiveView(ABOUT), LiveView(ABOUT).raster.shape[1]
    bins = [[index, index / 10, bytes([index % 3, 0, 0])] for index in range(n_columns + 50)]
    view.take({"bins": bins})
    assert view.raster[0].tolist() == [index % 3 for index in range(50, n_columns + 50)]
    assert header_of(view.message())[0]["n_bins"] == n_columns + 50


def test_frames_that_have_come_already_keep_nothing_back():
    """A stream faster than its viewer never lets it wait; pictures are drawn all the same."""
    token, frame = b"word", msgpack.packb({"bins": [[0, 0.1, None]]})
    came = io.BytesIO(token + 500 * (struct.pack(">I", len(frame)) + frame))
    n_turns = 0

    class Backlog:
        async def read_bytes(self, size):
            if not (found := came.read(size)):
                raise StreamClosedError
            return found

    async def others(feed):
        nonlocal n_turns
        while not feed.ended.is_set():
            n_turns += 1
            await asyncio.sleep(0)

    async def both():
        feed = _Feed(LiveView(ABOUT), token.decode())
        await asyncio.gather(feed.handle_stream(Backlog(), None), others(feed))

    asyncio.run(both())
    assert n_turns >= 500


# ---- the process ----------------------------------------------------------------------


@pytest.fixture
def page():
    """A page that is open, fed by hand."""
    made = te.sinks.live_page(every_s=0.02)
    made.open(te.Stream(fitted()[0]).info)
    yield made
    made.close()


def get(page, path="/", **headers):
    connection = http.client.HTTPConnection(urlsplit(page.url).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_page_is_for_this_machine_alone(page):
    assert get(page).status == 200
    assert "default-src 'none'" in get(page).headers["Content-Security-Policy"]
    # A name that somebody else's server gave this address is no name of this machine.
    assert get(page, Host="example.org").status == 404
    assert get(page, "/view.py").status == 404
    # A server for all addresses would answer at this one too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", urlsplit(page.url).port), timeout=5)


def test_a_viewer_that_hangs_is_waited_for_by_nobody(page):
    os.kill(page._process.pid, signal.SIGSTOP)
    counts, longest, begun = np.ones(20, np.int64), 0.0, time.monotonic()
    page.every_s = 1e-9
    embedding = np.zeros((20, 16), np.float32)
    update = te.streaming.Update(
        embedding=embedding, std=embedding, t_start_s=0.0, t_stop_s=1.0, committed=True,
        state="running",
    )  # fmt: skip
    while not page.n_dropped and time.monotonic() < begun + 30:
        for _ in range(120):
            page.update(update)
        before = time.thread_time()
        page.bin(counts, 1.0)
        longest = max(longest, time.thread_time() - before)
    os.kill(page._process.pid, signal.SIGCONT)
    assert page.n_dropped
    assert longest < 0.05


def test_a_killed_viewer_costs_the_stream_nothing():
    model, activity, _, offline = fitted()
    page = te.sinks.live_page(every_s=0.01)
    stream, updates = te.Stream(model), []
    for update in stream.run(te.sources.replay(activity), sinks=[page]):
        updates.append(update)
        if len(updates) == 10:
            os.kill(page._process.pid, signal.SIGKILL)
            page._process.wait()
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)
    assert not stream.losses
    assert page._socket is None


def test_a_page_that_cannot_start_says_why():
    info = te.Stream(fitted()[0]).info
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = te.sinks.live_page(port=taken.getsockname()[1])
        with pytest.raises(OutputError, match="did not start .*in use.*another port"):
            page.open(info)
        page.close()


def test_missing_tornado_is_said(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="tavrnn_ephys.live"):
        te.sinks.live_page()


# ---- in a browser ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def shown(tab):
    """How many pictures a page has drawn."""
    return int(tab.locator("html").get_attribute("data-pictures") or 0)


def play(page, tab, activity, n_pictures):
    """Feed a page until a browser has drawn so many pictures more."""
    values, until = np.asarray(activity.values), shown(tab) + n_pictures
    deadline = time.monotonic() + PATIENCE_S
    while (drawn := shown(tab)) < until:
        assert time.monotonic() < deadline, f"{until - drawn} of {n_pictures} pictures are missing"
        for _ in range(20):
            place = page._n_bins % values.shape[1]
            page.bin(None if place == 30 else values[:, place], 0.05 * (page._n_bins + 1))
        embedding = np.random.default_rng(page._n_bins).normal(size=(20, 16)).astype("f4")
        page.update(
            te.streaming.Update(
                embedding=embedding, std=embedding, t_start_s=0.0, t_stop_s=0.05 * page._n_bins,
                committed=True, state="running", latency_ms=2.0, score=0.4,
            )
        )  # fmt: skip
        page.event(Event(kind="gap", t_s=0.05 * page._n_bins, text="1 bins are missing."))


def heap(session):
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"], session.send("Memory.getDOMCounters")[
        "nodes"
    ]


def test_page_draws_without_a_message_and_does_not_grow(page, browser):
    tab, messages = browser.new_page(), []
    tab.on("console", lambda item: messages.append(f"{item.type}: {item.text}"))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.goto(page.url)
    activity = fitted()[1]
    session = tab.context.new_cdp_session(tab)
    # Its lists are full, and its libraries compiled, after some pictures; what leaks grows on.
    looks = []
    for _ in range(6):
        play(page, tab, activity, 8)
        looks.append(heap(session))
        grown = np.diff(looks[-2:], axis=0)
        if len(grown) and grown[0, 0] < 1_000_000 and grown[0, 1] < 200:
            break
    else:
        pytest.fail(f"heap and nodes of the page after every eighth picture: {looks}")
    assert tab.locator(".main-svg").count() >= 4
    assert tab.locator("#raster .hm image").count() == 1
    assert tab.locator("#similarity .hm image").count() == 1
    assert tab.locator("#losses").inner_text().startswith("gap")
    assert tab.locator("#latency-numbers").inner_text() == "2.0 / 2.0 ms"
    assert tab.locator("#score-number").inner_text() == "0.40"
    page.close()
    expect(tab.locator("#said")).to_have_text("The stream has ended; this is its last picture.")
    assert messages == []
    tab.close()


def test_page_says_that_its_viewer_died(page, browser):
    tab, messages = browser.new_page(), []
    tab.on("console", lambda item: messages.append(item.text))
    tab.goto(page.url)
    play(page, tab, fitted()[1], 1)
    os.kill(page._process.pid, signal.SIGKILL)
    expect(tab.locator("#said")).to_contain_text("no longer fed")
    assert messages == []
    tab.close()
