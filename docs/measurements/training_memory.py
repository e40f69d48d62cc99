"""
Peak memory and time of one training epoch on large recordings, each in a process of its own.

    python docs/measurements/training_memory.py             both sizes, both networks
    python docs/measurements/training_memory.py nodes       N = 10,000 at 5 %, T = 4
    python docs/measurements/training_memory.py windows     N = 121 at 73 %, T = 1000

The graphs and the network's input are built beforehand; their memory counts, their time does not.
Training is that of the profile: the paper's back-propagates through the whole sequence, that of
``"recurrent"`` through 6 windows at a time.  Bounds are held against what is added to Python and
its packages; the peak of the whole process stands beside it.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

SIZES = {"nodes": (4, 9_999, 0.05), "windows": (1000, 120, 0.73)}
BOUNDS_MB = {"nodes": 8000, "windows": 1000}


def resident_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(size, profile):
    import torch

    from docs.measurements.training import prepared
    from tavrnn_ephys.methods.tavrnn.profiles import resolve_options
    from tavrnn_ephys.methods.tavrnn.training import Stretch, train

    torch.set_num_threads(1)
    start = resident_mb()
    network, windows, _, _ = prepared(SIZES[size], profile)
    _, options = resolve_options(profile, None, training_epochs=1, options={})
    built, begin = resident_mb(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train([Stretch(network, windows)], options, generator=torch.Generator().manual_seed(0))
    seconds, peak = time.process_time() - begin, resident_mb()
    added = peak - start
    within = "within" if added <= BOUNDS_MB[size] else "ABOVE"
    n_windows, n_nodes, density = SIZES[size]
    print(
        f"{n_windows:4} windows x {n_nodes + 1:5} vertices at {density:.0%}, {profile:9}: "
        f"{seconds:6.2f} s of processor time; {added:5.0f} MB, {within} {BOUNDS_MB[size]} MB "
        f"(process: {start:.0f} MB before the graphs, {built:.0f} MB with them and the network's "
        f"input, {peak:.0f} MB at the peak)",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description="Memory of a training epoch")
    parser.add_argument("sizes", nargs="*", default=list(SIZES))
    parser.add_argument("--profile", choices=["paper", "recurrent"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.profile is not None:
        run(arguments.sizes[0], arguments.profile)
        return
    for size in arguments.sizes:
        for profile in ("paper", "recurrent"):
            command = [sys.executable, __file__, size, "--profile", profile]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
