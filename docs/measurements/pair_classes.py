"""
Whether pairs of different classes need lag kernels of their own.

Classes are told from training windows, without labels: pairs whose dominant lagged correlation is
positive or negative, strong or weak; whose correlogram stands out early or late; near and far
pairs.  Half of the training windows tells the classes of the other half's correlograms, and the
reverse.  A class that shows no coupling at the one kernel of all pairs keeps it.  ``lag`` is the
mean lag of each class (delay and time constant).  ``fit`` is the gain over one kernel in what
kernels are estimated by, the excess of mean squared weights over chance, in held-out windows.
Networks are also decoded.  ``true mean``: one kernel of the true mean times.  ``true pairs``:
each pair's own true kernel, which no class can exceed.  Intervals of 95 % are those over networks;
of recordings, those over stretches of time.

    python docs/measurements/pair_classes.py [--seeds 6] [--first 300] [--networks "sparse;signed"]
        [--decode "lag,true pairs"]
    python docs/measurements/pair_classes.py --recordings            spikes of cells, not simulated
"""

import argparse
import os
import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import quantities as pq
from lagged import CONDITIONS, graphs_of_true_pairs, score, task_of, true_mean

import tavrnn_ephys as te
from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity import LagKernel
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.connectivity.lagged.correlograms import asymmetries_of_events
from tavrnn_ephys.connectivity.lagged.estimation import _Search
from tavrnn_ephys.connectivity.lagged.events import events_of_counts, events_of_trains
from tavrnn_ephys.datasets.simulated import NetworkRecipe, simulate_network
from tavrnn_ephys.evaluation import TaskGraphs, blocked_folds
from tavrnn_ephys.methods import GatedContributions
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.statistics.jackknife import jackknife_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource
from tavrnn_ephys.studies.benchmark.simulated import _RETURNING

CLASSES = {
    "sign": ("positive", "negative"),
    "strength": ("strong", "weak"),
    "lag": ("early", "late"),
    "distance": ("near", "far"),
}
NETWORKS = ("switching", "returning", "sparse", "dense, signed", "by distance")
METHODS = {"contributions": GatedContributions, "TAVRNN": partial(te.TAVRNN, latent_size=8)}
RECORDINGS = {
    "CL1, human neurons": "cl1-spikes/monolayer_1.json",
    "MEA, human stem cells": "hipsc-mea/hiPSN_tc65_d34_spikes6sd.h5",
    "MEA, retina": "retina-mea/Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5",
    "units, rat": "rat-linear-track/spikes.mat",
}
BIN_S, N_LAGS, N_GROUPS, LEAST_T = 0.001, 60, 10, 5.0
LEAST_SPIKES, MOST_NODES, N_WINDOWS, N_STRETCHES = 50, 100, 80, 40
SEARCH = _Search("exponential", BIN_S, N_LAGS, None, None)


class Told(NamedTuple):
    """Time constant and delay of every class, and the class of every pair."""

    times: list[tuple[float, float]]
    late: np.ndarray

    @property
    def kernels(self):
        """Kernel of every pair, of length 1."""
        return SEARCH.kernels(self.times)[self.late.astype(int)]

    @property
    def lags_s(self):
        """Mean lag of every class."""
        return np.sum(self.times, axis=1)


