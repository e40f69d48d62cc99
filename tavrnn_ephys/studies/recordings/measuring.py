"""Network measures of recordings, at a threshold that all share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from tavrnn_ephys.connectivity import AbsoluteThreshold, compute_connectivity
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.core.spec import ConnectivitySpec, StateSpec
from tavrnn_ephys.networks.measures import DESCRIPTIONS, network_measures
from tavrnn_ephys.networks.states.stretches import stretch_lengths
from tavrnn_ephys.studies.recording import Recording
from tavrnn_ephys.studies.states.finding import states_of

__all__ = [
    "DENSITY",
    "common_level",
    "connectivity_of",
    "means_over_windows",
    "measures_of",
    "state_measures",
]

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
        connectivity = connectivity_of(recording)
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
    return means_over_windows(connectivity_of(recording), level, seed)


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


def state_measures(recording: Recording, spec: StateSpec) -> dict[str, float]:
    """
    Measure the network states of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    spec : StateSpec
        How states are found.

    Returns
    -------
    dict of str to float
        ``n_states``; ``state_occupancy``, the share of time of the most frequent one;
        ``state_dwell_s``, the mean dwell time over all states, NaN where none ended; and
        ``state_changes_per_min``.
    """
    connectivity = connectivity_of(recording)
    found, _ = states_of(recording.activity, connectivity, ConnectivitySpec(), spec)
    stays = found.durations.stays
    time_s = float((stays["stop_s"] - stays["start_s"]).sum())
    n_ends = len(stays) - len(stretch_lengths(found.windows))
    return {
        "n_states": float(found.n_states),
        "state_occupancy": float(found.durations.table["occupancy"].max()),
        "state_dwell_s": time_s / n_ends if n_ends else np.nan,
        "state_changes_per_min": 60.0 * n_ends / time_s,
    }


def connectivity_of(recording: Recording) -> ConnectivitySequence:
    """
    Compute the connectivity that recordings are compared by.

    Parameters
    ----------
    recording : Recording
        The recording.

    Returns
    -------
    ConnectivitySequence
        Pearson correlation in each window.
    """
    with warnings.catch_warnings():
        # A node that is silent in a window has no edge there; the number of nodes says the rest.
        warnings.simplefilter("ignore", DataLossWarning)
        return compute_connectivity(recording.activity, recording.windows)
