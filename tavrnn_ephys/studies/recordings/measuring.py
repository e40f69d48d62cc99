"""Network measures of recordings, at a threshold that all share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tavrnn_ephys.connectivity import AbsoluteThreshold, compute_connectivity
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.core.spec import ConnectivitySpec, StateSpec
from tavrnn_ephys.networks.measures import DESCRIPTIONS, network_measures
from tavrnn_ephys.networks.states.model import NetworkStates
from tavrnn_ephys.networks.states.stretches import stretch_lengths
from tavrnn_ephys.studies.states.finding import states_of

__all__ = [
    "DENSITY",
    "common_level",
    "connectivity_of",
    "levels_of",
    "means_over_windows",
    "state_measures",
    "summary_of_states",
]

# Beyond so many nodes, measures that go through all shortest paths take long.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")
#: Share of all pairs that are edges, where no threshold is named.
DENSITY = 0.15
_N_LEVELS = 2001
_MOST_WEIGHTS = 10_000_000
_NAMES = tuple(name for name in DESCRIPTIONS if name != "small_worldness")


def levels_of(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    """
    Sum up the weights of a recording by their quantiles.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity of each window.

    Returns
    -------
    numpy.ndarray, shape (2001,)
        Quantiles of all pairs and windows at equal distances; of a recording with more than
        ten million weights, of windows at equal distances.  Zeros where there are no pairs.
    """
    rows, columns = np.triu_indices(connectivity.n_nodes, 1)
    if not len(rows):
        return np.zeros(_N_LEVELS)
    most = max(1, _MOST_WEIGHTS // len(rows))
    stride = -(-connectivity.n_windows // most)
    # Window by window: weights may lie in a file, and all of them need not fit in memory.
    pairs = [np.asarray(matrix)[rows, columns] for matrix in connectivity.weights[::stride]]
    weights = np.nan_to_num(np.concatenate(pairs).astype(np.float64))
    levels: NDArray[np.float64] = np.quantile(
        weights, np.linspace(0, 1, _N_LEVELS), overwrite_input=True
    )
    return levels


def common_level(levels: Sequence[ArrayLike]) -> float:
    """
    Find the weight that the same share of pairs exceeds, each recording counting once.

    Parameters
    ----------
    levels : sequence of array_like
        What :func:`levels_of` gave for each recording.

    Returns
    -------
    float
        The weight, at least 0.
    """
    pooled = np.concatenate([np.asarray(item, dtype=np.float64) for item in levels])
    return max(float(np.quantile(pooled, 1 - DENSITY)), 0.0)


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
        Numbers of windows and nodes, mean activity, and each measure; NaN where it takes long.
    """
    many = connectivity.n_nodes > _MANY_NODES
    wanted = [name for name in _NAMES if not (many and name in _SLOW_MEASURES)]
    rule = AbsoluteThreshold(value=level)
    measures = network_measures(connectivity, measures=wanted, threshold=rule, seed=seed)
    rates = np.asarray(connectivity.mean_activity)
    size = {"n_nodes": float(connectivity.n_nodes), "mean_activity": float(rates.mean())}
    means = {name: float(measures[name].mean()) if name in measures else np.nan for name in _NAMES}
    return {"n_windows": connectivity.n_windows, **size, **means}


def state_measures(
    activity: BinnedActivity, connectivity: ConnectivitySequence, spec: StateSpec
) -> dict[str, float]:
    """
    Measure the network states of a recording.

    Parameters
    ----------
    activity : BinnedActivity
        Its activity.
    connectivity : ConnectivitySequence
        Connectivity of each window.
    spec : StateSpec
        How states are found.

    Returns
    -------
    dict of str to float
        ``n_states``; ``state_occupancy``, the share of time of the most frequent one;
        ``state_dwell_s``, the mean dwell time over all states, NaN where none ended; and
        ``state_changes_per_min``.
    """
    found, _ = states_of(activity, connectivity, ConnectivitySpec(), spec)
    return summary_of_states(found)


def summary_of_states(found: NetworkStates) -> dict[str, float]:
    """
    Sum up the network states of a recording.

    Parameters
    ----------
    found : NetworkStates
        Its states.

    Returns
    -------
    dict of str to float
        As :func:`state_measures`.
    """
    stays = found.durations.stays
    time_s = float((stays["stop_s"] - stays["start_s"]).sum())
    n_ends = len(stays) - len(stretch_lengths(found.windows))
    return {
        "n_states": float(found.n_states),
        "state_occupancy": float(found.durations.table["occupancy"].max()),
        "state_dwell_s": time_s / n_ends if n_ends else np.nan,
        "state_changes_per_min": 60.0 * n_ends / time_s,
    }


def connectivity_of(activity: BinnedActivity, windows: Windows) -> ConnectivitySequence:
    """
    Compute the connectivity that recordings are compared by.

    Parameters
    ----------
    activity : BinnedActivity
        Activity of a recording.
    windows : Windows
        Its windows.

    Returns
    -------
    ConnectivitySequence
        Pearson correlation in each window.
    """
    with warnings.catch_warnings():
        # A node that is silent in a window has no edge there; the number of nodes says the rest.
        warnings.simplefilter("ignore", DataLossWarning)
        return compute_connectivity(activity, windows)
