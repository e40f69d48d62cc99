"""Exact spike times of the nodes of binned activity, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import spike_times_s
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import MEASURES_OF_SPIKES

__all__ = ["relative_trains", "spikes_between"]


def relative_trains(
    spiketrains: Any, activity: BinnedActivity, measure: str
) -> list[NDArray[np.float64]] | None:
    """
    Count spike times from the first bin.

    Parameters
    ----------
    spiketrains : sequence of neo.SpikeTrain or None
        What was binned.
    activity : BinnedActivity
        The bins.
    measure : str
        The measure that is to use them.

    Returns
    -------
    list of numpy.ndarray or None
        Seconds, ascending, one array per node; None where no trains are given.

    Raises
    ------
    InputError
        If the measure works on bins, or the trains are of other nodes.
    """
    if spiketrains is None:
        return None
    if measure not in MEASURES_OF_SPIKES:
        raise InputError(f"measure '{measure}' has no option 'spiketrains': it works on bins.")
    if len(spiketrains) != activity.n_nodes:
        raise InputError(
            f"{len(spiketrains)} spiketrains stand for {activity.n_nodes} nodes. "
            "Pass those that the activity was binned from."
        )
    return [spike_times_s(train) - activity.t_start_s for train in spiketrains]


def spikes_between(times: NDArray[np.float64], start: float, stop: float) -> NDArray[np.float64]:
    """
    Give the spikes of a window, counted from its start.

    Parameters
    ----------
    times : numpy.ndarray, shape (n_spikes,)
        Seconds, ascending.
    start, stop : float
        Limits of the window in seconds.

    Returns
    -------
    numpy.ndarray
        Seconds from the start.

    Examples
    --------
    >>> spikes_between(np.array([0.5, 1.0, 2.5]), 1.0, 2.0)
    array([0.])
    """
    # A spike on a limit belongs to the window that starts there, whatever the last bit says.
    first, last = np.searchsorted(times, [start - 1e-9, stop - 1e-9])
    return np.maximum(times[first:last] - start, 0.0)
