"""
What networks of real recordings have to do with behaviour, beside rates and beside chance.

    export TAVRNN_EPHYS_DATA=...
    python docs/measurements/behavior_recordings.py ends         two ends of a rat's track
    python docs/measurements/behavior_recordings.py running      running against resting
    python docs/measurements/behavior_recordings.py miniscope    position of a mouse, calcium NWB

``--model`` fits TAVRNN in every fold as well, ``--out DIR`` draws.
"""

import argparse
import os
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq
import scipy.io

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import window_majorities
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_alternating,
    decode_labels,
    embed_in_folds,
    features_in_folds,
    regress_values,
    unit_bootstrap,
)
from tavrnn_ephys.evaluation.scoring import block_values
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.association import (
    associate_distances,
    associate_edges,
    associate_nodes,
)
from tavrnn_ephys.statistics.time_shifts import correlation_windows

RAT = "rat-hippocampus-hc11/achilles.npz"
LINEAR = "rat-linear-track"
MINISCOPE = "mouse-ca1-miniscope/C11_M1/Environment A/finalEventsMat_1.mat"
N_NULLS = 199


def data(name: str) -> Path:
    return Path(os.environ["TAVRNN_EPHYS_DATA"]) / name


def edges_of(connectivity, *, absolute: bool = False):
    rows, columns = np.triu_indices(connectivity.n_nodes, 1)
    weights = np.nan_to_num(connectivity.weights[:, rows, columns])
    return np.abs(weights) if absolute else weights


def feature_sets(activity, windows, folds, *, model: bool, seed: int = 0):
    """Every kind of features in folds: rates, embeddings, edges; held, and with shuffled bins."""
    connectivity = te.compute_connectivity(activity, windows)
    graphs = te.build_graphs(connectivity)
    rates = np.asarray(connectivity.mean_activity)
    shuffled = te.shuffle_bins_within_windows(activity, windows, seed=seed)
    control = te.compute_connectivity(shuffled, windows)
    control_graphs = te.build_graphs(control)
    spectral = embed_in_folds(UASE, graphs, folds)
    signed = features_in_folds(edges_of(connectivity), folds)
    sets = {
        "mean rates": features_in_folds(rates, folds),
        "signed r": signed,
        "signed r, bins shuffled": features_in_folds(edges_of(control), folds),
        "|r|": features_in_folds(edges_of(connectivity, absolute=True), folds),
        "|r|, bins shuffled": features_in_folds(edges_of(control, absolute=True), folds),
        "spectral embedding": spectral,
        "spectral embedding, bins shuffled": embed_in_folds(UASE, control_graphs, folds),
    }
    if model:
        build = partial(te.TAVRNN, profile="recurrent", seed=seed)
        embedded = embed_in_folds(build, graphs, folds)
        sets["TAVRNN"] = embedded
        sets["TAVRNN, bins shuffled"] = embed_in_folds(build, control_graphs, folds)
    return connectivity, sets


def decoded(sets, labels, *, alternating: bool) -> pd.DataFrame:
    codes = np.unique(labels, return_inverse=True)[1]
    rows = []
    for name, features in sets.items():
        if alternating:
            score = decode_alternating(name, features, labels, n_swaps=N_NULLS)
        else:
            least = correlation_windows(codes)
            score = decode_labels(name, features, labels, min_shift=least, n_shifts=N_NULLS)
        # Test blocks are the only parts of one session that are nearly independent.
        low, high = unit_bootstrap(block_values(score))
        rows.append(
            {"features": name, "accuracy": score.balanced_accuracy, "low": low, "high": high,
             "chance_low": score.chance_interval[0], "chance_high": score.chance_interval[1],
             "p_value": score.p_value}
        )  # fmt: skip
    return pd.DataFrame(rows)


def with_rates_held(sets, values, rates, *, null: str) -> pd.DataFrame:
    """Predict what rates leave of the behaviour, as a number, from what they leave of features."""
    rows = []
    for name in ("signed r", "|r|", "spectral embedding", "spectral embedding, bins shuffled"):
        score = regress_values(name, sets[name], values, held=rates, null=null, n_shifts=N_NULLS)
        low, high = score.chance_interval
        rows.append({"features, rates held": name, "rank correlation": score.correlation,
                     "chance_low": low, "chance_high": high, "p_value": score.p_value})  # fmt: skip
    return pd.DataFrame(rows)


def say(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.round(3).to_string(index=False)}", flush=True)


