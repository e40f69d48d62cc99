"""Measures of each window that a behaviour is held against."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior, WindowRanking, rank_windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.networks.alignment import DESCRIPTIONS as ALIGNMENT
from tavrnn_ephys.networks.alignment import GroupAlignment, group_alignment
from tavrnn_ephys.networks.attention import attention_per_window
from tavrnn_ephys.networks.measures import DESCRIPTIONS as NETWORK
from tavrnn_ephys.networks.measures import network_measures
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.scores import groups_to_align

if TYPE_CHECKING:
    import pandas

__all__ = ["ranked_windows", "rates_of", "table_of_windows", "window_measures"]

# Beyond so many nodes, measures that go through all shortest paths take minutes per window.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")


def window_measures(
    result: AnalysisResult, config: BehaviorConfig
) -> tuple[GroupAlignment | None, pandas.DataFrame]:
    """
    Measure each window: network, alignment of groups, activity.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    config : BehaviorConfig
        How.

    Returns
    -------
    alignment : GroupAlignment or None
        Alignment of groups; None where nodes have none.
    measures : pandas.DataFrame
        One column per measure.
    """
    import pandas as pd

    wanted = [name for name in NETWORK if name != "small_worldness"]
    if result.connectivity.n_nodes > _MANY_NODES:
        wanted = [name for name in wanted if name not in _SLOW_MEASURES]
    parts = [network_measures(result.connectivity, measures=wanted, seed=config.seed)]
    alignment = _alignment(result, config)
    if alignment is not None:
        parts.append(pd.DataFrame(alignment.observed))
    parts.append(pd.DataFrame({"mean_activity": rates_of(result).mean(axis=1)}))
    return alignment, pd.concat(parts, axis=1)


def _alignment(result: AnalysisResult, config: BehaviorConfig) -> GroupAlignment | None:
    nodes = result.embedding.nodes
    if len(nodes.group_names) < 2 and not config.groups:
        return None
    reference, others = groups_to_align(nodes, config)
    return group_alignment(
        spectral_positions(result.connectivity),
        reference=reference,
        groups=others,
        n_shuffles=config.n_shuffles,
        seed=config.seed,
    )


def table_of_windows(
    result: AnalysisResult,
    behavior: WindowBehavior,
    alignment: GroupAlignment | None,
    measures: pandas.DataFrame,
) -> pandas.DataFrame:
    """
    Put side by side what is known of each window.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    behavior : WindowBehavior
        The behaviour per window.
    alignment : GroupAlignment or None
        Alignment of groups.
    measures : pandas.DataFrame
        Measures of each window, one column each.

    Returns
    -------
    pandas.DataFrame
        One row per window: limits, behaviour, measures, alignment, attention.
    """
    import pandas as pd

    windows = result.windows
    parts = [
        pd.DataFrame(
            {"start_s": windows.start_s, "stop_s": windows.stop_s, "behavior": behavior.values}
        ),
        measures[[name for name in measures if name not in ALIGNMENT]],
    ]
    if alignment is not None:
        parts.append(alignment.to_pandas())
    if result.embedding.attention is not None:
        parts.append(attention_per_window(result.embedding).add_prefix("attention_"))
    return pd.concat(parts, axis=1)


def ranked_windows(
    result: AnalysisResult, score: NDArray[np.float64], config: BehaviorConfig
) -> WindowRanking | None:
    """
    Rank the windows of highest and lowest behaviour.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    score : numpy.ndarray, shape (n_windows,)
        The behaviour as a number, NaN where unknown.
    config : BehaviorConfig
        How.

    Returns
    -------
    WindowRanking or None
        The ranking; None where too few windows lie far enough apart.

    Warns
    -----
    DataLossWarning
        If windows are not ranked.
    """
    least = None if config.min_distance_s is None else config.min_distance_s * pq.s
    try:
        return rank_windows(result.windows, score, n_each=config.n_each, min_distance=least)
    except InputError as error:
        warnings.warn(f"Windows are not ranked. {error}", DataLossWarning, stacklevel=3)
        return None


def rates_of(result: AnalysisResult) -> NDArray[np.float64]:
    """
    Give the mean activity of each node in each window.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_nodes): spikes per second, or the unit of the traces.
    """
    return np.asarray(result.connectivity.mean_activity)
