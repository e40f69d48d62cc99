"""
What five minutes of a spontaneous network tell: human neurons on a CL1, three recordings.

Everything stands beside surrogates: spikes jittered within 100 ms keep rates and bursts and lose
finer coincidences; trains rotated in time keep their own rates and bursts and lose all that they
share.  Windows of 20 s, bins of 10 ms, channels with 50 spikes or more.

    export TAVRNN_EPHYS_DATA=...
    python docs/measurements/cl1_spontaneous.py --surrogates 39
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.surrogates import ShiftSurrogates, SpikeSurrogates
from tavrnn_ephys.core.errors import DataLossWarning

NAMES = ("monolayer_1", "monolayer_3", "organoid_2")
BIN_S, WINDOW_S, LEAST_SPIKES = 0.01, 20.0, 50


def read(data: Path, name: str):
    """Trains of the channels that fire, with their positions."""
    block = te.read(
        data / f"cl1-spikes/{name}.json", grid="8x8", grid_order="columns",
        electrode_pitch=200 * pq.um,
    )  # fmt: skip
    segment = block.segments[0]
    segment.spiketrains = [train for train in segment.spiketrains if len(train) >= LEAST_SPIKES]
    return segment


def bursts(counts: np.ndarray) -> dict[str, float]:
    """
    Network bursts: stretches of 50 ms in which a quarter of the channels fires, four at least.

    How many a minute, and which share of spikes they hold; and the Fano factor of the counts of
    all channels in 50 ms, 1 for independent Poisson spikes.
    """
    coarse = counts[:, : counts.shape[1] // 5 * 5].reshape(len(counts), -1, 5).sum(axis=2)
    together = coarse.sum(axis=0)
    active = (coarse > 0).sum(axis=0) >= max(4, len(coarse) / 4)
    begins = np.diff(active.astype(int), prepend=0) == 1
    return {
        "bursts a minute": begins.sum() / (counts.shape[1] * BIN_S / 60),
        "share of spikes in bursts": together[active].sum() / together.sum(),
        "Fano factor, 50 ms": together.var() / together.mean(),
    }


def measures(activity, windows, distance_um: np.ndarray) -> dict[str, float]:
    """Correlation in all, its fall with distance, and how alike the windows are."""
    rows, columns = np.triu_indices(activity.n_nodes, 1)
    weights = te.compute_connectivity(activity, windows).weights[:, rows, columns]
    weights = np.nan_to_num(weights)
    mean = weights.mean(axis=0)
    alike = np.corrcoef(weights)
    middle = len(alike) // 2
    upper = np.triu(np.ones_like(alike, dtype=bool), 1)
    near = upper & (np.subtract.outer(range(len(alike)), range(len(alike))) >= -2)
    return {
        **bursts(activity.values),
        "mean r, 10 ms": mean.mean(),
        "rank correlation of r with distance": pd.Series(mean).corr(
            pd.Series(distance_um), method="spearman"
        ),
        "windows alike (r of edges)": alike[upper].mean(),
        "neighbours less distant windows": alike[near].mean() - alike[upper & ~near].mean(),
        "within less between halves": np.mean(
            [alike[:middle, :middle][np.triu_indices(middle, 1)].mean(),
             alike[middle:, middle:][np.triu_indices(len(alike) - middle, 1)].mean()]
        ) - alike[:middle, middle:].mean(),
    }  # fmt: skip


def one_recording(segment, n_surrogates: int) -> pd.DataFrame:
    activity = te.bin_activity(segment, bin_size=BIN_S * pq.s)
    windows = te.sliding_windows(activity, window_length=WINDOW_S * pq.s, step=WINDOW_S * pq.s)
    places = np.asarray(activity.nodes.positions_um)
    rows, columns = np.triu_indices(activity.n_nodes, 1)
    distance_um = np.hypot(*(places[rows] - places[columns]).T)
    found = {"recorded": measures(activity, windows, distance_um)}
    kinds = {
        "jittered in 100 ms": SpikeSurrogates(
            spiketrains=segment.spiketrains, method="jitter_spikes", displacement=0.1 * pq.s
        ),
        "trains rotated": ShiftSurrogates(min_shift=10 * pq.s),
    }
    table = pd.DataFrame({"recorded": found["recorded"]})
    for name, surrogates in kinds.items():
        drawn = pd.DataFrame([
            measures(surrogates.draw(activity, seed=seed), windows, distance_um)
            for seed in range(n_surrogates)
        ])  # fmt: skip
        low, high = drawn.quantile(0.025), drawn.quantile(0.975)
        apart = (drawn - drawn.mean()).abs() >= (table["recorded"] - drawn.mean()).abs() - 1e-12
        table[name] = [f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True)]
        table[f"p, {name}"] = (1 + apart.sum()) / (1 + n_surrogates)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surrogates", type=int, default=39)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataLossWarning)
    for name in NAMES:
        segment = read(Path(os.environ["TAVRNN_EPHYS_DATA"]), name)
        rates = [len(train) / 300 for train in segment.spiketrains]
        print(f"\n{name}: {len(rates)} channels, median rate {np.median(rates):.2f} Hz")
        print(one_recording(segment, options.surrogates).round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
