"""Measures of each window that a behaviour is held against."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.networks.alignment import LEAST_NODES, GroupAlignment, group_alignment
from tavrnn_ephys.networks.attention import attention_foretells, attention_per_window
from tavrnn_ephys.networks.measures import DESCRIPTIONS as NETWORK
from tavrnn_ephys.networks.measures import network_measures
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.scores import groups_to_align, small_groups

if TYPE_CHECKING:
    import pandas

__all__ = ["WindowMeasures", "foretold_by", "window_measures"]

# Beyond so many nodes, measures that go through all shortest paths take minutes per window.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowMeasures:
    """
    What is measured of each window of an analysis.

    Parameters
    ----------
    alignment : GroupAlignment, optional
        Alignment of groups; None where nodes have none.
    measures : pandas.DataFrame
        The measures that the behaviour is held against, one column each.
    per_window : pandas.DataFrame
        All that is known of each window: limits, behaviour, measures, attention.
    foretold : pandas.DataFrame, optional
        How well the windows that a window attends to foretell the behaviour of the next one;
        None without attention, or where it could not be tested.
    """

    alignment: GroupAlignment | None
    measures: pandas.DataFrame
    per_window: pandas.DataFrame
    foretold: pandas.DataFrame | None


def window_measures(
    result: AnalysisResult,
    behavior: WindowBehavior,
    score: NDArray[np.float64] | None,
    config: BehaviorConfig,
) -> WindowMeasures:
    """
    Measure each window: alignment of groups, network, activity, attention.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    behavior : WindowBehavior
        The behaviour per window.
    score : numpy.ndarray, shape (n_windows,), or None
        The behaviour as a number, NaN where unknown; None where it has several.
    config : BehaviorConfig
        How.

    Returns
    -------
    WindowMeasures
        The measures.

    Warns
    -----
    DataLossWarning
        If there are too few windows to test what attention foretells.
    """
    import pandas as pd

    windows = result.windows
    alignment = _alignment(result, config)
    wanted = [name for name in NETWORK if name != "small_worldness"]
    if result.connectivity.n_nodes > _MANY_NODES:
        wanted = [name for name in wanted if name not in _SLOW_MEASURES]
    network = network_measures(result.connectivity, measures=wanted, seed=config.seed)
    mean = np.asarray(result.connectivity.mean_activity).mean(axis=1)
    activity = pd.DataFrame({"mean_activity": mean})
    limits = {"start_s": windows.start_s, "stop_s": windows.stop_s, "behavior": behavior.values}
    measured, known = [network, activity], [pd.DataFrame(limits), network, activity]
    if alignment is not None:
        measured.insert(1, pd.DataFrame(alignment.observed))
        known.append(alignment.to_pandas())
    if result.embedding.attention is not None:
        known.append(attention_per_window(result.embedding).add_prefix("attention_"))
    foretold = None if score is None else foretold_by(result, score, config)
    return WindowMeasures(
        alignment=alignment,
        measures=pd.concat(measured, axis=1),
        per_window=pd.concat(known, axis=1),
        foretold=foretold,
    )


def foretold_by(
    result: AnalysisResult, score: NDArray[np.float64], config: BehaviorConfig
) -> pandas.DataFrame | None:
    """
    Test whether the windows that a window attends to foretell the behaviour of the next one.

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
    pandas.DataFrame or None
        One row; None without attention, or where it could not be tested.

    Warns
    -----
    DataLossWarning
        If there are too few windows.
    """
    if result.embedding.attention is None:
        return None
    try:
        return attention_foretells(
            result.embedding, score, n_nulls=config.n_nulls, seed=config.seed
        )
    except InputError as error:
        warnings.warn(f"Attention is not tested. {error}", DataLossWarning, stacklevel=3)
        return None


def _alignment(result: AnalysisResult, config: BehaviorConfig) -> GroupAlignment | None:
    nodes = result.embedding.nodes
    small = {} if config.groups or len(nodes.group_names) < 2 else small_groups(nodes)
    if small:
        told = some(f"{name} ({count})" for name, count in small.items())
        warnings.warn(
            f"Groups of fewer than {LEAST_NODES} nodes are not aligned: {told}.",
            DataLossWarning,
            stacklevel=3,
        )
    aligned = groups_to_align(nodes, config)
    if aligned is None:
        return None
    reference, others = aligned
    return group_alignment(
        spectral_positions(result.connectivity),
        reference=reference,
        groups=others,
        n_shuffles=config.n_shuffles,
        seed=config.seed,
    )
