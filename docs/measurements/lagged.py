"""
What the lagged correlation loses where nobody tells it time constants, delays, signs and density.

Every network is drawn anew (`simulate_network`), and its state decoded from gated contributions of
nodes under blocked folds.  Graphs: `auto`, time constant and delay estimated from the training
windows of each fold; `true mean`, the mean of the pairs' true times; `true pairs`, each pair's own
true kernel; `true constants` and `true delays`, each pair's own of one, with the mean of the other;
`pearson`, counts in bins of 10 ms.

    python docs/measurements/lagged.py [--seeds 4] [--first 300] [--conditions sparse,dense,…]
"""

import argparse
import dataclasses
import time
import warnings

import numpy as np
import quantities as pq
from scipy.signal import lfilter

import tavrnn_ephys as te
from tavrnn_ephys.activity.deconvolution import deconvolve
from tavrnn_ephys.connectivity import LagKernel
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.datasets.simulated import NetworkRecipe, calcium_traces, simulate_network
from tavrnn_ephys.evaluation.decoding import decode_labels
from tavrnn_ephys.evaluation.embedding import nodes_in_folds
from tavrnn_ephys.evaluation.tasks import BenchmarkTask, TaskGraphs
from tavrnn_ephys.methods import EdgePCA, GatedContributions

CONDITIONS = {
    "sparse": {},
    "dense": {"n_parents": 14, "coupled_fraction": 0.4},
    "signed": {"inhibitory_fraction": 0.3},
    "dense, signed": {"n_parents": 14, "coupled_fraction": 0.4, "inhibitory_fraction": 0.3},
    "slow": {"time_constants_s": (0.008, 0.02), "delays_s": (0.002, 0.01)},
    "by distance": {"by_distance": True, "delays_s": (0.001, 0.012)},
    "bursts and up-states": {"up_depth": 0.6, "burst_rate_hz": 0.3},
    "drift, unequal rates": {"drift": 0.4, "rate_spread": 1.0},
    "independent": {"coupled_fraction": 0.0},
}
BIN_S = 0.001


def task_of(block, truth, bin_size, measure="lagged_correlation", options=None):
    activity = te.bin_activity(block.segments[0], bin_size=bin_size)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    states = truth.state_at(windows.start_s + 0.5)
    return TaskGraphs(
        BenchmarkTask(
            name="network", session="0", activity=activity, windows=windows, behavior=states,
            min_shift=10, n_folds=4, measure=measure, measure_options=options or {},
        )
    )  # fmt: skip


def score(prepared, graphs=None, make=GatedContributions):
    given = graphs or (
        lambda fold: prepared.graphs("identity", history_node=False, shuffled=False, fold=fold)
    )
    found = nodes_in_folds(lambda seed: make(), given, prepared.folds)
    return decode_labels(
        "", [item.features for item in found], prepared.task.behavior, min_shift=10, n_shifts=0
    ).balanced_accuracy


def graphs_of_true_pairs(prepared, truth):
    """Correlate with the past by each pair's own delay and time constant."""
    counts = np.asarray(prepared.task.activity.values, dtype=np.float64)
    n_nodes, n_windows = len(counts), len(prepared.task.windows)
    shape = (n_nodes, n_windows, -1)
    target = counts[:, : n_windows * 1000].reshape(shape)
    target = standardized(target)
    weights = np.zeros((n_windows, n_nodes, n_nodes))
    for source in range(n_nodes):
        for child in range(n_nodes):
            late = 1 + round(truth.delays_s[child, source] / BIN_S)
            kept = np.exp(-BIN_S / truth.time_constants_s[child, source])
            moved = np.concatenate([np.zeros(late), counts[source, :-late]])
            past = lfilter([1.0], [1.0, -kept], moved)[: n_windows * 1000]
            past = standardized(past.reshape(n_windows, -1))
            weights[:, source, child] = (past * target[child]).mean(axis=-1)
    return build_graphs(
        te.ConnectivitySequence(
            weights=weights, windows=prepared.task.windows, nodes=prepared.task.activity.nodes,
            measure="true pairs", directed=True,
        ),
        features="identity", history_node=False,
    )  # fmt: skip


def standardized(values):
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return centred / np.where(spread > 0, spread, 1.0)


def true_mean(truth):
    coupled = (truth.coupling != 0).any(axis=0)
    coupled |= not coupled.any()
    return LagKernel(
        time_constant_s=float(truth.time_constants_s[coupled].mean()),
        delay_s=float(truth.delays_s[coupled].mean()),
    )


def measured(recipe, seed):
    block, truth = simulate_network(recipe, seed=seed)
    auto = task_of(block, truth, 1 * pq.ms)
    known = task_of(block, truth, 1 * pq.ms, options={"kernel": true_mean(truth)})
    coarse = task_of(block, truth, 10 * pq.ms, measure="pearson")
    found, mean = dict(auto.connectivity.origin.measure_options), true_mean(truth)
    constants = dataclasses.replace(truth, delays_s=np.full_like(truth.delays_s, mean.delay_s))
    delays = dataclasses.replace(
        truth, time_constants_s=np.full_like(truth.time_constants_s, mean.time_constant_s)
    )
    row = {
        "auto": score(auto),
        "true mean": score(known),
        "true pairs": score(auto, graphs_of_true_pairs(auto, truth)),
        "true constants": score(auto, graphs_of_true_pairs(auto, constants)),
        "true delays": score(auto, graphs_of_true_pairs(auto, delays)),
        "pearson": score(coarse),
        "auto, gate shrunk": score(auto, make=lambda: GatedContributions(gate="shrunk")),
        "auto, not gated": score(auto, make=lambda: EdgePCA(n_components=16)),
    }
    return row, found["time_constant"], found["delay"]


def measured_calcium(seed):
    """An indicator whose decay nobody knows, from 80 to 400 ms."""
    block, truth = simulate_network(NetworkRecipe(coupled_fraction=0.3), seed=seed)
    decay_s = np.exp(np.random.default_rng(seed).uniform(np.log(0.08), np.log(0.4)))
    seen = calcium_traces(block, decay=decay_s * pq.s, seed=seed)
    raw = task_of(seen, truth, 20 * pq.ms, measure="pearson")
    seen.segments[0] = deconvolve(seen.segments[0], dff=False)
    auto = task_of(seen, truth, 20 * pq.ms)
    row = {"auto": score(auto), "pearson of traces": score(raw)}
    return (
        row,
        f"decay {decay_s:.3g} s",
        dict(auto.connectivity.origin.measure_options)["time_constant"],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--conditions", default=";".join([*CONDITIONS, "calcium"]))
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataLossWarning)
    for name in options.conditions.split(";"):
        rows = []
        for seed in range(options.first, options.first + options.seeds):
            began = time.process_time()
            if name == "calcium":
                row, *about = measured_calcium(seed)
            else:
                row, *about = measured(NetworkRecipe(**CONDITIONS[name]), seed)
            rows.append(row)
            shown = ", ".join(f"{key} {value:.3f}" for key, value in row.items())
            spent = time.process_time() - began
            print(f"{name} {seed}: {shown}; {', '.join(about)}; {spent:.0f} s", flush=True)
        for key in rows[0]:
            values = np.array([row[key] for row in rows])
            less = values - np.array([row["auto"] for row in rows])
            print(f"{name:<22} {key:<18} {values.mean():.3f}   beyond auto {less.mean():+.3f}")


if __name__ == "__main__":
    main()
