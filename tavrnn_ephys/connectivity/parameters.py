"""Parameters of a measure of connectivity: those that it takes, and those that are filled in."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tavrnn_ephys.connectivity.measures import MEASURES, Measure
from tavrnn_ephys.core.checks import known_options

__all__ = ["MeasureParameters"]

# Parameters of a measure that its caller fills in.
_FILLED_IN = ("bin_size_s", "spike_times_s", "n_before")


class MeasureParameters:
    """
    What a measure takes beside the activity of a window, read once from its signature.

    Parameters
    ----------
    function : callable
        The measure; of one without a signature nothing is known, and nothing refused.

    Attributes
    ----------
    filled_in : frozenset of str
        Parameters that the caller fills in.
    defaults : dict of str to object
        Options that the measure has without being told.

    Examples
    --------
    >>> MeasureParameters(MEASURES["partial"]).defaults
    {'shrinkage': 0.1}
    """

    def __init__(self, function: Measure) -> None:
        try:
            found = list(inspect.signature(function).parameters.values())[1:]
        except (TypeError, ValueError):
            self._is_known, found = False, []
        else:
            self._is_known = True
        self._takes_all = any(item.kind is item.VAR_KEYWORD for item in found)
        named = [item for item in found if item.kind is not item.VAR_KEYWORD]
        self.filled_in = frozenset(item.name for item in named if item.name in _FILLED_IN)
        options = [item for item in named if item.name not in _FILLED_IN]
        self._is_needed = {item.name: item.default is item.empty for item in options}
        self.defaults: dict[str, Any] = {
            item.name: item.default for item in options if item.default is not item.empty
        }

    def check(self, name: str, options: Mapping[str, Any]) -> None:
        """
        Refuse options that the measure does not take.

        Parameters
        ----------
        name : str
            Name of the measure.
        options : mapping of str to object
            What is given.

        Raises
        ------
        InputError
            If an option is unknown, or one that is needed is missing.
        """
        if self._is_known:
            given = [key for key in options if key in self._is_needed or not self._takes_all]
            known_options(name, given, self._is_needed, is_ours=name in MEASURES)
