"""Did the network of a recording change, when, and which nodes: the tables of that question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.pairs import MOST_PAIRS, node_pairs
from tavrnn_ephys.statistics.association import change_points
from tavrnn_ephys.statistics.association.order import order_in_time

if TYPE_CHECKING:
    import pandas

    from tavrnn_ephys.studies.analysis import AnalysisResult

__all__ = ["CHANGE_TABLES", "change_tables"]

CHANGE_TABLES = ("change_network", "change_times", "change_nodes")
_N_ORDERS = 999
_N_COMPONENTS = 5
# Weights of all windows that are held at once: of a long recording fewer pairs stand for all.
_MOST_WEIGHTS = 10_000_000


def change_tables(result: AnalysisResult) -> dict[str, pandas.DataFrame]:
    """
    Ask of an analysis whether its network changed, when, and which nodes changed.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``change_network`` (mean rates, the network, and the network with rates held constant,
        each beside its null), ``change_times`` (change points of the connectivity, the largest
        first; absent where there is none) and ``change_nodes``; nothing where too few windows
        share no time, or rates are unknown.
    """
    connectivity = result.connectivity
    times = _times(connectivity)
    try:
        found = order_in_time(connectivity, n_orders=_N_ORDERS, seed=result.config.seed)
    except InputError:
        return {}
    tables = {
        "change_network": found.network,
        "change_times": times,
        "change_nodes": found.nodes,
    }
    return {name: table for name, table in tables.items() if len(table)}


def _times(connectivity: ConnectivitySequence) -> pandas.DataFrame:
    import pandas as pd

    features = _features(connectivity)
    windows = connectivity.windows
    try:
        cuts = change_points(features, min_length=windows.overlap + 1, n_components=_N_COMPONENTS)
    except InputError:
        cuts = np.zeros(0, dtype=np.int64)
    limits = np.concatenate([[0], cuts, [len(features)]])
    means = [
        features[a:b].mean(axis=0, dtype=np.float64)
        for a, b in zip(limits[:-1], limits[1:], strict=True)
    ]
    sizes = [float(np.linalg.norm(b - a)) for a, b in zip(means[:-1], means[1:], strict=True)]
    table = pd.DataFrame(
        {
            "window_index": cuts.astype(np.int64),
            "start_s": windows.start_s[cuts],
            "size": np.array(sizes, dtype=np.float64),
        }
    )
    table = table.sort_values("size", ascending=False, kind="stable").reset_index(drop=True)
    table.attrs = {
        "description": "Where the mean of the connectivity changes, the largest change first.",
        "columns": {
            "window_index": "First window after the change, from 0.",
            "start_s": "Start of that window in seconds.",
            "size": "Distance between the mean weights before and after, over all pairs, or over "
            "evenly chosen ones of very many.",
        },
    }
    return table


def _features(connectivity: ConnectivitySequence) -> NDArray[np.float32]:
    """Write each window as a row of weights; of very many pairs evenly chosen ones."""
    n_windows = len(connectivity.weights)
    most = min(MOST_PAIRS, max(_MOST_WEIGHTS // max(n_windows, 1), 1))
    pairs = node_pairs(connectivity.n_nodes, directed=connectivity.directed, most=most)
    features = np.empty((n_windows, len(pairs[0])), dtype=np.float32)
    for row, matrix in zip(features, connectivity.weights, strict=True):
        row[:] = np.asarray(matrix)[pairs]
    return np.nan_to_num(features, copy=False)
