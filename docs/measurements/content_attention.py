"""
Whether windows of long ago that resemble a window say something of it, and what that gains.

*Weight*: directed graphs at 1 ms of simulated networks, on seeds that are in no table of the
benchmark.  A fit looks for kinds of windows that return, and takes them where they tell left-out
windows better than states that decay.  The null are states of the same variance and decay, with
the noise of windows, in which nothing returns.  Beside it stands how much of the attention
of a window departs from the decay that windows share.

*Gain*: the tasks ``recognition`` and ``returning`` of the benchmark with recall and without, where
labels are known for the first training windows or for all.

    python docs/measurements/content_attention.py
    python docs/measurements/content_attention.py --seeds 2 --surrogates 19
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial

import numpy as np
import quantities as pq
from threadpoolctl import threadpool_limits

import tavrnn_ephys as te
from tavrnn_ephys.datasets.simulated import NetworkRecipe, simulate_network
from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, nodes_in_folds
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.figures.decay import attention_by_lag, beyond_decay
from tavrnn_ephys.methods.tavrnn.factors.kinds import JudgedKinds
from tavrnn_ephys.methods.tavrnn.factors.kinds_fit import judge_kinds
from tavrnn_ephys.methods.tavrnn_method import StateSpaceMethod
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource

MEASURE = "lagged_correlation"
# One coupling that never changes: every window is like every other.
MEMORYLESS = NetworkRecipe(n_states=1, duration_s=240.0, coupled_fraction=0.2, n_parents=4)
NETWORKS = ("recognition", "returning", "switching", "drift", "learning", "memoryless")
LABELLED = {"recognition": (30, 60, None), "returning": (None,)}


def task_of(name: str, seed: int) -> BenchmarkTask:
    """A task of the benchmark, or a network in which nothing changes."""
    if name != "memoryless":
        return SimulatedSource(name=name, seed=seed, measure=MEASURE).load()
    block, _ = simulate_network(MEMORYLESS, seed=seed)
    activity = te.bin_activity(block.segments[0], bin_size=1 * pq.ms)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    return BenchmarkTask(
        name=name,
        session=str(seed),
        activity=activity,
        windows=windows,
        behavior=np.arange(len(windows)) % 2,
        measure=MEASURE,
    )


def weight(name: str, seed: int, n_surrogates: int) -> tuple[JudgedKinds, float, float]:
    """How kinds are judged, the p-value of their gain, and how far attention departs."""
    graphs = TaskGraphs(task_of(name, seed)).graphs("identity", history_node=False, shuffled=False)
    model = te.TAVRNN(latent_size=8).fit(graphs)
    network, judged = model.network_, model.returning_kinds()
    values, vectors = np.linalg.eigh(network.precision())
    said = network.seen_evidence.double().sum(dim=1).numpy()
    told = (said @ vectors)[:, values > 1e-6] / np.sqrt(values[values > 1e-6])
    rng, noise = np.random.default_rng(seed), np.eye(told.shape[1])
    null = [
        judge_kinds(states_that_decay(told, rng), noise, [np.arange(len(told))]).gain
        for _ in range(n_surrogates)
    ]
    p_value = (1 + np.sum(np.array(null) >= judged.gain)) / (1 + n_surrogates)
    rest = beyond_decay(attention_by_lag(model.transform(graphs).attention.astype(np.float64)))
    return judged, float(p_value), float(np.nansum(np.abs(rest), axis=1).mean() / 2)


def states_that_decay(told: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Windows of unit noise whose states have the variance and the decay of others."""
    told = (told - told.mean(axis=0)) @ np.linalg.eigh(np.cov(told.T))[1]
    variance = np.maximum(told.var(axis=0) - 1, 0)
    following = (told[1:] * told[:-1]).mean(axis=0)
    decay = np.clip(following / np.maximum(variance, 1e-9), 0, 0.98)
    states = np.empty_like(told)
    known = rng.normal(size=told.shape[1])
    for index in range(len(told)):
        states[index] = known
        known = decay * known + np.sqrt(1 - decay**2) * rng.normal(size=len(known))
    return states * np.sqrt(variance) + rng.normal(size=told.shape)


def print_weight(seeds: range, n_surrogates: int) -> None:
    """Table of how kinds are judged."""
    heads = ("networks", "kinds taken", "best number", "gain, nats per window", "p", "departs")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in NETWORKS:
        judged, p_values, departs = zip(
            *(weight(name, seed, n_surrogates) for seed in seeds), strict=True
        )
        gains = [item.gain for item in judged]
        taken = sum(item.kinds is not None for item in judged)
        numbers = ", ".join(str(item.n_kinds) for item in judged)
        line = (name, f"{taken} of {len(judged)}", numbers, f"{min(gains):.3f} to {max(gains):.3f}")
        shown = (f"{min(p_values):.2f} to {max(p_values):.2f}", f"{np.mean(departs):.3f}")
        print(f"| {' | '.join((*line, *shown))} |", flush=True)


def score(name: str, seed: int) -> dict[tuple[bool, int | None], float]:
    """Balanced accuracy of held-out windows, with recall and without, by labelled windows."""
    task, scored = task_of(name, seed), {}
    prepared = TaskGraphs(task)
    for recall in (True, False):
        method = partial(StateSpaceMethod, options={"recall": recall})
        found = nodes_in_folds(
            lambda number, method=method: method(seed=number),
            lambda fold: prepared.graphs("identity", history_node=False, shuffled=False, fold=fold),
            prepared.folds,
        )
        features = [item.features for item in found]
        for n_labelled in LABELLED[name]:
            known = labelled_features(features, prepared.folds, n_labelled)
            decoded = decode_labels("", known, task.behavior, min_shift=4, n_shifts=0)
            scored[recall, n_labelled] = decoded.balanced_accuracy
    return scored


def print_gain(seeds: range) -> None:
    """Table of scores with recall and without."""
    print("| networks | labelled windows | with recall | without | gain, paired |")
    print("|---|---|---|---|---|")
    for name, numbers in LABELLED.items():
        found = [score(name, seed) for seed in seeds]
        for number in numbers:
            with_recall, without = (
                np.array([item[recall, number] for item in found]) for recall in (True, False)
            )
            gain = with_recall - without
            low, high = bootstrap_interval(gain) if len(gain) > 1 else (np.nan, np.nan)
            line = f"| {name} | {number or 'all'} | {with_recall.mean():.3f} | {without.mean():.3f}"
            print(f"{line} | {gain.mean():+.3f} ({low:+.3f} to {high:+.3f}) |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--surrogates", type=int, default=99)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with threadpool_limits(limits=1):
        print_weight(seeds, options.surrogates)
        print()
        print_gain(seeds)


if __name__ == "__main__":
    main()
