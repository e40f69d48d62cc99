"""Whether a recording can decide what a behaviour has to do with its network."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.statistics.time_shifts import LEAST_SHIFTS, correlation_time

__all__ = ["why_undecided"]

# Blocks are what can be permuted: fewer arrangements cannot give p = 0.05.
_LEAST_ARRANGEMENTS = 20
# A trend, or one cycle, has no more independent pieces than these.
_LEAST_PIECES = 6.0
# Numbers that say how much of a window a state, or how many events, took.
_OF_STATES = ("share", "rate", "count")


def why_undecided(behavior: WindowBehavior) -> str:
    """
    Say why a recording cannot decide a question about a behaviour.

    What changes together with a behaviour once or twice may do so for any reason, time itself
    among them.  The independent unit is the block, a stretch of windows of one label; of a number
    it is as long as the number resembles itself.  Of what is left, so many windows are needed that
    19 shifts in time exist.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    str
        The reason, with the number and a way out; empty where the question can be decided.

    Examples
    --------
    >>> sleep = np.repeat(["wake", "sleep", "wake"], 20)
    >>> why_undecided(
    ...     WindowBehavior(name="sleep", how="majority", values=sleep, description="Stage.")
    ... )[:44]
    "'sleep' is in 1 block and 'wake' in 2 blocks"
    """
    values = behavior.values
    if behavior.is_label:
        known = values[values != ""]
        each = [(known == label).astype(np.float64) for label in np.unique(known)]
        return _of_blocks(behavior.name, known) or _of_shifts(behavior.name, known, *each)
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) == 0 or np.ptp(known) <= 1e-9 * np.abs(known).max():
        return ""
    if behavior.how in _OF_STATES:
        present = known > 0.5 * (known.max() if known.min() >= 0 else known.max() + known.min())
        found = _of_blocks(behavior.name, np.where(present, "present", "absent"))
        if found:
            return found
    series = [known]
    if behavior.period is not None:
        angle = 2 * np.pi * known / behavior.period
        series = [np.cos(angle), np.sin(angle)]
    return _of_numbers(behavior.name, *series) or _of_shifts(behavior.name, *series)


def _of_blocks(name: str, labels: NDArray[Any]) -> str:
    if len(labels) == 0:
        return ""
    first = np.append(True, labels[1:] != labels[:-1])
    blocks = Counter(labels[first].tolist())
    n_blocks = sum(blocks.values())
    arrangements = math.factorial(n_blocks)
    for count in blocks.values():
        arrangements //= math.factorial(count)
    if len(blocks) < 2 or arrangements >= _LEAST_ARRANGEMENTS:
        return ""
    told = [
        f"'{label}' {'is ' if index == 0 else ''}in {count} block{'s' if count > 1 else ''}"
        for index, (label, count) in enumerate(sorted(blocks.items()))
    ]
    return (
        f"{' and '.join(told)}: the recording cannot decide what '{name}' has to do with the "
        f"network, since {n_blocks} blocks have {arrangements} arrangements and "
        f"{_LEAST_ARRANGEMENTS} are needed for p = 0.05. No p-value is given. Record until each "
        "has three blocks or more, or choose a behaviour that changes more often."
    )


def _of_numbers(name: str, *series: NDArray[np.float64]) -> str:
    # An angle is as slow as the slower of its cosine and its sine.
    lag = max(correlation_time(values) for values in series)
    values = series[0]
    pieces = len(values) / lag
    if pieces >= _LEAST_PIECES:
        return ""
    return (
        f"'{name}' resembles itself for {lag} of {len(values)} windows, so that it changes about "
        f"{pieces:.2g} times: the recording cannot decide what it has to do with the network, "
        "since all that drifts does so alike. No p-value is given. Record for longer, or choose a "
        "behaviour that changes more often."
    )


def _of_shifts(name: str, *series: NDArray[Any]) -> str:
    n_windows = len(series[0])
    if n_windows == 0:
        return ""
    lag = max(correlation_time(values) for values in series)
    n_shifts = max(n_windows - 2 * lag + 1, 0)
    if n_shifts >= LEAST_SHIFTS:
        return ""
    return (
        f"'{name}' is known in {n_windows} windows and has to be shifted by {lag} at least: the "
        "recording cannot decide what it has to do with the network, since "
        f"{n_shifts or 'no'} distinct shifts exist and {LEAST_SHIFTS} are needed for p = 0.05. "
        "No p-value is given. Record for longer, or use a shorter step."
    )