def ends(model: bool, out: Path | None) -> None:
    """The two ends of the track, one window per visit, as the TAVRNN paper takes them."""
    archive = np.load(data(RAT))
    block = te.block_from_arrays(counts=archive["x"].T, bin_size=25 * pq.ms)
    activity = te.bin_activity(block.segments[0], bin_size=25 * pq.ms)
    position = archive["b"][: activity.n_bins, 0]
    windows = te.label_windows(
        position, activity, min_length=0.25 * pq.s,
        label_of=lambda x: np.select([x < 0.2, (x > 1.5) & (x < 1.7)], ["near", "far"], ""),
    )  # fmt: skip
    labels = windows.columns["label"]
    print(windows, ", ".join(f"{np.sum(labels == k)} {k}" for k in np.unique(labels)))
    lengths = windows.stop_s - windows.start_s
    medians = (f"{np.median(lengths[labels == k]):.2f} {k}" for k in np.unique(labels))
    print("median length (s):", ", ".join(medians))
    folds = blocked_folds(len(windows), gap=1)
    connectivity, sets = feature_sets(activity, windows, folds, model=model)
    lengths_set = {"length of the visit": features_in_folds(lengths[:, None], folds)}
    say("Ends of the track", decoded({**lengths_set, **sets}, labels, alternating=True))
    score = (labels == "far").astype(float)
    rates = np.asarray(connectivity.mean_activity)
    say("Rates held", with_rates_held(sets, score, rates, null="swap"))
    positions = spectral_positions(connectivity)
    edges = associate_edges(connectivity, score, null="swap", n_nulls=N_NULLS)
    nodes = associate_nodes(positions, score, rates=rates, null="swap", n_nulls=N_NULLS)
    shuffled = te.shuffle_bins_within_windows(activity, windows, seed=0)
    lost = te.compute_connectivity(shuffled, windows)
    lost_edges = associate_edges(lost, score, null="swap", n_nulls=N_NULLS)
    lost_nodes = associate_nodes(spectral_positions(lost), score, rates=rates, null="swap")
    counts = activity.values
    edges_m = np.linspace(0, 1.6, 17)
    where = np.digitize(position, edges_m) - 1
    field = np.stack([counts[:, where == b].mean(axis=1) / 0.025 for b in range(16)], axis=1)  # Hz
    nodes["rate_near_hz"] = rates[labels == "near"].mean(axis=0)
    nodes["rate_far_hz"] = rates[labels == "far"].mean(axis=0)
    nodes["field_peak_m"] = (edges_m[field.argmax(axis=1)] + 0.05).round(2)
    nodes["field_peak_hz"] = field.max(axis=1)
    n_edges = int((edges["q_value"] < 0.05).sum())
    print(f"\nEdges with q < 0.05, rates held: {n_edges} of {len(edges)}")
    print(
        f"Nodes with q < 0.05, rates held: {int((nodes['q_value'] < 0.05).sum())} of {len(nodes)}"
    )
    print(f"The same after bins were shuffled within windows: "
          f"{int((lost_edges['q_value'] < 0.05).sum())} edges, "
          f"{int((lost_nodes['q_value'] < 0.05).sum())} nodes")  # fmt: skip
    best = nodes.sort_values("r_squared", ascending=False).head(10)
    say("Nodes that carry the ends", best)
    say("Pairs that carry the ends", edges.sort_values("p_family").head(5))
    if out is not None:
        draw_fields(field, edges_m, best, out / "fields.png")


