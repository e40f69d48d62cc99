"""The choices of an analysis completed by what suits the recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.activity.behavior.finding import find_intervals
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.studies.advice.choosing import suitable_bin
from tavrnn_ephys.studies.advice.reasons import bin_reason
from tavrnn_ephys.studies.advice.suggestion import Suggestion, suggest_for
from tavrnn_ephys.studies.advice.survey import survey
from tavrnn_ephys.studies.analysis_config import AnalysisConfig

if TYPE_CHECKING:
    import neo

__all__ = ["check_choices", "completed"]

_OTHER_WAYS = ("intervals", "around", "runs_of")
_DURATIONS = ("bin_size_s", "window_length_s", "step_s")
_SHORT_S, _LONG_S = 1e-6, 1e6
# Runs of a behaviour are of any length; bins are sought for such a window.
_SOME_WINDOW_S = 10.0


def check_choices(choices: Mapping[str, Any]) -> None:
    """
    Refuse choices that suit no recording, before anything is read.

    Parameters
    ----------
    choices : mapping of str to object
        Those of :class:`tavrnn_ephys.AnalysisConfig`; durations may be open.

    Raises
    ------
    InputError
        If one breaks a rule, whatever stands for those that are open.
    """
    # Any given duration is a whole number of such bins, and any lag shorter than such windows.
    filled = {"bin_size_s": _SHORT_S, **_known(choices)}
    if _is_sliding(choices):
        window_s = filled["bin_size_s"] * round(_LONG_S / filled["bin_size_s"])
        filled = {"window_length_s": window_s, "step_s": window_s, **filled}
    AnalysisConfig(**filled)


def completed(
    segment: neo.Segment, choices: Mapping[str, Any]
) -> tuple[AnalysisConfig, Suggestion | None, dict[str, str]]:
    """
    Complete the choices of an analysis by what suits a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    choices : mapping of str to object
        Those of :class:`tavrnn_ephys.AnalysisConfig`; durations may be open.

    Returns
    -------
    config : AnalysisConfig
        All choices.
    suggestion : Suggestion or None
        What was suggested of windows that slide.
    reasons : dict of str to str
        Why each duration was chosen that was open.

    Raises
    ------
    InputError
        If nothing suits the recording.
    """
    if _is_complete(choices):
        return AnalysisConfig(**choices), None, {}
    selection = choices.get("selection") or SelectionSpec()
    if _is_sliding(choices):
        given = {
            "bin_size": choices.get("bin_size_s"),
            "window_length": choices.get("window_length_s"),
            "step": choices.get("step_s"),
        }
        found = suggest_for(segment, given, selection)
        return found.config(**_known(choices)), found, dict(found.reasons)
    known = survey(segment, selection)
    length_s, also = _length_of(segment, choices)
    bin_s = suitable_bin(known, length_s, also)
    reasons = {"bin": bin_reason(known, bin_s, length_s)}
    return AnalysisConfig(**{**choices, "bin_size_s": bin_s}), None, reasons


def _known(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in choices.items() if value is not None}


def _is_sliding(choices: Mapping[str, Any]) -> bool:
    return not any(choices.get(name) for name in _OTHER_WAYS)


def _is_complete(choices: Mapping[str, Any]) -> bool:
    needed = _DURATIONS if _is_sliding(choices) else _DURATIONS[:1]
    return all(choices.get(name) is not None for name in needed)


def _length_of(segment: neo.Segment, choices: Mapping[str, Any]) -> tuple[float, tuple[float, ...]]:
    """Give the typical length of windows that do not slide, and what must be whole bins of it."""
    if choices.get("around"):
        reach = [choices.get("before_s") or 0.0, choices.get("after_s") or 0.0]
        return max(sum(reach), _SHORT_S), tuple(abs(value) for value in reach if value)
    if choices.get("intervals"):
        epoch = find_intervals(segment, choices["intervals"])
        lengths_s = np.asarray(epoch.durations.rescale("s").magnitude, dtype=np.float64)
        known = lengths_s[np.isfinite(lengths_s) & (lengths_s > 0)]
        # Intervals of any length are cut to whole bins: a round length of about theirs will do.
        typical = float(f"{np.median(known):.1g}") if len(known) else _SOME_WINDOW_S
        return typical, (typical,)
    return _SOME_WINDOW_S, (_SOME_WINDOW_S,)
