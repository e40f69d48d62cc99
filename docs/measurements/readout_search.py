"""
What to read out of windows: the search behind the default of ``embedding``.

Read-outs of the same spectral coordinates are compared on simulated networks that no other
benchmark uses, under its protocol: everything fitted inside blocks of time, nodes side by side,
the behaviour decoded from held-out blocks.  The tasks are those of the benchmark, and the
switching network with its windows in random order, like trials of which the one before says
nothing.

    python docs/measurements/readout_search.py
    python docs/measurements/readout_search.py --networks 2 --first-seed 100
"""

from __future__ import annotations

import argparse
import dataclasses
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, nodes_in_folds
from tavrnn_ephys.evaluation.regression import decode_values
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth
from tavrnn_ephys.studies.benchmark import SimulatedSource

TASKS = ("switching", "drift", "learning", "random order")


class ReadOut(UASE):
    """Several smoothings of the same coordinates, side by side; 0 is the window alone."""

    def __init__(self, factors=(0.0,), latent_size=8):
        super().__init__(latent_size=latent_size)
        self.factors = factors

    def _embed(self, graphs):
        coordinates = super()._embed(graphs)
        parts = [smooth(coordinates, factor) if factor else coordinates for factor in self.factors]
        return np.concatenate(parts, axis=-1)


class PastBeside(UASE):
    """The window, and the smoothed past without it."""

    def _embed(self, graphs):
        coordinates = super()._embed(graphs)
        past = smooth(coordinates, 0.6)
        past = np.concatenate([np.zeros_like(past[:1]), past[:-1]])
        return np.concatenate([coordinates, past], axis=-1)


class Coherent(UASE):
    """
    Smoothed coordinates in the directions in which windows resemble their neighbours.

    Noise is independent between windows, so that products of different windows hold states
    alone: directions are the leading eigenvectors of the covariance at lags of 1 to 3 windows.
    """

    def __init__(self, n_directions=8, factor=0.6):
        super().__init__(latent_size=8)
        self.n_directions, self.factor = n_directions, factor

    def _fit(self, sequences, labels):
        super()._fit(sequences, labels)
        flat = [self._flat(sequence) for sequence in sequences]
        self.mean_ = np.concatenate(flat).mean(axis=0)
        values = np.concatenate(flat) - self.mean_
        left, lengths, right = np.linalg.svd(values, full_matrices=False)
        stretch = np.repeat(np.arange(len(flat)), [len(part) for part in flat])
        lag = np.abs(np.subtract.outer(np.arange(len(values)), np.arange(len(values))))
        near = (lag >= 1) & (lag <= 3) & (stretch[:, None] == stretch)
        spread = lengths[:, None] * (left.T @ near @ left) * lengths
        sizes, vectors = np.linalg.eigh(spread)
        self.directions_ = right.T @ vectors[:, np.argsort(-np.abs(sizes))[: self.n_directions]]

    def _flat(self, graphs):
        return super()._embed(graphs).reshape(len(graphs), -1)

    def _embed(self, graphs):
        coordinates = smooth((self._flat(graphs) - self.mean_) @ self.directions_, self.factor)
        # One vector stands for a window: every node carries it.
        return np.repeat(coordinates[:, None].astype(np.float32), graphs.n_nodes, axis=1)


READ_OUTS = {
    "window": ReadOut,
    "smoothed, .6": lambda: ReadOut((0.6,)),
    "smoothed, .8": lambda: ReadOut((0.8,)),
    "both, .6": lambda: ReadOut((0.0, 0.6)),
    "both, .7": lambda: ReadOut((0.0, 0.7)),
    "window, .5 and .8": lambda: ReadOut((0.0, 0.5, 0.8)),
    "window and past": PastBeside,
    "4 coordinates, both, .6": lambda: ReadOut((0.0, 0.6), latent_size=4),
    "16 coordinates, window": lambda: ReadOut(latent_size=16),
    "16 coordinates, smoothed, .6": lambda: ReadOut((0.6,), latent_size=16),
    "16 coordinates, both, .6": lambda: ReadOut((0.0, 0.6), latent_size=16),
    "8 coherent directions": Coherent,
    "32 coherent directions": lambda: Coherent(32),
}


def loaded(task, seed):
    """Graphs, behaviour, folds and whether the behaviour is a number."""
    random = task == "random order"
    found = TaskGraphs(SimulatedSource(name="switching" if random else task, seed=seed).load())
    graphs = found.graphs(UASE.features, history_node=False, shuffled=False)
    behavior = found.task.behavior
    if random:
        order = np.random.default_rng(seed).permutation(len(behavior))
        graphs = dataclasses.replace(graphs, weights=tuple(graphs.weights[i] for i in order))
        behavior = behavior[order]
    return graphs, behavior, found.folds, found.task.kind == "regression"


def score(make, graphs, behavior, folds, is_number):
    """Balanced accuracy, or explained variance, of held-out blocks."""
    found = nodes_in_folds(lambda _: make(), graphs, folds, labels=behavior)
    features = [item.features for item in found]
    if is_number:
        return decode_values("", features, behavior, min_shift=5, n_shifts=0).r2
    return decode_labels("", features, behavior, min_shift=5, n_shifts=0).balanced_accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--networks", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=100)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(options.first_seed, options.first_seed + options.networks)
    data = {task: [loaded(task, seed) for seed in seeds] for task in TASKS}
    print(f"| read out | {' | '.join(TASKS)} | mean |\n|---{'|---' * len(TASKS)}|---|")
    with threadpool_limits(limits=1):
        for name, make in READ_OUTS.items():
            means = [np.mean([score(make, *item) for item in data[task]]) for task in TASKS]
            cells = " | ".join(f"{value:.3f}" for value in (*means, np.mean(means)))
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
