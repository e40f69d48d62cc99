"""Why a bin, a window and a step were chosen, in words."""

from __future__ import annotations

from collections.abc import Mapping

from tavrnn_ephys.core.names import NODE_NAMES
from tavrnn_ephys.studies.advice.choosing import (
    count_windows,
    meetings,
    standard_error,
    suffices,
)
from tavrnn_ephys.studies.advice.survey import Survey

__all__ = ["bin_reason", "duration_text", "reason_lines", "reasons_for"]

_GIVEN = "as asked for; "


def reasons_for(
    known: Survey,
    given: Mapping[str, float | None],
    bin_s: float,
    window_s: float,
    step_s: float,
) -> dict[str, str]:
    """
    Say why a bin, a window and a step were chosen.

    Parameters
    ----------
    known : Survey
        The recording.
    given : mapping of str to float or None
        What was chosen before.
    bin_s, window_s, step_s : float
        The choice in seconds.

    Returns
    -------
    dict of str to str
        One reason each, and one for gaps where there are any.
    """
    asked = {name: _GIVEN if value else "" for name, value in given.items()}
    window = asked["window_length"] + _window_reason(known, bin_s, window_s)
    if not given["window_length"] and not suffices(known, bin_s, window_s):
        window += "; no longer, so that about 20 windows are left"
    n_windows = count_windows(known, window_s, step_s)
    shared = "share half their time" if step_s < window_s else "share no time"
    if given["step"]:
        shared = "start so far apart"
    total = f"{known.lengths_s.sum():.6g} s"
    reasons = {
        "bin": asked["bin_size"] + bin_reason(known, bin_s, window_s),
        "window": window,
        "step": f"{asked['step']}{n_windows} windows of {total} {shared}",
    }
    n_stretches = len(known.stretches)
    if n_stretches > 1:
        reasons["gaps"] = f"windows lie inside the {n_stretches} stretches that there are"
    return reasons


def bin_reason(known: Survey, bin_s: float, window_s: float) -> str:
    """
    Say why a bin suits a window.

    Parameters
    ----------
    known : Survey
        The recording.
    bin_s, window_s : float
        Bin and window in seconds.

    Returns
    -------
    str
        The reason.
    """
    if known.rate_hz is None:
        return (
            f"traces are sampled every {known.interval_s:.3g} s and resemble themselves for "
            f"{known.activity_s:.3g} s"
        )
    return (
        f"the median {NODE_NAMES[known.kind]} fires {known.rate_hz:.3g} times per second, so that "
        f"two independent ones meet in {meetings(known, bin_s, window_s):.2g} bins of a window"
    )


def _window_reason(known: Survey, bin_s: float, window_s: float) -> str:
    error = standard_error(known, bin_s, window_s)
    spikes = ""
    if known.rate_hz is not None:
        spikes = (
            f"{known.rate_hz * window_s:.3g} spikes of the median {NODE_NAMES[known.kind]} and "
        )
    text = f"it holds {spikes}{window_s / bin_s:.4g} bins, standard error of r {error:.2f}"
    if known.rate_hz is not None and known.activity_s > bin_s:
        text += f" (spikes resemble themselves for {known.activity_s:.3g} s)"
    if known.behavior_s is not None:
        relation = "longer than" if window_s > known.behavior_s else "within"
        text += f"; {relation} the {known.behavior_s:.3g} s in which '{known.behavior}' changes"
    return text


def reason_lines(values: Mapping[str, float | None], reasons: Mapping[str, str]) -> list[str]:
    """
    Write reasons for a person.

    Parameters
    ----------
    values : mapping of str to float or None
        Durations in seconds by what they are of.
    reasons : mapping of str to str
        Reasons by the same names, and others.

    Returns
    -------
    list of str
        One line each.

    Examples
    --------
    >>> reason_lines({"bin": 0.05}, {"bin": "rates are high"})
    ['  bin 50ms       rates are high']
    """
    lines = []
    for name, reason in reasons.items():
        value = values.get(name)
        head = name if value is None else f"{name} {duration_text(value)}"
        lines.append(f"  {head:<14} {reason}")
    return lines


def duration_text(seconds: float) -> str:
    """
    Write a duration as the command line reads it.

    Parameters
    ----------
    seconds : float
        Seconds.

    Returns
    -------
    str
        Such as ``"50ms"``, ``"2min"``.

    Examples
    --------
    >>> duration_text(0.05), duration_text(120.0), duration_text(90.0)
    ('50ms', '2min', '90s')
    """
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:.10g}min"
    return f"{seconds * 1000:.10g}ms" if seconds < 1 else f"{seconds:.10g}s"
