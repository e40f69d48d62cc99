"""
Kill a stream at random bins until it ends, and compare its log with that of an unbroken one.

    python docs/measurements/streaming_kills.py               # 100 kills
    python docs/measurements/streaming_kills.py --kills 10

Every attempt takes up the last saved state and the bins journalled since.  Ends with a line that
begins with "Kept" or "Not kept", and with exit status 0 or 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from streaming import BIN_S, bins_of, model_of, verdict

import tavrnn_ephys as te
from tavrnn_ephys.streaming.resuming import resumed

WINDOW, STEP, N_NODES = 40, 10, 20
BINS_PER_KILL, SPEED = 60, 4.0


def run(folder, name, activity, reached, resume, speed=None):
    """Stream a recording with log and autosave; tell how far it has come."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    state = folder / f"{name}.npz"
    log = te.sinks.nwb_log(folder / f"{name}.nwb", resume=resume)
    model = model_of(N_NODES, WINDOW, STEP)
    stream = resumed(model, state, log) if resume else te.Stream(model)
    start = stream.t_s if stream.n_bins else None

    def tell(counts, t_s):
        reached.value = round(t_s / BIN_S)

    # Slow enough that a kill meets it between any two instructions.
    source = te.sources.replay(activity, speed, start_s=start)
    sinks = [log, te.sinks.callback(on_bin=tell)]
    list(stream.run(source, sinks=sinks, autosave=state, autosave_every_s=0.05))


def start(*arguments):
    """Begin in a process of its own; forked, because importing torch takes seconds."""
    process = multiprocessing.get_context("fork").Process(target=run, args=arguments)
    process.start()
    return process


def kill_repeatedly(folder, activity, n_kills, rng):
    """Kill one stream so many times, each at a random bin; return where."""
    reached, bins = multiprocessing.Value("q", -1), []
    journal = folder / "killed.nwb.journal"
    while len(bins) < n_kills:
        before = max(reached.value, 0)
        process = start(folder, "killed", activity, reached, journal.exists(), SPEED)
        goal = before + int(rng.integers(1, BINS_PER_KILL))
        while reached.value < goal and process.is_alive():
            time.sleep(rng.uniform(0, 0.002))
        if not process.is_alive():
            raise RuntimeError(f"The stream ended by itself with {process.exitcode}.")
        process.kill()
        process.join()
        bins.append(reached.value)
        if len(bins) % 10 == 0:
            print(f"{len(bins)} kills, the last at bin {bins[-1]}", flush=True)
    process = start(folder, "killed", activity, reached, True)
    process.join()
    return bins


def main():
    """Compare a stream that was killed with one that was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    # A busy machine notices late that the bin of a kill has come.
    n_bins = 8 * chosen.kills * BINS_PER_KILL + 200
    values = np.stack(list(bins_of(N_NODES, n_bins)), axis=1)
    ids = model_of(N_NODES, WINDOW, STEP).node_ids_
    activity = te.BinnedActivity(values=values, bin_size_s=BIN_S, nodes=te.Nodes(ids=ids))
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(chosen.seed)
        whole = start(folder, "whole", activity, multiprocessing.Value("q", -1), False)
        bins = kill_repeatedly(folder, activity, chosen.kills, rng)
        whole.join()
        found = [te.read_results(folder / f"{n}.nwb", run="stream") for n in ("killed", "whole")]
        left = sorted(path.name for path in folder.glob(".*"))
    same = all(
        np.array_equal(getattr(found[0], part), getattr(found[1], part)) for part in ("mean", "std")
    )
    print(f"{len(bins)} kills at bins {bins}; {len(found[0].windows)} commits; left: {left}")
    return verdict([*([] if same else ["the embeddings differ"]), *left])


if __name__ == "__main__":
    raise SystemExit(main())
