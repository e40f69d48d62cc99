"""A small fitted model, and the recording that it was fitted to."""

import warnings
from functools import cache

import numpy as np
import quantities as pq

import tavrnn_ephys as te

BIN_S, WINDOW_S, STEP_S = 0.05, 2.0, 0.5


@cache
def fitted(
    *,
    n_nodes=20,
    threshold=0.0,
    seconds=30,
    measure="pearson",
    profile="recurrent",
    ablation=None,
    **options,
):
    """Model, activity, graphs and the offline embedding."""
    block = te.simulate_culture(n_nodes=n_nodes, duration=seconds * pq.s, mean_rate_hz=12.0, seed=1)
    activity = te.bin_activity(block.segments[0], bin_size=BIN_S * pq.s)
    windows = te.sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    connectivity = te.compute_connectivity(activity, windows, measure=measure)
    graphs = te.build_graphs(connectivity, threshold=threshold)
    about = {"profile": profile, "ablation": ablation, "options": options}
    model = te.TAVRNN(training_epochs=2, seed=0, **about)
    with warnings.catch_warnings():
        # What these models learn is of no interest.
        warnings.simplefilter("ignore", te.ChanceLossWarning)
        model.fit(graphs)
    return model, activity, graphs, model.transform(graphs)


def committed(updates):
    """Embeddings of committed updates, stacked."""
    return np.stack([item.embedding for item in updates if item.committed])
