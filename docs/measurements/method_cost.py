"""
Processor time and memory of every method on simulated networks, and what they buy.

    python docs/measurements/method_cost.py
    python docs/measurements/method_cost.py --methods tavrnn,vgae --steps 200
    python docs/measurements/method_cost.py --curve --networks 3

One process and one thread; each method runs once before it is measured.  Prints the score of the
same fit on the windows that it has not seen, so that cost stands beside what it buys.

With ``--curve`` every trained method is fitted with 1, 2, 5, ... optimizer steps.  The table says
which balanced accuracy each reports at the largest budget, after how many seconds, after how many
seconds it, and TAVRNN, are there with the smallest budget that gets there, and after how many the
method is where TAVRNN is at the largest budget.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, measured_cost, nodes_in_folds
from tavrnn_ephys.methods import choose_methods
from tavrnn_ephys.studies.benchmark import MethodFactory, SimulatedSource

STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
DEEP = (
    "tavrnn,tavrnn_recurrent,tavrnn_paper,vgae,vgrnn,dyngem,dynae,dynae_signed,dynrnn,dynaernn,"
    "graphert,evolvegcn"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One method on one network, per fold."""

    n_steps: int
    seconds: float
    megabytes: float
    score: float


def main() -> None:
    """Measure all methods, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--methods", default=None, help="names with commas, or all")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps, at most")
    parser.add_argument("--seed", type=int, default=100, help="seed of the first network")
    parser.add_argument("--networks", type=int, default=1, help="networks that are averaged")
    parser.add_argument("--curve", action="store_true", help="seconds to a balanced accuracy")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seeds = range(options.seed, options.seed + options.networks)
    tasks = [TaskGraphs(SimulatedSource(name="switching", seed=seed).load()) for seed in seeds]
    with threadpool_limits(limits=1):
        if options.curve:
            print_curves(tasks, options.methods or DEEP, options.steps)
        else:
            print_costs(tasks, options.methods or "all", options.steps)


def print_costs(tasks: list[TaskGraphs], methods: str, n_steps: int) -> None:
    """Print what each method costs at one budget."""
    print(f"{'method':<22} {'steps':>6} {'seconds':>8} {'MB':>6}   balanced accuracy")
    for name, entry in choose_methods(methods).items():
        make = MethodFactory(entry=entry, n_steps=n_steps, latent_size=8)
        try:
            found = _average([measure(make, task) for task in tasks])
            print(
                f"{name:<22} {found.n_steps:>6} {found.seconds:>8.2f} {found.megabytes:>6.0f}   "
                f"{found.score:.3f}",
                flush=True,
            )
        except Exception as error:
            print(f"{name:<22} failed: {error}", flush=True)


def print_curves(tasks: list[TaskGraphs], methods: str, n_steps: int) -> None:
    """Print how long each method takes to what it reaches, and to what TAVRNN reaches."""
    curves: dict[str, list[Measured]] = {}
    for name, entry in choose_methods(methods if methods == "all" else f"{methods},tavrnn").items():
        budgets = [steps for steps in STEPS if steps <= n_steps]
        makes = [MethodFactory(entry=entry, n_steps=steps, latent_size=8) for steps in budgets]
        curves[name] = [_average([measure(make, task) for task in tasks]) for make in makes]
        points = ", ".join(f"{p.n_steps}: {p.score:.3f} {p.seconds:.2f} s" for p in curves[name])
        print(f"{name:<17} {points}", flush=True)
    ours = curves["tavrnn"]
    columns = ("reported", "after s", "at least s", "TAVRNN s", "best", "s to TAVRNN's")
    print(f"\n{'method':<17}" + "".join(f"{column:>15}" for column in columns))
    for name, curve in curves.items():
        reported = curve[-1].score
        cells = [f"{reported:.3f}", f"{curve[-1].seconds:.2f}", _until(curve, reported)]
        cells += [_until(ours, reported), f"{max(point.score for point in curve):.3f}"]
        cells.append(_until(curve, ours[-1].score))
        print(f"{name:<17}" + "".join(f"{cell:>15}" for cell in cells))


def _until(curve: list[Measured], score: float) -> str:
    """Seconds of the cheapest fit that reaches a score."""
    seconds = [point.seconds for point in curve if point.score >= score]
    return f"{min(seconds):.2f}" if seconds else "never"


def _average(found: list[Measured]) -> Measured:
    return Measured(
        n_steps=round(np.mean([item.n_steps for item in found])),
        seconds=float(np.mean([item.seconds for item in found])),
        megabytes=float(np.max([item.megabytes for item in found])),
        score=float(np.mean([item.score for item in found])),
    )


def measure(make: MethodFactory, task: TaskGraphs) -> Measured:
    """Fit and embed one method in every fold, after a first time that is not counted."""
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
    return Measured(
        n_steps=made[0].n_optimizer_steps,
        seconds=cost.seconds / len(task.folds),
        megabytes=cost.peak_mb,
        score=score.balanced_accuracy,
    )


if __name__ == "__main__":
    main()
