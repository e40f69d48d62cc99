"""
How often chance passes for structure, and how much structure is found.

    python docs/measurements/calibration.py                    everything, forty minutes
    python docs/measurements/calibration.py --only shifts      p-values of shifts, 4000 runs
    python docs/measurements/calibration.py --only cultures    tests over cultures, 400 studies
    python docs/measurements/calibration.py --only connectivity --seeds 3

Prints the shares of small p-values on noise, for shifts in time and for tests over cultures; the
false discoveries of each null on independent trains of unequal rates and on trains
that share slow changes of rate, the windows of noise in which Marchenko-Pastur cleaning keeps a
mode, and the AUC with which each measure ranks the coupled pairs of a simulated culture.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
import quantities as pq
from sklearn.metrics import roc_auc_score

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.datasets.culture import true_coupling
from tavrnn_ephys.evaluation import (
    blocked_folds,
    correlation_time,
    decode_values,
    features_in_folds,
)
from tavrnn_ephys.evaluation.decoding import decoded
from tavrnn_ephys.statistics.across_cultures import group_differences, paired_effects
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.time_shifts import draw_shifts, shift_surrogates
from tavrnn_ephys.statistics.trends import trends_over_recordings

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


N_RUNS, N_STUDIES = 4000, 400
N_WINDOWS = (40, 60, 200)
# Smallest shift of the calibration on white noise: 21, 41 and 181 distinct shifts exist.
MIN_SHIFT = 10


def slow_noise(rng, n_windows: int, keep: float, n_columns: int = 1) -> np.ndarray:
    """Autoregressive noise without beginning, shape (n_windows, n_columns)."""
    values = rng.normal(size=(n_windows + 50, n_columns))
    for index in range(1, len(values)):
        values[index] += keep * values[index - 1]
    return values[50:]


def p_of_correlation(rng, n_windows: int, keep: float, min_shift: int | None) -> float:
    """Correlation of two series, one of them shifted."""
    x, y = slow_noise(rng, n_windows, keep, 2).T
    x -= x.mean()
    return Null(observed=float(x @ y), values=moved(rng, y, min_shift) @ x).p_value


def p_of_values(rng, n_windows: int, keep: float, min_shift: int | None) -> float:
    """A number decoded from three features in four blocks by ``decode_values``."""
    y = slow_noise(rng, n_windows, keep)[:, 0]
    features = features_in_folds(
        slow_noise(rng, n_windows, keep, 3), blocked_folds(n_windows, n_folds=4, gap=2)
    )
    least = min_shift or correlation_time(y)
    seed = int(rng.integers(2**31))
    return decode_values("", features, y, min_shift=least, seed=seed).p_value


def nearest_mean(train, codes, test, n_classes: int) -> np.ndarray:
    """Score classes of equal spread by the distance from their mean: quick in many runs."""
    is_class = codes[:, np.newaxis] == np.arange(n_classes)[:, np.newaxis]
    means = is_class @ train / is_class.sum(axis=2, keepdims=True)
    return -0.5 * np.square(test[:, np.newaxis] - means[:, np.newaxis]).sum(axis=3)


def p_of_labels(rng, n_windows: int, keep: float, min_shift: int | None) -> float:
    """A label decoded as by ``decode_labels`` from three features in four blocks."""
    y = slow_noise(rng, n_windows, keep)[:, 0]
    codes = (y > np.median(y)).astype(np.int64)
    features = features_in_folds(
        slow_noise(rng, n_windows, keep, 3), blocked_folds(n_windows, n_folds=4, gap=2)
    )
    return decoded("", features, codes, moved(rng, codes, min_shift), nearest_mean).p_value


def moved(rng, values: np.ndarray, min_shift: int | None) -> np.ndarray:
    least = min_shift or correlation_time(values)
    shifts = draw_shifts(len(values), min_shift=least, n_shifts=199, rng=rng)
    return shift_surrogates(values, shifts)


STATISTICS = {
    "correlation": p_of_correlation,
    "labels": p_of_labels,
    "decode_values": p_of_values,
}


def shifts_in_time(n_runs: int, statistics: list[str], seed: int) -> None:
    print(f"\nShifts in time on noise, {n_runs} runs: share of p-values")
    cases = [
        (f"white, at least {MIN_SHIFT} windows", 0.0, MIN_SHIFT),
        ("white, correlation time", 0.0, None),
        ("autoregressive .6, correlation time", 0.6, None),
        ("autoregressive .85, correlation time", 0.85, None),
    ]
    for what in statistics:
        for name, keep, min_shift in cases:
            for n_windows in N_WINDOWS:
                p_values, n_refused = [], 0
                for run in range(n_runs):
                    rng = np.random.default_rng([run, n_windows, seed])
                    try:
                        p_values.append(STATISTICS[what](rng, n_windows, keep, min_shift))
                    except InputError:
                        n_refused += 1
                found = np.array(p_values)
                print(
                    f"  {what:13s} {name:37s} {n_windows:3d} windows  p <= .05 "
                    f"{np.mean(found <= 0.05):.4f}  p <= .005 {np.mean(found <= 0.005):.4f}  "
                    f"{n_refused} refused",
                    flush=True,
                )


def recordings_of(rng, *, days: np.ndarray, drift: float) -> pd.DataFrame:
    """Cultures without a trend, recorded on days of shape (n_cultures, n_recordings)."""
    n_cultures, n_recordings = days.shape
    values = rng.normal(size=(n_cultures, 1)) + 0.3 * rng.normal(size=days.shape)
    values += drift * np.cumsum(rng.normal(size=days.shape), axis=1)
    culture = np.repeat(np.arange(n_cultures), n_recordings)
    return pd.DataFrame({"culture": culture, "day": days.ravel(), "x": values.ravel()})


def over_cultures(n_studies: int, seed: int) -> None:
    print(f"\nTests over cultures without any effect, {n_studies} studies: share of p < .05")
    age = np.arange(8) * 7.0 + 7
    cases = {
        "trend, 6 cultures, 5 recordings at one age": (np.repeat(age[:6, None], 5, axis=1), 0.0),
        "trend, 4 cultures, 4 recordings at one age": (np.repeat(age[:4, None], 4, axis=1), 0.0),
        "trend, 8 cultures, 5 recordings at one age": (np.repeat(age[:, None], 5, axis=1), 0.0),
        "trend, 8 cultures, 2 ages among them": (np.repeat([[7.0], [28.0]], 4, axis=0), 0.0),
        "trend, 8 drifting cultures at 6 ages": (np.tile(age[:6], (8, 1)), 1.0),
        "trend, 1 drifting culture at 8 ages": (age[None], 1.0),
    }
    for number, (name, (days, drift)) in enumerate(cases.items()):
        rng = np.random.default_rng([seed, number])
        tables = [recordings_of(rng, days=days, drift=drift) for _ in range(n_studies)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataLossWarning)
            found = [
                trends_over_recordings(table, ["x"], over="day", culture="culture").iloc[0]
                for table in tables
            ]
        line = f"{np.mean([item['p_value'] < 0.05 for item in found]):.4f}"
        if np.isnan(found[0]["p_value"]):
            line = "none given"
        print(f"  {name:45s} {line}, smallest p {found[0]['smallest_p']:.2g}", flush=True)
    rng = np.random.default_rng([seed, len(cases)])
    paired, grouped = [], []
    for _ in range(n_studies):
        table = recordings_of(rng, days=np.tile(age[:6], (8, 1)), drift=0.0)
        table["side"] = np.where(table["day"] < 22, "early", "late")
        table["group"] = np.where(table["culture"] < 4, "a", "b")
        paired.append(
            paired_effects(
                table, ["x"], culture="culture", condition="side", contrast=("late", "early")
            ).iloc[0]
        )
        grouped.append(group_differences(table, ["x"], culture="culture", group="group").iloc[0])
    for name, rows in (
        ("pairs, 8 cultures, 3 recordings of each side", paired),
        ("groups of 4 cultures, 6 recordings each", grouped),
    ):
        share = np.mean([item["p_value"] < 0.05 for item in rows])
        print(f"  {name:45s} {share:.4f}, smallest p {rows[0]['smallest_p']:.2g}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration of nulls, and power of connectivity")
    parser.add_argument("--seeds", type=int, default=20, help="recordings for connectivity")
    parser.add_argument("--runs", type=int, default=N_RUNS, help="runs of noise")
    parser.add_argument("--studies", type=int, default=N_STUDIES, help="studies of cultures")
    parser.add_argument("--only", choices=("shifts", "cultures", "connectivity"))
    parser.add_argument("--statistics", nargs="+", choices=STATISTICS, default=list(STATISTICS))
    parser.add_argument("--seed", type=int, default=1, help="seed of runs and studies")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.only in (None, "shifts"):
        shifts_in_time(options.runs, options.statistics, options.seed)
    if options.only in (None, "cultures"):
        over_cultures(options.studies, options.seed)
    if options.only in (None, "connectivity"):
        power(min(options.seeds, 10))
        edges_of_a_culture(min(options.seeds, 10))
        modes_of_noise(options.seeds)
        false_discoveries(options.seeds)


if __name__ == "__main__":
    main()
