"""
Spikes, windows and electrodes
==============================

An excerpt of a simulated culture: nodes in the order of their subregions, the windows as bars
above them, the performance of the culture on top; and where its electrodes lie.
"""

import matplotlib.pyplot as plt
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.figures import plot_electrodes, plot_raster
from tavrnn_ephys.io.blocks import behavior_signals

block = te.simulate_culture(n_nodes=60, duration=60 * pq.s, dwell=8 * pq.s, seed=2)
segment = block.segments[0]
activity = te.bin_activity(segment, bin_size=10 * pq.ms)
windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)

# %%
# The behaviour is any signal: times, values, and a name.

signal = behavior_signals(segment)["performance"]
times_s = signal.times.rescale("s").magnitude
behavior = (times_s, signal.magnitude[:, 0], signal.name)

figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
plot_raster(activity, windows, ax=ax, t_start_s=0, t_stop_s=30, behavior=behavior)

# %%
# Any value per node colours the electrodes; here the mean rate.

rates_hz = activity.values.mean(axis=1) / activity.bin_size_s
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plot_electrodes(activity.nodes, ax=axes[0])
plot_electrodes(activity.nodes, ax=axes[1], values=rates_hz, label="mean rate, Hz")
