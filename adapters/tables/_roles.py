"""Which column of a table is the time, which the channel or unit, which the amplitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.tables._names import AMPLITUDES, NODES, SECONDS, base_and_unit, is_time
from tavrnn_ephys.adapters.tables._text_tables import Table
from tavrnn_ephys.core.checks import one_of, positive_number, some
from tavrnn_ephys.core.errors import InputError

__all__ = ["Roles", "TimeScale", "ascends", "find_roles", "find_time_scale", "guess_roles"]

# Whole numbers with more values than this are no channels of any array.
_MOST_NODES = 65536
_RATES = {
    "sampling_freq", "sampling_frequency", "sampling_rate", "sampling_rate_hz", "sample_rate",
    "frames_per_second", "fs", "rate_hz",
}  # fmt: skip
_FRAMES = ("duration_frames", "n_frames")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Positions of the columns; ``guessed`` where no name told them."""

    time: int
    node: int
    amplitude: int | None = None
    guessed: bool = False


@dataclass(frozen=True, kw_only=True)
class TimeScale:
    """Seconds per entry of the column of times, the unit in words, and the rate if known."""

    factor_s: float
    unit: str
    rate_hz: float | None


def find_roles(table: Table, asked: dict[str, Any], name: str) -> Roles:
    """
    Find the columns by the options, then by their names, then by their values.

    Parameters
    ----------
    table : Table
        The table.
    asked : dict
        Options ``time_column``, ``node_column`` and ``amplitude_column``: a name, a position
        counted from 0, or None.
    name : str
        Name of the file, for messages.

    Returns
    -------
    Roles
        The columns.

    Raises
    ------
    InputError
        If a column that was asked for is absent, or neither names nor values decide.
    """
    chosen = {role: _position(table, asked[role], role, name) for role in asked}
    named = _named(table)
    time = _first(chosen["time_column"], named["time"])
    node = _first(chosen["node_column"], named["node"])
    amplitude = _first(chosen["amplitude_column"], named["amplitude"])
    if time is not None and node is not None and time != node:
        return Roles(time=time, node=node, amplitude=amplitude)
    if len(table.columns) == 2 and (time is None) != (node is None):
        known = time if node is None else node
        other = 1 - int(known or 0)
        return Roles(
            time=other if time is None else time, node=other if node is None else node,
            guessed=asked["time_column"] is None and asked["node_column"] is None,
        )  # fmt: skip
    guess = None if table.names or time is not None or node is not None else guess_roles(table)
    if guess is None:
        raise InputError(
            f"The columns of '{name}' do not tell which is the time and which the channel or unit: "
            f"{some(_shown(table), 8)}. Name them: time_column=… and node_column=…, a name or a "
            "position counted from 0."
        )
    if amplitude is not None:
        return Roles(time=guess.time, node=guess.node, amplitude=amplitude, guessed=True)
    return guess


def _first(*positions: int | None) -> int | None:
    return next((item for item in positions if item is not None), None)


def _shown(table: Table) -> list[str]:
    return table.names or [f"column {index}" for index in range(len(table.columns))]


def _position(table: Table, wanted: Any, role: str, name: str) -> int | None:
    if wanted is None:
        return None
    if str(wanted) in table.names:
        return table.names.index(str(wanted))
    if str(wanted).isdigit() and int(str(wanted)) < len(table.columns):
        return int(str(wanted))
    raise InputError(
        f"'{name}' has no column {wanted!r} for {role}; it has {some(_shown(table), 8)}."
    )


def _named(table: Table) -> dict[str, int | None]:
    """Give the first column of each role by its name; one with a unit wins over one without."""
    found: dict[str, int | None] = {"time": None, "node": None, "amplitude": None}
    split = [base_and_unit(name) for name in table.names]
    times = [index for index, name in enumerate(table.names) if is_time(name)]
    found["time"] = next((index for index in times if split[index][1] in SECONDS), None)
    if found["time"] is None and times:
        found["time"] = times[0]
    for index, (base, _) in enumerate(split):
        if base in NODES and found["node"] is None:
            found["node"] = index
        if base in AMPLITUDES and found["amplitude"] is None:
            found["amplitude"] = index
    return found


