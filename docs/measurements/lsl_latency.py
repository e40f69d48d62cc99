"""
From spikes to a marker over the Lab Streaming Layer of this machine, in real time.

    python docs/measurements/lsl_latency.py                   # 64 nodes, 10 minutes
    python docs/measurements/lsl_latency.py --nodes 900 --seconds 600

A process of its own sends the spikes of a bin, then a tick that counts.  The stream embeds the
bin and its trigger fires at each; the sender waits for the marker.  Latency is from the tick to
the marker, on the sender's clock.  Ends with "Kept" or "Not kept", and exit status 0 or 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
import torch
from streaming import BIN_S, bins_of, model_of, verdict

import tavrnn_ephys as te

SETTINGS = """[multicast]
ResolveScope = machine
[lab]
KnownPeers = {{127.0.0.1}}
SessionID = {session}
[log]
level = -3
"""
WINDOW = 200


def on_loopback():
    """Keep the Lab Streaming Layer on this machine; before it is loaded."""
    path = Path(tempfile.mkdtemp(prefix="lsl-")) / "lsl_api.cfg"
    path.write_text(SETTINGS.format(session=f"measurement-{uuid.uuid4()}"))
    os.environ["LSLAPICFG"] = str(path)


def send(name, n_nodes, n_bins, found):
    """Send spikes and ticks in real time; hand over when each marker came after its tick."""
    import pylsl

    about = pylsl.StreamInfo(name, "Spikes", 1, 0, "int32", f"sender-{name}")
    outlet = pylsl.StreamOutlet(about)
    outlet.wait_for_consumers(300)
    markers = pylsl.StreamInlet(pylsl.resolve_byprop("name", f"{name} markers", timeout=300)[0])
    markers.open_stream(timeout=300)
    bins, latency = bins_of(n_nodes, n_bins), []
    begun = time.perf_counter()
    for index, counts in enumerate(bins):
        stamps = index * BIN_S
        for node in np.flatnonzero(counts):
            for k in range(counts[node]):
                outlet.push_sample([int(node)], stamps + (k + 0.5) / counts[node] * BIN_S, False)
        due = begun + (index + 1) * BIN_S
        time.sleep(max(0.0, due - time.perf_counter()))
        # A marker that comes after its bin answers none of the next ones.
        markers.pull_chunk(timeout=0.0)
        sent = time.perf_counter()
        outlet.push_sample([-(index + 1)], stamps + BIN_S)
        # The first window has no embedding, and so no marker.
        sample = None if index + 1 < WINDOW else markers.pull_sample(timeout=BIN_S)[0]
        if sample is not None:
            latency.append(1e3 * (time.perf_counter() - sent))
    found.put(latency)
    time.sleep(1.0)


class AtEveryBin(te.Trigger):
    """A trigger that fires at each update."""

    def __init__(self, n_nodes, width):
        weights = np.zeros((n_nodes, width))
        decoder = te.streaming.StateDecoder(state="any", weights=weights, offset=5.0, threshold=0.5)
        super().__init__(decoder, hold_s=0.0, refractory_s=0.0)


def main():
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--priority", default="realtime", choices=("default", "realtime"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    on_loopback()
    name, n_bins = f"spikes-{uuid.uuid4()}", round(chosen.seconds / BIN_S)
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    sender = context.Process(target=send, args=(name, chosen.nodes, n_bins, found))
    sender.start()
    stream = te.Stream(model_of(chosen.nodes, WINDOW, 1), provisional=True, t_start_s=0.0)
    source = te.sources.lsl(name, timeout_s=300)
    trigger = AtEveryBin(chosen.nodes, stream.info.width)

    def stop(counts, t_s):
        if t_s > (n_bins - 0.5) * BIN_S:
            source.close()
        if round(t_s / BIN_S) % round(60 / BIN_S) == 0:
            print(f"{t_s:.0f} s, {dict(stream.losses)}", flush=True)

    sinks = [te.sinks.lsl_markers(f"{name} markers"), te.sinks.callback(on_bin=stop)]
    list(stream.run(source, sinks=sinks, triggers=[trigger], priority=chosen.priority))
    latency = np.array(found.get(timeout=60))
    sender.join()
    losses = {k: v for k, v in stream.losses.items() if k != "trigger"}
    expected = n_bins - WINDOW + 1
    print(
        f"{chosen.nodes} nodes, {chosen.seconds:g} s, {chosen.priority} priority: "
        f"{len(latency)} of {expected} markers within a bin, from tick to marker median "
        f"{np.median(latency):.2f}, p99 {np.percentile(latency, 99):.2f}, max {latency.max():.2f} "
        f"ms; {stream.n_bins} of {n_bins} bins; {losses or 'nothing lost'}"
    )
    lost = stream.n_bins != n_bins or {"gap", "lost", "dropped", "late"} & set(losses)
    return verdict(["bins were lost"] if lost else [])


if __name__ == "__main__":
    raise SystemExit(main())
