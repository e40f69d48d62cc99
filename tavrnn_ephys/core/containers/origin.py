"""How connectivity and graphs were computed, as far as it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from numbers import Real
from typing import Any

from tavrnn_ephys.core.errors import InputError

__all__ = ["Origin", "as_fact", "joined", "options_as_facts", "origin_of_graphs"]

# Names that functions bear which have none of their own.
_NAMELESS = ("custom", "<lambda>")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """
    How connectivity or graphs were computed; ``None`` where that is unknown.

    Parameters
    ----------
    bin_size_s : float, optional
        Width of the bins in seconds.
    quantity : {"spike_count", "trace"}, optional
        What was binned.
    binary : bool, optional
        Whether counts above 1 were clipped to 1.
    measure : str, optional
        Connectivity measure.
    measure_options : tuple of (str, scalar), optional
        Its parameters by name, durations as text in seconds; empty if it has none.
    threshold : str, optional
        The rule for edges.
    features : str, optional
        What stands for a vertex.
    min_spikes : int, optional
        Spikes in a window without which a node has no edges there.

    Examples
    --------
    >>> origin = Origin(bin_size_s=0.01, measure="pearson", measure_options=())
    >>> Origin.from_facts(origin.to_facts()) == origin
    True
    """

    bin_size_s: float | None = None
    quantity: str | None = None
    binary: bool | None = None
    measure: str | None = None
    measure_options: tuple[tuple[str, Any], ...] | None = None
    threshold: str | None = None
    features: str | None = None
    min_spikes: int | None = None

    def to_facts(self) -> dict[str, Any]:
        """
        Return what is known, for a file.

        Returns
        -------
        dict of str to scalar
            Numbers, booleans and text by the name of the field.
        """
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        facts = {name: value for name, value in known.items() if value is not None}
        if self.measure_options is not None:
            facts["measure_options"] = json.dumps(dict(self.measure_options))
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Origin:
        """
        Restore what :meth:`to_facts` gave; facts of later versions are passed over.

        Parameters
        ----------
        facts : mapping of str to scalar
            What is known; empty for files that say nothing of it.

        Returns
        -------
        Origin
            The same.
        """
        known = {item.name: facts[item.name] for item in fields(cls) if item.name in facts}
        if "measure_options" in known:
            known["measure_options"] = options_as_facts(json.loads(known["measure_options"]))
        return cls(**known)

    def with_option(self, name: str, value: Any) -> Origin:
        """
        Add an option of the measure, in the place that a file gives it.

        Parameters
        ----------
        name : str
            The option.
        value : object
            A scalar, or what :func:`as_fact` makes one of.

        Returns
        -------
        Origin
            The same but for the option.

        Examples
        --------
        >>> Origin(measure_options=(("time_constant", "4 ms"),)).with_option(
        ...     "symmetrized", "mean"
        ... ).measure_options
        (('symmetrized', 'mean'), ('time_constant', '4 ms'))
        """
        options = {**dict(self.measure_options or ()), name: value}
        return replace(self, measure_options=options_as_facts(options))


def options_as_facts(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """
    Turn the options of a measure into scalars that can be compared and stored.

    Parameters
    ----------
    options : mapping of str to object
        Numbers, text, durations or anything else.

    Returns
    -------
    tuple of (str, scalar)
        In alphabetical order.

    Examples
    --------
    >>> import quantities as pq
    >>> options_as_facts({"shrinkage": 0.1, "max_lag": 50 * pq.ms})
    (('max_lag', '0.05 s'), ('shrinkage', 0.1))
    """
    return tuple((name, as_fact(options[name])) for name in sorted(options))


def as_fact(value: Any) -> Any:
    """
    Describe a threshold, a feature, or an option of a measure by a scalar.

    Parameters
    ----------
    value : object
        A number, text, a duration, a function or a dataclass.

    Returns
    -------
    str, bool, int, float or None
        Text for what is no scalar; None for what has no name.

    Examples
    --------
    >>> as_fact(len), as_fact(lambda weights: weights)
    ('len', None)
    """
    if value is None or isinstance(value, str | bool):
        return value
    if hasattr(value, "rescale"):
        return _with_unit(value)
    if isinstance(value, Real):
        return int(value) if isinstance(value, int) else float(value)
    if is_dataclass(value):
        shown = ((item.name, getattr(value, item.name)) for item in fields(value))
        text = ", ".join(f"{k}={v:.6g}" for k, v in shown if isinstance(v, Real))
        return f"{type(value).__name__}({text})"
    name = getattr(value, "__name__", type(value).__name__)
    return None if name in _NAMELESS else name


def _with_unit(value: Any) -> str:
    """Write a duration in seconds; another quantity, as a measure of one's own takes, as it is."""
    with suppress(ValueError):
        value = value.rescale("s")
    # Twelve digits: 50 ms and 0.05 s differ in the last bit.
    numbers = " ".join(f"{float(item):.12g}" for item in value.magnitude.flat)
    return f"{numbers} {value.dimensionality.string}"


def joined(origins: list[Origin]) -> tuple[Origin, list[str]]:
    """
    Join what is known of several parts.

    Parameters
    ----------
    origins : list of Origin
        One per part.

    Returns
    -------
    tuple of Origin and list of str
        What is known of any, and the names of the fields in which known parts differ.
    """
    known, differing = {}, []
    for item in fields(Origin):
        values = [getattr(origin, item.name) for origin in origins]
        values = [value for value in values if value is not None]
        known[item.name] = values[0] if values else None
        if any(value != values[0] for value in values):
            differing.append(item.name)
    return Origin(**known), differing


def origin_of_graphs(
    measured: Sequence[tuple[Origin, str]], *, threshold: Any, features: Any
) -> Origin:
    """
    Say how graphs were made, from what is known of the connectivity of their parts.

    Parameters
    ----------
    measured : sequence of (Origin, str)
        For each part what is known of its connectivity, and the name of the measure.
    threshold : float or threshold object
        The rule for edges.
    features : str or callable
        What stands for a vertex.

    Returns
    -------
    Origin
        What is known of any part, with threshold and features.

    Raises
    ------
    InputError
        If parts were made in different ways.

    Examples
    --------
    >>> origin_of_graphs([(Origin(), "pearson")], threshold=0.5, features="rates").threshold
    'AbsoluteThreshold(value=0.5)'
    """
    named = [
        replace(origin, measure=None if measure in _NAMELESS else measure)
        for origin, measure in measured
    ]
    origin, differing = joined(named)
    if differing:
        raise InputError(
            f"Parts that differ in {', '.join(differing)} cannot be joined into one sequence. "
            "Compute all of them alike."
        )
    # A number and the threshold object that it stands for are one rule.
    rule = threshold if hasattr(threshold, "keep") else f"AbsoluteThreshold(value={threshold:.6g})"
    return replace(origin, threshold=as_fact(rule), features=as_fact(features))
