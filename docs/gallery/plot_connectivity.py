"""
Connectivity of windows
=======================

The signed weights of one window are mostly noise; the mean over the windows of one state shows
the coupling. Nodes are ordered by subregion, and the panels share one scale of colours.
"""

import matplotlib.pyplot as plt
import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.figures import connectivity_limit, plot_connectivity

block = te.simulate_culture(n_nodes=60, duration=200 * pq.s, dwell=10 * pq.s, seed=1)
activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
windows = te.sliding_windows(activity, window_length=5 * pq.s, step=5 * pq.s)
connectivity = te.compute_connectivity(activity, windows)
states = te.culture_truth(block).state_at((windows.start_s + windows.stop_s) / 2)

# %%
# A window of each state.

first, second = np.flatnonzero(states == 0)[0], np.flatnonzero(states == 1)[0]
limit = connectivity_limit(connectivity, first, second)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
plot_connectivity(connectivity, first, ax=axes[0], limit=limit, colorbar=False)
plot_connectivity(connectivity, second, ax=axes[1], limit=limit, row_names=False)

# %%
# The mean of each state.

means = te.ConnectivitySequence(
    weights=np.stack([connectivity.weights[states == state].mean(axis=0) for state in (0, 1)]),
    windows=te.Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0]),
    nodes=connectivity.nodes,
    measure="mean Pearson",
)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
limit = connectivity_limit(means)
for state, ax in enumerate(axes):
    plot_connectivity(means, state, ax=ax, limit=limit, row_names=not state, colorbar=bool(state))
    ax.set_title(f"state {state}, mean of {np.sum(states == state)} windows", loc="left")
