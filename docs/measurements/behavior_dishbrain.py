"""
The paper's panels on the real DishBrain layout, with simulated spikes: 900 channels, game and rest.

Six cultures rest for 10 min and play for 20 min, in windows of 60 s every 30 s, bins of 50 ms as
in the paper.  In each, the three highest and the three lowest windows by time-weighted rally
length, and all windows of rest, are compared; intervals are bootstrapped over cultures.

    TAVRNN_EPHYS_DATA=... python docs/measurements/behavior_dishbrain.py --out panels
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq

from tavrnn_ephys.activity.behavior import GameEpisodes, game_measures, rank_windows
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.datasets.game import GameConfig, SimulatedGame, game_block, play_game
from tavrnn_ephys.figures import (
    connectivity_limit,
    plot_conditions,
    plot_connectivity,
    plot_electrodes,
    plot_forest,
    plot_performance_by_rank,
    plot_placed_nodes,
    plot_raster,
    save_figure,
)
from tavrnn_ephys.networks.alignment import group_alignment
from tavrnn_ephys.networks.measures import network_measures
from tavrnn_ephys.networks.placement import placed_in_plane, spectral_positions
from tavrnn_ephys.statistics.across_cultures import (
    bootstrap_interval,
    effects_over_cultures,
    paired_effects,
)
from tavrnn_ephys.studies.analysis import analyze
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.analysis import analyze_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.drawing import behavior_figures
from tavrnn_ephys.studies.behavior.tables import behavior_tables

BIN_S, WINDOW_S, STEP_S = 0.05, 60.0, 30.0
CONFIG = GameConfig(game_s=1200.0, rest_s=600.0, skill_time_s=120.0, mean_rate_hz=3.0)
NAMES = {"left1": "L_down", "left2": "L_up", "right1": "R_down", "right2": "R_up"}
NETWORK = ("density", "mean_weight", "clustering", "path_length", "modularity", "participation")
ALIGNMENT = ("silhouette", "group_accuracy", "similarity")


def real_nodes(folder: Path) -> Nodes:
    places = pd.read_csv(folder / "channel_locs.csv").set_index("channel")
    groups = pd.read_csv(folder / "channel_subregions.csv").set_index("channel")["subregion"]
    return Nodes(
        ids=[str(channel) for channel in places.index],
        kind="channel",
        groups=[NAMES.get(groups[channel], groups[channel]) for channel in places.index],
        positions_um=places[["x", "y"]].to_numpy(dtype=float),
    )


def binned(game: SimulatedGame) -> BinnedActivity:
    n_bins = round(game.duration_s / BIN_S)
    bins = np.minimum((game.times_s / BIN_S).astype(np.int64), n_bins - 1)
    flat = np.bincount(game.sources * n_bins + bins, minlength=len(game.nodes) * n_bins)
    values = flat.reshape(len(game.nodes), n_bins)
    return BinnedActivity(values=values, bin_size_s=BIN_S, nodes=game.nodes)


def one_culture(nodes: Nodes, seed: int, n_shuffles: int) -> pd.DataFrame:
    """One row per window: condition, alignment, z against shuffles in space, network measures."""
    game = play_game(CONFIG, nodes=nodes, seed=seed)
    activity = binned(game)
    windows = sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    windows = windows.select((windows.stop_s <= CONFIG.rest_s) | (windows.start_s >= CONFIG.rest_s))
    connectivity = compute_connectivity(activity, windows)
    episodes = GameEpisodes.from_events(game.hits_s, game.misses_s, t_start_s=CONFIG.rest_s)
    score = game_measures(windows, episodes)["rally_length_time_weighted"].to_numpy()
    ranking = rank_windows(windows, score)
    condition = np.where(np.isfinite(score), "gameplay", "rest").astype("<U8")
    rank = np.full(len(windows), "", dtype="<U8")
    rank[ranking.high], rank[ranking.low] = "High", "Low"
    chosen = np.flatnonzero((rank != "") | (condition == "rest"))
    positions = spectral_positions(connectivity)
    table = group_alignment(positions, n_shuffles=0).to_pandas()
    shuffled = group_alignment(
        _only(positions, chosen), n_shuffles=n_shuffles, seed=seed
    ).to_pandas()
    for name in ALIGNMENT:
        table[f"{name}_z"] = np.nan
        table.loc[chosen, f"{name}_z"] = shuffled[f"{name}_z"].to_numpy()
    # Every sixth window: communities and paths of 900 nodes take seconds each.
    some = np.arange(0, len(windows), 6)
    measures = network_measures(connectivity.select(some), measures=NETWORK, seed=seed)
    table = table.join(measures.set_index(some))
    return table.assign(culture=seed, condition=condition, rank=rank, score=score)


def _only(embedding, chosen):
    from dataclasses import replace

    return replace(
        embedding,
        mean=embedding.mean[chosen],
        std=embedding.std[chosen],
        windows=embedding.windows.select(chosen),
    )


def separation(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over cultures, with its interval, of every measure in High, Low and rest windows."""
    kinds = {"High": rows["rank"] == "High", "Low": rows["rank"] == "Low",
             "rest": rows["condition"] == "rest"}  # fmt: skip
    lines = []
    for name in (*ALIGNMENT, *(f"{item}_z" for item in ALIGNMENT)):
        for kind, chosen in kinds.items():
            values = rows[chosen].groupby("culture")[name].mean().to_numpy()
            low, high = bootstrap_interval(values)
            lines.append({"measure": name, "windows": kind, "mean": values.mean(), "low": low,
                          "high": high})  # fmt: skip
    return pd.DataFrame(lines)


