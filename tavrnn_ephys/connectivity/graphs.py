"""From connectivity to graphs: which weights are edges, what stands for a vertex."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

import numpy as np

from tavrnn_ephys.connectivity.graphs_in_memory import Features, Threshold, graphs_in_memory
from tavrnn_ephys.connectivity.graphs_of_windows import graphs_on_demand
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.names import FEATURES

__all__ = ["build_graphs", "graphs_of"]


def build_graphs(
    connectivity: ConnectivitySequence | Iterable[ConnectivitySequence],
    *,
    threshold: float | Threshold = 0.0,
    features: str | Features = "weights",
    history_node: bool = True,
) -> GraphSequence:
    """
    Keep the strong connections of each window as the edges of a graph.

    Parameters
    ----------
    connectivity : ConnectivitySequence or iterable of ConnectivitySequence
        Signed weights, whole or a few windows at a time, chronological.  The diagonal plays no
        part; NaN counts as no connection.  Parts over different nodes give graphs over all of
        them, with a mask that says which exist when.
    threshold : float or threshold object
        A number: an edge joins two nodes whose absolute weight is at least this, and not zero.
        Or :class:`tavrnn_ephys.AbsoluteThreshold`, :class:`tavrnn_ephys.DensityThreshold`,
        :class:`tavrnn_ephys.StrongestThreshold`, :class:`tavrnn_ephys.SignificanceThreshold`,
        or anything with their method ``keep``.
    features : {"weights", "identity", "rates"} or callable
        What stands for a vertex: its row of absolute weights before the threshold, its own
        unit vector, or its mean activity.  The history node's weight to all others is 1, its
        activity the mean of all.  A callable takes the connectivity of one window and returns
        an array of shape (n_nodes, n_features); the history node gets the mean over nodes.
    history_node : bool
        Whether each graph gets one more vertex that is joined to all others.

    Returns
    -------
    GraphSequence
        One graph per window, signed weights beside the binary adjacency; directed where the
        connectivity is.

    Raises
    ------
    InputError
        If the threshold is negative or leaves no edge at all, there is no activity for
        ``"rates"``, parts differ in whether they are directed, or features have the wrong shape.

    Examples
    --------
    >>> connectivity = ConnectivitySequence.from_array(
    ...     [[[1.0, 0.8, -0.7], [0.8, 1.0, 0.1], [-0.7, 0.1, 1.0]]]
    ... )
    >>> graphs = build_graphs(connectivity, threshold=0.5, history_node=False)
    >>> graphs.weights[0].toarray()
    array([[ 0. ,  0.8, -0.7],
           [ 0.8,  0. ,  0. ],
           [-0.7,  0. ,  0. ]], dtype=float32)
    """
    if not callable(features):
        one_of(features, FEATURES, "features")
    if not hasattr(threshold, "keep") and not (_is_number(threshold) and float(threshold) >= 0):
        raise InputError(f"threshold must be a number of at least 0, got {threshold!r}.")
    return graphs_of(
        connectivity, threshold=threshold, features=features, history_node=history_node
    )


def graphs_of(
    connectivity: ConnectivitySequence | Iterable[ConnectivitySequence],
    *,
    threshold: float | Threshold,
    features: str | Features,
    history_node: bool,
) -> GraphSequence:
    """
    Build graphs as :func:`build_graphs` does, of choices that were checked before.

    Parameters
    ----------
    connectivity : ConnectivitySequence or iterable of ConnectivitySequence
        Signed weights, whole or a few windows at a time.
    threshold : float or threshold object
        The rule for edges.
    features : {"weights", "identity", "rates"} or callable
        What stands for a vertex.
    history_node : bool
        Whether each graph gets one more vertex.

    Returns
    -------
    GraphSequence
        One graph per window.
    """
    rule = float(threshold) if _is_number(threshold) else threshold
    about: dict[str, Any] = {"features": features, "history_node": history_node}
    if not isinstance(connectivity, ConnectivitySequence):
        return graphs_in_memory(connectivity, threshold=rule, **about)
    if not connectivity.is_file_backed or callable(features) or not isinstance(rule, float):
        return graphs_in_memory([connectivity], threshold=rule, **about)
    # The graph of a window follows from its weights alone.
    return graphs_on_demand(connectivity, threshold=rule, **about)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))
