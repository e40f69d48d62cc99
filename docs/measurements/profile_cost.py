"""
What a fit and an embedding cost in two profiles: processor time and peak memory.

Graphs are random, one tenth of the pairs joined.  Each profile runs in a process of its own on one
thread; *more MB* is the largest resident set beyond that of the graphs alone.

    python docs/measurements/profile_cost.py                       100 nodes, then 900; 300 windows
    python docs/measurements/profile_cost.py --nodes 60 --windows 50
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import scipy.sparse

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.tavrnn import TAVRNN

PROFILES, DENSITY = ("state_space", "recurrent"), 0.1


def random_graphs(n_nodes: int, n_windows: int) -> GraphSequence:
    """Symmetric graphs of random weights, one per second."""
    rng, weights = np.random.default_rng(0), []
    n_pairs = n_nodes * (n_nodes - 1) // 2
    rows, columns = np.triu_indices(n_nodes, 1)
    for _ in range(n_windows):
        kept = rng.choice(n_pairs, int(DENSITY * n_pairs), replace=False)
        values = rng.uniform(-1, 1, len(kept)).astype(np.float32)
        half = scipy.sparse.coo_array((values, (rows[kept], columns[kept])), (n_nodes, n_nodes))
        weights.append((half + half.T).tocsr())
    start_s = np.arange(n_windows, dtype=float)
    return GraphSequence(
        weights=tuple(weights),
        windows=Windows(start_s=start_s, stop_s=start_s + 1),
        nodes=Nodes(ids=[f"u{index}" for index in range(n_nodes)]),
    )


def peak_mb() -> float:
    """Largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(profile: str, n_nodes: int, n_windows: int) -> str:
    """One row of the table."""
    warnings.simplefilter("ignore")
    warm = random_graphs(20, 10)
    TAVRNN(profile=profile, training_epochs=2).fit(warm).transform(warm)
    graphs = random_graphs(n_nodes, n_windows)
    before, began = peak_mb(), time.process_time()
    model = TAVRNN(profile=profile).fit(graphs)
    fitted = time.process_time()
    model.transform(graphs)
    ended = time.process_time()
    return (
        f"| {n_nodes} | {n_windows} | {profile} | {fitted - began:.1f} | {ended - fitted:.1f} "
        f"| {peak_mb() - before:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[100, 900])
    parser.add_argument("--windows", type=int, default=300)
    parser.add_argument("--profile", choices=PROFILES, help="in this process, for one size")
    options = parser.parse_args()
    if options.profile:
        print(measure(options.profile, options.nodes[0], options.windows))
        return
    print(
        "| nodes | windows | profile | fit s | transform s | more MB |\n|---|---|---|---|---|---|"
    )
    for n_nodes in options.nodes:
        for profile in PROFILES:
            size = ["--nodes", str(n_nodes), "--windows", str(options.windows)]
            command = [sys.executable, __file__, *size, "--profile", profile]
            ran = subprocess.run(command, check=True, capture_output=True, text=True)
            print(ran.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
