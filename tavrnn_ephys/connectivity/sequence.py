"""A measure applied to one window after the other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity._kernels import fresh_matrices
from tavrnn_ephys.connectivity.measures import Measure
from tavrnn_ephys.connectivity.request import Request, count_silent
from tavrnn_ephys.connectivity.size import connectivity_size, refuse_size
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import DataLossWarning

__all__ = ["compute_connectivity", "iter_connectivity", "tell_silent"]


def compute_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    binary: bool = False,
    silent_nodes: str = "zero",
    min_spikes: int = 0,
    directed: bool = False,
    **options: Any,
) -> ConnectivitySequence:
    """
    Compute the functional connectivity of each window.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts or trace means, shape (n_nodes, n_bins).
    windows : Windows
        Windows of that activity.
    measure : str or callable
        ``"pearson"``, ``"covariance"``, ``"spearman"``, ``"partial"``,
        ``"cross_correlation"``, ``"spike_time_tiling_coefficient"``, ``"lagged_correlation"``
        (directed, from row to column), or a function that takes
        the activity of a window, shape (n_nodes, n_bins), and returns a symmetric matrix
        (n_nodes, n_nodes).
    binary : bool
        Whether counts above 1 are clipped to 1 beforehand.
    silent_nodes : {"zero", "nan", "raise"}
        What stands in row and column of a node whose activity does not vary in a window (for
        the tiling coefficient: that has no spikes): zero, NaN, or an error.
    min_spikes : int
        Nodes with fewer spikes in a window count as silent there; 0 for no such rule.
    directed : bool
        Whether a function that you pass may return an asymmetric matrix.
    **options : object
        Options of the measure: ``max_lag`` (a duration) of ``"cross_correlation"``; ``dt`` (a
        duration) and ``spiketrains`` (for exact spike times instead of the middle of bins) of
        ``"spike_time_tiling_coefficient"``; ``shrinkage`` (a number in [0, 1] or
        ``"ledoit_wolf"``) of ``"partial"``; any keyword of your own function.  Of
        ``"lagged_correlation"``: ``kernel``, ``time_constant`` and ``delay`` (durations, or
        ``"auto"``), ``same_bin`` (whether one frame of traces counts, as it does unless False),
        ``fit_windows`` (those that ``"auto"`` looks at, such as training windows),
        ``spiketrains`` (lags at 1 ms whatever the bins), ``standard_errors`` (True keeps those
        of the weights).  Of ``"pearson"`` and ``"covariance"``: ``taper`` (``"hann"``,
        ``"hamming"`` or ``"tukey"``), by which bins count less towards the ends of a window, the
        mean activity too.

    Returns
    -------
    ConnectivitySequence
        Signed weights, shape (n_windows, n_nodes, n_nodes), and the mean activity of each
        node in each window (events per second for spike counts); lags where the measure has
        them.

    Raises
    ------
    InputError
        If the measure, the rule or an option is unknown, there are fewer than two nodes, a lag
        is longer than a window, a node is silent and the rule is ``"raise"``, or the matrices
        do not fit into memory, which is said before the work.

    Warns
    -----
    DataLossWarning
        Once, with the number of nodes and windows that are silent.

    See Also
    --------
    iter_connectivity : The same for recordings whose matrices do not fit into memory.

    Notes
    -----
    Pearson's r and the covariance of overlapping windows are summed from stretches that are
    multiplied out once, in whole numbers for counts; they equal Elephant's
    ``correlation_coefficient`` and ``covariance`` to 1e-12.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.array([[0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1]]),
    ...     bin_size_s=0.5,
    ...     nodes=Nodes(ids=["a", "b", "c"]),
    ... )
    >>> windows = Windows(start_s=[0.0], stop_s=[2.0])
    >>> compute_connectivity(activity, windows).weights[0].round(3)
    array([[ 1.,  0.,  0.],
           [ 0.,  1., -1.],
           [ 0., -1.,  1.]])
    """
    request = Request(activity, windows, measure, binary, silent_nodes, options, min_spikes)
    refuse_size(
        lambda some, nodes: connectivity_size(some, nodes, measure),
        len(windows),
        activity.n_nodes,
        node_kind=activity.node_kind,
        way_out=" Or take one window after the other: iter_connectivity.",
    )
    shape = (len(windows), activity.n_nodes, activity.n_nodes)
    weights = fresh_matrices(shape)
    means = np.empty(shape[:2], dtype=np.float64)
    silent = np.empty(shape[:2], dtype=bool)
    lags_s: NDArray[np.float64] | None = None
    errors: NDArray[np.float64] | None = None
    for index, window in enumerate(request.run(weights)):
        if window.lags_s is not None:
            lags_s = np.zeros(shape) if lags_s is None else lags_s
            lags_s[index] = window.lags_s
        if window.standard_errors is not None:
            errors = np.zeros(shape) if errors is None else errors
            errors[index] = window.standard_errors
        means[index], silent[index] = window.mean, window.silent
    tell_silent(np.any(silent, axis=0), int(silent.sum()), silent.size, silent_nodes, request)
    return request.sequence(weights, windows, means, lags_s, directed, errors)


def iter_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    binary: bool = False,
    silent_nodes: str = "zero",
    min_spikes: int = 0,
    directed: bool = False,
    **options: Any,
) -> Iterator[ConnectivitySequence]:
    """
    Compute the functional connectivity of one window after the other, in bounded memory.

    The activity may lie in a file (:class:`numpy.memmap`, HDF5): it is read in order of time,
    a stretch at a time.  :func:`tavrnn_ephys.build_graphs` takes the iterator as it takes a
    whole sequence.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts or trace means, shape (n_nodes, n_bins), in memory or in a file.
    windows : Windows
        Windows of that activity.
    measure : str or callable
        As in :func:`compute_connectivity`.
    binary : bool
        Whether counts above 1 are clipped to 1 beforehand.
    silent_nodes : {"zero", "nan", "raise"}
        What stands for a silent node.
    min_spikes : int
        Nodes with fewer spikes in a window count as silent there; 0 for no such rule.
    directed : bool
        Whether a function that you pass may return an asymmetric matrix.
    **options : object
        Options of the measure.

    Returns
    -------
    iterator of ConnectivitySequence
        One window each, in chronological order.

    Raises
    ------
    InputError
        As :func:`compute_connectivity`; a faulty argument before the first window.

    Warns
    -----
    DataLossWarning
        Once, behind the last window, with the number of nodes and windows that are silent.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.array([[0, 1, 0, 1], [0, 1, 1, 0]]), bin_size_s=0.5,
    ...     nodes=Nodes(ids=["a", "b"]),
    ... )
    >>> windows = Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    >>> [float(item.weights[0, 0, 1]) for item in iter_connectivity(activity, windows)]
    [1.0, -1.0]
    """
    request = Request(activity, windows, measure, binary, silent_nodes, options, min_spikes)
    return _windows_of(request, windows, silent_nodes, directed)


def _windows_of(
    request: Request, windows: Windows, silent_nodes: str, directed: bool
) -> Iterator[ConnectivitySequence]:
    activity = request.activity
    ever_silent, n_silent = np.zeros(activity.n_nodes, dtype=bool), 0
    for index, window in enumerate(request.run()):
        ever_silent |= window.silent
        n_silent += int(window.silent.sum())
        yield request.sequence(
            window.weights[np.newaxis],
            windows.select(slice(index, index + 1)),
            window.mean[np.newaxis],
            None if window.lags_s is None else window.lags_s[np.newaxis],
            directed,
            None if window.standard_errors is None else window.standard_errors[np.newaxis],
        )
    tell_silent(ever_silent, n_silent, len(windows) * activity.n_nodes, silent_nodes, request)


def tell_silent(
    silent: NDArray[np.bool_], n_silent: int, n_all: int, rule: str, request: Request
) -> None:
    """
    Warn of nodes that do not vary.

    Parameters
    ----------
    silent : numpy.ndarray of bool, shape (n_nodes,)
        Which nodes do not vary in at least one window.
    n_silent, n_all : int
        Pairs of node and window in which the node does not vary, and all such pairs.
    rule : {"zero", "nan"}
        What stands for them.
    request : Request
        What was asked for.

    Warns
    -----
    DataLossWarning
        If there are any.
    """
    if not silent.any():
        return
    text = "zero" if rule == "zero" else "NaN"
    few = f" or fire fewer than {request.min_spikes} spikes" if request.min_spikes > 1 else ""
    warnings.warn(
        f"{count_silent(silent, request.activity)} do not vary{few} in at least one window "
        f"({n_silent} of "
        f"{n_all} node-windows); their connectivity is set to {text}.",
        DataLossWarning,
        stacklevel=3,
    )
