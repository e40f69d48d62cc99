"""NWB files that keep one plain time series per neuron, such as ``Activity_0000``."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

import numpy as np

from tavrnn_ephys.adapters.nwb._series import (
    Limits,
    cut,
    neo_signal,
    series_clock,
    series_samples,
    walk_series,
)
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = ["find_neuron_series", "read_neuron_signal"]

# Fewer series of one name and length are more likely behaviour than neurons.
_FEWEST = 10
_NUMBERED = re.compile(r"(.*?)[_ -]?\d+")


def find_neuron_series(nwbfile: Any, file_name: str, pattern: str | None) -> list[Any]:
    """
    Find series that hold one neuron each.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.
    file_name : str
        Name of the file, for messages.
    pattern : str, optional
        Names with wildcards, such as ``"Activity_*"``; by default at least ten series whose
        names differ in a number at their end and that have one length.

    Returns
    -------
    list of pynwb.TimeSeries
        In the order of their names; empty if there are none.

    Raises
    ------
    FileFormatError
        If series of the pattern have different lengths.
    """
    flat = [
        (container, series) for container, series in walk_series(nwbfile)
        if len(getattr(series.data, "shape", ())) == 1 and series.data.dtype.kind in "iuf"
    ]  # fmt: skip
    if pattern is not None:
        chosen = [item for _, item in flat if fnmatch.fnmatchcase(item.name, pattern)]
    else:
        chosen = _numbered([item for _, item in flat if _may_be_neuron(item)])
    lengths = sorted({len(series.data) for series in chosen})
    if len(lengths) > 1 or lengths == [0]:
        raise FileFormatError(
            f"Series '{pattern}' of '{file_name}' have {lengths[0]} to {lengths[-1]} samples; "
            "one trace per neuron needs equal, positive lengths. Narrow the pattern."
        )
    return sorted(chosen, key=lambda item: item.name)


def _may_be_neuron(series: Any) -> bool:
    """Believe a type that says what a series is: only one that says nothing may be a neuron."""
    from pynwb import TimeSeries
    from pynwb.behavior import BehavioralTimeSeries, PupilTracking

    kept_in = series.parent
    module = getattr(kept_in, "parent", None)
    places = {str(getattr(item, "name", "")).lower() for item in (kept_in, module)}
    is_behavior = isinstance(kept_in, BehavioralTimeSeries | PupilTracking)
    return type(series) is TimeSeries and not is_behavior and "behavior" not in places


def _numbered(series: list[Any]) -> list[Any]:
    families: dict[tuple[str, int, str], list[Any]] = {}
    for item in series:
        match = _NUMBERED.fullmatch(item.name)
        if match and len(item.data):
            families.setdefault((match[1], len(item.data), str(item.unit)), []).append(item)
    largest = max(families.values(), key=len, default=[])
    return largest if len(largest) >= _FEWEST else []


def read_neuron_signal(found: list[Any], file_name: str, limits: Limits = (None, None)) -> Any:
    """
    Join series of one neuron each into one signal.

    Parameters
    ----------
    found : list of pynwb.TimeSeries
        Series of equal length.
    file_name : str
        Name of the file, for messages.
    limits : tuple of float or None
        Start and stop in seconds of the part to load.

    Returns
    -------
    neo.AnalogSignal or neo.IrregularlySampledSignal
        One channel per neuron, named after the series, with the role ``"nodes"``.

    Raises
    ------
    FileFormatError
        If the series do not share their sample times.
    InputError
        If no sample lies within the limits.
    """
    whole = series_clock(found[0], file_name)
    apart = [item.name for item in found[1:] if not _same_times(found[0], item)]
    if apart:
        raise FileFormatError(
            f"{len(apart)} of {len(found)} series of '{file_name}' have other sample times than "
            f"'{found[0].name}': {some(apart)}. Narrow the pattern: series='…'."
        )
    clock, part = cut(whole, len(found[0].data), limits)
    samples = np.column_stack([series_samples(item, part) for item in found])
    if len(samples) == 0:
        raise InputError(
            f"Series '{found[0].name}' of '{file_name}' has no sample between t_start and t_stop. "
            "Choose limits within the recording."
        )
    names = [item.name for item in found]
    prefix = _NUMBERED.fullmatch(names[0])
    return neo_signal(
        found[0], clock, samples, name=prefix[1] if prefix and prefix[1] else "traces",
        container="acquisition", role="nodes", nodes=Nodes(ids=names, kind="roi"),
    )  # fmt: skip


def _same_times(one: Any, other: Any) -> bool:
    if one.timestamps is None or other.timestamps is None:
        return (one.rate, one.starting_time) == (other.rate, other.starting_time) and (
            one.timestamps is other.timestamps
        )
    return bool(np.array_equal(one.timestamps[:], other.timestamps[:]))
