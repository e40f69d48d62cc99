"""Parameters of a measure of connectivity: those that it takes, and those that are filled in."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tavrnn_ephys.connectivity.measures import MEASURES, Measure
from tavrnn_ephys.core.checks import known_options

__all__ = ["defaults_of", "options_taken"]

# Parameters of a measure that its caller fills in.
_FILLED_IN = ("bin_size_s", "spike_times_s", "n_before")


def options_taken(function: Measure, name: str, options: Mapping[str, Any]) -> set[str]:
    """
    Refuse options that a measure does not take.

    Parameters
    ----------
    function : callable
        The measure.
    name : str
        Its name.
    options : mapping of str to object
        What is given.

    Returns
    -------
    set of str
        Parameters that the caller fills in.

    Raises
    ------
    InputError
        If an option is unknown, or one that is needed is missing.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return set()
    takes_all = any(item.kind is item.VAR_KEYWORD for item in parameters)
    known = {item.name: item for item in parameters if item.kind is not item.VAR_KEYWORD}
    own = {
        key: item.default is inspect.Parameter.empty
        for key, item in known.items()
        if key not in _FILLED_IN
    }
    given = [key for key in options if key in own or not takes_all]
    known_options(name, given, own, is_ours=name in MEASURES)
    return {key for key in known if key in _FILLED_IN}


def defaults_of(function: Measure) -> dict[str, Any]:
    """
    Give the options that a measure has without being told.

    Parameters
    ----------
    function : callable
        The measure.

    Returns
    -------
    dict of str to object
        Defaults by name.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return {}
    return {
        item.name: item.default
        for item in parameters
        if item.name not in _FILLED_IN and item.default is not inspect.Parameter.empty
    }
