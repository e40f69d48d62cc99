"""Renew the pictures of connectivity.md: ``python docs/make_connectivity_figures.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib
import numpy as np
import quantities as pq
from sklearn.metrics import roc_auc_score

import tavrnn_ephys as te
from tavrnn_ephys.datasets.culture import true_coupling

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

IMAGES = Path(__file__).parent / "images"
N_NODES = 40
MEASURES = {
    "pearson": {},
    "covariance": {},
    "spearman": {},
    "partial": {},
    "cross_correlation": {"max_lag": 20 * pq.ms},
    "spike_time_tiling_coefficient": {"dt": 10 * pq.ms},
}
TITLES = {
    "cross_correlation": "cross-correlation\nwithin 20 ms",
    "spike_time_tiling_coefficient": "spike time tiling\ndt 10 ms",
}


def culture():
    """One culture in one state, five minutes."""
    block = te.simulate_culture(n_nodes=N_NODES, dwell=10 * pq.min, seed=3)
    segment, truth = block.segments[0], te.culture_truth(block)
    activity = te.bin_activity(segment, bin_size=10 * pq.ms)
    windows = te.sliding_windows(activity, window_length=300 * pq.s, step=300 * pq.s)
    return segment, activity, windows, true_coupling(truth, int(truth.states[0]))


def pairs_of(matrix):
    """Entries above the diagonal."""
    return matrix[np.triu_indices(len(matrix), 1)]


def draw_measures(segment, activity, windows, coupled):
    """Show each measure on the same network, beside the truth."""
    figure, axes = plt.subplots(1, 8, figsize=(15, 2.6), layout="constrained")
    axes[0].imshow(coupled, cmap="Greys", interpolation="nearest")
    axes[0].set_title("coupled pairs\n(the truth)", fontsize=9)
    for axis, (measure, options) in zip(axes[1:], MEASURES.items(), strict=False):
        found = te.compute_connectivity(activity, windows, measure=measure, **options)
        weights = np.array(found.weights[0])
        np.fill_diagonal(weights, np.nan)
        limit = np.nanquantile(np.abs(weights), 0.995)
        axis.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        auc = roc_auc_score(pairs_of(coupled), pairs_of(weights))
        axis.set_title(f"{TITLES.get(measure, measure)}\nAUC {auc:.2f}", fontsize=9)
        axis.set_xlabel(f"± {limit:.2g}", fontsize=8)
    fine = te.bin_activity(segment, bin_size=2 * pq.ms)
    found = te.compute_connectivity(fine, windows, measure="cross_correlation", max_lag=10 * pq.ms)
    known = np.where(coupled, 1e3 * found.lags_s[0], np.nan)
    image = axes[7].imshow(known, cmap="PuOr", vmin=-5, vmax=5, interpolation="nearest")
    axes[7].set_title("lags of the coupled\npairs, 2 ms bins", fontsize=9)
    figure.colorbar(image, ax=axes[7], shrink=0.8, label="ms")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    axes[0].set_ylabel("node, by subregion", fontsize=9)
    figure.savefig(IMAGES / "connectivity_measures.png", dpi=90)


def draw_nulls(segment, activity, windows, coupled):
    """Show what surrogates tell of the weights, and which thresholds keep what."""
    connectivity = te.compute_connectivity(activity, windows)
    surrogates = te.SpikeSurrogates(spiketrains=list(segment.spiketrains), displacement=100 * pq.ms)
    null = te.connectivity_null(activity, windows, surrogates=surrogates, n_surrogates=60)
    weights, truth = pairs_of(connectivity.weights[0]), pairs_of(coupled)
    drawn = [
        pairs_of(te.compute_connectivity(surrogates.draw(activity, seed=k), windows).weights[0])
        for k in range(20)
    ]
    figure, axes = plt.subplots(1, 5, figsize=(15, 3.1), layout="constrained")
    bins = np.linspace(-0.03, 0.11, 71)
    for values, label, color in (
        (np.concatenate(drawn), "surrogates", "0.7"),
        (weights[~truth], "not coupled", "tab:blue"),
        (weights[truth], "coupled", "tab:red"),
    ):
        axes[0].hist(values, bins, density=True, histtype="stepfilled", alpha=0.6, color=color,
                     label=label)  # fmt: skip
    axes[0].set(xlabel="Pearson's r", ylabel="density", title="weights and their null")
    axes[0].legend(fontsize=8, frameon=False)
    thresholds = {
        "any weight (threshold=0)": te.AbsoluteThreshold(value=0.0),
        "density .2": te.DensityThreshold(density=0.2),
        "2 strongest per node": te.StrongestThreshold(n_strongest=2),
        "significant at q = .05": te.SignificanceThreshold(null=null, q=0.05),
    }
    for axis, (title, threshold) in zip(axes[1:], thresholds.items(), strict=True):
        kept = threshold.keep(connectivity)[0]
        shown = np.ones((*kept.shape, 3))
        shown[kept & coupled], shown[kept & ~coupled] = (0.8, 0.1, 0.1), (0.45, 0.6, 0.85)
        shown[~kept & coupled] = (0.0, 0.0, 0.0)
        axis.imshow(shown, interpolation="nearest")
        right = int(pairs_of(kept & coupled).sum())
        axis.set(xticks=[], yticks=[], title=f"{title}\n{int(pairs_of(kept).sum())} edges")
        axis.set_xlabel(f"{right} of {int(truth.sum())} coupled pairs", fontsize=9)
    figure.savefig(IMAGES / "connectivity_thresholds.png", dpi=90)


def wave_recording():
    """Independent trains whose rates share a slow wave."""
    rng = np.random.default_rng(0)
    trains = []
    for rate in rng.lognormal(np.log(4.0), 0.8, N_NODES).clip(0.3, 30.0):
        times = np.sort(rng.uniform(0, 120, rng.poisson(2 * rate * 120)))
        wave = 1.0 + 0.8 * np.sin(2 * np.pi * times / 20.0)
        trains.append(times[rng.random(len(times)) < 0.5 * wave])
    return te.block_from_arrays(spike_times=trains, t_stop=120 * pq.s).segments[0]


def draw_chance():
    """Show how three nulls judge trains that share slow rates only, and the modes of noise."""
    segment = wave_recording()
    activity = te.bin_activity(segment, bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=30 * pq.s, step=30 * pq.s)
    connectivity = te.compute_connectivity(activity, windows)
    trains = list(segment.spiketrains)
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.1), layout="constrained")
    for name, surrogates in {
        "dithering by 0.5 s": te.SpikeSurrogates(spiketrains=trains, displacement=0.5 * pq.s),
        "circular shifts": te.ShiftSurrogates(min_shift=5 * pq.s),
        "shuffled intervals": te.SpikeSurrogates(spiketrains=trains, method="shuffle_isis"),
    }.items():
        null = te.connectivity_null(activity, windows, surrogates=surrogates, n_surrogates=60)
        p_values = null.p_values(connectivity)[:, *np.triu_indices(N_NODES, 1)]
        axes[0].hist(p_values.ravel(), np.linspace(0, 1, 21), density=True, histtype="step",
                     label=name)  # fmt: skip
    axes[0].axhline(1.0, color="0.6", linewidth=0.8, linestyle="--")
    axes[0].set(xlabel="p-value", ylabel="density", title="trains that share slow rates only")
    axes[0].legend(fontsize=8, frameon=False)
    rng = np.random.default_rng(1)
    n_nodes, n_bins = 120, 600
    for axis, shared in ((axes[1], False), (axes[2], True)):
        rates = np.full((n_nodes, n_bins), 0.1)
        if shared:
            rates[:40] += 0.15 * (np.sin(np.arange(n_bins) / 9) > 0.6)
        values = (rng.random(rates.shape) < rates).astype(np.uint8)
        noise = te.BinnedActivity(values=values, bin_size_s=0.05, nodes=te.Nodes(ids=range(120)))
        window = te.Windows(start_s=[0.0], stop_s=[30.0])
        found = te.compute_connectivity(noise, window)
        cleaned = te.clean_marchenko_pastur(found, noise)
        low, high = te.marchenko_pastur_bounds(n_nodes, n_bins)
        grid = np.linspace(low, high, 300)
        law = np.sqrt((high - grid) * (grid - low)) / (2 * np.pi * grid * n_nodes / n_bins)
        axis.hist(np.linalg.eigvalsh(found.weights[0]), 40, density=True, color="0.75")
        axis.plot(grid, law, color="tab:red", label="Marchenko and Pastur")
        kept = int(cleaned.windows.columns["n_modes"][0])
        title = "a third shares a signal" if shared else "independent nodes"
        axis.set(xlabel="eigenvalue of r", title=f"{title}: {kept} mode{'s' * (kept != 1)} kept")
        axis.legend(fontsize=8, frameon=False)
    figure.savefig(IMAGES / "connectivity_chance.png", dpi=90)


def main():
    """Draw all pictures."""
    warnings.simplefilter("ignore")
    IMAGES.mkdir(exist_ok=True)
    segment, activity, windows, coupled = culture()
    draw_measures(segment, activity, windows, coupled)
    draw_nulls(segment, activity, windows, coupled)
    draw_chance()


if __name__ == "__main__":
    main()
