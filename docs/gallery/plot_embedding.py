"""
Embeddings and attention
========================

Windows in embedding space, coloured by the true state; the nodes of one window; and how much each
window draws on those before it.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.figures import plot_attention, plot_node_embedding, plot_window_embedding

# Channels that stay silent in a window are counted in a warning; here we know of them.
warnings.simplefilter("ignore", te.DataLossWarning)

block = te.simulate_culture(n_nodes=40, duration=150 * pq.s, dwell=8 * pq.s, seed=2)
activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
graphs = te.build_graphs(te.compute_connectivity(activity, windows))
embedding = te.TAVRNN(seed=0).fit(graphs).transform(graphs)

# %%
# One point per window, joined in time.

states = te.culture_truth(block).state_at((windows.start_s + windows.stop_s) / 2)
names = np.array(["segregated", "aligned"])
figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
plot_window_embedding(embedding, ax=ax, color=names[states], color_label="true state")

# %%
# The nodes of two windows, on the same axes.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
for ax, window in zip(axes, (10, 80), strict=True):
    plot_node_embedding(embedding, window, ax=ax)

# %%
# Attention: a row per window, which sums to one.  It is the share of each window in the state of
# each later one, a decay that is learnt from the data.

figure, ax = plt.subplots(figsize=(5.5, 4.8), layout="constrained")
plot_attention(embedding, ax=ax)
