"""
What a stream costs per bin on one thread, beside the path of finished graphs in the same run.

    python docs/measurements/streaming.py                    # the table of costs, some 8 minutes
    python docs/measurements/streaming.py --bins 500         # a quick look
    python docs/measurements/streaming.py soak --nodes 64 --hours 24
    python docs/measurements/streaming.py soak --nodes 900 --hours 2
    python docs/measurements/streaming.py wall --nodes 900 --seconds 60
    python docs/measurements/streaming.py lags --bins 1000   # directed graphs, lags at 1 ms

Each ends with a line that begins with "Kept" or "Not kept", and with exit status 0 or 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path

import numpy as np
import torch

import tavrnn_ephys as te
from tavrnn_ephys.core.containers import Origin
from tavrnn_ephys.core.graph_units import GraphUnits
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.options import options_for
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis
from tavrnn_ephys.methods.tavrnn.sessions import Session

BIN_S = 0.05
CASES = ((64, 200), (900, 200), (900, 2400), (1024, 200))
PROFILES = ("state_space", "recurrent")
#: Median, 99 % and largest CPU time of a bin that must not be exceeded, in ms.
LIMITS = {
    (900, 2400): (6.0, 10.0, 20.0),
    (1024, 200): (None, 12.0, None),
    (64, 200): (None, 2.0, None),
}
#: 99 % of the sums over the window alone, in ms; and how much faster than finished graphs it is
#: where there are many nodes.  Of few, what every step costs beside its graph decides.
MOST_OF_SUMS_MS, LEAST_TIMES, MANY_NODES = 0.6, 7.0, 900
MOST_GROWTH = 2**20
#: Directed graphs: 99 % of the CPU time of a bin of the fit, which is 50 of 1 ms, in ms.
LAG_LIMITS, PER_BIN = {64: 2.0, 900: 10.0}, 50
LAGS = {
    "delay": "0 s", "kernel": "exponential", "same_bin": False, "spiketrains": "exact",
    "time_constant": "0.004 s",
}  # fmt: skip


def model_of(n_nodes, n_window, n_step, profile, measure="pearson", **options):
    """A model of random weights: its cost is that of a trained one."""
    units = GraphUnits(
        window_length_s=n_window * BIN_S,
        step_s=n_step * BIN_S,
        node_kind="unit",
        origin=Origin(
            bin_size_s=BIN_S, quantity="spike_count", binary=False, measure=measure,
            measure_options=tuple(options.items()), threshold="AbsoluteThreshold(value=0)",
            features="identity",
        ),
    )  # fmt: skip
    model = TAVRNN(profile=profile, seed=0)
    options = options_for(profile)
    made = factors_of if options.has_factors else network_of
    network, basis = made(options, n_nodes)
    model.sessions_ = {
        "0": Session(
            node_ids=np.array([f"ch{k}" for k in range(n_nodes)]),
            history_node=options.history_node, n_features=n_nodes + options.history_node,
            basis=basis, network=network, units=units,
        )
    }  # fmt: skip
    model.history_, model.training_options_ = [], model._resolve_options()[1]
    return model


def network_of(options, n_nodes):
    """A graph recurrent network."""
    network = Network(
        options,
        n_vertices=n_nodes + 1,
        n_features=options.n_spectral,
        n_targets=n_nodes,
        offset=torch.zeros(n_nodes, n_nodes),
        basis=torch.zeros(n_nodes, options.latent_size),
    ).eval()
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(n_nodes, options.n_spectral)))[0]
    mean = np.zeros((n_nodes, n_nodes), np.float32)
    return network, SpectralBasis(mean, directions.astype(np.float32), 1.0, 1.0)


def factors_of(options, n_nodes, n_seen=600):
    """Factors of a fit to some windows."""
    draw = torch.Generator().manual_seed(0)
    network = FactorNetwork(options, n_nodes=n_nodes, n_seen=n_seen)
    loadings = torch.randn(network.loadings.shape, generator=draw) / n_nodes
    network.loadings.copy_(loadings + loadings.transpose(1, 2))
    network.scale.fill_(1.0)
    network.pair_weight.fill_(0.5)
    network.decay.fill_(0.7)
    network.deviation.fill_(0.1)
    network.seen.random_(generator=draw)
    return network, None


def bins_of(n_nodes, n_bins, seed=0):
    """Independent spikes at 1 Hz, and in 2 % of the bins a burst of most nodes."""
    rng = np.random.default_rng(seed)
    for _ in range(n_bins):
        burst = rng.random() < 0.02
        yield rng.poisson(1.5 if burst else BIN_S, n_nodes)


def costs(n_nodes, n_window, n_bins, profile):
    """CPU time of every bin in ms, and that of the sums over the window alone."""
    stream = te.Stream(model_of(n_nodes, n_window, 1, profile), provisional=True)
    sums = te.RunningGram(n_nodes, n_window)
    taken, of_sums = np.empty(n_bins), np.empty(n_bins)
    for index, counts in enumerate(bins_of(n_nodes, n_window + n_bins)):
        begun = time.thread_time()
        sums.push(counts)
        between = time.thread_time()
        stream.push(counts)
        if index >= n_window:
            taken[index - n_window] = time.thread_time() - between
            of_sums[index - n_window] = between - begun
    return 1e3 * taken, 1e3 * of_sums


def cost_of_graphs(n_nodes, n_window, profile, n_bins=32):
    """CPU time of a bin by connectivity, graph and step of the estimator, in ms."""
    model = model_of(n_nodes, n_window, 1, profile)
    values = np.stack(list(bins_of(n_nodes, n_window + n_bins)), axis=1).astype(np.uint8)
    state, taken = model.initial_state(), []
    nodes = te.Nodes(ids=model.node_ids_)
    for index in range(n_bins):
        begun = time.thread_time()
        activity = te.BinnedActivity(
            values=values[:, index : index + n_window], bin_size_s=BIN_S, nodes=nodes,
            t_start_s=index * BIN_S,
        )  # fmt: skip
        start = index * BIN_S
        windows = te.Windows(start_s=[start], stop_s=[start + n_window * BIN_S])
        connectivity = te.compute_connectivity(activity, windows)
        state, _ = model.step(state, te.build_graphs(connectivity, features="identity"))
        taken.append(time.thread_time() - begun)
    return 1e3 * np.median(taken[2:])


def report(n_bins, profiles):
    """Print the table, and say which limit is not kept."""
    broken = []
    heads = "nodes x bins of a window | profile | median, ms | 99 %, ms | largest, ms"
    print(f"| {heads} | sums over the window, 99 %, ms | by finished graphs, ms | times |")
    print("|---" * 8 + "|")
    for n_nodes, n_window in CASES:
        for profile in profiles:
            taken, of_sums = costs(n_nodes, n_window, n_bins, profile)
            before = cost_of_graphs(n_nodes, n_window, profile)
            found = np.median(taken), np.percentile(taken, 99), taken.max()
            times, sums = before / found[0], np.percentile(of_sums, 99)
            cells = [f"{value:.2g}" for value in (*found, sums, before)]
            case = f"{n_nodes} x {n_window} | {profile}"
            print(f"| {case} | {' | '.join(cells)} | {times:.1f} |", flush=True)
            limits = LIMITS.get((n_nodes, n_window), (None,) * 3)
            broken += [
                f"{case}: {value:.2f} ms above {limit:g} ms"
                for value, limit in zip((*found, sums), (*limits, MOST_OF_SUMS_MS), strict=True)
                if limit is not None and value > limit
            ]
            if n_nodes >= MANY_NODES and times < LEAST_TIMES:
                broken.append(f"{case}: {times:.1f} times as fast, not {LEAST_TIMES:g}")
    return verdict(broken)


def report_lags(n_bins, n_window=200):
    """Print what a bin of the fit costs where lags are read off spike times."""
    broken = []
    print("| nodes | median, ms | 99 %, ms | largest, ms |\n|---|---|---|---|")
    for n_nodes, limit in LAG_LIMITS.items():
        model = model_of(n_nodes, n_window, 1, "state_space", "lagged_correlation", **LAGS)
        stream, taken = te.Stream(model, provisional=True), []
        rng = np.random.default_rng(0)
        for counts in bins_of(n_nodes, n_window + n_bins):
            within = rng.multinomial(counts, np.full(PER_BIN, 1 / PER_BIN))
            begun = time.thread_time()
            stream.push(within)
            taken.append(1e3 * (time.thread_time() - begun))
        found = [f(taken[n_window:]) for f in (np.median, lambda x: np.percentile(x, 99), np.max)]
        print(f"| {n_nodes} | {' | '.join(f'{value:.2g}' for value in found)} |", flush=True)
        if found[1] > limit:
            broken.append(f"{n_nodes} nodes: {found[1]:.1f} ms above {limit:g} ms")
    return verdict(broken)


def verdict(broken):
    """Say whether every limit is kept."""
    print("Kept: every limit." if not broken else "Not kept: " + "; ".join(broken))
    return 1 if broken else 0


def resident():
    """Memory of this process in bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def soak(n_nodes, hours, provisional, profile, window=200, checks=24):
    """Stream hours of bins; look at sums and memory 24 times on the way."""
    stream = te.Stream(model_of(n_nodes, window, 20, profile), provisional=provisional)
    n_bins, begun = round(hours * 3600 / BIN_S), time.perf_counter()
    memory, unequal, n_nan = [], 0, 0
    every = 20 * max(window // 20 + 1, n_bins // checks // 20)
    for update in stream.run(bins_of(n_nodes, n_bins)):
        n_nan += bool(np.isnan(update.embedding).any())
        if stream.n_bins % every:
            continue
        unequal += not np.array_equal(stream.gram.gram, stream.gram.summed_afresh())
        memory.append(resident())
        print(
            f"{stream.t_s / 3600:6.2f} h, {time.perf_counter() - begun:5.0f} s: "
            f"{unequal} unequal sums, {memory[-1] / 1e6:.2f} MB",
            flush=True,
        )
    grown = memory[-1] - memory[0]
    print(
        f"{stream.n_bins} bins of {n_nodes} nodes in {time.perf_counter() - begun:.0f} s: sums "
        f"unequal to fresh ones {unequal} of {len(memory)} times, {n_nan} embeddings without "
        f"value, memory grew by {grown / 1e6:.2f} MB, {dict(stream.losses)}"
    )
    faults = {
        "sums differ": unequal, "embeddings are NaN": n_nan,
        "memory grew by 1 MB": grown >= MOST_GROWTH, "bins are lost": stream.n_bins != n_bins,
    }  # fmt: skip
    return verdict([name for name, found in faults.items() if found])


def wall(n_nodes, seconds, profile):
    """Wall-clock latency of a replay in real time, at either priority."""
    values = np.stack(list(bins_of(n_nodes, 200 + round(seconds / BIN_S))), axis=1)
    model, broken = model_of(n_nodes, 200, 1, profile), []
    nodes = te.Nodes(ids=model.node_ids_)
    activity = te.BinnedActivity(values=values, bin_size_s=BIN_S, nodes=nodes)
    # The default first: a priority once taken stays.
    for priority in ("default", "realtime"):
        stream = te.Stream(model, provisional=True)
        run = stream.run(te.sources.replay(activity, 1.0), priority=priority)
        latency = np.array([update.latency_ms for update in run])
        print(
            f"{n_nodes} nodes, {priority} priority: median {np.median(latency):.1f}, p99 "
            f"{np.percentile(latency, 99):.1f}, max {latency.max():.1f} ms; "
            f"{(latency > 1e3 * BIN_S).sum()} of {len(latency)} later than a bin; "
            f"{dict(stream.losses) or 'nothing lost'}",
            flush=True,
        )
        if stream.n_bins != activity.n_bins:
            broken.append(f"bins are lost at {priority} priority")
    return verdict(broken)


def main():
    """Read what is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="cost", choices=("cost", "soak", "wall", "lags"))
    parser.add_argument("--bins", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--provisional", action="store_true", help="soak: embed every bin")
    parser.add_argument("--profile", choices=PROFILES, help="this one alone (cost: both)")
    chosen = parser.parse_args()
    profile = chosen.profile or PROFILES[0]
    torch.set_num_threads(1)
    if chosen.what == "soak":
        return soak(chosen.nodes, chosen.hours, chosen.provisional, profile)
    if chosen.what == "wall":
        return wall(chosen.nodes, chosen.seconds, profile)
    if chosen.what == "lags":
        return report_lags(chosen.bins)
    return report(chosen.bins, [chosen.profile] if chosen.profile else PROFILES)


if __name__ == "__main__":
    raise SystemExit(main())
