"""Checks at the public doors: one check, one sentence that says the way out."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Mapping
from typing import Any

from tavrnn_ephys.core.errors import InputError

# Durations come from decimal text such as 0.1 s; a bin count within this
# distance of a whole number is that whole number.
_WHOLE_TOLERANCE = 1e-6


def duration_s(value: Any, name: str) -> float:
    """
    Turn a positive duration with a unit into seconds.

    Parameters
    ----------
    value : quantities.Quantity
        Scalar with a unit of time.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    float
        The duration in seconds.

    Raises
    ------
    InputError
        If the value has no unit of time, is no scalar, or is not positive and finite.
    """
    seconds = time_s(value, name)
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"{name} must be a positive duration, got {seconds:g} s.")
    return seconds


def time_s(value: Any, name: str) -> float:
    """
    Turn a point in time with a unit into seconds.

    Parameters
    ----------
    value : quantities.Quantity
        Scalar with a unit of time.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    float
        The time in seconds.

    Raises
    ------
    InputError
        If the value has no unit of time or is no scalar.
    """
    hint = (
        f"{name} must be a scalar with a unit of time, such as 50 * quantities.ms, got {value!r}."
    )
    try:
        rescaled = value.rescale("s")
    except AttributeError:
        raise InputError(hint) from None
    except ValueError:
        raise InputError(hint) from None
    if rescaled.size != 1:
        raise InputError(hint)
    return float(rescaled.magnitude.reshape(-1)[0])


def whole_bins(length_s: float, bin_size_s: float, name: str) -> int:
    """
    Count the bins in a duration that must be a whole number of bins.

    Parameters
    ----------
    length_s, bin_size_s : float
        Durations in seconds.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    int
        Number of bins, at least 1.

    Raises
    ------
    InputError
        If the duration is not a whole number of bins.

    Examples
    --------
    >>> whole_bins(0.3, 0.1, "window_length")
    3
    """
    ratio = length_s / bin_size_s
    nearest = round(ratio)
    if nearest >= 1 and abs(ratio - nearest) <= _WHOLE_TOLERANCE * max(1.0, ratio):
        return nearest
    lower, upper = math.floor(ratio) * bin_size_s, math.ceil(ratio) * bin_size_s
    choices = f"{lower:g} s or {upper:g} s" if lower > 0 else f"{upper:g} s"
    finer = _short_divisor(length_s, math.ceil(ratio))
    raise InputError(
        f"{name} must be a whole number of {bin_size_s:g} s bins, got {length_s:g} s "
        f"({ratio:g} bins). Use {choices}, or bin at {finer} s."
    )


def _short_divisor(length_s: float, n_bins: int) -> str:
    """Write a bin that goes into a length at least so often, in digits that lead there exactly."""
    for n in range(n_bins, 100 * n_bins + 1):
        text = f"{length_s / n:.4g}"
        if abs(float(text) * n - length_s) <= 1e-9 * length_s:
            return text
    return f"{length_s / n_bins:.12g}"


def lag_bins(max_lag: Any, bin_size_s: float, n_bins: int) -> int:
    """
    Count the bins in the largest lag of a correlation inside a window.

    Parameters
    ----------
    max_lag : quantities.Quantity
        The lag.
    bin_size_s : float
        Width of a bin in seconds.
    n_bins : int
        Bins of the window.

    Returns
    -------
    int
        Number of bins, at least 1.

    Raises
    ------
    InputError
        If the lag is no whole number of bins, or not shorter than the window.
    """
    n_lags = whole_bins(duration_s(max_lag, "max_lag"), bin_size_s, "max_lag")
    if n_lags >= n_bins:
        raise InputError(
            f"max_lag of {n_lags * bin_size_s:g} s must be shorter than the window, which lasts "
            f"{n_bins * bin_size_s:g} s. Shorten it, or lengthen the windows."
        )
    return n_lags


def one_of(
    value: Any, allowed: Iterable[Any], name: str, *, former: Mapping[str, Any] | None = None
) -> Any:
    """
    Return a value that is one of the allowed ones.

    Parameters
    ----------
    value : object
        What the caller passed.
    allowed : iterable of object
        The choices.
    name : str
        Name of the argument, for the message.
    former : mapping of str to object, optional
        Choices by the names that they had in former releases; they are refused, and the message
        says what they are called now.

    Returns
    -------
    object
        The value itself.

    Raises
    ------
    InputError
        If the value is not allowed; the message lists the choices.
    """
    choices = list(allowed)
    try:
        known = value in choices
    except ValueError:
        # An array compares element by element.
        known = False
    if not known:
        listing = ", ".join(repr(choice) for choice in choices)
        now = former[value] if former and isinstance(value, str) and value in former else None
        renamed = "" if now is None else f" It is called {now!r} now."
        raise InputError(f"{name} must be one of {listing}, got {value!r}.{renamed}")
    return value


def positive_int(value: Any, name: str) -> int:
    """
    Return a positive whole number.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InputError
        If the value is not a whole number of at least 1.
    """
    return whole_number(value, name, at_least=1)


def whole_number(value: Any, name: str, *, at_least: int = 0) -> int:
    """
    Return a whole number that fits into 32 bits.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        Name of the argument, for the message.
    at_least : int
        Smallest allowed value.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InputError
        If the value is no whole number from ``at_least`` to 2³¹ − 1.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not at_least <= number < 2**31:
        raise InputError(
            f"{name} must be a whole number of at least {at_least} and below 2^31, got {value!r}."
        )
    return number


