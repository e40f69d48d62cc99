"""
How fast connectivity is, as ratios that carry over between machines, and how much memory it takes.

    python docs/measurements/connectivity.py            ratios, then the memory-bound runs
    python docs/measurements/connectivity.py --quick    ratios only, fewer repetitions

Every ratio compares the processor time of calls that alternate in one process on one thread, so
that other work on the machine has little say; the median over the repetitions stands.  Memory is
the peak of a process of its own.  The recordings are looked for as in the tests
(TAVRNN_EPHYS_DATA, else ../shared/data); without them that run is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import quantities as pq
from threadpoolctl import threadpool_info, threadpool_limits

import tavrnn_ephys as te

_HERE = Path(__file__).resolve()
WINDOW = 2400
N_BINS = 24_000


def seconds(function: Callable[[], object]) -> float:
    """Processor time: with one thread, what a clock shows on an idle machine."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def activity_of(counts: np.ndarray, bin_size_s: float = 0.05) -> te.BinnedActivity:
    nodes = te.Nodes(ids=range(len(counts)), kind="channel")
    return te.BinnedActivity(values=counts, bin_size_s=bin_size_s, nodes=nodes)


def bernoulli(n_nodes: int, rate: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((n_nodes, N_BINS)) < rate).astype(np.uint8)


