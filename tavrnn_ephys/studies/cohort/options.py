"""How one recording of a cohort is analysed: keys of a manifest, as a person writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from tavrnn_ephys.core.adapter_options import option_text, parse_options
from tavrnn_ephys.core.durations import parse_duration_s
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FORMS, MEASURES, PROFILES
from tavrnn_ephys.core.spec import StateSpec, to_facts
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.config import BehaviorConfig

__all__ = ["KEYS", "AnalysisOptions", "analysis_options", "likely_key"]


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """
    How one recording is analysed.

    Parameters
    ----------
    config : AnalysisConfig
        Bins, windows, connectivity, graphs and model.
    behavior : BehaviorConfig, optional
        A behaviour that the network is linked to.
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
    behavior: BehaviorConfig | None = None
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
        asked = [item for item in (self.behavior, self.states) if item is not None]
        return self.config.facts() | to_facts(*asked)

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


def _duration(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str):
        raise InputError("needs a number with a unit, such as 50ms")
    return parse_duration_s(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError("needs a number") from None


def _whole(value: Any) -> int:
    number = _number(value)
    if isinstance(value, bool) or number != int(number):
        raise InputError("needs a whole number")
    return int(number)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("needs text")
    return value


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def checked(value: Any) -> str:
        if value not in names:
            raise InputError(f"is one of {', '.join(names)}")
        return str(value)

    return checked


def _states(value: Any) -> int | str:
    return "auto" if value == "auto" else _whole(value)


def _groups(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError("needs names with commas between them, such as sensory,motor")
    return tuple(name.strip() for name in names)


def _options(value: Any) -> dict[str, Any]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError("needs a list of NAME=VALUE, such as [sampling_rate=30Hz]")
    return parse_options(texts)


# Key of a manifest, the part that takes it, the name there, and what reads its value.
KEYS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "bin_size": ("analysis", "bin_size_s", _duration),
    "window": ("analysis", "window_length_s", _duration),
    "step": ("analysis", "step_s", _duration),
    "measure": ("analysis", "measure", _one_of(tuple(MEASURES))),
    "threshold": ("analysis", "threshold", _number),
    "profile": ("analysis", "profile", _one_of(tuple(PROFILES))),
    "training_epochs": ("analysis", "training_epochs", _whole),
    "seed": ("analysis", "seed", _whole),
    "segment": ("analysis", "segment_index", _whole),
    "behavior": ("behavior", "behavior", _text),
    "behavior_how": ("behavior", "how", _text),
    "behavior_period": ("behavior", "period", _number),
    "groups": ("behavior", "groups", _groups),
    "states": ("states", "n_states", _states),
    "adapter": ("reading", "adapter", _text),
    "option": ("reading", "options", _options),
    "session_start": ("reading", "session_start", _text),
    "connectivity": ("reading", "connectivity", _one_of(tuple(FORMS))),
}
# Facts that are told of most recordings, one of which is near a key.
_FACTS = ("group", "culture", "age", "condition")
_REQUIRED = ("bin_size", "window", "step")


def likely_key(name: str) -> str | None:
    """
    Find the key that a misspelt one may stand for.

    Parameters
    ----------
    name : str
        What was written.

    Returns
    -------
    str or None
        A key of :data:`KEYS`, where one is close.

    Examples
    --------
    >>> likely_key("windw")
    'window'
    """
    plain = name.replace("-", "_").lower()
    if plain in _FACTS:
        return None
    return next(iter(get_close_matches(plain, KEYS, n=1, cutoff=0.85)), None)


def analysis_options(given: Mapping[str, Any], where: str) -> AnalysisOptions:
    """
    Read how a recording is analysed.

    Parameters
    ----------
    given : mapping of str to object
        Values by the keys of :data:`KEYS`.
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
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        raise InputError(
            f"{where} lacks {', '.join(missing)}. Give it there, under 'defaults', or as an option."
        )
    parts: dict[str, dict[str, Any]] = {
        "analysis": {}, "behavior": {}, "states": {}, "reading": {},
    }  # fmt: skip
    for name, value in given.items():
        part, target, take = KEYS[name]
        try:
            parts[part][target] = take(value)
        except InputError as error:
            raise InputError(f"{where}: '{name}' is {value!r}; {_decapitalised(error)}") from None
    return _checked(parts, where)


def _checked(parts: Mapping[str, dict[str, Any]], where: str) -> AnalysisOptions:
    if parts["behavior"] and "behavior" not in parts["behavior"]:
        raise InputError(f"{where} says more about a behaviour without naming one: 'behavior'.")
    try:
        config = AnalysisConfig(**parts["analysis"])
        behavior = (
            BehaviorConfig(**parts["behavior"], seed=config.seed) if parts["behavior"] else None
        )
        states = StateSpec(**parts["states"], seed=config.seed) if parts["states"] else None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return AnalysisOptions(config=config, behavior=behavior, states=states, **parts["reading"])


def _decapitalised(error: InputError) -> str:
    text = str(error)
    ended = text if text.endswith(".") else f"{text}."
    return ended[:1].lower() + ended[1:]
