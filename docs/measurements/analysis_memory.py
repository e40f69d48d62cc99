"""
Peak memory of whole analyses, held against the peak that is predicted before the work.

    python docs/measurements/analysis_memory.py              900 channels x 1 h at steps of 1 s
    python docs/measurements/analysis_memory.py 300 600      channels and seconds
    python docs/measurements/analysis_memory.py --profile recurrent

Spike trains with two states are generated and written as NWB; `tavrnn-ephys analyze` runs in a
process of its own, with bins of 50 ms and windows of 2 min.  The peak is the largest resident set
of that process.
"""

import argparse
import datetime
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.size import analysis_size
from tavrnn_ephys.core.names import PROFILES

BIN_S, WINDOW_S, STEP_S = 0.05, 120.0, 1.0
MOST_MB, MOST_ERROR = 8000, 0.25


def write_recording(path, n_channels, duration_s, seed=0):
    """Write spike trains whose groups fire together in one of two ways, by turns."""
    rng = np.random.default_rng(seed)
    n_bursts = int(duration_s / 2)
    bursts = np.sort(rng.uniform(0, duration_s, n_bursts))
    state = (bursts // 600).astype(int) % 2
    groups = np.stack([np.arange(n_channels) % 4, rng.permutation(n_channels) % 4])
    fires = rng.integers(0, 4, n_bursts)
    trains = []
    for channel in range(n_channels):
        own = bursts[(groups[state, channel] == fires) & (rng.random(n_bursts) < 0.8)]
        own = own + rng.uniform(0, 0.04, len(own))
        noise = rng.uniform(0, duration_s, rng.poisson(0.5 * duration_s))
        train = np.sort(np.concatenate([own, noise]))
        trains.append(train[train < duration_s])
    block = te.block_from_arrays(spike_times=trains, t_stop=duration_s * pq.s, node_kind="channel")
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    te.write_nwb(block, path)


def main():
    parser = argparse.ArgumentParser(description="Peak memory of an analysis")
    parser.add_argument("channels", nargs="?", type=int, default=900)
    parser.add_argument("seconds", nargs="?", type=float, default=3600.0)
    parser.add_argument("--profile", choices=PROFILES, default=PROFILES[0])
    arguments = parser.parse_args()
    n_windows = int((arguments.seconds - WINDOW_S) / STEP_S) + 1
    n_bins = round(arguments.seconds / BIN_S)
    size = analysis_size(n_windows, arguments.channels, n_bins=n_bins, profile=arguments.profile)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "culture.nwb"
        write_recording(source, arguments.channels, arguments.seconds)
        command = [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", source]
        command += ["--out", Path(folder) / "results.nwb", "--json", "--profile", arguments.profile]
        command += ["--bin-size", f"{BIN_S}s", "--window", f"{WINDOW_S}s", "--step", f"{STEP_S}s"]
        start = time.perf_counter()
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    if done.returncode:
        return done.returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    error = size.memory / peak - 1
    good = peak <= MOST_MB * 1e6 and abs(error) <= MOST_ERROR
    weights = 8 * n_windows * arguments.channels**2
    print(
        f"{arguments.profile}, {arguments.channels} channels x {n_windows} windows: "
        f"peak {peak / 1e6:.0f} MB, "
        f"predicted {size.memory / 1e6:.0f} MB ({error:+.0%}); weights {weights / 1e6:.0f} MB in "
        f"double precision; {seconds:.0f} s. {'Within bounds.' if good else 'OUT OF BOUNDS.'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
