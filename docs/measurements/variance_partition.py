"""
How often an embedding that says nothing seems to add to rates, and whether planted parts are found.

    python docs/measurements/variance_partition.py --runs 200

Slow noise (autoregressive, coefficient .7) in 200 windows and five blocks: five rates, an embedding
of 80 features. Prints the mean unique part, the share of runs in which its interval lies above zero
and in which it holds the truth, by Student's interval and by a percentile bootstrap of the same
blocks; then the score of both by one penalty and by weighed blocks, beside that of rates alone.
"""

from __future__ import annotations

import argparse

import numpy as np

from tavrnn_ephys.evaluation import (
    FoldFeatures,
    blocked_folds,
    decode_labels,
    decode_values,
    features_in_folds,
    joined_features,
    unit_bootstrap,
)
from tavrnn_ephys.evaluation.scoring import block_values
from tavrnn_ephys.statistics.intervals import mean_interval

N_WINDOWS, N_RATES, N_FEATURES, KEEP = 200, 5, 80, 0.7
FOLDS = blocked_folds(N_WINDOWS, n_folds=5, gap=2)


def slow_noise(rng, n_columns: int) -> np.ndarray:
    values = rng.normal(size=(N_WINDOWS + 50, n_columns))
    for index in range(1, len(values)):
        values[index] += KEEP * values[index - 1]
    return values[50:]


def blocks_of(features, behavior) -> np.ndarray:
    decode = decode_values if behavior.dtype.kind == "f" else decode_labels
    return block_values(decode("", features, behavior, min_shift=1, n_shifts=0))


def run(seed: int, *, planted: float, is_label: bool) -> dict[str, np.ndarray]:
    """Blocks of rates, of both by weights, and of both by one penalty."""
    rng = np.random.default_rng([seed, int(10 * planted), is_label])
    rates, embedding = slow_noise(rng, N_RATES), slow_noise(rng, N_FEATURES)
    own = embedding[:, 0]
    embedding[:, :10] += planted * own[:, None]
    behavior = rates[:, 0] + rates[:, 1] + planted * own + slow_noise(rng, 1)[:, 0]
    if is_label:
        behavior = (behavior > np.median(behavior)).astype(int)
    first = features_in_folds(rates, FOLDS)
    joined = joined_features([first, features_in_folds(embedding, FOLDS)])
    single = [FoldFeatures(fold=item.fold, train=item.train, test=item.test) for item in joined]
    return {
        name: blocks_of(item, behavior)
        for name, item in (("rates", first), ("weighed", joined), ("one penalty", single))
    }


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    print(f"{options.runs} runs")
    for is_label in (False, True):
        for planted in (0.0, 1.0):
            found = [run(seed, planted=planted, is_label=is_label) for seed in range(options.runs)]
            unique = np.array([item["weighed"] - item["rates"] for item in found])
            truth = unique.mean()
            line = f"  {'labels' if is_label else 'values'}, planted {planted}: "
            line += ", ".join(
                f"{name} {np.mean([x[name] for x in found]):.3f}" for name in found[0]
            )
            line += f"; unique {truth:+.4f}"
            for name, interval in (("Student", mean_interval), ("bootstrap", unit_bootstrap)):
                limits = np.array([interval(row) for row in unique])
                above = np.mean(limits[:, 0] > 0)
                held = np.mean((limits[:, 0] <= truth) & (truth <= limits[:, 1]))
                line += f"; {name}: above zero {above:.3f}, holds the mean {held:.3f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
