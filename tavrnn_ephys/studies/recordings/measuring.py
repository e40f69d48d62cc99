"""Network measures of recordings, at a threshold that all share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from tavrnn_ephys.connectivity import AbsoluteThreshold, compute_connectivity
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.networks.measures import DESCRIPTIONS, network_measures
from tavrnn_ephys.studies.recording import Recording

__all__ = ["DENSITY", "common_level", "means_over_windows", "measures_of"]

# Beyond so many nodes, measures that go through all shortest paths take long.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")
#: Share of all pairs that are edges, where no threshold is named.
DENSITY = 0.15
_WEIGHTS_PER_FILE = 100_000
_NAMES = tuple(name for name in DESCRIPTIONS if name != "small_worldness")


def common_level(recordings: Sequence[Recording]) -> float:
    """
    Find the weight that the same share of pairs exceeds, each recording counting once.

    Parameters
    ----------
    recordings : sequence of Recording
        The recordings.

    Returns
    -------
    float
        The weight, at least 0.
    """
    rng = np.random.default_rng(0)
    drawn = []
    for recording in recordings:
        connectivity = _connectivity(recording)
        rows, columns = np.triu_indices(connectivity.n_nodes, 1)
        weights = np.nan_to_num(connectivity.weights[:, rows, columns]).ravel()
        drawn.append(rng.choice(weights, _WEIGHTS_PER_FILE) if len(weights) else np.zeros(0))
    level = float(np.quantile(np.concatenate(drawn), 1 - DENSITY))
    return max(level, 0.0)


def measures_of(recording: Recording, level: float, seed: int) -> dict[str, float]:
    """
    Average network measures over the windows of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    level : float
        Smallest weight of an edge.
    seed : int
        Seed of the measures.

    Returns
    -------
    dict of str to float
        Numbers of windows and nodes, mean activity, and each measure; NaN where it takes long.
    """
    return means_over_windows(_connectivity(recording), level, seed)


def means_over_windows(
    connectivity: ConnectivitySequence, level: float, seed: int
) -> dict[str, float]:
    """
    Average network measures over windows.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity of each window.
    level : float
        Smallest weight of an edge.
    seed : int
        Seed of the measures.

    Returns
    -------
    dict of str to float
        As :func:`measures_of`.
    """
    many = connectivity.n_nodes > _MANY_NODES
    wanted = [name for name in _NAMES if not (many and name in _SLOW_MEASURES)]
    rule = AbsoluteThreshold(value=level)
    measures = network_measures(connectivity, measures=wanted, threshold=rule, seed=seed)
    rates = np.asarray(connectivity.mean_activity)
    size = {"n_nodes": float(connectivity.n_nodes), "mean_activity": float(rates.mean())}
    means = {name: float(measures[name].mean()) if name in measures else np.nan for name in _NAMES}
    return {"n_windows": connectivity.n_windows, **size, **means}


def _connectivity(recording: Recording) -> ConnectivitySequence:
    with warnings.catch_warnings():
        # A node that is silent in a window has no edge there; the number of nodes says the rest.
        warnings.simplefilter("ignore", DataLossWarning)
        return compute_connectivity(recording.activity, recording.windows)
