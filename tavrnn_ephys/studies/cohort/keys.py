"""Keys of a manifest: the options of ``analyze`` that say how a recording is analysed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from tavrnn_ephys.core.adapter_options import parse_options
from tavrnn_ephys.core.durations import parse_duration_s, parse_time_s
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import (
    FEATURES,
    FORMER_PROFILES,
    FORMS,
    MEASURES,
    PROFILES,
    SILENT_RULES,
    SMOOTHINGS,
    STATE_METHODS,
    SURROGATES,
    TAPERS,
)

__all__ = ["KEYS", "likely_key"]

# What leaves a choice to the kind of behaviour, where others of several are chosen.
_OPEN = "auto"


def _duration(value: Any) -> float:
    return parse_duration_s(_with_unit(value))


def _time(value: Any) -> float:
    return parse_time_s(_with_unit(value))


def _with_unit(value: Any) -> str:
    if not isinstance(value, str):
        raise InputError("needs a number with a unit, such as 50ms")
    return value


def _rate(value: Any) -> float:
    match = re.fullmatch(r"\s*(.*?)\s*Hz\s*", value) if isinstance(value, str) else None
    if match is None:
        raise InputError("needs a number and Hz, such as 0.1Hz")
    return _number(match[1])


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError("needs a number") from None


def _whole(value: Any) -> int:
    number = _number(value)
    if isinstance(value, bool) or not number.is_integer():
        raise InputError("needs a whole number")
    return int(number)


def _switch(value: Any) -> bool:
    known = {"true": True, "false": False}
    if isinstance(value, str):
        value = known.get(value.strip().lower())
    if not isinstance(value, bool):
        raise InputError("is true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("needs text")
    return value


def _one_of(
    names: tuple[str, ...], *, former: Mapping[str, str] | None = None
) -> Callable[[Any], str]:
    def checked(value: Any) -> str:
        if value not in names:
            now = (former or {}).get(str(value))
            renamed = "" if now is None else f"; {value} is called {now} now"
            raise InputError(f"is one of {', '.join(names)}{renamed}")
        return str(value)

    return checked


def _states(value: Any) -> int | str:
    return "auto" if value == "auto" else _whole(value)


def _listed(value: Any) -> list[Any]:
    """Take a list as it is, and a text, as a table holds it, at its commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [*value] if isinstance(value, list | tuple) else [value]


def _names(value: Any) -> tuple[str, ...]:
    names = _listed(value)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError("needs names with commas between them, such as sensory,motor")
    return tuple(name.strip() for name in names)


def _ids(value: Any) -> tuple[str, ...]:
    # Ids that look like numbers are numbers to YAML.
    listed = _listed(value)
    is_number = [isinstance(item, int) and not isinstance(item, bool) for item in listed]
    return _names([str(item) if yes else item for item, yes in zip(listed, is_number, strict=True)])


def _for_each(take: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """Read one value for all behaviours, or one for each of them."""

    def taken(value: Any) -> list[Any]:
        return [None if item == _OPEN else take(item) for item in _listed(value)]

    return taken


def _options(example: str) -> Callable[[Any], dict[str, Any]]:
    def taken(value: Any) -> dict[str, Any]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"needs a list of NAME=VALUE, such as [{example}]")
        return parse_options(texts, example=example)

    return taken


# Key, which is the name of the option; the part that takes it; the name there; what reads it.
KEYS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "bin_size": ("analysis", "bin_size_s", _duration),
    "window": ("analysis", "window_length_s", _duration),
    "step": ("analysis", "step_s", _duration),
    "windows": ("analysis", "intervals", _text),
    "around": ("analysis", "around", _text),
    "before": ("analysis", "before_s", _time),
    "after": ("analysis", "after_s", _time),
    "runs_of": ("analysis", "runs_of", _text),
    "measure": ("analysis", "measure", _one_of(tuple(MEASURES))),
    "measure_option": ("analysis", "measure_options", _options("max_lag=50ms")),
    "silent_nodes": ("analysis", "silent_nodes", _one_of(tuple(SILENT_RULES))),
    "min_spikes_per_window": ("analysis", "min_spikes", _whole),
    "taper": ("analysis", "taper", _one_of(tuple(TAPERS))),
    "threshold": ("analysis", "threshold", _number),
    "density": ("analysis", "density", _number),
    "strongest": ("analysis", "n_strongest", _whole),
    "false_discoveries": ("analysis", "false_discoveries", _number),
    "surrogates": ("analysis", "surrogates", _one_of(tuple(SURROGATES))),
    "n_surrogates": ("analysis", "n_surrogates", _whole),
    "surrogate_reach": ("analysis", "surrogate_reach_s", _duration),
    "features": ("analysis", "features", _one_of(tuple(FEATURES))),
    "history_node": ("analysis", "history_node", _switch),
    "profile": ("analysis", "profile", _one_of(PROFILES, former=FORMER_PROFILES)),
    "latent_size": ("analysis", "latent_size", _whole),
    "smoothing": ("analysis", "smoothing", _one_of(tuple(SMOOTHINGS))),
    "model_option": ("analysis", "model_options", _options("embedding=mean")),
    "training_epochs": ("analysis", "training_epochs", _whole),
    "seed": ("analysis", "seed", _whole),
    "segment": ("analysis", "segment_index", _whole),
    "nodes": ("selection", "nodes", _text),
    "node_id": ("selection", "node_ids", _ids),
    "min_rate": ("selection", "min_rate_hz", _rate),
    "min_spikes": ("selection", "min_node_spikes", _whole),
    "from": ("selection", "t_start_s", _time),
    "to": ("selection", "t_stop_s", _time),
    "exclude": ("selection", "exclude", _names),
    "keep_invalid_times": ("selection", "keep_invalid_times", _switch),
    "behavior": ("behavior", "names", _names),
    "behavior_how": ("behavior", "how", _for_each(_text)),
    "behavior_period": ("behavior", "period", _for_each(_number)),
    "behavior_coverage": ("behavior", "least_coverage", _for_each(_number)),
    "behavior_nulls": ("nulls", "n_nulls", _whole),
    "groups": ("behavior", "groups", _names),
    "states": ("states", "n_states", _states),
    "states_method": ("states", "method", _one_of(tuple(STATE_METHODS))),
    "most_states": ("states", "max_states", _whole),
    "state_surrogates": ("states", "n_surrogates", _whole),
    "adapter": ("reading", "adapter", _text),
    "option": ("reading", "options", _options("sampling_rate=30Hz")),
    "session_start": ("reading", "session_start", _text),
    "connectivity": ("reading", "connectivity", _one_of(tuple(FORMS))),
}
# Facts that are told of most recordings, one of which is near a key.
_FACTS = ("group", "culture", "age", "condition")


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