def panels_without_model(nodes: Nodes, out: Path) -> None:
    """Draw what needs no TAVRNN: map, ranks, connectivity and nodes of High and Low windows."""
    from matplotlib.figure import Figure

    game = play_game(CONFIG, nodes=nodes, seed=0)
    activity = binned(game)
    windows = sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    episodes = GameEpisodes.from_events(game.hits_s, game.misses_s, t_start_s=CONFIG.rest_s)
    score = game_measures(windows, episodes)["rally_length_time_weighted"].to_numpy()
    ranking = rank_windows(windows, score)
    label = "time-weighted rally length (hits)"
    figures = {"electrodes": Figure(figsize=(6.4, 3.2), dpi=150, layout="constrained")}
    plot_electrodes(nodes, ax=figures["electrodes"].subplots())
    figures["ranking"] = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    plot_performance_by_rank(
        ranking.to_pandas(windows), ax=figures["ranking"].subplots(), label=label
    )
    rest = int(np.flatnonzero(windows.stop_s <= CONFIG.rest_s)[5])
    chosen = [int(ranking.high[0]), int(ranking.low[0]), rest]
    connectivity = compute_connectivity(activity, windows)
    limit = connectivity_limit(connectivity, *chosen)
    figures["connectivity"] = Figure(figsize=(13.5, 4.4), dpi=150, layout="constrained")
    for ax, index, name in zip(
        figures["connectivity"].subplots(1, 3), chosen, ("High 1", "Low 1", "Rest"), strict=True
    ):
        plot_connectivity(connectivity, index, ax=ax, limit=limit, row_names=index == chosen[0],
                          colorbar=index == rest)  # fmt: skip
        ax.set_title(name, loc="left", fontsize="medium")
    points = placed_in_plane(spectral_positions(connectivity), chosen, method="tsne")
    figures["nodes"] = Figure(figsize=(11, 3.6), dpi=150, layout="constrained")
    for ax, place, name in zip(
        figures["nodes"].subplots(1, 3, sharex=True, sharey=True), points,
        ("High 1", "Low 1", "Rest"), strict=True,
    ):  # fmt: skip
        plot_placed_nodes(place, nodes, ax=ax, title=name, legend=name == "Rest")
    for name, figure in figures.items():
        save_figure(figure, out / f"{name}.png")


def panels(nodes: Nodes, out: Path, training_epochs: int | None) -> None:
    """Analyse one culture with TAVRNN and draw every panel."""
    game = play_game(CONFIG, nodes=nodes, seed=0)
    block = game_block(game)
    config = AnalysisConfig(
        bin_size_s=BIN_S,
        window_length_s=WINDOW_S,
        step_s=STEP_S,
        profile="recurrent",
        training_epochs=training_epochs,
    )
    result = analyze(block, config)
    asked = BehaviorConfig(
        behavior="game:rally_length_time_weighted", model_in_folds=False, n_shuffles=99
    )
    found = analyze_behavior(block, result, asked)
    print(found)
    for name, table in behavior_tables(found).items():
        table.to_csv(out / f"{name}.csv", index=False)
    for name, figure in behavior_figures(result, found).items():
        save_figure(figure, out / f"{name}.png")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.6, 5), dpi=150, layout="constrained")
    centers = (result.windows.start_s + result.windows.stop_s) / 2
    plot_raster(result.activity, result.windows, ax=figure.subplots(), t_start_s=560.0,
                t_stop_s=760.0, behavior=(centers, found.score, found.behavior.label))  # fmt: skip
    save_figure(figure, out / "raster.png")


def main() -> None:
    from matplotlib.figure import Figure

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cultures", type=int, default=6)
    parser.add_argument("--shuffles", type=int, default=49)
    parser.add_argument("--training-epochs", type=int)
    parser.add_argument("--no-panels", action="store_true", help="leave out those of TAVRNN")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    nodes = real_nodes(Path(os.environ["TAVRNN_EPHYS_DATA"]) / "dishbrain-layout")
    print(nodes)
    parts = []
    for seed in range(options.cultures):
        started = time.perf_counter()
        parts.append(one_culture(nodes, seed, options.shuffles))
        print(f"culture {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    rows = pd.concat(parts, ignore_index=True)
    rows.to_csv(options.out / "windows_of_all_cultures.csv", index=False)
    print(separation(rows).round(3).to_string(index=False))
    within = pd.DataFrame(
        {
            name: [
                part[[name, "score"]].corr("spearman").iloc[0, 1]
                for _, part in rows[rows["condition"] == "gameplay"].groupby("culture")
            ]
            for name in ALIGNMENT
        }
    )
    over = effects_over_cultures(within, contrast="correlation with rally length")
    print(over.round(4).to_string(index=False))
    effects = paired_effects(rows, [*NETWORK, *ALIGNMENT], culture="culture",
                             condition="condition", contrast=("gameplay", "rest"))  # fmt: skip
    print(effects.round(4).to_string(index=False))
    figure = Figure(figsize=(8, 4.2), dpi=150, layout="constrained")
    save_figure(plot_forest(effects, ax=figure.subplots()).figure, options.out / "forest.png")
    figure = Figure(figsize=(9, 3.8), dpi=150, layout="constrained")
    plot_conditions(rows, NETWORK, condition="condition", contrast=("gameplay", "rest"),
                    ax=figure.subplots())  # fmt: skip
    save_figure(figure, options.out / "networks.png")
    panels_without_model(nodes, options.out)
    if not options.no_panels:
        panels(nodes, options.out, options.training_epochs)


if __name__ == "__main__":
    main()
