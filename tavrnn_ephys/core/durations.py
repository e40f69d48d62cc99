"""Durations as people write them on a command line: ``50ms``, ``2min``."""

from __future__ import annotations

import math
import re

from tavrnn_ephys.core.errors import InputError

__all__ = ["parse_duration_s", "parse_time_s"]

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def parse_duration_s(text: str) -> float:
    """
    Turn text into seconds.

    Parameters
    ----------
    text : str
        A positive number and a unit: us, ms, s, min or h.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InputError
        If the text is no number with a known unit, or not positive.

    Examples
    --------
    >>> parse_duration_s("50ms"), parse_duration_s("2 min")
    (0.05, 120.0)
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ]*)\s*", text)
    units = ", ".join(_UNITS_S)
    if match is None:
        raise InputError(
            f"'{text}' is not a duration. Write a number and a unit, such as 50ms or 2min."
        )
    number, unit = float(match[1]), match[2].replace("µ", "u")
    if unit not in _UNITS_S:
        what = f"has the unknown unit of time '{match[2]}'" if unit else "lacks a unit of time"
        raise InputError(f"The duration '{text}' {what}. Use one of {units}, such as 50ms.")
    if not 0 < number < math.inf:
        raise InputError(f"The duration '{text}' must be positive and finite.")
    # Decimal text: 50 * 1e-3 is 0.05 after rounding to the digits that a double holds.
    return float(f"{number * _UNITS_S[unit]:.12g}")


def parse_time_s(text: str) -> float:
    """
    Turn text into seconds that may be zero or negative.

    Parameters
    ----------
    text : str
        A number and a unit, as of :func:`parse_duration_s`.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InputError
        If the text is no number with a known unit.

    Examples
    --------
    >>> parse_time_s("-2 min"), parse_time_s("0s")
    (-120.0, 0.0)
    """
    stripped = text.strip()
    sign = -1.0 if stripped.startswith("-") else 1.0
    plain = stripped.removeprefix("-").removeprefix("+")
    zero = re.fullmatch(r"0*\.?0+\s*([A-Za-zµ]+)", plain)
    if zero is not None and zero[1].replace("µ", "u") in _UNITS_S:
        return 0.0
    return sign * parse_duration_s(plain)
