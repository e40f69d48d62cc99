"""The graph of one window, and of all windows where each is built when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.containers.origin import origin_of_graphs
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graphs_on_demand import GraphsOnDemand
from tavrnn_ephys.core.vertex_features import FeaturesOnDemand

__all__ = [
    "edges_of",
    "graphs_on_demand",
    "no_edge",
    "rates_of",
    "strengths_of",
]


def edges_of(matrix: NDArray[Any], threshold: float) -> tuple[NDArray[np.float32], float]:
    """
    Keep the strong weights of a window.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n_nodes, n_nodes)
        Signed weights.
    threshold : float
        Smallest absolute weight that is kept.

    Returns
    -------
    weights : numpy.ndarray of float32, shape (n_nodes, n_nodes)
        Weights of the edges, zero where there is none and on the diagonal.
    strongest : float
        Largest absolute weight, kept or not.
    """
    weights = np.nan_to_num(matrix.astype(np.float32), nan=0.0)
    np.fill_diagonal(weights, 0.0)
    strengths = np.abs(weights)
    if threshold > 0:
        weights[strengths < np.float32(threshold)] = 0.0
    return weights, float(strengths.max())


def strengths_of(matrix: NDArray[Any]) -> NDArray[np.float32]:
    """
    Give the features of nodes that their rows of absolute weights are.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n_nodes, n_nodes)
        Signed weights, before the threshold.

    Returns
    -------
    numpy.ndarray of float32, shape (n_nodes, n_nodes)
        Absolute weights; zero for NaN.
    """
    return np.abs(np.nan_to_num(matrix, nan=0.0)).astype(np.float32)


def rates_of(connectivity: ConnectivitySequence) -> NDArray[np.float32]:
    """
    Give the features of nodes that their mean activity is.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity of some windows.

    Returns
    -------
    numpy.ndarray of float32, shape (n_windows, n_nodes, 1)
        Mean activity.

    Raises
    ------
    InputError
        If it is not known.
    """
    if connectivity.mean_activity is None:
        raise InputError(
            'features="rates" needs the mean activity of each window, which this connectivity '
            'lacks. Use features="weights".'
        )
    return connectivity.mean_activity[:, :, np.newaxis].astype(np.float32)


def no_edge(threshold: Any, strongest: float) -> str:
    """
    Say that a threshold leaves no edge.

    Parameters
    ----------
    threshold : float or threshold object
        The threshold.
    strongest : float
        Largest absolute weight of any window.

    Returns
    -------
    str
        The sentence.
    """
    largest = f"the largest absolute weight is {strongest:.3g}. Lower it."
    if isinstance(threshold, int | float | np.number):
        return f"threshold of {threshold:g} leaves no edge in any window: {largest}"
    return f"{type(threshold).__name__} leaves no edge in any window: {largest}"


def graphs_on_demand(
    connectivity: ConnectivitySequence, *, threshold: float, features: Any, history_node: bool
) -> GraphSequence:
    """
    Keep the strong connections of windows whose connectivity lies in a file.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity in a file; gone through once, to count edges.
    threshold : float
        Smallest absolute weight of an edge.
    features : {"weights", "identity", "rates"}
        What stands for a vertex.
    history_node : bool
        Whether each graph gets one more vertex.

    Returns
    -------
    GraphSequence
        Equal to the one of the same connectivity in memory; graphs and features of a window are
        built when they are asked for.

    Raises
    ------
    InputError
        If there is no edge at all, or there is no activity for
        ``"rates"``.
    """
    weights, n_nodes = connectivity.weights, connectivity.n_nodes
    n_entries, strongest = np.zeros(len(weights), dtype=np.int64), 0.0
    for index, matrix in enumerate(weights):
        kept, largest = edges_of(matrix, threshold)
        n_entries[index], strongest = np.count_nonzero(kept), max(strongest, largest)
    if not n_entries.any():
        raise InputError(no_edge(threshold, strongest))

    def edges(index: int) -> NDArray[np.float32]:
        return edges_of(weights[index], threshold)[0]

    return GraphSequence(
        features=_features(connectivity, features, history_node),
        weights=GraphsOnDemand(edges, n_nodes, n_entries),
        windows=connectivity.windows,
        nodes=connectivity.nodes,
        history_node=history_node,
        directed=connectivity.directed,
        origin=origin_of_graphs(
            [(connectivity.origin, connectivity.measure)], threshold=threshold, features=features
        ),
    )


def _features(connectivity: ConnectivitySequence, features: str, history_node: bool) -> Any:
    if features == "identity":
        return None
    if features == "rates":
        rates = rates_of(connectivity)
        mean = rates.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        return np.concatenate([rates, mean], axis=1) if history_node else rates
    weights, n_nodes = connectivity.weights, connectivity.n_nodes

    def of_window(index: int) -> NDArray[np.float32]:
        rows = np.ones((n_nodes + int(history_node),) * 2, dtype=np.float32)
        rows[:n_nodes, :n_nodes] = strengths_of(weights[index])
        return rows

    n_vertices = n_nodes + int(history_node)
    return FeaturesOnDemand(of_window, (len(weights), n_vertices, n_vertices))
