"""
Whether one model over many recordings helps those that it was not trained on.

    python docs/measurements/shared_model.py
    python docs/measurements/shared_model.py --training 8 --held-out 6 --lengths 60 120 240

Simulated cultures switch between two couplings at equal rates. One TAVRNN is trained over some of
them. For each of the others its state is decoded in blocks of time, everything fitted inside the
training blocks: from a model of its own, from the shared model adapted to it, and from the
spectral coordinates that both begin with. Prints one row per length of the held-out recordings,
with the mean difference of shared and own and its 95 % interval over cultures (Student).
"""

from __future__ import annotations

import argparse
import copy
import warnings
from functools import partial

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.datasets.culture import culture_truth
from tavrnn_ephys.evaluation import blocked_folds, decode_labels, embed_in_folds
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.statistics.intervals import mean_interval
from tavrnn_ephys.studies.analysis import graphs_of, make_model

DWELL_S = 12


class Adapted:
    """The shared model as a method: fitting adapts it, and leaves its shared weights alone."""

    def __init__(self, model):
        self._shared = model

    def fit(self, graphs, y=None):
        self._model = copy.copy(self._shared).adapt(graphs, session="held out")
        return self

    def transform(self, graphs):
        return self._model.transform(graphs, session="held out")


def recording(seed: int, seconds: float, n_nodes: int, config):
    """Windows, their graphs and the state of each."""
    block = te.simulate_culture(
        n_nodes=n_nodes, duration=seconds * pq.s, dwell=DWELL_S * pq.s, mean_rate_hz=8.0, seed=seed
    )
    activity = te.bin_activity(block.segments[0], bin_size=config.bin_size_s * pq.s)
    windows = te.sliding_windows(
        activity, window_length=config.window_length_s * pq.s, step=config.step_s * pq.s
    )
    _, graphs = graphs_of(activity, windows, config)
    states = culture_truth(block).state_at((windows.start_s + windows.stop_s) / 2)
    return windows, graphs, states


def score(make, windows, graphs, states) -> float:
    """Balanced accuracy of the state."""
    folds = blocked_folds(len(windows), gap=windows.overlap + 1)
    features = embed_in_folds(make, graphs, folds)
    return decode_labels("", features, states, min_shift=1, n_shifts=0).balanced_accuracy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--training", type=int, default=6)
    parser.add_argument("--held-out", type=int, default=6)
    parser.add_argument("--lengths", type=float, nargs="+", default=[60, 120, 240])
    parser.add_argument("--nodes", type=int, default=30)
    parser.add_argument("--profile", default="paper", help="profile of the model")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    config = te.AnalysisConfig(
        bin_size_s=0.01, window_length_s=2.0, step_s=1.0, profile=options.profile
    )
    seen = [
        recording(seed, 240, options.nodes + seed % 3, config)[1]
        for seed in range(options.training)
    ]
    shared = make_model(config).fit(seen, sessions=[f"s{seed}" for seed in range(len(seen))])
    ways = {"own": partial(make_model, config), "shared": lambda: Adapted(shared), "UASE": UASE}
    print(f"profile {options.profile}, trained over {options.training} recordings of 240 s")
    print("  seconds     own  shared    UASE   shared - own (95 % interval), cultures")
    for seconds in options.lengths:
        rows = []
        for seed in range(100, 100 + options.held_out):
            found = recording(seed, seconds, options.nodes, config)
            rows.append([score(make, *found) for make in ways.values()])
        table = np.array(rows)
        gain = table[:, 1] - table[:, 0]
        low, high = mean_interval(gain)
        own, both, spectral = table.mean(axis=0)
        print(f"  {seconds:7.0f}   {own:.3f}   {both:.3f}   {spectral:.3f}   {gain.mean():+.3f} "
              f"({low:+.3f} to {high:+.3f}), {len(gain)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
