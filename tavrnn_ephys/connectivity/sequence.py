"""A measure applied to one window after the other."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import one_of
from tavrnn_ephys.connectivity.measures import MEASURES, Measure
from tavrnn_ephys.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.errors import DataLossWarning, InputError
from tavrnn_ephys.windows import bin_ranges

__all__ = ["compute_connectivity"]

SILENT_RULES = ("zero", "nan", "raise")


def compute_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    silent_nodes: str = "zero",
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
        ``"pearson"``, ``"covariance"``, or a function that takes the activity of a window,
        shape (n_nodes, n_bins), and returns a symmetric matrix (n_nodes, n_nodes).
    silent_nodes : {"zero", "nan", "raise"}
        What stands in row and column of a node whose activity does not vary in a window:
        zero, NaN, or an error.

    Returns
    -------
    ConnectivitySequence
        Signed weights, shape (n_windows, n_nodes, n_nodes), and the mean activity of each
        node in each window (events per second for spike counts).

    Raises
    ------
    InputError
        If the measure or the rule is unknown, there are fewer than two nodes, or a node is
        silent and the rule is ``"raise"``.

    Warns
    -----
    DataLossWarning
        Once, with the number of nodes and windows that are silent.

    Examples
    --------
    >>> from tavrnn_ephys.containers import Nodes
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
    one_of(silent_nodes, SILENT_RULES, "silent_nodes")
    if activity.n_nodes < 2:
        raise InputError("Connectivity needs at least two nodes, got one. Check the recording.")
    function = measure if callable(measure) else MEASURES[one_of(measure, MEASURES, "measure")]
    ranges = bin_ranges(windows, activity)
    shape = (len(windows), activity.n_nodes, activity.n_nodes)
    weights = np.empty(shape, dtype=np.float64)
    silent = np.zeros(shape[:2], dtype=bool)
    means = np.empty(shape[:2], dtype=np.float64)
    for index, (first, last) in enumerate(ranges):
        values = activity.values[:, first:last]
        silent[index] = np.ptp(values, axis=1) == 0
        means[index] = values.mean(axis=1)
        weights[index] = _checked(function(values), shape[1:], index)
    _apply_silent_rule(weights, silent, silent_nodes, activity)
    if activity.quantity == "spike_count":
        means /= activity.bin_size_s
    name = measure if isinstance(measure, str) else getattr(measure, "__name__", "custom")
    return ConnectivitySequence(
        weights=weights,
        windows=windows,
        nodes=activity.nodes,
        measure=name,
        mean_activity=means,
    )


def _checked(matrix: NDArray, shape: tuple[int, ...], index: int) -> NDArray[np.float64]:
    array = np.asarray(matrix, dtype=np.float64)
    if array.shape != shape:
        raise InputError(
            f"The measure returned shape {array.shape} for window {index}; {shape} is needed."
        )
    return array


def _apply_silent_rule(
    weights: NDArray[np.float64],
    silent: NDArray[np.bool_],
    rule: str,
    activity: BinnedActivity,
) -> None:
    if not silent.any():
        return
    n_nodes, n_pairs = int(silent.any(axis=0).sum()), int(silent.sum())
    what = (
        f"{n_nodes} of {silent.shape[1]} {activity.node_kind}s do not vary in at least one window "
        f"({n_pairs} of {silent.size} node-windows)"
    )
    if rule == "raise":
        raise InputError(
            f"{what}. Leave them out, lengthen the windows, or choose silent_nodes='zero'."
        )
    fill = 0.0 if rule == "zero" else np.nan
    for index, nodes in enumerate(silent):
        weights[index, nodes] = fill
        weights[index, :, nodes] = fill
    text = "zero" if rule == "zero" else "NaN"
    warnings.warn(f"{what}; their connectivity is set to {text}.", DataLossWarning, stacklevel=3)
