"""
TAVRNN and its profile ``recurrent`` beside the strongest floors, on both graphs.

Networks are simulated as in the benchmark, and drawn anew with couplings that are dense, signed or
both, by default on seeds that are in no table of the benchmark.  Everything is fitted inside
blocks of time, and behaviour is decoded from held-out windows: balanced accuracy, and explained
variance for drift and learning.  Graphs are correlations in bins of 10 ms (20 ms for calcium), or
lagged correlations at 1 ms whose time constant comes from the training windows of each fold.

    python docs/measurements/profiles.py
    python docs/measurements/profiles.py --seeds 1 --tasks switching --measures pearson
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import quantities as pq
from threadpoolctl import threadpool_limits

import tavrnn_ephys as te
from tavrnn_ephys.core.names import SCENARIOS
from tavrnn_ephys.datasets.simulated import NetworkRecipe, simulate_network
from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, nodes_in_folds
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.evaluation.regression import decode_values
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.methods import list_methods
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource

DENSE, SIGNED = {"n_parents": 14, "coupled_fraction": 0.4}, {"inhibitory_fraction": 0.3}
DRAWN = {"sparse": {}, "dense": DENSE, "signed": SIGNED, "dense and signed": {**DENSE, **SIGNED}}
MEASURES = ("pearson", "lagged_correlation")
METHODS = (
    "uase_joined",
    "pca_edges",
    "contributions_gated",
    "contributions_shrunk",
    "tavrnn_recurrent",
)
OURS = "tavrnn"


def drawn_task(name: str, seed: int, measure: str) -> BenchmarkTask:
    """A network with delays, time constants and couplings of its own."""
    block, truth = simulate_network(NetworkRecipe(**DRAWN[name]), seed=seed)
    bin_size = (1 if measure == "lagged_correlation" else 10) * pq.ms
    activity = te.bin_activity(block.segments[0], bin_size=bin_size)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    states = truth.state_at(windows.start_s + 0.5)
    return BenchmarkTask(
        name=name,
        session=str(seed),
        activity=activity,
        windows=windows,
        behavior=np.array(["first", "second"])[states],
        min_shift=10,
        n_folds=4,
        measure=measure,
    )


def loaded(name: str, seed: int, measure: str) -> TaskGraphs:
    """The task of a name, ready to make graphs."""
    if name in DRAWN:
        return TaskGraphs(drawn_task(name, seed, measure))
    return TaskGraphs(SimulatedSource(name=name, seed=seed, measure=measure).load())


def score(name: str, prepared: TaskGraphs) -> float:
    """Balanced accuracy, or explained variance, of held-out windows."""
    task, entry = prepared.task, list_methods()[name]
    history_node = getattr(entry.build(), "history_node", False)
    found = nodes_in_folds(
        lambda number: entry.build(seed=number),
        lambda fold: prepared.graphs(
            "weights", history_node=history_node, shuffled=False, fold=fold
        ),
        prepared.folds,
    )
    features = labelled_features([item.features for item in found], prepared.folds, task.labelled)
    if task.kind == "regression":
        return decode_values("", features, task.behavior, min_shift=5, n_shifts=0).r2
    return decode_labels("", features, task.behavior, min_shift=5, n_shifts=0).balanced_accuracy


def scores_of(task: str, seed: int, measure: str, methods: list[str]) -> list[float]:
    """Scores of all methods on one network."""
    prepared = loaded(task, seed, measure)
    return [score(method, prepared) for method in methods]


def row_of(values: np.ndarray, methods: list[str]) -> str:
    """Means of all methods, and the gain over the floor that is best in the mean."""
    means = values.mean(axis=0)
    best = int(means[:-1].argmax())
    gain = values[:, -1] - values[:, best]
    low, high = bootstrap_interval(gain) if len(gain) > 1 else (np.nan, np.nan)
    cells = " | ".join(f"{value:.3f}" for value in means)
    return f"{cells} | {gain.mean():+.3f} ({low:+.3f} to {high:+.3f}), {methods[best]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=400)
    tasks = [*SCENARIOS, *DRAWN]
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=tasks)
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), help="beside " + OURS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = [*options.methods, OURS]
    print(f"| graphs | task | {' | '.join(methods)} | {OURS} minus the best other |")
    print("|---" * (len(methods) + 3) + "|", flush=True)
    began = time.process_time()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with threadpool_limits(limits=1):
        for measure in options.measures:
            for task in options.tasks:
                found = np.array([scores_of(task, seed, measure, methods) for seed in seeds])
                print(f"| {measure} | {task} | {row_of(found, methods)} |", flush=True)
    print(f"\n{time.process_time() - began:.0f} s of one processor")


if __name__ == "__main__":
    main()