class Pairs:
    """Pairs of an activity; their correlograms, less the mirror images, in stretches of windows."""

    def __init__(self, activity, windows, trains=None):
        self.activity, self.windows, self.trains = activity, windows, trains
        nodes = np.arange(activity.n_nodes)
        self.rows, self.columns = np.triu_indices(len(nodes), 1)
        self.of_window = np.arange(len(windows)) * N_STRETCHES // len(windows)
        limits = bin_ranges(windows, activity)
        covered = [limits[self.of_window == item] for item in range(N_STRETCHES)]
        groups = [[(int(item[0, 0]), int(item[-1, 1]))] for item in covered]
        events = events_of_counts(activity)
        if trains is not None:
            times = [train.rescale("s").magnitude - activity.t_start_s for train in trains]
            events = events_of_trains(times, activity)
        self.parts = asymmetries_of_events(events, groups, nodes, N_LAGS)
        self._weights = {}

    @property
    def kinds(self):
        """Classes that can be told here."""
        unplaced = self.activity.nodes.positions_um is None
        return [kind for kind in CLASSES if kind != "distance" or not unplaced]

    def weights(self, times):
        """Lagged correlations of all windows, by one kernel."""
        if times not in self._weights:
            kernel = LagKernel(time_constant_s=times[0], delay_s=times[1])
            self._weights[times] = te.compute_connectivity(
                self.activity, self.windows, measure="lagged_correlation", kernel=kernel,
                **({} if self.trains is None else {"spiketrains": self.trains}),
            ).weights  # fmt: skip
        return self._weights[times]

    def stretches(self, windows):
        """Stretches that hold windows."""
        return np.unique(self.of_window[windows])

    def is_second(self, kind, stretches, pooled):
        """Say of every pair whether some stretches put it into the second class of a kind."""
        if kind == "distance":
            places = self.activity.nodes.positions_um
            distance = np.linalg.norm(places[self.rows] - places[self.columns], axis=1)
            return distance > np.median(distance)
        if kind == "lag":
            kernel, whole = SEARCH.kernels([pooled])[0], self.parts[stretches].sum(axis=0)
            early = np.cumsum(kernel**2) <= 0.5
            early[np.argmax(kernel)] = True
            front, behind = (
                np.abs(whole @ (kernel * side)) / np.linalg.norm(kernel * side)
                for side in (early, ~early)
            )
            return behind > front
        windows = np.isin(self.of_window, stretches)
        weights = np.nan_to_num(self.weights(pooled)[windows])
        z = weights.mean(axis=0) / np.maximum(weights.std(axis=0), 1e-9)
        forth, back = z[self.rows, self.columns], z[self.columns, self.rows]
        dominant = np.where(np.abs(forth) >= np.abs(back), forth, back)
        return dominant < 0 if kind == "sign" else np.abs(dominant) < np.median(np.abs(dominant))

    def correlograms(self, kind, train, pooled):
        """Correlograms of both classes in one half of the stretches, told by the other half."""
        halves = train[: len(train) // 2 * 2].reshape(-1, 2).T
        second = [self.is_second(kind, half, pooled) for half in halves[::-1]]
        measured = [grouped(self.parts[half]) for half in halves]
        return [
            np.concatenate(
                [part[:, of == late] for part, of in zip(measured, second, strict=True)], axis=1
            )
            for late in (False, True)
        ]

    def told(self, train):
        """Fit one kernel, and those of all classes, to training stretches."""
        pooled = SEARCH.best(grouped(self.parts[train])) or (0.005, 0.0)
        found = {"one": Told([pooled], np.zeros(len(self.rows), dtype=bool))}
        for kind in self.kinds:
            both = self.correlograms(kind, train, pooled)
            times = [best_kernel(item, pooled) for item in both]
            found[kind] = Told(times, self.is_second(kind, train, pooled))
        return found

    def graphs(self, told):
        """Weigh every pair by the kernel of its class."""
        by_class = [self.weights(item) for item in told.times]
        second = np.zeros(by_class[0].shape[1:], dtype=bool)
        second[self.rows, self.columns] = second[self.columns, self.rows] = told.late
        weights = np.where(second, by_class[-1], by_class[0])
        return build_graphs(
            te.ConnectivitySequence(
                weights=weights, windows=self.windows, nodes=self.activity.nodes,
                measure="by class", directed=True,
            ),
            features="identity", history_node=False,
        )  # fmt: skip


def grouped(parts):
    """Sum the correlograms of stretches in a few groups."""
    return np.stack([item.sum(axis=0) for item in np.array_split(parts, N_GROUPS)])


def best_kernel(parts, pooled):
    """Time constant and delay of a class; those of all pairs where it shows no coupling at them."""
    along = parts @ SEARCH.kernels([pooled])[0]
    agreement = (along * (along.sum(axis=0) - along)).sum(axis=1)
    error = agreement.std(ddof=1) / np.sqrt(len(agreement))
    coupled = agreement.mean() > LEAST_T * error
    return (SEARCH.best(parts) if coupled else None) or pooled


def fit(along):
    """Excess of squared weights over chance, in units of chance; shape (n_stretches, n_pairs)."""
    chance = np.square(along).sum()
    return (np.square(along.sum(axis=0)).sum() - chance) / chance


def along_kernels(pairs, folds, found):
    """Correlograms of held-out stretches along the kernel of each pair."""
    return np.concatenate(
        [
            np.einsum("spl,pl->sp", pairs.parts[pairs.stretches(fold.test)], told.kernels)
            for fold, told in zip(folds, found, strict=True)
        ]
    )


def true_kernels(pairs, truth):
    """Each pair's own kernel, in the direction of its stronger coupling."""
    strength = np.abs(truth.coupling).sum(axis=0)
    forth = strength[pairs.columns, pairs.rows] >= strength[pairs.rows, pairs.columns]
    target = np.where(forth, pairs.columns, pairs.rows)
    source = np.where(forth, pairs.rows, pairs.columns)
    constants, delays = truth.time_constants_s[target, source], truth.delays_s[target, source]
    times = list(zip(constants.tolist(), delays.tolist(), strict=True))
    return SEARCH.kernels(times)


def network(name, seed):
    """Folds and graphs of a network, and its truth where pairs differ."""
    if name in CONDITIONS:
        block, truth = simulate_network(NetworkRecipe(**CONDITIONS[name]), seed=seed)
        return task_of(block, truth, 1 * pq.ms), truth
    truth = simulate_network(_RETURNING, seed=seed)[1] if name == "returning" else None
    source = SimulatedSource(name=name, seed=seed, measure="lagged_correlation")
    return TaskGraphs(source.load()), truth


def of_network(name, seed, decoded):
    """Mean lags of classes, gains in fit, and scores, by kind."""
    task, truth = network(name, seed)
    pairs = Pairs(task.task.activity, task.task.windows)
    found = [pairs.told(pairs.stretches(fold.train)) for fold in task.folds]
    if truth is not None:
        mean = true_mean(truth)
        one = Told([(mean.time_constant_s, mean.delay_s)], np.zeros(len(pairs.rows), dtype=bool))
        found = [{**item, "true mean": one} for item in found]
    lags = {kind: np.mean([item[kind].lags_s for item in found], axis=0) for kind in found[0]}
    fits = {
        kind: fit(along_kernels(pairs, task.folds, [item[kind] for item in found]))
        for kind in found[0]
    }
    if truth is not None:
        fits["true pairs"] = fit(np.einsum("spl,pl->sp", pairs.parts, true_kernels(pairs, truth)))
    scores = {}
    for kind in ("one", *decoded) if decoded else ():
        if kind == "true pairs" and truth is not None:
            graphs = graphs_of_true_pairs(task, truth)
            of_fold = dict.fromkeys(map(id, task.folds), graphs)
        elif kind in found[0]:
            graphs = [pairs.graphs(item[kind]) for item in found]
            of_fold = dict(zip(map(id, task.folds), graphs, strict=True))
        else:
            continue
        for method, make in METHODS.items():
            scores[kind, method] = score(task, lambda fold: of_fold[id(fold)], make)  # noqa: B023
    return lags, fits, scores


def shown(values, scale=1.0, digits=1):
    """Mean over networks, and its interval."""
    values = scale * np.array(values)
    low, high = bootstrap_interval(values) if len(values) > 1 else (np.nan, np.nan)
    return f"{values.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def row(*cells):
    """Row of a table, filled up with empty cells."""
    return f"| {' | '.join([*cells, *[''] * (5 + len(METHODS) - len(cells))])} |"


def print_networks(names, seeds, decoded):
    """One row for each kind of network and of class."""
    print(row("network", "classes", "lag, ms", "difference, ms", "fit, gain in %", *METHODS))
    print("|" + "---|" * (5 + len(METHODS)))
    for name in names:
        lags, fits, scores = zip(*(of_network(name, seed, decoded) for seed in seeds), strict=True)
        means = [np.mean([item["one", key] for item in scores]) for key in METHODS if decoded]
        lag = 1000 * np.mean([item["one"] for item in lags])
        print(row(name, "one kernel", f"{lag:.1f}", "", "", *(f"{mean:.3f}" for mean in means)))
        for kind in fits[0]:
            if kind != "one":
                gains = [shown([item[kind] / item["one"] - 1 for item in fits], 100)]
                for method in METHODS:
                    if (kind, method) in scores[0]:
                        gain = [item[kind, method] - item["one", method] for item in scores]
                        gains.append(shown(gain, digits=3))
                print(row(name, kind, *lags_of(kind, lags), *gains), flush=True)


def lags_of(kind, lags):
    """Mean lag of each class, and their difference."""
    if kind not in CLASSES:
        return "", ""
    both = 1000 * np.array([item[kind] for item in lags])
    named = zip(CLASSES[kind], both.mean(axis=0), strict=True)
    return " ".join(f"{name} {value:.1f}" for name, value in named), shown(both[:, 1] - both[:, 0])


def recording(data, file):
    """Pairs of the nodes that fire most, in windows that cover the recording."""
    if file.endswith(".mat"):
        block = te.read_mat(data / file, spike_times="spikes[0][0][*][*].time")
    else:
        options = {"grid": "8x8", "grid_order": "columns", "electrode_pitch": 200 * pq.um}
        block = te.read(data / file, **(options if file.endswith(".json") else {}))
    segment = block.segments[0]
    most = sorted(segment.spiketrains, key=len, reverse=True)[:MOST_NODES]
    segment.spiketrains = [train for train in most if len(train) >= LEAST_SPIKES]
    activity = te.bin_activity(segment, bin_size=10 * pq.ms)
    length = activity.n_bins // N_WINDOWS * 10 * pq.ms
    windows = te.sliding_windows(activity, window_length=length, step=length)
    return Pairs(activity, windows, segment.spiketrains)


def difference_without(both, pooled):
    """Difference of mean lags, each group of stretches left out in turn."""
    times = [
        [best_kernel(np.delete(part, group, axis=0), pooled) for part in both]
        for group in range(N_GROUPS)
    ]
    return np.diff(np.sum(times, axis=2), axis=1)[:, 0]


def print_recordings(data):
    """One row for each recording and kind of class."""
    print("| recording | classes | lag, ms | difference, ms | fit, gain in % |")
    print("|---|---|---|---|---|")
    for name, file in RECORDINGS.items():
        pairs, rng = recording(data, file), np.random.default_rng(0)
        folds = blocked_folds(len(pairs.windows), n_folds=4, gap=0)
        found = [pairs.told(pairs.stretches(fold.train)) for fold in folds]
        every = np.arange(N_STRETCHES)
        whole = pairs.told(every)
        along = {
            kind: along_kernels(pairs, folds, [item[kind] for item in found]) for kind in whole
        }
        n_nodes = pairs.activity.n_nodes
        print(f"| {name}, {n_nodes} | one kernel | {1000 * whole['one'].lags_s[0]:.1f} | | |")
        for kind in pairs.kinds:
            lags = " ".join(
                f"{which} {1000 * lag:.1f}"
                for which, lag in zip(CLASSES[kind], whole[kind].lags_s, strict=True)
            )
            pooled = whole["one"].times[0]
            both = pairs.correlograms(kind, every, pooled)
            low, high = 1000 * np.array(jackknife_interval(difference_without(both, pooled)))
            gain = 100 * np.array(resampled_gain(along[kind], along["one"], rng))
            print(
                f"| {name} | {kind} | {lags} | {low:+.1f} to {high:+.1f} | "
                f"{gain[0]:+.1f} ({gain[1]:+.1f} to {gain[2]:+.1f}) |", flush=True,
            )  # fmt: skip


def resampled_gain(along, one, rng, n_draws=200):
    """Gain in fit, and its interval over stretches drawn anew."""
    gains = []
    for _ in range(n_draws):
        # A stretch that is drawn twice counts double; its noise is one and the same.
        count = np.bincount(rng.integers(len(one), size=len(one)), minlength=len(one))
        gains.append(fit(along * count[:, None]) / fit(one * count[:, None]) - 1)
    return fit(along) / fit(one) - 1, *np.quantile(gains, [0.025, 0.975])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--networks", default=";".join(NETWORKS))
    parser.add_argument("--decode", default="lag")
    parser.add_argument("--recordings", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.recordings:
        print_recordings(Path(os.environ["TAVRNN_EPHYS_DATA"]))
    else:
        decoded = [kind for kind in options.decode.split(",") if kind]
        seeds = range(options.first, options.first + options.seeds)
        print_networks(options.networks.split(";"), seeds, decoded)
    print(f"\n{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()
