"""Specifications as facts that a file can hold, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from tavrnn_ephys.core.adapter_options import option_text, parse_options
from tavrnn_ephys.core.errors import InputError

__all__ = ["fact", "from_facts", "to_facts", "unknown_facts"]

Spec = TypeVar("Spec")
# Runs keep their options behind this prefix.
_STORED = "config."


def fact(
    key: str,
    *aliases: str,
    kind: str = "plain",
    former: Mapping[Any, Any] | None = None,
    absent: Any = dataclasses.MISSING,
    **options: Any,
) -> Any:
    """
    Declare a field of a specification and the dotted keys under which it is stored.

    Parameters
    ----------
    key : str
        Key under which it is written.
    *aliases : str
        Further keys under which it is read.
    kind : {"plain", "optional", "options", "json"}
        A scalar; one that is left out where it is the default; a mapping with one key for each
        entry, behind the key and a dot; or a list or mapping in one text.
    former : mapping, optional
        What values are called today that former releases wrote otherwise.
    absent : object, optional
        What facts mean that do not say it, where former releases had another default.
    **options : object
        ``default`` or ``default_factory`` of :func:`dataclasses.field`.

    Returns
    -------
    dataclasses.Field
        The field.
    """
    metadata = {"keys": (key, *aliases), "kind": kind, "former": former or {}, "absent": absent}
    return dataclasses.field(metadata=metadata, **options)


def to_facts(*specs: Any) -> dict[str, Any]:
    """
    Write specifications as scalars by dotted key.

    Parameters
    ----------
    *specs : object
        Specifications, such as :class:`~tavrnn_ephys.core.spec.WindowSpec`.

    Returns
    -------
    dict of str to scalar
        Numbers, booleans, text and None; a quantity is its number and unit, lists and mappings
        of names are JSON, and those that are empty are left out.

    Examples
    --------
    >>> from tavrnn_ephys.core.spec import WindowSpec
    >>> to_facts(WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0))
    {'analysis.bin_size_s': 0.05, 'analysis.window_length_s': 2.0, 'analysis.step_s': 1.0}
    """
    facts: dict[str, Any] = {}
    for spec in specs:
        for item in _declared(type(spec)):
            facts |= _written(item, getattr(spec, item.name))
    return facts


def from_facts(kind: type[Spec], facts: Mapping[str, Any]) -> Spec:
    """
    Read a specification from facts, by today's keys and values or those of former releases.

    Parameters
    ----------
    kind : type
        The specification, such as :class:`~tavrnn_ephys.core.spec.WindowSpec`.
    facts : mapping of str to scalar
        Facts by dotted key, with or without ``"config."`` before it.

    Returns
    -------
    object
        The specification.

    Raises
    ------
    InputError
        If the facts lack what it cannot be without, or one breaks a rule.

    Examples
    --------
    >>> from tavrnn_ephys.core.spec import RecordingSpec
    >>> from_facts(RecordingSpec, {"origin.adapter": "nwb", "origin.reading.series": "Fluo"})
    RecordingSpec(adapter='nwb', options={'series': 'Fluo'}, segment_index=None, node_groups=None)
    """
    known = {key.removeprefix(_STORED): value for key, value in facts.items()}
    given: dict[str, Any] = {}
    for item in _declared(kind):
        given |= _read(item, known)
    absent = [item.name for item in _declared(kind) if _is_needed(item) and item.name not in given]
    if absent:
        raise InputError(f"What is stored does not say {absent[0]}.")
    return kind(**given)


def unknown_facts(facts: Mapping[str, Any], kinds: Iterable[type], prefix: str) -> list[str]:
    """
    List the stored keys behind a prefix that no specification knows.

    Parameters
    ----------
    facts : mapping of str to scalar
        Facts by dotted key, with or without ``"config."`` before it.
    kinds : iterable of type
        The specifications.
    prefix : str
        Only keys that begin so are looked at.

    Returns
    -------
    list of str
        The keys, sorted, without the prefix.

    Examples
    --------
    >>> from tavrnn_ephys.core.spec import WindowSpec
    >>> unknown_facts({"config.analysis.tau": 1, "seed": 0}, [WindowSpec], "analysis.")
    ['tau']
    """
    items = [item for kind in kinds for item in _declared(kind)]
    single = {key for item in items for key in item.metadata["keys"]}
    many = tuple(
        f"{key}."
        for item in items
        if item.metadata["kind"] == "options"
        for key in item.metadata["keys"]
    )
    keys = (key.removeprefix(_STORED) for key in facts)
    return sorted(
        key.removeprefix(prefix)
        for key in keys
        if key.startswith(prefix) and key not in single and not key.startswith(many)
    )


def _declared(kind: type) -> Iterator[dataclasses.Field[Any]]:
    return (item for item in dataclasses.fields(kind) if "keys" in item.metadata)


def _is_needed(item: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return item.default is missing and item.default_factory is missing


def _written(item: dataclasses.Field[Any], value: Any) -> dict[str, Any]:
    key, kind = item.metadata["keys"][0], item.metadata["kind"]
    if callable(value):
        return {key: getattr(value, "__name__", "custom")}
    if kind in ("plain", "optional"):
        return {} if kind == "optional" and value == item.default else {key: value}
    if kind == "json":
        # A tuple is written as the list that it is read from.
        return {key: json.dumps(value, ensure_ascii=False)} if value else {}
    # A number stays one, so that it is read back to the last bit.
    return {
        f"{key}.{name}": found if type(found) in (int, float) else option_text(found)
        for name, found in value.items()
    }


def _read(item: dataclasses.Field[Any], known: Mapping[str, Any]) -> dict[str, Any]:
    keys, kind = item.metadata["keys"], item.metadata["kind"]
    if kind == "options":
        return {item.name: _options(known, keys)}
    for key in keys:
        if key in known:
            value = known[key]
            return {item.name: _from_json(key, value) if kind == "json" else _today(item, value)}
    absent = item.metadata["absent"]
    return {} if absent is dataclasses.MISSING else {item.name: absent}


def _today(item: dataclasses.Field[Any], value: Any) -> Any:
    """Say what a value that a former release wrote is called today."""
    former = item.metadata["former"]
    return former[value] if isinstance(value, str) and value in former else value


def _options(known: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    texts = [
        f"{name.removeprefix(f'{key}.')}={value}"
        for key in keys
        for name, value in known.items()
        if name.startswith(f"{key}.")
    ]
    return parse_options(texts)


def _from_json(key: str, value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        raise InputError(f"What is stored as '{key}' is no list of names: {value!r:.60}.") from None
