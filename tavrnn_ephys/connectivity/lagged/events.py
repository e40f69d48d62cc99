"""Spikes in order of time, at the resolution that lags are told at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.counts import BIN_TOLERANCE
from tavrnn_ephys.core.errors import InputError

__all__ = ["Events", "bins_of_lags", "events_of_counts", "events_of_trains"]

_FINEST_S = 0.001
_BINS_AT_ONCE = 2**22


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """
    Spikes of all nodes in order of time.

    Parameters
    ----------
    bins : numpy.ndarray of int64, shape (n_events,)
        Bin of each, ascending.
    nodes : numpy.ndarray of int64, shape (n_events,)
        Its node.
    counts : numpy.ndarray of float64, shape (n_events,)
        Number of its spikes in its bin.
    n_nodes : int
        Number of nodes.
    bin_size_s : float
        Width of these bins in seconds.
    per_bin : int
        How many of them make a bin of the activity.
    """

    bins: NDArray[np.int64]
    nodes: NDArray[np.int64]
    counts: NDArray[np.float64]
    n_nodes: int
    bin_size_s: float
    per_bin: int = 1


def bins_of_lags(bin_size_s: float) -> int:
    """
    Say into how many equal parts a bin is cut, so that none is wider than 1 ms.

    Parameters
    ----------
    bin_size_s : float
        Width of a bin of the activity in seconds.

    Returns
    -------
    int
        The number of parts.

    Examples
    --------
    >>> bins_of_lags(0.01), bins_of_lags(0.0005)
    (10, 1)
    """
    return max(1, int(np.ceil(bin_size_s / _FINEST_S - 1e-9)))


def events_of_counts(activity: BinnedActivity, *, binary: bool = False) -> Events:
    """
    Take the spikes of binned activity.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts, in memory or in a file.
    binary : bool
        Whether counts above 1 are clipped to 1.

    Returns
    -------
    Events
        At the resolution of its bins.
    """
    parts = []
    step = max(1, _BINS_AT_ONCE // activity.n_nodes)
    for first in range(0, activity.n_bins, step):
        values = activity.read_bins(first, min(first + step, activity.n_bins)).T
        where, nodes = np.nonzero(values)
        parts.append((where + first, nodes, values[where, nodes].astype(np.float64)))
    bins, nodes, counts = (np.concatenate(item) for item in zip(*parts, strict=True))
    return Events(
        bins=bins,
        nodes=nodes,
        counts=np.minimum(counts, 1.0) if binary else counts,
        n_nodes=activity.n_nodes,
        bin_size_s=activity.bin_size_s,
    )


def events_of_trains(
    trains: Sequence[NDArray[np.float64]], activity: BinnedActivity, *, binary: bool = False
) -> Events:
    """
    Bin spike times at the finest equal division of an activity's bins, at most 1 ms wide.

    Parameters
    ----------
    trains : sequence of numpy.ndarray
        Ascending spike times of each node in seconds, from the start of the first bin.
    activity : BinnedActivity
        What was binned from them.
    binary : bool
        Whether counts above 1 are clipped to 1.

    Returns
    -------
    Events
        Spikes within the activity's bins.

    Raises
    ------
    InputError
        If there is not one train per node.
    """
    if len(trains) != activity.n_nodes:
        raise InputError(
            f"{len(trains)} spike trains stand for {activity.n_nodes} nodes. "
            "Pass those that the activity was binned from."
        )
    per_bin = bins_of_lags(activity.bin_size_s)
    fine_s = activity.bin_size_s / per_bin
    n_bins = activity.n_bins * per_bin
    keys = []
    for node, times in enumerate(trains):
        # A spike on a limit belongs to the bin that starts there, as Elephant and streams have it.
        place = np.floor(times / fine_s + BIN_TOLERANCE).astype(np.int64)
        inside = place[(place >= 0) & (place < n_bins)]
        keys.append(inside * activity.n_nodes + node)
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return Events(
        bins=found // activity.n_nodes,
        nodes=found % activity.n_nodes,
        counts=np.minimum(counts, 1).astype(np.float64) if binary else counts.astype(np.float64),
        n_nodes=activity.n_nodes,
        bin_size_s=fine_s,
        per_bin=per_bin,
    )
