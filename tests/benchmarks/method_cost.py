"""
Processor time and memory of every method on one simulated network, fitted and embedded once.

    python tests/benchmarks/method_cost.py
    python tests/benchmarks/method_cost.py --methods tavrnn,vgae --steps 200

One process and one thread; the first line warms up imports and is not printed.  Prints the
score of the same fit on the windows that it has not seen, so that cost stands beside what it buys.
"""

from __future__ import annotations

import argparse
import warnings

import torch
from threadpoolctl import threadpool_limits

from tavrnn_ephys.baselines import choose_methods
from tavrnn_ephys.benchmarking import MethodFactory, SimulatedSource
from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, measured_cost, nodes_in_folds


def main() -> None:
    """Measure all methods, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default="all")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    task = TaskGraphs(SimulatedSource(name="switching", seed=options.seed).load())
    print(f"{'method':<22} {'steps':>6} {'seconds':>8} {'MB':>6}   balanced accuracy")
    with threadpool_limits(limits=1):
        for name, entry in choose_methods(options.methods).items():
            make = MethodFactory(entry=entry, n_steps=options.steps, latent_size=8)
            try:
                print(_measured(name, make, task), flush=True)
            except Exception as error:
                print(f"{name:<22} failed: {error}", flush=True)


def _measured(name, make, task) -> str:
    warm = MethodFactory(entry=make.entry, n_steps=1, latent_size=8)
    example = make(0)
    graphs = task.graphs(example.features, history_node=example.history_node, shuffled=False)
    labels = task.task.behavior
    nodes_in_folds(warm, graphs, task.folds[:1], labels=labels)
    made = []

    def build(fold):
        made.append(make(fold))
        return made[-1]

    with measured_cost() as cost:
        found = nodes_in_folds(build, graphs, task.folds, labels=labels)
    score = decode_labels("", [item.features for item in found], labels, min_shift=5, n_shifts=0)
    return (
        f"{name:<22} {made[0].n_optimizer_steps:>6} {cost.seconds / len(task.folds):>8.2f} "
        f"{cost.peak_mb:>6.0f}   {score.balanced_accuracy:.3f}"
    )


if __name__ == "__main__":
    main()