def draw_fields(field, edges_m, best, path: Path) -> None:
    from matplotlib.figure import Figure

    from tavrnn_ephys.figures import save_figure

    figure = Figure(figsize=(9, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots(2, 5, sharex=True).ravel()
    centers = (edges_m[:-1] + edges_m[1:]) / 2
    for ax, (index, row) in zip(axes, best.iterrows(), strict=True):
        ax.fill_between(centers, field[index], color="#56B4E9")
        ax.axvspan(0, 0.2, color="0.85", zorder=0)
        ax.axvspan(1.5, 1.6, color="0.85", zorder=0)
        ax.set_title(f"unit {row['node_id']}, R² {row['r_squared']:.2f}", fontsize=8)
        ax.tick_params(labelsize=7)
    figure.supxlabel("position (m); grey: the two ends", fontsize=9)
    figure.supylabel("rate (spikes/s)", fontsize=9)
    save_figure(figure, path)


def linear_track():
    """Spike trains and speed of the other rat."""
    content = (data(LINEAR) / "trajectory.videoPositionTracking").read_bytes()
    start = content.index(b"<End settings>\n") + len(b"<End settings>\n")
    kinds = [("time", "<u4"), ("x", "<u2"), ("y", "<u2"), ("x2", "<u2"), ("y2", "<u2")]
    track = np.frombuffer(content[start:], dtype=kinds)
    times = track["time"] / 30000.0
    trains = []
    for tetrode in scipy.io.loadmat(data(LINEAR) / "spikes.mat", squeeze_me=True)["spikes"]:
        # One unit alone is a record; several are records within an array of objects.
        for unit in [tetrode] if tetrode.dtype.names else np.atleast_1d(tetrode):
            if getattr(unit, "dtype", np.dtype(float)).names is None:
                continue
            found = np.atleast_1d(unit["time"].item()).astype(np.float64)
            if len(found):
                trains.append(np.sort(found))
    return times, track["x"].astype(float), track["y"].astype(float), trains


def running(model: bool, out: Path | None) -> None:
    """Running against resting within the 15 min on the track; rest in the box is one block."""
    times, x, y, trains = linear_track()
    half = times[0] + (times[-1] - times[0]) / 2
    ordered = np.append(True, np.diff(times) > 0) & (times < half)
    times, x, y = times[ordered], x[ordered], y[ordered]
    grid = np.arange(times[0], times[-1], 0.1)
    smooth = np.ones(10) / 10
    places = [np.convolve(np.interp(grid, times, item), smooth, "same") for item in (x, y)]
    speed = np.hypot(*[np.gradient(item, 0.1) for item in places])
    threshold = 0.2 * np.quantile(speed, 0.95)
    label = np.where(speed > threshold, "running", "resting")
    kept = [train[(train >= grid[0]) & (train < grid[-1])] for train in trains]
    block = te.block_from_arrays(spike_times=kept, t_start=grid[0] * pq.s, t_stop=grid[-1] * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=4 * pq.s, step=4 * pq.s)
    labels = window_majorities(windows, grid[:-1], grid[1:], label[:-1])
    print(
        f"{len(kept)} units, {len(windows)} windows of 4 s: {np.sum(labels == 'running')} running "
        f"(above {threshold:.0f} px/s), {np.sum(labels == 'resting')} resting"
    )
    folds = blocked_folds(len(windows), gap=1)
    connectivity, sets = feature_sets(activity, windows, folds, model=model)
    say("Running or resting", decoded(sets, labels, alternating=False))
    score = (labels == "running").astype(float)
    rates = np.asarray(connectivity.mean_activity)
    say("Rates held", with_rates_held(sets, score, rates, null="shift"))
    edges = associate_edges(connectivity, score, n_nulls=N_NULLS)
    print(
        f"\nEdges with q < 0.05, rates held: {int((edges['q_value'] < 0.05).sum())} of {len(edges)}"
    )


def miniscope(model: bool, out: Path | None) -> None:
    """Position of a mouse on a track, from an NWB file that convert has written."""
    with tempfile.TemporaryDirectory() as folder:
        from tavrnn_ephys.cli import main as cli

        nwb = Path(folder) / "mouse.nwb"
        about = Path(folder) / "mouse.yaml"
        about.write_text(
            "session_start_time: 2018-01-01T00:00:00+00:00\n"
            "session_description: a mouse on a linear track\n"
            "identifier: C11_M1-A-1-2\n"
            "imaging_plane:\n  excitation_lambda: 475.0\n  emission_lambda: 525.0\n"
            "  indicator: GCaMP6f\n  location: CA1\n"
            "subject:\n  subject_id: C11M1\n  species: Mus musculus\n  sex: U\n  age: P90D\n"
        )
        options = ("traces=allEventsMat", "node_axis=1", "sampling_rate=20Hz",
                   "samples=3617,7229", "behavior=behavior_1.mat:my_mvmt[1].position")  # fmt: skip
        flags = [text for option in options for text in ("--option", option)]
        if cli(["convert", str(data(MINISCOPE)), *flags, "--metadata", str(about),
                "--out", str(nwb)]):  # fmt: skip
            raise SystemExit("convert failed")
        block = te.read(nwb)
    segment = block.segments[0]
    activity = te.bin_activity(segment, bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
    from tavrnn_ephys.io.blocks import behavior_columns

    name, (times, values) = next(iter(behavior_columns(segment).items()))
    position = window_means(windows, times, values)
    print(activity, windows, name, np.isfinite(position).sum())
    kept = np.flatnonzero(np.isfinite(position))
    windows, position = windows.select(kept), position[kept]
    folds = blocked_folds(len(windows), gap=windows.overlap + 1)
    connectivity, sets = feature_sets(activity, windows, folds, model=model)
    rows = []
    for label, features in sets.items():
        score = regress_values(label, features, position, n_shifts=N_NULLS)
        low, high = score.chance_interval
        rows.append({"features": label, "rank correlation": score.correlation, "chance_low": low,
                     "chance_high": high, "p_value": score.p_value})  # fmt: skip
    say(f"Position ({name})", pd.DataFrame(rows))
    rates = np.asarray(connectivity.mean_activity)
    say("Rates held", with_rates_held(sets, position, rates, null="shift"))
    middle = np.median(position)
    halves = np.where(position > middle, "far", "near")
    say("Half of the track", decoded(sets, halves, alternating=False))
    distance = associate_distances(
        spectral_positions(connectivity).window_embedding(), position,
        covariates=rates.mean(axis=1, keepdims=True), overlap=windows.overlap,
    )  # fmt: skip
    print(f"\nDistances, mean rate held: r {distance.correlation:.3f}, "
          f"chance {distance.chance_interval}, p {distance.p_value:.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("ends", "running", "miniscope"))
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    for category in (DataLossWarning, ChanceLossWarning):
        warnings.simplefilter("ignore", category)
    {"ends": ends, "running": running, "miniscope": miniscope}[options.what](
        options.model, options.out
    )


if __name__ == "__main__":
    main()
