"""What an analysed network has to do with a behaviour: every association, beside its null."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior, WindowRanking, rank_windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.associations import associated_by_component, changes_of
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.decidable import why_undecided
from tavrnn_ephys.studies.behavior.decoding import decoded
from tavrnn_ephys.studies.behavior.measures import window_measures
from tavrnn_ephys.studies.behavior.result import BehaviorResult
from tavrnn_ephys.studies.behavior.scores import (
    behavior_score,
    components_of,
    without_rare_labels,
)
from tavrnn_ephys.studies.recording import behavior_of

if TYPE_CHECKING:
    import neo

__all__ = ["analyze_behavior", "link_behavior"]


def analyze_behavior(
    block: neo.Block, result: AnalysisResult, config: BehaviorConfig
) -> BehaviorResult:
    """
    Ask what an analysed network has to do with a behaviour.

    Parameters
    ----------
    block : neo.Block
        The recording that was analysed.
    result : AnalysisResult
        The analysis.
    config : BehaviorConfig
        Which behaviour, and how.

    Returns
    -------
    BehaviorResult
        Decoding in blocked folds, associations with time-shift nulls, alignment of groups,
        network measures, attention and change points.

    Raises
    ------
    InputError
        If the behaviour does not overlap the recording, does not vary, or has fewer than two labels
        of ten windows.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> config = te.GameConfig(game_s=120.0, mean_rate_hz=20.0)
    >>> block = te.game_block(te.play_game(config, nodes=30, seed=1))
    >>> result = te.analyze(
    ...     block,
    ...     te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1),
    ... )
    >>> config = te.BehaviorConfig(
    ...     behavior="game:rally_length", n_nulls=19, n_shuffles=9, model_in_folds=False
    ... )
    >>> found = te.analyze_behavior(block, result, config)
    >>> found.ranking is not None, len(found.per_window)
    (True, 59)
    """
    segment = block.segments[result.config.segment_index or 0]
    return link_behavior(result, behavior_of(segment, result.windows, config.spec), config)


def link_behavior(
    result: AnalysisResult, behavior: WindowBehavior, config: BehaviorConfig
) -> BehaviorResult:
    """
    Link an analysed network to a behaviour of its windows.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    behavior : WindowBehavior
        The behaviour per window.
    config : BehaviorConfig
        How.

    Returns
    -------
    BehaviorResult
        As of :func:`analyze_behavior`.

    Raises
    ------
    InputError
        If the behaviour does not vary, has fewer than two labels of ten windows, or changes so
        seldom that the recording cannot decide the question.
    """
    behavior = without_rare_labels(behavior)
    score, components = behavior_score(behavior), components_of(behavior)
    undecided = why_undecided(behavior)
    if undecided:
        raise InputError(undecided)
    measured = window_measures(result, behavior, score if len(components) == 1 else None, config)
    association, nodes, edges = associated_by_component(result, measured, components, config)
    decoding, partition = decoded(result, behavior, components, config)
    return BehaviorResult(
        config=config,
        behavior=behavior,
        score=score,
        ranking=_ranking(result, score, config) if _has_order(behavior) else None,
        decoding=decoding,
        partition=partition,
        association=association,
        nodes=nodes,
        edges=edges,
        per_window=measured.per_window,
        alignment=measured.alignment,
        changes=changes_of(result, components, config),
    )


def _has_order(behavior: WindowBehavior) -> bool:
    """Say whether there are windows of highest and lowest behaviour."""
    return not behavior.is_label and behavior.period is None


def _ranking(
    result: AnalysisResult, score: NDArray[np.float64], config: BehaviorConfig
) -> WindowRanking | None:
    least = None if config.min_distance_s is None else config.min_distance_s * pq.s
    try:
        return rank_windows(result.windows, score, n_each=config.n_each, min_distance=least)
    except InputError as error:
        warnings.warn(f"Windows are not ranked. {error}", DataLossWarning, stacklevel=3)
        return None
