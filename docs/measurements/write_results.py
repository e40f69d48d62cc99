"""
Time the writing and reading of results of 600 windows x 900 nodes, beside raw h5py.

    python docs/measurements/write_results.py [--windows 600] [--nodes 900]

The raw write puts the same arrays into the same form (upper triangles for the connectivity) and
flushes them to the disk, as the other does; it knows nothing of recording, links or validation.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import h5py
import numpy as np

import tavrnn_ephys as te
from docs.measurements.torture_results import make_recording
from tavrnn_ephys.adapters.nwb import results as _loaded_before_timing  # noqa: F401


def make_results(n_windows: int, n_nodes: int) -> te.Results:
    """Make correlations of random counts, an embedding and attention."""
    rng = np.random.default_rng(0)
    nodes = te.Nodes(ids=map(str, range(n_nodes)), rows=range(n_nodes), table="units")
    starts = np.arange(n_windows, dtype=float)
    windows = te.Windows(start_s=starts, stop_s=starts + 2.0)
    weights = np.empty((n_windows, n_nodes, n_nodes))
    for matrix in weights:
        matrix[:] = np.corrcoef(rng.standard_normal((n_nodes, 200)))
        matrix[:] = np.triu(matrix) + np.triu(matrix, 1).T
    attention = np.tril(rng.random((n_windows, n_windows)))
    embedding = te.NodeEmbedding(
        mean=rng.standard_normal((n_windows, n_nodes, 8)),
        std=rng.random((n_windows, n_nodes, 8)),
        attention=attention / attention.sum(axis=1, keepdims=True),
        windows=windows,
        nodes=nodes,
        config={"analysis.threshold": 0.0},
    )
    connectivity = te.ConnectivitySequence(
        weights=weights, windows=windows, nodes=nodes, measure="pearson"
    )
    return te.Results(embedding=embedding, connectivity=connectivity)


def raw_write(path: Path, results: te.Results) -> None:
    """Write the arrays, and nothing else."""
    n_nodes = len(results.nodes)
    flat = np.ravel_multi_index(np.triu_indices(n_nodes), (n_nodes, n_nodes))
    with h5py.File(path, "w") as file:
        for name in ("mean", "std", "attention"):
            file.create_dataset(name, data=getattr(results.embedding, name))
        upper = file.create_dataset("weights", (len(results.windows), len(flat)), dtype=float)
        for index, matrix in enumerate(results.connectivity.weights):
            upper[index] = matrix.reshape(-1)[flat]
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def whole_write(path: Path, results: te.Results) -> None:
    """Write the arrays as they lie in memory, whole matrices in one call each."""
    with h5py.File(path, "w") as file:
        for name in ("mean", "std", "attention"):
            file.create_dataset(name, data=getattr(results.embedding, name))
        file.create_dataset("weights", data=results.connectivity.weights)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Time one call, by the clock and by the processor, which other processes do not disturb."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    """Time everything, and print it."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--windows", type=int, default=600)
    parser.add_argument("--nodes", type=int, default=900)
    options = parser.parse_args()
    results = make_results(options.windows, options.nodes)
    graphs = te.build_graphs(results.connectivity, threshold=0.15, history_node=False)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        recording = make_recording(folder / "recording.nwb", options.nodes)
        out = folder / "out.nwb"
        raw = seconds(lambda: raw_write(folder / "a.h5", results))
        report("raw h5py, upper triangles", raw)
        raw_size = (folder / "a.h5").stat().st_size
        (folder / "a.h5").unlink()
        report("raw h5py, whole matrices", seconds(lambda: whole_write(folder / "b.h5", results)))
        (folder / "b.h5").unlink()
        run = seconds(lambda: te.write_results(recording, results, out=out))
        report("a run", run)
        print(f"of the upper triangles: {run[0] / raw[0]:.2f}, processor {run[1] / raw[1]:.2f}")
        print(f"sizes: {raw_size / 1e6:.0f} MB raw, {out.stat().st_size / 1e6:.0f} MB with the run")
        with te.open_results(out) as stored:
            stored.window(0)
            each = [seconds(lambda i=i: stored.window(i)) for i in range(1, options.windows, 7)]
            for index, kind in enumerate(("by the clock", "by the processor")):
                times = [1e3 * item[index] for item in each]
                median = statistics.median(times)
                print(f"one window, {kind}: median {median:.2f} ms, largest {max(times):.2f} ms")
            report("the whole embedding", seconds(lambda: stored.embedding))
            report("the whole connectivity", seconds(lambda: stored.connectivity))
            assert stored.embedding == results.embedding
        out.unlink()
        with_graphs = te.Results(
            embedding=results.embedding, connectivity=results.connectivity, graphs=graphs
        )
        print(graphs)
        report(
            "a run with graphs", seconds(lambda: te.write_results(recording, with_graphs, out=out))
        )
        print(f"size: {out.stat().st_size / 1e6:.0f} MB")


def report(what: str, duration: tuple[float, float]) -> None:
    """Print one line."""
    print(f"{what}: {duration[0]:.2f} s, processor {duration[1]:.2f} s", flush=True)


if __name__ == "__main__":
    main()
