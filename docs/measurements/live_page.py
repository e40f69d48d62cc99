"""
Ten minutes of the live page in Chromium beside a stream in real time, with every growth.

    python docs/measurements/live_page.py                     # 10 minutes, 64 nodes
    python docs/measurements/live_page.py --seconds 60 --nodes 900 --png page.png

Needs playwright and a Chromium on the path.  The viewer is killed in the last tenth.  Ends with a
line that begins with "Kept" or "Not kept", and with exit status 0 or 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import torch
from playwright.sync_api import sync_playwright
from streaming import BIN_S, bins_of, model_of, verdict

import tavrnn_ephys as te

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW, STEP = 200, 20
MOST_GROWTH = 2**21


def resident(pid):
    """Memory of a process in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Run(threading.Thread):
    """A stream in real time in a thread of its own, with its latencies."""

    def __init__(self, n_nodes, seconds, recording, model):
        super().__init__(daemon=True)
        if recording is None:
            model = model_of(n_nodes, WINDOW, STEP)
            # On a busy machine the browser takes longer than it is asked to wait.
            values = np.stack(list(bins_of(n_nodes, round(2 * seconds / BIN_S))), axis=1)
            nodes = te.Nodes(ids=model.node_ids_)
            recording = te.BinnedActivity(values=values, bin_size_s=BIN_S, nodes=nodes)
        self.stream = te.Stream(model, provisional=True)
        self.source = te.sources.replay(recording, 1.0)
        self.ready = threading.Event()
        self.page = te.sinks.live_page(on_ready=lambda url: self.ready.set())
        self.latency_ms = []

    def run(self):
        for update in self.stream.run(self.source, sinks=[self.page]):
            self.latency_ms.append(update.latency_ms)


def watch(run, seconds, png, every_s=30.0):
    """Look at the page now and then; return what it said, and memory at each look."""
    messages, looks = [], []
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 1000})
        tab.on("console", lambda item: messages.append(f"{item.type}: {item.text}"))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.goto(run.page.url)
        session = tab.context.new_cdp_session(tab)
        left = 0.9 * seconds
        while left > 0:
            tab.wait_for_timeout(1e3 * min(every_s, left))
            left -= every_s
            session.send("HeapProfiler.collectGarbage")
            heap = session.send("Runtime.getHeapUsage")["usedSize"]
            nodes = session.send("Memory.getDOMCounters")["nodes"]
            viewer = resident(run.page._process.pid)
            pictures = int(tab.locator("html").get_attribute("data-pictures") or 0)
            looks.append((heap, nodes, viewer))
            print(
                f"{run.stream.t_s:6.0f} s: {pictures} pictures, heap {heap / 1e6:.2f} MB, "
                f"{nodes} nodes of the page, viewer {viewer / 1e6:.2f} MB, "
                f"{run.page.n_dropped} frames dropped",
                flush=True,
            )
        if png:
            tab.screenshot(path=png, full_page=True)
        browser.close()
    return messages, np.array(looks, float)


def main():
    """Run the stream, watch the page, kill the viewer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--recording", help="file to replay in place of made bins")
    parser.add_argument("--model", help="file of the model for it")
    parser.add_argument("--png", help="picture of the page at the end")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    run = Run(chosen.nodes, chosen.seconds, chosen.recording, chosen.model)
    run.start()
    run.ready.wait(60)
    messages, looks = watch(run, chosen.seconds, chosen.png)
    n_before = len(run.latency_ms)
    os.kill(run.page._process.pid, signal.SIGKILL)
    run.join(0.1 * chosen.seconds)
    run.source.close()
    run.join()
    parts = np.split(np.array(run.latency_ms), [n_before])
    before, after = (f"{np.median(x):.2f} / {np.percentile(x, 99):.2f}" for x in parts)
    # The lists of the page are full after its longest one: a minute of updates.
    steady = looks[min(len(looks) - 1, 4) :]
    grown = dict(zip(("heap", "nodes", "viewer"), steady[-1] - steady[0], strict=True))
    print(
        f"grown since {looks.shape[0] - steady.shape[0] + 1} looks: {grown}; latency in ms, median "
        f"/ 99 %, with the page {before}, after its viewer was killed {after}; "
        f"{run.stream.n_bins} bins, {dict(run.stream.losses) or 'nothing lost'}"
    )
    faults = {
        f"console: {messages}": messages,
        "the page grew": grown["heap"] > MOST_GROWTH or grown["nodes"] > 500,
        "the viewer grew": grown["viewer"] > MOST_GROWTH,
        "bins were lost": {"gap", "dropped"} & set(run.stream.losses),
    }
    return verdict([name for name, found in faults.items() if found])


if __name__ == "__main__":
    raise SystemExit(main())