def positive_number(value: Any, name: str, *, or_zero: bool = False) -> float:
    """
    Return a positive finite number.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        Name of the argument, for the message.
    or_zero : bool
        Whether zero is allowed too.

    Returns
    -------
    float
        The value.

    Raises
    ------
    InputError
        If the value is no number, not finite, or too small.
    """
    if not is_real_number(value) or value < 0 or (value == 0 and not or_zero):
        rule = "a number of at least 0" if or_zero else "a positive number"
        raise InputError(f"{name} must be {rule}, got {value!r}.")
    return float(value)


def is_real_number(value: Any) -> bool:
    """
    Tell whether a value is a finite real number, and no truth value.

    Parameters
    ----------
    value : object
        What the caller passed.

    Returns
    -------
    bool
        Whether it is one.

    Examples
    --------
    >>> is_real_number(2.5), is_real_number(float("inf")), is_real_number("2")
    (True, False, False)
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)


def known_options(
    measure: str, options: Iterable[str], known: Mapping[str, bool], *, is_ours: bool
) -> None:
    """
    Refuse parameters that a measure does not have, and a measure without one that it needs.

    Parameters
    ----------
    measure : str
        Name of the measure.
    options : iterable of str
        The parameters that are given.
    known : mapping of str to bool
        The parameters that it has: True where one must be given.
    is_ours : bool
        Whether the measure is one of this package, whose parameters are durations where needed.

    Raises
    ------
    InputError
        If a parameter is unknown or missing.

    Examples
    --------
    >>> known_options("spearman", ["max_lag"], {}, is_ours=True)
    Traceback (most recent call last):
    tavrnn_ephys.core.errors.InputError: measure 'spearman' has no option 'max_lag'; ...: none.
    """
    given = list(options)
    unknown = [name for name in given if name not in known]
    if unknown:
        listing = ", ".join(repr(name) for name in known) or "none"
        raise InputError(
            f"measure '{measure}' has no option {unknown[0]!r}; its options are: {listing}."
        )
    for name in (name for name, needed in known.items() if needed and name not in given):
        raise InputError(
            f"measure '{measure}' needs {name}, such as {name}=50 * quantities.ms, or "
            f"--measure-option {name}=50ms on the command line."
            if is_ours
            else f"measure '{measure}' needs the option {name}."
        )


def some(names: Iterable[str], limit: int = 5) -> str:
    """
    List a few names for a message.

    Parameters
    ----------
    names : iterable of str
        All names.
    limit : int
        How many are spelled out.

    Returns
    -------
    str
        The names in quotes, with the number of those left out.

    Examples
    --------
    >>> some(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    listed = list(names)
    text = ", ".join(repr(str(name)) for name in listed[:limit])
    return text if len(listed) <= limit else f"{text} and {len(listed) - limit} more"
