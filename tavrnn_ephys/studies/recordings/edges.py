"""Conditions compared edge by edge: the mean graph of each recording, and what hangs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.network_based import NetworkBasedStatistic, network_based_statistic
from tavrnn_ephys.studies.recordings.config import ComparisonConfig

if TYPE_CHECKING:
    import pandas

__all__ = ["check_edges", "compare_edges", "mean_graph"]


def check_edges(node_ids: Sequence[NDArray[np.str_]], about: pandas.DataFrame) -> None:
    """
    Refuse recordings whose edges cannot be compared, before anything is computed.

    Parameters
    ----------
    node_ids : sequence of numpy.ndarray of str
        The nodes of each recording.
    about : pandas.DataFrame
        File, culture and group of each.

    Raises
    ------
    InputError
        If they have other nodes.
    """
    first = set(node_ids[0].tolist())
    for name, ids in zip(about["file"], node_ids, strict=True):
        other = set(ids.tolist())
        if other != first:
            differ = sorted(first ^ other)
            raise InputError(
                f"Edges can be compared between recordings of the same nodes; '{name}' and "
                f"'{about['file'].iloc[0]}' differ in {len(differ)} ({some(differ)}). Leave --nbs "
                "out, or give the nodes of all recordings the same ids."
            )


def mean_graph(
    connectivity: ConnectivitySequence, node_ids: NDArray[np.str_]
) -> NDArray[np.float64]:
    """
    Average the weights of a recording over its windows.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity of each window.
    node_ids : numpy.ndarray of str
        The order of nodes that all recordings share.

    Returns
    -------
    numpy.ndarray, shape (n_nodes, n_nodes)
        Mean weights, each over the windows in which it is known.
    """
    place = {name: index for index, name in enumerate(connectivity.nodes.ids.tolist())}
    order = [place[name] for name in node_ids.tolist()]
    n_nodes = connectivity.n_nodes
    total, n_known = np.zeros((n_nodes, n_nodes)), np.zeros((n_nodes, n_nodes), dtype=np.int64)
    for matrix in connectivity.weights:
        values = np.asarray(matrix, dtype=np.float64)
        total += np.nan_to_num(values)
        n_known += np.isfinite(values)
    mean: NDArray[np.float64] = (total / np.maximum(n_known, 1))[np.ix_(order, order)]
    return mean


def compare_edges(
    means: Sequence[NDArray[np.float64]],
    node_ids: NDArray[np.str_],
    about: pandas.DataFrame,
    config: ComparisonConfig,
) -> NetworkBasedStatistic:
    """
    Compare the mean graphs of recordings by the network-based statistic.

    Parameters
    ----------
    means : sequence of numpy.ndarray, shape (n_nodes, n_nodes)
        The mean graph of each recording.
    node_ids : numpy.ndarray of str
        Their nodes.
    about : pandas.DataFrame
        Culture and group of each.
    config : ComparisonConfig
        How.

    Returns
    -------
    NetworkBasedStatistic
        Sets of edges in which groups or conditions differ.
    """
    return network_based_statistic(
        np.stack(means),
        about["group"].tolist(),
        cultures=about["culture"].tolist(),
        threshold=config.nbs_threshold,
        size=config.nbs_size,
        node_ids=node_ids.tolist(),
        seed=config.seed,
    )
