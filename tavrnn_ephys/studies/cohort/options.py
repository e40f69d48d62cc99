"""How one recording of a cohort is analysed, from what a manifest says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tavrnn_ephys.core.adapter_options import option_text
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import SelectionSpec, StateSpec, to_facts
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.config import BehaviorConfig, behavior_facts, each_behavior
from tavrnn_ephys.studies.cohort.keys import KEYS

__all__ = ["AnalysisOptions", "analysis_options"]


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """
    How one recording is analysed.

    Parameters
    ----------
    config : AnalysisConfig
        Bins, windows, connectivity, graphs and model.
    behaviors : tuple of BehaviorConfig
        Behaviours that the network is linked to.
    states : StateSpec, optional
        How discrete states of the network are found, where they are asked for.
    adapter : str, optional
        Adapter that reads the recording; found by content by default.
    options : mapping of str to object
        Options of the adapter.
    session_start : str, optional
        ISO date of the recording's start, for formats that do not know it.
    connectivity : {"triangle", "full", "edges"}
        How connectivity is stored.
    """

    config: AnalysisConfig
    behaviors: tuple[BehaviorConfig, ...] = ()
    states: StateSpec | None = None
    adapter: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    session_start: str | None = None
    connectivity: str = "triangle"

    def facts(self) -> dict[str, Any]:
        """
        Name every choice of the analysis.

        Returns
        -------
        dict
            Scalars by dotted key.
        """
        states = {} if self.states is None else to_facts(self.states)
        return self.config.facts() | behavior_facts(self.behaviors) | states

    def canonical(self) -> str:
        """
        Write every choice as one text, equal for equal choices.

        Returns
        -------
        str
            JSON with sorted keys.
        """
        about = {
            "adapter": self.adapter,
            "options": {name: option_text(value) for name, value in self.options.items()},
            "session_start": self.session_start,
            "connectivity": self.connectivity,
        }
        return json.dumps({**self.facts(), **about}, sort_keys=True, default=str)


# Ways to lay windows other than length and step.
_OTHER_WINDOWS = ("windows", "around", "runs_of")


def analysis_options(given: Mapping[str, Any], where: str) -> AnalysisOptions:
    """
    Read how a recording is analysed.

    Parameters
    ----------
    given : mapping of str to object
        Values by the keys of :data:`~tavrnn_ephys.studies.cohort.keys.KEYS`; what is None is
        left out.
    where : str
        What the values belong to, for messages.

    Returns
    -------
    AnalysisOptions
        Every choice.

    Raises
    ------
    InputError
        If a value does not suit its key, or bins or windows are missing.

    Examples
    --------
    >>> chosen = {"bin_size": "50ms", "window": "2min", "step": "1min"}
    >>> analysis_options(chosen, "a.nwb").config.step_s
    60.0
    """
    said = {name: value for name, value in given.items() if value is not None}
    is_sliding = not any(name in said for name in _OTHER_WINDOWS)
    required = ("bin_size", "window", "step") if is_sliding else ("bin_size",)
    missing = [name for name in required if name not in said]
    if missing:
        raise InputError(
            f"{where} lacks {', '.join(missing)}. Give it there, under 'defaults', or as an option."
        )
    parts: dict[str, dict[str, Any]] = {part: {} for part, _, _ in KEYS.values()}
    for name, value in said.items():
        part, target, take = KEYS[name]
        try:
            parts[part][target] = take(value)
        except InputError as error:
            raise InputError(f"{where}: '{name}' is {value!r}; {_decapitalised(error)}") from None
    _refuse_more_of_nothing(parts, where)
    try:
        return _made(parts)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _refuse_more_of_nothing(parts: Mapping[str, dict[str, Any]], where: str) -> None:
    """Refuse what says more of a behaviour or of states that are not asked for."""
    if parts["behavior"] and "names" not in parts["behavior"]:
        raise InputError(f"{where} says more about a behaviour without naming one: 'behavior'.")
    if parts["states"] and "n_states" not in parts["states"]:
        raise InputError(f"{where} says more about states without asking for them: 'states'.")
    if parts["nulls"] and not parts["behavior"] and not parts["states"]:
        raise InputError(
            f"{where} has 'behavior_nulls', but neither 'behavior' nor 'states'. Name one of them."
        )


def _made(parts: Mapping[str, dict[str, Any]]) -> AnalysisOptions:
    """Make the parts of the analysis; each checks itself."""
    selection = SelectionSpec(**parts["selection"])
    config = AnalysisConfig(**parts["analysis"], selection=selection)
    more = {"seed": config.seed, **parts["nulls"]}
    return AnalysisOptions(
        config=config,
        behaviors=each_behavior(**parts["behavior"], **more) if parts["behavior"] else (),
        states=StateSpec(**parts["states"], **more) if parts["states"] else None,
        **parts["reading"],
    )


def _decapitalised(error: InputError) -> str:
    text = str(error)
    ended = text if text.endswith(".") else f"{text}."
    return ended[:1].lower() + ended[1:]
