"""Conditions compared edge by edge: the mean graph of each recording, and what hangs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.network_based import NetworkBasedStatistic, network_based_statistic
from tavrnn_ephys.studies.recording import Recording
from tavrnn_ephys.studies.recordings.config import ComparisonConfig
from tavrnn_ephys.studies.recordings.measuring import connectivity_of

if TYPE_CHECKING:
    import pandas

__all__ = ["check_edges", "compare_edges"]


def check_edges(recordings: Sequence[Recording], about: pandas.DataFrame) -> None:
    """
    Refuse recordings whose edges cannot be compared, before anything is computed.

    Parameters
    ----------
    recordings : sequence of Recording
        The recordings.
    about : pandas.DataFrame
        File, culture and group of each.

    Raises
    ------
    InputError
        If they have other nodes.
    """
    first = set(recordings[0].activity.nodes.ids.tolist())
    for name, recording in zip(about["file"], recordings, strict=True):
        other = set(recording.activity.nodes.ids.tolist())
        if other != first:
            differ = sorted(first ^ other)
            raise InputError(
                f"Edges can be compared between recordings of the same nodes; '{name}' and "
                f"'{about['file'].iloc[0]}' differ in {len(differ)} ({some(differ)}). Leave --nbs "
                "out, or give the nodes of all recordings the same ids."
            )


def compare_edges(
    recordings: Sequence[Recording], about: pandas.DataFrame, config: ComparisonConfig
) -> NetworkBasedStatistic:
    """
    Compare the mean graphs of recordings by the network-based statistic.

    Parameters
    ----------
    recordings : sequence of Recording
        The recordings, of the same nodes.
    about : pandas.DataFrame
        Culture and group of each.
    config : ComparisonConfig
        How.

    Returns
    -------
    NetworkBasedStatistic
        Sets of edges in which groups or conditions differ.
    """
    ids = recordings[0].activity.nodes.ids
    means = []
    for recording in recordings:
        connectivity = connectivity_of(recording)
        place = {name: index for index, name in enumerate(connectivity.nodes.ids.tolist())}
        order = [place[name] for name in ids.tolist()]
        total = np.zeros((len(ids), len(ids)))
        for matrix in connectivity.weights:
            total += np.nan_to_num(np.asarray(matrix, dtype=np.float64))
        means.append((total / connectivity.n_windows)[np.ix_(order, order)])
    return network_based_statistic(
        np.stack(means),
        about["group"].tolist(),
        cultures=about["culture"].tolist(),
        threshold=config.nbs_threshold,
        size=config.nbs_size,
        node_ids=ids,
        seed=config.seed,
    )
