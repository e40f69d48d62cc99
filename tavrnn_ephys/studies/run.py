"""One run: a recording that is open, every choice, and what follows from them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.errors import ChoiceWarning
from tavrnn_ephys.core.spec import RecordingSpec, StateSpec, to_facts
from tavrnn_ephys.studies.analysis import AnalysisResult, Embedder, analyze_recording
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.analysis import link_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig, behavior_facts
from tavrnn_ephys.studies.behavior.decidable import why_undecided
from tavrnn_ephys.studies.behavior.scores import check_behavior, without_rare_labels
from tavrnn_ephys.studies.behavior.several import corrected, tables_of_behaviors
from tavrnn_ephys.studies.change import change_tables
from tavrnn_ephys.studies.recording import Recording, open_segment, remembered
from tavrnn_ephys.studies.states.finding import find_states
from tavrnn_ephys.studies.states.tables import state_tables

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["compute_run", "tables_of"]


def compute_run(
    segment: neo.Segment,
    config: AnalysisConfig,
    spec: RecordingSpec,
    behavior: BehaviorConfig | Sequence[BehaviorConfig] | None = None,
    states: StateSpec | None = None,
    *,
    embedder: Embedder | None = None,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Open a segment, analyse it, link it to behaviours, and note every choice.

    Parameters
    ----------
    segment : neo.Segment
        The segment of the recording that is meant.
    config : AnalysisConfig
        How it is analysed.
    spec : RecordingSpec
        Where it comes from: adapter, options, segment and groups of nodes.
    behavior : BehaviorConfig or sequence of BehaviorConfig, optional
        The behaviours that it is linked to.
    states : StateSpec, optional
        How discrete states of the network are found, where they are asked for.
    embedder : callable, optional
        As in :func:`tavrnn_ephys.studies.analysis.analyze_recording`.
    verbose : bool
        Whether progress is shown on a terminal.

    Returns
    -------
    AnalysisResult
        What was found; the configuration of its embedding holds every choice.

    Raises
    ------
    InputError
        If a choice does not suit the recording; of a behaviour before any model is fitted.
    """
    asked = [behavior] if isinstance(behavior, BehaviorConfig) else list(behavior or ())
    config = dataclasses.replace(config, segment_index=spec.segment_index)
    recording = open_segment(
        segment,
        config.windows,
        [item.spec for item in asked],
        selection=config.selection,
        measure=config.measure,
    )
    recording, reasons = _decidable(recording, asked)
    result = analyze_recording(
        recording, config, finds_states=states is not None, embedder=embedder, verbose=verbose
    )
    if states is not None:
        result = _with_states(result, states, recording.behaviors)
    linked = {
        index: link_behavior(result, recording.behaviors[index], asked[index])
        for index, reason in enumerate(reasons)
        if not reason
    }
    linked = dict(zip(linked, corrected(list(linked.values()), len(asked)), strict=True))
    chosen = to_facts(spec, *([] if states is None else [states])) | behavior_facts(asked)
    settings = {**chosen, **result.embedding.config}
    return dataclasses.replace(
        result,
        embedding=dataclasses.replace(result.embedding, config=settings),
        behavior=next(iter(linked.values()), None),
        behaviors=linked,
        asked=recording.behavior,
        undecided=next(iter(reasons), ""),
        unanswered={
            index: (recording.behaviors[index], reason)
            for index, reason in enumerate(reasons)
            if reason
        },
        change=change_tables(result),
    )


def _decidable(
    recording: Recording, asked: Sequence[BehaviorConfig]
) -> tuple[Recording, list[str]]:
    """Check behaviours before the work; say of each why it cannot be decided, or nothing."""
    reasons, behaviors = [], []
    with remembered() as lost:
        for found, config in zip(recording.behaviors, asked, strict=True):
            behaviors.append(without_rare_labels(found))
            reasons.append(why_undecided(behaviors[-1]))
            check_behavior(recording, behaviors[-1], config, undecided=reasons[-1])
            if reasons[-1]:
                # A sentence in place of a p-value, kept with the run.
                warnings.warn(reasons[-1], ChoiceWarning, stacklevel=3)
    opened = dataclasses.replace(
        recording,
        behavior=next(iter(behaviors), None),
        behaviors=tuple(behaviors),
        warned=tuple(dict.fromkeys((*recording.warned, *lost))),
    )
    return opened, reasons


def tables_of(result: AnalysisResult) -> dict[str, pandas.DataFrame]:
    """
    Give what an analysis found of changes, behaviour and states as tables.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.

    Returns
    -------
    dict of str to pandas.DataFrame
        By name, each described in its ``attrs``; those of what was not asked for are absent.
    """
    tables = dict(result.change or {})
    linked, unanswered = dict(result.behaviors), dict(result.unanswered)
    if not linked and not unanswered:
        linked = {} if result.behavior is None else {0: result.behavior}
        unanswered = {0: (result.asked, result.undecided)} if result.undecided else {}
    tables |= tables_of_behaviors(linked, unanswered, result.windows)
    return tables | ({} if result.states is None else state_tables(result.states))


def _with_states(
    result: AnalysisResult, spec: StateSpec, behaviors: Sequence[WindowBehavior]
) -> AnalysisResult:
    with remembered() as said:
        found = find_states(result, spec, behaviors)
    warned = tuple(dict.fromkeys((*result.warned, *said, *found.notes)))
    return dataclasses.replace(result, states=found, warned=warned)
