"""
The link to behaviour
=====================

A culture plays a game; the windows in which it plays best and worst are ranked, and the alignment
of its subregions is held against the performance.
"""

import matplotlib.pyplot as plt
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import rank_windows, window_behavior
from tavrnn_ephys.figures import (
    plot_against_performance,
    plot_performance_by_rank,
    plot_placed_nodes,
)
from tavrnn_ephys.networks.placement import placed_in_plane

block = te.game_block(te.play_game(te.GameConfig(game_s=240.0), nodes=60, seed=1))
segment = block.segments[0]
activity = te.bin_activity(segment, bin_size=10 * pq.ms)
windows = te.sliding_windows(activity, window_length=12 * pq.s, step=6 * pq.s)
connectivity = te.compute_connectivity(activity, windows)
rally = window_behavior(segment, windows, "game:rally_length")
ranking = rank_windows(windows, rally.values)

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
plot_performance_by_rank(ranking.to_pandas(windows), ax=ax, label=rally.label)

# %%
# Nodes of the best and of the worst window, by spectral position.

positions = te.spectral_positions(connectivity)
best, worst = int(ranking.high[0]), int(ranking.low[0])
points = placed_in_plane(positions, [best, worst], method="pca")
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
plot_placed_nodes(points[0], connectivity.nodes, ax=axes[0], title="High 1", legend=False)
plot_placed_nodes(points[1], connectivity.nodes, ax=axes[1], title="Low 1")

# %%
# Silhouette of the subregions in each window, against the rally length.

alignment = te.group_alignment(positions, n_shuffles=19)
figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
plot_against_performance(
    rally.values,
    alignment.observed["silhouette"],
    ax=ax,
    score_label=rally.label,
    value_label="silhouette of subregions",
    ranking=ranking,
)
