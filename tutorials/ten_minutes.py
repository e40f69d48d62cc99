# %% [markdown]
# # Ten minutes: from spikes to network states
#
# A small simulated culture switches between two couplings while every channel keeps its firing
# rate. We bin its spikes, draw the network of each window, embed it, and ask two questions:
# can the state be read off the embedding, and could it have been read off the rates?
#
# Run it as it is (`python tutorials/ten_minutes.py`), or open it as a notebook with jupytext.

# %%
import warnings

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
)

# Channels that stay silent in a window are counted in a warning; here we know of them.
warnings.simplefilter("ignore", te.DataLossWarning)

# %% [markdown]
# ## A recording whose truth is known

# %%
block = te.simulate_culture(n_nodes=40, duration=150 * pq.s, dwell=8 * pq.s, seed=2)
truth = te.culture_truth(block)
activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
print(activity)

# %% [markdown]
# ## A graph for every window

# %%
windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
connectivity = te.compute_connectivity(activity, windows, measure="pearson")
graphs = te.build_graphs(connectivity)
print(graphs)

# %% [markdown]
# ## An embedding of every channel in every window

# %%
model = te.TAVRNN(seed=0, training_epochs=3)
embedding = model.fit(graphs).transform(graphs)
print(embedding)

# %% [markdown]
# ## Is it real?
#
# Windows that overlap share spikes, and a model that has seen a window knows it. So time is cut
# into blocks, the model is fitted again without each block, and chance is what the same decoder
# reaches when the states are shifted in time.

# %%
states = truth.state_at((windows.start_s + windows.stop_s) / 2)
folds = blocked_folds(len(windows), n_folds=3, gap=windows.overlap + 1)
embedded = embed_in_folds(lambda: te.TAVRNN(seed=0, training_epochs=3), graphs, folds)
rates = features_in_folds(connectivity.mean_activity, folds)
scores = [
    decode_labels("TAVRNN embedding", embedded, states, min_shift=8, n_shifts=99),
    decode_labels("mean rates", rates, states, min_shift=8, n_shifts=99),
]
for score in scores:
    low, high = score.chance_interval
    print(f"{score.name:18} {score.balanced_accuracy:.2f}, chance {low:.2f} to {high:.2f}")

# %% [markdown]
# ## Exercises
#
# 1. Shuffle the bins inside each window with `te.shuffle_bins_within_windows` and decode again.
#    What is left, and why?
# 2. Lengthen the windows to 4 s. The estimates get better; what gets worse?
# 3. Replace `te.TAVRNN` by `te.UASE`. How much of the score does the network add?

# %%
distance = np.linalg.norm(np.diff(embedding.window_embedding(), axis=0), axis=1)
switches = np.flatnonzero(np.diff(states)) + 1
print(f"mean step of the embedding {distance.mean():.2f}, {len(switches)} switches of the state")