def guess_roles(table: Table) -> Roles | None:
    """
    Tell time and channel apart by their values, where there are no names.

    Parameters
    ----------
    table : Table
        Two to four columns.

    Returns
    -------
    Roles or None
        Text is the name of a unit; else the only column of whole numbers is the channel, and,
        of the others, the only one that ascends is the time.  None where this does not decide.
    """
    columns = table.columns
    if not 2 <= len(columns) <= 4:
        return None
    text = [index for index, column in enumerate(columns) if column.dtype.kind == "U"]
    numbers = [index for index in range(len(columns)) if index not in text]
    if len(text) > 1 or not numbers:
        return None
    whole = [index for index in numbers if _is_whole(columns[index])]
    ascending = [index for index in numbers if ascends(columns[index])]
    if text:
        time = _single(numbers) if len(numbers) == 1 else _single(ascending)
        node: int | None = text[0]
    elif len(columns) == 2 and len(whole) == 1:
        node, time = whole[0], 1 - whole[0]
    else:
        time = _single(ascending)
        node = _single([index for index in whole if index != time and _is_id(columns[index])])
    if time is None or node is None or time == node:
        return None
    left = [index for index in numbers if index not in (time, node)]
    return Roles(time=time, node=node, amplitude=_single(left), guessed=True)


def _single(found: list[int]) -> int | None:
    return found[0] if len(found) == 1 else None


def _is_whole(column: NDArray[Any]) -> bool:
    known = column[np.isfinite(column)]
    return bool(len(known)) and bool(np.all(known == np.round(known)))


def _is_id(column: NDArray[Any]) -> bool:
    known = column[np.isfinite(column)]
    return bool(known.min() >= 0) and bool(known.max() < _MOST_NODES)


def ascends(column: NDArray[Any]) -> bool:
    """
    Say whether numbers never fall, and rise.

    Parameters
    ----------
    column : numpy.ndarray
        One number per row.

    Returns
    -------
    bool
        False also for a single number.
    """
    return bool(np.all(np.diff(column) >= 0)) and len(column) > 1 and bool(column[-1] > column[0])


def find_time_scale(
    table: Table, roles: Roles, unit: str | None, rate_hz: float | None, name: str
) -> TimeScale:
    """
    Find out what one step of the column of times lasts.

    Parameters
    ----------
    table : Table
        The table.
    roles : Roles
        Its columns.
    unit : str, optional
        Option ``time_unit``.
    rate_hz : float, optional
        Option ``sampling_rate``; by default that of the file's settings.
    name : str
        Name of the file, for messages.

    Returns
    -------
    TimeScale
        Unit and rate.

    Raises
    ------
    InputError
        If the unit cannot be known, or frames have no rate.
    """
    if unit is not None:
        unit = one_of(str(unit), (*SECONDS, "frames"), "time_unit")
    rate_hz = _rate_of(table, name) if rate_hz is None else rate_hz
    found = unit or (base_and_unit(table.names[roles.time])[1] if table.names else "")
    times = table.columns[roles.time]
    if not found and _counts_frames(table, times):
        found = "frames"
    if found == "frames":
        if rate_hz is None:
            raise InputError(
                f"'{name}' counts time in frames and says no rate. Give that of the device: "
                "sampling_rate=20kHz, or the one that it has."
            )
        return TimeScale(factor_s=1.0 / rate_hz, unit="frames", rate_hz=rate_hz)
    if found in SECONDS:
        return TimeScale(factor_s=SECONDS[found], unit=found, rate_hz=rate_hz)
    last = float(np.nanmax(times)) if np.isfinite(times).any() else 0.0
    what = f"'{table.names[roles.time]}'" if table.names else f"column {roles.time}"
    raise InputError(
        f"The times of '{name}' ({what}) have no unit; the last one, {last:g}, would be "
        f"{_lasting(last)} in s, {_lasting(last / 1e3)} in ms and {_lasting(last / 1e6)} in us. "
        "Say which: time_unit=s, ms, us, or frames with sampling_rate=20kHz."
    )


def _counts_frames(table: Table, times: NDArray[Any]) -> bool:
    """Whether the settings count the recording in frames, and whole times fit into it."""
    lengths = [table.settings[key] for key in _FRAMES if key in table.settings]
    return (
        any(isinstance(length, int | float) and np.max(times) < length for length in lengths)
        and _is_whole(times)
        # Times in seconds or milliseconds would fill less than a hundredth of the frames.
        and float(np.max(times)) > 0.01 * max(lengths)
    )


def _lasting(seconds: float) -> str:
    return f"{seconds / 60:.3g} min" if seconds >= 120 else f"{seconds:.3g} s"


def _rate_of(table: Table, name: str) -> float | None:
    for key, value in table.settings.items():
        if key.lower() in _RATES:
            try:
                return positive_number(value, f"the {key} of '{name}'")
            except TypeError:
                return None
    return None
