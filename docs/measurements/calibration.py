"""
How often chance passes for structure, and how much structure is found.

    python docs/measurements/calibration.py            20 seeds, some minutes
    python docs/measurements/calibration.py --seeds 3

Prints the false discoveries of each null on independent trains of unequal rates and on trains
that share slow changes of rate, the windows of noise in which Marchenko-Pastur cleaning keeps a
mode, and the AUC with which each measure ranks the coupled pairs of a simulated culture.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import quantities as pq
from sklearn.metrics import roc_auc_score

import tavrnn_ephys as te
from tavrnn_ephys.datasets.culture import true_coupling

Q = 0.05
MEASURES = {
    "pearson": {},
    "pearson, binary": {"binary": True},
    "covariance": {},
    "spearman": {},
    "partial": {},
    "partial, Ledoit-Wolf": {"shrinkage": "ledoit_wolf"},
    "cross_correlation": {"max_lag": 20 * pq.ms},
    "spike_time_tiling_coefficient": {"dt": 10 * pq.ms},
}


def poisson_recording(seed: int, *, shared: float, n_nodes: int = 40, duration_s: float = 120.0):
    """Independent Poisson trains of unequal rates; ``shared`` is the depth of a 20 s wave."""
    rng = np.random.default_rng(seed)
    trains = []
    for rate in rng.lognormal(np.log(4.0), 0.8, n_nodes).clip(0.3, 30.0):
        times = np.sort(rng.uniform(0, duration_s, rng.poisson(2 * rate * duration_s)))
        wave = 1.0 + shared * np.sin(2 * np.pi * times / 20.0)
        trains.append(times[rng.random(len(times)) < 0.5 * wave])
    block = te.block_from_arrays(spike_times=trains, t_stop=duration_s * pq.s)
    return block.segments[0]


def nulls_of(segment) -> dict:
    trains = list(segment.spiketrains)
    return {
        "circular shifts of at least 5 s": te.ShiftSurrogates(min_shift=5 * pq.s),
        "dithering by 0.5 s": te.SpikeSurrogates(spiketrains=trains, displacement=0.5 * pq.s),
        "shuffled intervals": te.SpikeSurrogates(spiketrains=trains, method="shuffle_isis"),
    }


def false_discoveries(n_seeds: int) -> None:
    print(f"\nFalse edges at q = {Q}, 40 nodes (780 pairs), 4 windows of 30 s, {n_seeds} seeds")
    for shared, label in ((0.0, "independent"), (0.8, "rates share a wave of depth 0.8, 20 s")):
        any_edge: dict[str, list[bool]] = {}
        share: dict[str, list[float]] = {}
        for seed in range(n_seeds):
            segment = poisson_recording(seed, shared=shared)
            activity = te.bin_activity(segment, bin_size=50 * pq.ms)
            windows = te.sliding_windows(activity, window_length=30 * pq.s, step=30 * pq.s)
            connectivity = te.compute_connectivity(activity, windows)
            for name, surrogates in nulls_of(segment).items():
                null = te.connectivity_null(
                    activity, windows, surrogates=surrogates, n_surrogates=100, seed=seed
                )
                kept = te.SignificanceThreshold(null=null, q=Q).keep(connectivity)
                p_values = null.p_values(connectivity)[:, *np.triu_indices(40, 1)]
                any_edge.setdefault(name, []).extend(kept.any(axis=(1, 2)))
                share.setdefault(name, []).append(float(np.mean(p_values <= 0.05)))
        print(f"  {label}")
        for name, values in any_edge.items():
            # Every edge is false here: the false-discovery rate is the share of windows with any.
            print(
                f"    {name:32s} FDR {np.mean(values):5.3f} ({sum(values)} of {len(values)} "
                f"windows), p <= .05 in {np.mean(share[name]):.3f} of pairs"
            )


def modes_of_noise(n_seeds: int) -> None:
    print("\nWindows of independent noise in which a mode is kept")
    for n_nodes, n_bins, n_windows in ((120, 200, 10 * n_seeds), (900, 2400, 2 * n_seeds)):
        rng = np.random.default_rng(n_nodes)
        rates = rng.lognormal(np.log(0.08), 0.8, n_nodes).clip(0.01, 0.6)
        counts = [0, 0, 0]
        for index in range(n_windows):
            values = (rng.random((n_nodes, n_bins)) < rates[:, np.newaxis]).astype(np.uint8)
            nodes = te.Nodes(ids=range(n_nodes))
            activity = te.BinnedActivity(values=values, bin_size_s=0.05, nodes=nodes)
            windows = te.Windows(start_s=[0.0], stop_s=[n_bins * 0.05])
            connectivity = te.compute_connectivity(activity, windows)
            edge = te.marchenko_pastur_bounds(n_nodes, n_bins)[1]
            counts[0] += bool(np.linalg.eigvalsh(connectivity.weights[0])[-1] > edge)
            for position, n_shuffles in ((1, 0), (2, 10)):
                if n_shuffles and n_nodes > 500 and index % 4:
                    continue
                cleaned = te.clean_marchenko_pastur(
                    connectivity, activity, n_shuffles=n_shuffles, seed=index
                )
                counts[position] += int(cleaned.windows.columns["n_modes"][0] > 0)
        n_shuffled = -(-n_windows // 4) if n_nodes > 500 else n_windows
        print(
            f"  {n_nodes} nodes, {n_bins} bins: bare edge {counts[0]}/{n_windows}, with the "
            f"fluctuation of Tracy and Widom {counts[1]}/{n_windows}, with 10 shuffles "
            f"{counts[2]}/{n_shuffled}"
        )


def power(n_seeds: int) -> None:
    print(f"\nAUC of coupled against uncoupled pairs, simulated cultures, {n_seeds} seeds")
    print("  80 nodes, 5 min, 10 ms bins; one window per stay in a state, and their mean")
    single: dict[str, list[float]] = {}
    averaged: dict[str, list[float]] = {}
    for seed in range(n_seeds):
        block = te.simulate_culture(seed=seed)
        segment, truth = block.segments[0], te.culture_truth(block)
        activity = te.bin_activity(segment, bin_size=10 * pq.ms)
        windows = te.epoch_windows(segment.epochs[0], activity, min_length=4 * pq.s)
        pairs = np.triu_indices(activity.n_nodes, 1)
        for name, options in MEASURES.items():
            measure = name.split(",")[0]
            if measure == "spike_time_tiling_coefficient":
                options = {**options, "spiketrains": segment.spiketrains}
            found = te.compute_connectivity(activity, windows, measure=measure, **options)
            for state, label in enumerate(("segregated", "aligned")):
                here = windows.columns["label"] == label
                coupled = true_coupling(truth, state)[pairs]
                weights = found.weights[here][:, *pairs]
                single.setdefault(name, []).extend(roc_auc_score(coupled, row) for row in weights)
                averaged.setdefault(name, []).append(roc_auc_score(coupled, weights.mean(axis=0)))
    for name, values in single.items():
        print(
            f"  {name:32s} one window {np.mean(values):.3f}   mean of a state "
            f"{np.mean(averaged[name]):.3f}"
        )


def edges_of_a_culture(n_seeds: int) -> None:
    print(f"\nSignificant edges of a simulated culture in one state, {n_seeds} seeds")
    share, recall = [], []
    for seed in range(n_seeds):
        block = te.simulate_culture(n_nodes=40, dwell=10 * pq.min, seed=seed)
        segment, truth = block.segments[0], te.culture_truth(block)
        activity = te.bin_activity(segment, bin_size=10 * pq.ms)
        windows = te.sliding_windows(activity, window_length=300 * pq.s, step=300 * pq.s)
        connectivity = te.compute_connectivity(activity, windows)
        trains = list(segment.spiketrains)
        surrogates = te.SpikeSurrogates(spiketrains=trains, displacement=100 * pq.ms)
        null = te.connectivity_null(activity, windows, surrogates=surrogates, seed=seed)
        kept = te.SignificanceThreshold(null=null, q=Q).keep(connectivity)[0]
        coupled = true_coupling(truth, int(truth.states[0]))
        pairs = np.triu_indices(40, 1)
        # Two children of one parent correlate too: only pairs without a common parent are false.
        directed = truth.coupling[int(truth.states[0])] > 0
        reach = np.linalg.matrix_power(np.eye(40) + directed, 4) > 0
        related = (reach @ reach.T)[pairs]
        found = kept[pairs]
        share.append(float(np.mean(~related[found])))
        recall.append(float(np.mean(found[coupled[pairs]])))
    print(
        f"  40 nodes, one window of 5 min: {np.mean(recall):.2f} of the coupled pairs found; "
        f"{np.mean(share):.3f} of the edges join nodes without a common source"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration and power of connectivity")
    parser.add_argument("--seeds", type=int, default=20)
    n_seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    power(min(n_seeds, 10))
    edges_of_a_culture(min(n_seeds, 10))
    modes_of_noise(n_seeds)
    false_discoveries(n_seeds)


if __name__ == "__main__":
    main()
