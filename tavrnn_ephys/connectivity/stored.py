"""Connectivity that is too large for memory, in a temporary file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.connectivity.measures import Measure
from tavrnn_ephys.connectivity.request import Request
from tavrnn_ephys.connectivity.sequence import compute_connectivity, tell_silent
from tavrnn_ephys.connectivity.size import lies_in_file
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.matrix_file import MatrixFile

__all__ = ["fitting_connectivity", "store_connectivity"]


def store_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    binary: bool = False,
    silent_nodes: str = "zero",
    min_spikes: int = 0,
    folder: str | Path | None = None,
    **options: Any,
) -> ConnectivitySequence:
    """
    Compute the connectivity of each window into a temporary file.

    What :func:`tavrnn_ephys.compute_connectivity` says, to the last bit, with one window at a
    time in memory.  :func:`tavrnn_ephys.build_graphs` then builds the graph of a window when it
    is asked for, and :class:`tavrnn_ephys.TAVRNN` reads one stretch of windows after the other.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts or trace means, shape (n_nodes, n_bins).
    windows : Windows
        Windows of that activity.
    measure : str or callable
        As in :func:`tavrnn_ephys.compute_connectivity`, without lags.
    binary : bool
        Whether counts above 1 are clipped to 1 beforehand.
    silent_nodes : {"zero", "nan", "raise"}
        What stands for a silent node.
    min_spikes : int
        Nodes with fewer spikes in a window count as silent there; 0 for no such rule.
    folder : str or pathlib.Path, optional
        Where the file lies, the system's folder for temporary files by default; it vanishes with
        the connectivity or the process.
    **options : object
        Options of the measure.

    Returns
    -------
    ConnectivitySequence
        Whose ``weights`` give an array for every window that is asked for.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.compute_connectivity`, or if the measure has lags.
    OutputError
        If the file finds no room.

    Warns
    -----
    DataLossWarning
        Once, with the number of nodes and windows that are silent.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.array([[0, 1, 0, 1], [0, 1, 1, 0]]), bin_size_s=0.5,
    ...     nodes=Nodes(ids=["a", "b"]),
    ... )
    >>> windows = Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    >>> connectivity = store_connectivity(activity, windows)
    >>> connectivity.is_file_backed, connectivity.weights[1]
    (True, array([[ 1., -1.],
           [-1.,  1.]]))
    """
    request = Request(activity, windows, measure, binary, silent_nodes, options, min_spikes)
    shape = (len(windows), activity.n_nodes, activity.n_nodes)
    weights = MatrixFile(shape, symmetric=request.is_mirrored, folder=folder)
    means = np.empty(shape[:2])
    silent, n_silent = np.zeros(shape[1], dtype=bool), 0
    for index, window in enumerate(request.run()):
        if window.lags_s is not None or window.standard_errors is not None:
            raise InputError(
                f"Lags and errors of measure '{request.name}' are kept in memory alone. Use "
                "compute_connectivity, or iter_connectivity for one window after the other."
            )
        weights.append(window.weights)
        means[index] = window.mean
        silent |= window.silent
        n_silent += int(window.silent.sum())
    tell_silent(silent, n_silent, means.size, silent_nodes, request)
    return request.sequence(weights, windows, means, None, False)


def fitting_connectivity(
    activity: BinnedActivity, windows: Windows, *, measure: str | Measure, **options: Any
) -> ConnectivitySequence:
    """
    Compute connectivity in memory, or where it is large into a temporary file.

    Parameters
    ----------
    activity : BinnedActivity
        The activity.
    windows : Windows
        Its windows.
    measure : str or callable
        The measure.
    **options : object
        Further arguments of :func:`tavrnn_ephys.compute_connectivity`.

    Returns
    -------
    ConnectivitySequence
        The same values, wherever they lie.
    """
    large = lies_in_file(len(windows), activity.n_nodes, measure)
    compute = store_connectivity if large else compute_connectivity
    return compute(activity, windows, measure=measure, **options)