def poisson(n_nodes: int, mean: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(mean, (n_nodes, N_BINS)).astype(np.uint8)


def matrix_product_peak(n: int = 1536) -> float:
    """Best of single-precision matrix products, in multiply-adds per second."""
    left = np.random.default_rng(0).random((n, n), dtype=np.float32)
    right = left.T.copy()
    return n**3 / min(seconds(lambda: left @ right) for _ in range(7))


class Competitors:
    """The ways to correlate the windows of a raster that people use."""

    def __init__(self, counts: np.ndarray, step: int) -> None:
        self.counts = counts
        self.starts = np.arange(0, counts.shape[1] - WINDOW + 1, step)
        self.activity = activity_of(counts)
        self.windows = te.sliding_windows(
            self.activity, window_length=WINDOW * 0.05 * pq.s, step=step * 0.05 * pq.s
        )
        self.binned = None
        self.trains: list = []

    def ours(self) -> np.ndarray:
        return te.compute_connectivity(self.activity, self.windows).weights

    def numpy(self) -> np.ndarray:
        return np.stack([np.corrcoef(self.counts[:, s : s + WINDOW]) for s in self.starts])

    def prepare_elephant(self) -> None:
        from elephant.conversion import BinnedSpikeTrain

        block = te.block_from_arrays(counts=self.counts, bin_size=50 * pq.ms)
        self.trains = list(block.segments[0].spiketrains)
        self.binned = BinnedSpikeTrain(
            self.counts.astype(np.int32), bin_size=50 * pq.ms, t_start=0 * pq.s
        )

    def elephant_sliced(self, starts: np.ndarray) -> list[np.ndarray]:
        from elephant.spike_train_correlation import correlation_coefficient

        return [
            correlation_coefficient(
                self.binned.time_slice(s * 0.05 * pq.s, (s + WINDOW) * 0.05 * pq.s)
            )
            for s in starts
        ]

    def elephant_built(self, starts: np.ndarray) -> list[np.ndarray]:
        from elephant.conversion import BinnedSpikeTrain
        from elephant.spike_train_correlation import correlation_coefficient

        return [
            correlation_coefficient(
                BinnedSpikeTrain(
                    self.trains,
                    bin_size=50 * pq.ms,
                    t_start=s * 0.05 * pq.s,
                    t_stop=(s + WINDOW) * 0.05 * pq.s,
                )
            )
            for s in starts
        ]


def report(label: str, counts: np.ndarray, step: int, repeats: int, *, elephant: bool) -> None:
    rivals = Competitors(counts, step)
    n_windows = len(rivals.starts)
    difference = np.abs(rivals.ours() - rivals.numpy()).max()
    print(f"\n{label}: {len(counts)} x {N_BINS} bins, window {WINDOW}, step {step}")
    print(f"  {n_windows} windows; largest difference from numpy.corrcoef {difference:.1e}")
    ours, plain = [], []
    for _ in range(repeats):
        ours.append(seconds(rivals.ours))
        plain.append(seconds(rivals.numpy))
    ratio = statistics.median(b / a for a, b in zip(ours, plain, strict=True))
    print(f"  ours {statistics.median(ours) * 1e3:8.1f} ms")
    print(f"  numpy.corrcoef per window {statistics.median(plain) * 1e3:8.1f} ms    {ratio:6.1f} x")
    # One product per pair of nodes and bin, each bin once, is all that the Gram matrices need.
    needed = 0.5 * len(counts) ** 2 * N_BINS
    share = needed / statistics.median(ours) / matrix_product_peak()
    print(f"  products needed, per second of the whole call: {share:.0%} of the fp32 matrix peak")
    if not elephant:
        return
    rivals.prepare_elephant()
    ways = {"sliced": rivals.elephant_sliced, "built": rivals.elephant_built}
    for name, way in ways.items():
        few = rivals.starts[: 4 if name == "sliced" else 2]
        scale = n_windows / len(few)
        pairs = [
            (seconds(rivals.ours), seconds(lambda way=way, few=few: way(few)) * scale)
            for _ in range(max(3, repeats // 2))
        ]
        ratio = statistics.median(b / a for a, b in pairs)
        total = statistics.median(b for _, b in pairs) * 1e3
        print(f"  Elephant {name:6s} per window  {total:8.1f} ms    {ratio:6.1f} x")


def run_ratios(quick: bool) -> None:
    repeats = 5 if quick else 11
    with threadpool_limits(1):
        report("binary raster", bernoulli(900, 0.09), 1200, repeats, elephant=True)
        report("binary raster, few nodes", bernoulli(120, 0.09), 1200, repeats, elephant=True)
        report("binary raster, small step", bernoulli(120, 0.09), 120, repeats, elephant=False)
        report("counts", poisson(900, 0.5), 1200, repeats, elephant=False)
        report("counts above 7", poisson(900, 8.0), 1200, repeats, elephant=False)
        if not quick:
            report("binary, small step", bernoulli(900, 0.09), 120, 3, elephant=False)


def run_retina(folder: Path) -> None:
    """A whole recording of 1152 channels to thresholded graphs, window 2 min, step 10 s."""
    import h5py

    with h5py.File(folder / "retina-mea" / _RETINA) as file:
        times, n_spikes = file["spikes"][:], file["sCount"][:].astype(int)
    trains = np.split(times, np.cumsum(n_spikes)[:-1])
    begin = time.perf_counter()
    block = te.block_from_arrays(spike_times=trains, t_stop=1800 * pq.s, node_kind="channel")
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    binned = time.perf_counter()
    windows = te.sliding_windows(activity, window_length=2 * pq.min, step=10 * pq.s)
    connectivity = te.iter_connectivity(activity, windows)
    graphs = te.build_graphs(connectivity, threshold=0.3, features="rates")
    done = time.perf_counter()
    print(
        f"  {activity}\n  {graphs}\n  binning {binned - begin:.1f} s, "
        f"connectivity and graphs {done - binned:.1f} s"
    )


_RETINA = "Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5"


def run_hour(folder: Path) -> None:
    """One hour of 1000 channels in 10 ms bins, in a file: window 1 min, step 10 s."""
    n_nodes, n_bins = 1000, 360_000
    path = folder / "hour.npy"
    rng = np.random.default_rng(0)
    values = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n_nodes, n_bins))
    for node in range(n_nodes):
        values[node] = rng.random(n_bins, dtype=np.float32) < 0.05
    values.flush()
    del values
    activity = activity_of(np.load(path, mmap_mode="r"), bin_size_s=0.01)
    begin = time.perf_counter()
    windows = te.sliding_windows(activity, window_length=1 * pq.min, step=10 * pq.s)
    connectivity = te.iter_connectivity(activity, windows)
    graphs = te.build_graphs(connectivity, threshold=0.06, features="rates")
    print(f"  {activity}\n  {graphs}\n  {time.perf_counter() - begin:.1f} s")


def run_memory() -> None:
    named = os.environ.get("TAVRNN_EPHYS_DATA")
    recordings = Path(named) if named else _HERE.parents[2] / "../shared/data"
    for name in ("retina", "hour"):
        print(f"\n{name}: {globals()[f'run_{name}'].__doc__}", flush=True)
        if name == "retina" and not recordings.is_dir():
            print(f"  left out: no recordings in '{recordings}'")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = recordings if name == "retina" else Path(scratch)
            subprocess.run(
                [sys.executable, str(_HERE), "--only", name, "--folder", str(folder)], check=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark of connectivity")
    parser.add_argument("--quick", action="store_true", help="ratios only, fewer repetitions")
    parser.add_argument("--only", choices=["retina", "hour", "memory"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.only in ("retina", "hour"):
        {"retina": run_retina, "hour": run_hour}[arguments.only](arguments.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"  peak resident memory {peak:.2f} GiB")
        return
    if arguments.only != "memory":
        blas = {(item["internal_api"], item.get("architecture")) for item in threadpool_info()}
        print("single thread;", ", ".join(f"{api} {arch or ''}".strip() for api, arch in blas))
        run_ratios(arguments.quick)
    if not arguments.quick:
        run_memory()


if __name__ == "__main__":
    main()
