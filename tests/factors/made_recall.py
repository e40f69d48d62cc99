"""Models whose windows are of two kinds that return."""

import copy
import dataclasses

import numpy as np
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.factors.made_networks import switching_graphs


def two_states(seed=0, n_windows=100, **more):
    """Graphs of two states, which the fit finds from the first 60 windows."""
    return switching_graphs(n_windows, n_nodes=10, dwell=6, size=1.5, seed=seed, **more)


def model_of(latent_size=3, **options):
    return TAVRNN(profile="state_space", latent_size=latent_size, options=options)


def told_apart(vectors, states):
    """Area under the curve along the axis that joins the means of two states."""
    axis = vectors[states == 1].mean(axis=0) - vectors[states == 0].mean(axis=0)
    return roc_auc_score(states, vectors @ axis)


def dense(graphs):
    return np.stack([item.toarray() for item in graphs.weights])


def masked(graphs, absent):
    """The graphs without the nodes that are marked, (n_windows, n_nodes)."""
    weights = dense(graphs) * ~absent[:, :, None] * ~absent[:, None]
    kept = tuple(type(graphs.weights[0])(item) for item in weights)
    return dataclasses.replace(graphs, weights=kept, node_mask=~absent)


def without_kinds(model):
    """The model as one whose windows were judged to be of no kind."""
    other = copy.deepcopy(model)
    for value in other.network_.kinds.buffers():
        value.zero_()
    return other
