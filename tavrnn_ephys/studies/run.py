"""One run: a recording that is open, every choice, and what follows from them."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.errors import ChoiceWarning
from tavrnn_ephys.core.spec import RecordingSpec, StateSpec, to_facts
from tavrnn_ephys.studies.analysis import AnalysisResult, Embedder, analyze_recording
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.analysis import link_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.decidable import why_undecided
from tavrnn_ephys.studies.behavior.scores import check_behavior
from tavrnn_ephys.studies.behavior.tables import behavior_tables, undecided_tables
from tavrnn_ephys.studies.change import change_tables
from tavrnn_ephys.studies.recording import open_segment, remembered
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
    behavior: BehaviorConfig | None = None,
    states: StateSpec | None = None,
    *,
    embedder: Embedder | None = None,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Open a segment, analyse it, link it to a behaviour, and note every choice.

    Parameters
    ----------
    segment : neo.Segment
        The segment of the recording that is meant.
    config : AnalysisConfig
        How it is analysed.
    spec : RecordingSpec
        Where it comes from: adapter, options, segment and groups of nodes.
    behavior : BehaviorConfig, optional
        The behaviour that it is linked to.
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
        If a choice does not suit the recording; of the behaviour before any model is fitted.
    """
    config = dataclasses.replace(config, segment_index=spec.segment_index)
    wanted = None if behavior is None else behavior.spec
    recording = open_segment(
        segment, config.windows, wanted, selection=config.selection, measure=config.measure
    )
    undecided = ""
    if behavior is not None and recording.behavior is not None:
        check_behavior(recording, behavior)
        undecided = why_undecided(recording.behavior)
    if undecided:
        # A sentence in place of a p-value, kept with the run.
        warnings.warn(undecided, ChoiceWarning, stacklevel=2)
        recording = dataclasses.replace(recording, warned=(*recording.warned, undecided))
    result = analyze_recording(
        recording, config, finds_states=states is not None, embedder=embedder, verbose=verbose
    )
    if states is not None:
        result = _with_states(result, states, recording.behavior)
    linked = None
    if behavior is not None and recording.behavior is not None and not undecided:
        linked = link_behavior(result, recording.behavior, behavior)
    asked = [item for item in (behavior, states) if item is not None]
    chosen = to_facts(spec, *asked)
    settings = {**chosen, **result.embedding.config}
    embedding = dataclasses.replace(result.embedding, config=settings)
    change = change_tables(result)
    return dataclasses.replace(
        result,
        embedding=embedding,
        behavior=linked,
        asked=recording.behavior,
        undecided=undecided,
        change=change,
    )


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
    if result.behavior is not None:
        tables |= behavior_tables(result.behavior)
    elif result.undecided:
        tables |= undecided_tables(result.asked, result.windows, result.undecided)
    return tables | ({} if result.states is None else state_tables(result.states))


def _with_states(
    result: AnalysisResult, spec: StateSpec, behavior: WindowBehavior | None
) -> AnalysisResult:
    with remembered() as said:
        found = find_states(result, spec, behavior)
    warned = tuple(dict.fromkeys((*result.warned, *said, *found.notes)))
    return dataclasses.replace(result, states=found, warned=warned)
