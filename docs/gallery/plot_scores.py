"""
Scores beside chance
====================

The state of a simulated culture, decoded from spectral coordinates, from degrees and from mean
rates, in blocks of time and beside what shifts in time reach.
"""

import matplotlib.pyplot as plt
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
)
from tavrnn_ephys.figures import plot_scores
from tavrnn_ephys.methods import UASE, Degree

block = te.simulate_culture(n_nodes=60, duration=240 * pq.s, dwell=10 * pq.s, seed=1)
activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
connectivity = te.compute_connectivity(activity, windows)
graphs = te.build_graphs(connectivity)
states = te.culture_truth(block).state_at((windows.start_s + windows.stop_s) / 2)

folds = blocked_folds(len(windows), gap=windows.overlap + 1)
features = {
    "spectral embedding": embed_in_folds(UASE, graphs, folds),
    "degrees": embed_in_folds(Degree, graphs, folds),
    "mean rates": features_in_folds(connectivity.mean_activity, folds),
}
rows = []
for name, item in features.items():
    score = decode_labels(name, item, states, min_shift=10, n_shifts=99)
    low, high = score.chance_interval
    rows.append(
        {
            "name": name,
            "score": score.balanced_accuracy,
            "chance_low": low,
            "chance_high": high,
        }
    )

figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
plot_scores(rows, ax=ax)
