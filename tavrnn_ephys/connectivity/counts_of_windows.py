"""Graphs whose vertices bring what was binned, for methods that read more than edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.vertex_features import FeaturesOnDemand

__all__ = ["graphs_for_method", "with_counts"]


@dataclass(frozen=True, eq=False)
class _BinsOfWindow:
    """Gives the bins of a window, and can be sent to another process."""

    activity: BinnedActivity
    ranges: NDArray[np.int64]
    shape: tuple[int, int]

    def __call__(self, window: int) -> NDArray[np.float32]:
        first, last = self.ranges[window]
        values = np.full(self.shape, np.nan, dtype=np.float32)
        found = self.activity.read_bins(first, last)
        values[: len(found), : last - first] = found
        values[len(found) :, : last - first] = found.mean(axis=0)
        return values


def with_counts(graphs: GraphSequence, activity: BinnedActivity) -> GraphSequence:
    """
    Let each vertex bring the activity of all bins of its window.

    Parameters
    ----------
    graphs : GraphSequence
        One graph per window; overlapping windows are allowed.
    activity : BinnedActivity
        What the windows were cut from: spike counts, or values of traces.

    Returns
    -------
    GraphSequence
        The same graphs with features of shape (n_windows, n_vertices, n_bins), each window read
        from the activity when it is asked for.  Windows with fewer bins than the longest end with
        NaN; a history node brings the mean over nodes.

    Raises
    ------
    InputError
        If nodes differ, or a window lies outside the activity or cuts through a bin.

    Examples
    --------
    >>> from tavrnn_ephys.connectivity import compute_connectivity
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> from tavrnn_ephys.core.containers import Nodes, Windows
    >>> activity = BinnedActivity(
    ...     values=np.array([[1, 0, 2, 1], [0, 1, 3, 1]]), bin_size_s=0.5, nodes=Nodes(ids="ab")
    ... )
    >>> windows = Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    >>> graphs = build_graphs(compute_connectivity(activity, windows), history_node=False)
    >>> with_counts(graphs, activity).features[1]
    array([[2., 1.],
           [3., 1.]], dtype=float32)
    """
    if not np.array_equal(graphs.nodes.ids, activity.nodes.ids):
        raise InputError(
            "The activity has other nodes than the graphs. Select the same nodes in the same order."
        )
    ranges = bin_ranges(graphs.windows, activity)
    longest = int((ranges[:, 1] - ranges[:, 0]).max(initial=0))
    shape = (len(graphs), graphs.n_vertices, longest)
    return replace(
        graphs,
        features=FeaturesOnDemand(_BinsOfWindow(activity, ranges, shape[1:]), shape),
        origin=replace(graphs.origin, features="counts", bin_size_s=activity.bin_size_s),
    )


def graphs_for_method(
    connectivity: ConnectivitySequence,
    activity: BinnedActivity,
    *,
    features: str,
    history_node: bool,
) -> GraphSequence:
    """
    Build graphs with the vertex features that a method declares; every weight is an edge.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Signed weights of each window.
    activity : BinnedActivity
        What the windows were cut from.
    features : {"weights", "identity", "rates", "counts"}
        What stands for a vertex: as in :func:`tavrnn_ephys.build_graphs`, or the activity of all
        bins of the window.
    history_node : bool
        Whether each graph gets one more vertex that is joined to all others.

    Returns
    -------
    GraphSequence
        One graph per window.
    """
    if features != "counts":
        return build_graphs(connectivity, features=features, history_node=history_node)
    graphs = build_graphs(connectivity, features="identity", history_node=history_node)
    return with_counts(graphs, activity)
