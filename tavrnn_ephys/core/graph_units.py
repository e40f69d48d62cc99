"""In what units graphs were made: what a fitted model holds, and other graphs are held against."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers.origin import Origin
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence

__all__ = ["GraphUnits", "joined_units", "require_units", "units_of"]

# Limits of windows are decimal text in double precision; a microsecond is no difference.
_TOLERANCE_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class GraphUnits:
    """
    In what units graphs were made; ``None`` where that is unknown.

    Parameters
    ----------
    window_length_s, step_s : float, optional
        Length of the windows, and time between their starts, in seconds; unknown where windows
        have no length or step in common.
    node_kind : str, optional
        What a node is.
    origin : Origin
        Bins, measure, threshold and features.

    Examples
    --------
    >>> seen = GraphUnits(window_length_s=2.0, step_s=1.0, origin=Origin(measure="pearson"))
    >>> require_units(seen, GraphUnits(window_length_s=4.0, step_s=2.0), verb="transform")
    Traceback (most recent call last):
        ...
    tavrnn_ephys.core.errors.InputError: transform got windows of 4 s every 2 s, fit saw 2 s \
every 1 s. Make these graphs as those of fit were made, or fit again.
    """

    window_length_s: float | None = None
    step_s: float | None = None
    node_kind: str | None = None
    origin: Origin = field(default_factory=Origin)

    def to_facts(self) -> dict[str, Any]:
        """
        Return what is known, for a file.

        Returns
        -------
        dict of str to scalar
            By the name of the field, those of the origin among them.
        """
        own = {name: getattr(self, name) for name in _OWN}
        return {k: v for k, v in own.items() if v is not None} | self.origin.to_facts()

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> GraphUnits:
        """
        Restore what :meth:`to_facts` gave.

        Parameters
        ----------
        facts : mapping of str to scalar
            What is known; empty for files that say nothing of it.

        Returns
        -------
        GraphUnits
            The same.
        """
        own = {name: facts.get(name) for name in _OWN}
        return cls(**own, origin=Origin.from_facts(facts))


_OWN = ("window_length_s", "step_s", "node_kind")


def units_of(graphs: GraphSequence, *, before_s: Sequence[float] = ()) -> GraphUnits:
    """
    Say in what units graphs were made.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    before_s : sequence of float
        Starts of the windows before, of a stream.

    Returns
    -------
    GraphUnits
        The units.
    """
    windows = graphs.windows
    steps = np.diff(np.concatenate([before_s, windows.start_s]))
    within = np.concatenate([np.ones(len(before_s)), np.diff(windows.segment_index) == 0])
    return GraphUnits(
        window_length_s=_in_common(windows.stop_s - windows.start_s, at_least=1),
        # A single step may as well be a gap.
        step_s=_in_common(steps[within[: len(steps)].astype(bool)], at_least=2),
        node_kind=graphs.nodes.kind,
        origin=graphs.origin,
    )


def _in_common(values: NDArray[np.float64], *, at_least: int) -> float | None:
    """Give the duration that more than half of the windows share: gaps and ends have no say."""
    found, counts = np.unique(np.round(values / _TOLERANCE_S), return_counts=True)
    if not len(counts) or counts.max() < at_least or 2 * counts.max() <= len(values):
        return None
    return float(found[np.argmax(counts)] * _TOLERANCE_S)


def joined_units(parts: Iterable[GraphUnits]) -> GraphUnits:
    """
    Join what is known of several sequences of graphs.

    Parameters
    ----------
    parts : iterable of GraphUnits
        Units that do not contradict each other.

    Returns
    -------
    GraphUnits
        The first of each that is known.
    """
    facts: dict[str, Any] = {}
    for part in parts:
        facts = {**part.to_facts(), **facts}
    return GraphUnits.from_facts(facts)


def require_units(
    seen: GraphUnits,
    given: GraphUnits,
    *,
    verb: str,
    besides: Collection[str] = ("features",),
    known_to: str = "fit saw",
) -> None:
    """
    Refuse graphs of other units; what is unknown on either side passes.

    Parameters
    ----------
    seen : GraphUnits
        Those of the fit.
    given : GraphUnits
        Those of the graphs.
    verb : str
        What was called, such as ``"transform"``.
    besides : collection of str
        Fields that may differ.
    known_to : str
        Whose units the first are, for the message.

    Raises
    ------
    InputError
        If they differ, with all that differs.
    """
    own = [(name, getattr(seen, name), getattr(given, name)) for name in _OWN]
    own += [
        (item.name, getattr(seen.origin, item.name), getattr(given.origin, item.name))
        for item in fields(Origin)
        # How few spikes leave a node without edges is seen in the graphs.
        if item.name in _SAID
    ]
    differing = {name for name, a, b in own if name not in besides and _differ(a, b)}
    if not differing:
        return
    parts = []
    if differing & {"window_length_s", "step_s"}:
        parts.append((f"windows of {_windows(given)}", _windows(seen)))
    values = {name: (a, b) for name, a, b in own}
    for name, say in _SAID.items():
        if name in differing:
            a, b = values[name]
            parts.append((say(b), say(a, short=True)))
    text = "; ".join(f"{new}, {known_to} {old}" for new, old in parts)
    way_out = f"Make these graphs as those of {known_to.split()[0]} were made, or fit again."
    if verb == "fit":
        way_out = "Make all graphs alike, or fit a model to each."
    raise InputError(f"{verb} got {text}. {way_out}")


def _differ(seen: Any, given: Any) -> bool:
    if seen is None or given is None:
        return False
    if isinstance(seen, float) and isinstance(given, float):
        return abs(seen - given) > max(_TOLERANCE_S, 1e-6 * abs(seen))
    return bool(seen != given)


def _windows(units: GraphUnits) -> str:
    length = "unequal length" if units.window_length_s is None else f"{units.window_length_s:g} s"
    return length if units.step_s is None else f"{length} every {units.step_s:g} s"


def _said(noun: str, quote: str = "'", unit: str = "") -> Any:
    def say(value: Any, *, short: bool = False) -> str:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{'' if short else noun}{quote}{text}{unit}{quote}"

    return say


def _said_options(value: Any, *, short: bool = False) -> str:
    text = ", ".join(f"{name}={item}" for name, item in value) or "none"
    return text if short else f"options of the measure {text}"


def _said_binary(value: bool, *, short: bool = False) -> str:
    return f"{'' if short else 'counts '}{'clipped to 1' if value else 'as they are'}"


# In the order of the message; windows stand before.
_SAID = {
    "bin_size_s": _said("bins of ", "", " s"),
    "quantity": _said("activity of the kind "),
    "binary": _said_binary,
    "measure": _said("the measure "),
    "measure_options": _said_options,
    "threshold": _said("the threshold ", ""),
    "features": _said("the features "),
    "node_kind": _said("nodes of the kind "),
}
