"""What a behaviour signal is taken for, checked: its clock, its gaps, its turns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows.holding import in_order_of_time
from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError

__all__ = ["full_turn", "refuse_missing", "tell_odd_times", "tell_turning"]

_FULL_TURNS = {"deg": 360.0, "degree": 360.0, "degrees": 360.0, "°": 360.0, "arcdegree": 360.0,
               "grad": 400.0, "turn": 1.0, "turns": 1.0, "cycle": 1.0, "rad": 2 * np.pi,
               "radian": 2 * np.pi, "radians": 2 * np.pi}  # fmt: skip
# Steps of this part of a turn, between samples, lead over its seam.
_OVER_THE_SEAM = 0.5


def full_turn(name: str, angles: NDArray[Any], unit: str, period: float | None) -> float:
    """
    Say how long a full turn of an angle is.

    Parameters
    ----------
    name : str
        Name of the behaviour, for the message.
    angles : numpy.ndarray
        Its samples.
    unit : str
        Its unit; empty for plain numbers, which are radians only where they can be.
    period : float or None
        What the caller says.

    Returns
    -------
    float
        The period, in the unit of the angles.

    Raises
    ------
    InputError
        If the period is not that of the unit, or is needed.
    """
    known = _FULL_TURNS.get(unit)
    if period is not None:
        turn = positive_number(period, "period")
        if known is not None and abs(turn - known) > 1e-3 * known:
            raise InputError(
                f"The behaviour '{name}' has the unit '{unit}', of which a full turn is "
                f"{known:.6g}, not {turn:g}. Leave period out (--behavior-period)."
            )
        return turn
    if known is not None:
        return known
    reach = float(np.abs(angles[np.isfinite(angles)]).max(initial=0.0))
    if unit or reach > 4 * np.pi:
        what = f"has the unit '{unit}'" if unit else f"reaches {reach:g}"
        raise InputError(
            f"The behaviour '{name}' {what}, which is no angle in radians. Say how long a full "
            "turn is: period=360 for degrees (--behavior-period 360 on the command line)."
        )
    return 2 * np.pi


def tell_turning(name: str, times_s: NDArray[Any], angles: NDArray[Any], unit: str) -> None:
    """
    Warn of the plain mean of angles that lead over the seam of a turn: 359 and 1 give 180.

    Parameters
    ----------
    name : str
        Name of the behaviour.
    times_s, angles : numpy.ndarray, shape (n_samples,)
        Its samples.
    unit : str
        Its unit.

    Warns
    -----
    DataLossWarning
        If the unit is one of angles, and samples lead over the seam.
    """
    if unit not in _FULL_TURNS:
        return
    _, values = in_order_of_time(times_s, angles)
    with np.errstate(invalid="ignore"):
        over = np.abs(np.diff(values)) > _OVER_THE_SEAM * _FULL_TURNS[unit]
    if over.any():
        warnings.warn(
            f"The behaviour '{name}' is an angle in {unit} that passes the end of a turn "
            f"{int(over.sum())} times: its plain mean says nothing there. Take "
            "how='circular_mean' (--behavior-how circular_mean).",
            DataLossWarning,
            stacklevel=4,
        )


def tell_odd_times(name: str, times_s: NDArray[Any], values: NDArray[Any]) -> None:
    """
    Warn of samples without a time, and of several at one time.

    Parameters
    ----------
    name : str
        Name of the behaviour.
    times_s, values : numpy.ndarray, shape (n_samples,)
        Its samples.

    Warns
    -----
    DataLossWarning
        If there are such samples.
    """
    n_unknown = int((~np.isfinite(times_s)).sum())
    times, samples = in_order_of_time(times_s, values)
    same = (np.diff(times) == 0) & (np.diff(samples) != 0)
    for count, what in (
        (n_unknown, "have no time and are left out"),
        (int(same.sum()), "stand at the time of another, with another value"),
    ):
        if count:
            warnings.warn(
                f"{count} of {len(times_s)} samples of the behaviour '{name}' {what}. Check its "
                "clock.",
                DataLossWarning,
                stacklevel=4,
            )


def refuse_missing(name: str, item: Any, windows: Windows, how: str) -> None:
    """
    Refuse a signal that lies in the windows and says nothing there.

    Parameters
    ----------
    name : str
        Name of the behaviour.
    item : tuple
        Its times, values and unit.
    windows : Windows
        The windows.
    how : str
        How it is summed up.

    Raises
    ------
    InputError
        If samples lie in the windows.
    """
    times_s, values = np.asarray(item[0]), np.asarray(item[1])
    inside = (times_s >= windows.start_s.min()) & (times_s < windows.stop_s.max())
    if not inside.any():
        return
    if np.isfinite(values[inside]).any() and how == "circular_mean":
        raise InputError(
            f"The angles of '{name}' cancel out in every window, so that they have no mean. Take "
            "how='majority', or shorter windows."
        )
    raise InputError(
        f"The behaviour '{name}' has {int(inside.sum())} samples in the windows, and a value in "
        "none. Look for missing values in the file."
    )
