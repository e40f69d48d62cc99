"""One run: a recording that is open, every choice, and what follows from them."""

from __future__ import annotations

import dataclasses

from tavrnn_ephys.core.spec import RecordingSpec, to_facts
from tavrnn_ephys.studies.analysis import AnalysisResult, analyze_recording
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.analysis import link_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.scores import check_behavior
from tavrnn_ephys.studies.recording import Recording

__all__ = ["compute_run"]


def compute_run(
    recording: Recording,
    config: AnalysisConfig,
    spec: RecordingSpec,
    behavior: BehaviorConfig | None = None,
    *,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Analyse an open recording, link it to a behaviour, and note every choice.

    Parameters
    ----------
    recording : Recording
        The recording.
    config : AnalysisConfig
        How it is analysed.
    spec : RecordingSpec
        Where it comes from: adapter, options, segment and groups of nodes.
    behavior : BehaviorConfig, optional
        The behaviour that it is linked to.
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
    in_windows = None
    if behavior is not None:
        in_windows = recording.behavior(behavior.spec)
        check_behavior(in_windows, recording.windows, recording.activity.nodes, behavior)
    result = analyze_recording(recording, config, verbose=verbose)
    linked = None
    if behavior is not None and in_windows is not None:
        linked = link_behavior(result, in_windows, behavior)
    chosen = to_facts(spec) | ({} if behavior is None else to_facts(behavior))
    settings = {**chosen, **result.embedding.config}
    embedding = dataclasses.replace(result.embedding, config=settings)
    return dataclasses.replace(result, embedding=embedding, behavior=linked)
