"""What a Neo signal, epoch or event says of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.finding import behavior_names, find_behavior
from tavrnn_ephys.activity.behavior.game import game_measures
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.activity.windows.holding import (
    covered_s,
    held_until_s,
    in_order_of_time,
    known_intervals,
    merged_intervals,
)
from tavrnn_ephys.core.checks import is_real_number, one_of, positive_number, some
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = [
    "WindowBehavior",
    "behavior_names",
    "window_behavior",
    "window_circular_means",
    "window_majorities",
    "window_rates",
]

_HOW = {
    "signal": ("mean", "majority", "circular_mean"),
    "epoch": ("majority", "share", "rate"),
    "event": ("rate", "count"),
    "game": ("measure",),
}
#: A label names a window only where it covers at least this share of it.
LEAST_SHARE = 0.25
_FULL_TURNS = {"deg": 360.0, "degree": 360.0, "degrees": 360.0, "°": 360.0, "arcdegree": 360.0,
               "grad": 400.0, "turn": 1.0, "turns": 1.0, "cycle": 1.0, "rad": 2 * np.pi,
               "radian": 2 * np.pi, "radians": 2 * np.pi}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WindowBehavior:
    """
    One value or label of behaviour per window.

    Parameters
    ----------
    name : str
        Name of the Neo object, and of the label after a colon.
    how : str
        How a window was summed up.
    values : numpy.ndarray, shape (n_windows,)
        Numbers, NaN where unknown, or text, empty where unknown.
    description : str
        What a value means, with its unit.
    unit : str
        Unit of a value; empty where it has none.
    """

    name: str
    how: str
    values: NDArray[Any]
    description: str
    unit: str = ""

    @property
    def label(self) -> str:
        """Name and unit, for the axis of a picture."""
        name = self.name.removeprefix("game:").replace("_", " ")
        return f"{name} ({self.unit})" if self.unit else name

    @property
    def is_label(self) -> bool:
        """Whether the values are text."""
        return self.values.dtype.kind == "U"


def window_behavior(
    segment: neo.Segment,
    windows: Windows,
    name: str,
    *,
    how: str | None = None,
    period: float | None = None,
    least_share: float = LEAST_SHARE,
) -> WindowBehavior:
    """
    Sum up a behaviour in each window.

    Parameters
    ----------
    segment : neo.Segment
        The segment that the windows lie in.
    windows : Windows
        The windows.
    name : str
        A column of a behaviour signal, an epoch or an event, the last two with a label behind a
        colon where only that label counts (``"game:hit"``); or ``"game:rally_length"`` and the
        other measures of :func:`game_measures`, where the segment holds a game.  Of several with
        one name each has its number: ``"position (1)"``.
    how : {"mean", "majority", "circular_mean", "share", "rate", "count"}, optional
        A signal is averaged over time by default; ``"circular_mean"`` for angles;
        ``"majority"`` takes the value that holds longest.  An epoch gives the label that covers
        most of the window by default, the ``"share"`` of time that it covers, or its ``"rate"``,
        starts per second.  Events give their rate by default.
    period : float, optional
        Full turn of a circular signal, in its unit; by default that of the unit, 360 for
        degrees, and 2π for plain numbers within two turns.
    least_share : float
        With ``"majority"``, the share of a window that a label must cover, 0 to 1.  A window
        that no label covers longer than is left without one has none, whatever the share.

    Returns
    -------
    WindowBehavior
        One value per window.

    Raises
    ------
    InputError
        If there is no such behaviour, it is summed up in a way that does not suit it, angles
        have no known period, it does not overlap the windows, or no label names a window.

    Warns
    -----
    DataLossWarning
        If intervals lack a start or stop time, as trials that were broken off.

    Notes
    -----
    A sample holds until the next one, at most 1.5 usual distances of samples, else one; means
    and majorities count by that time.  Intervals that overlap count once.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> from tavrnn_ephys.core.containers import Windows
    >>> block = block_from_arrays(
    ...     spike_times=[[0.1], [0.2]],
    ...     t_stop=4 * pq.s,
    ...     behavior={"speed": np.array([1.0, 3.0, 5.0, 7.0])},
    ...     behavior_rate=1 * pq.Hz,
    ... )
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    >>> window_behavior(block.segments[0], windows, "speed").values.tolist()
    [2.0, 6.0]
    """
    kind, item, label = find_behavior(segment, name)
    how = how or _HOW[kind][0]
    if how not in _HOW[kind]:
        raise InputError(
            f"The behaviour '{name}' is {_article(kind)}, which gives {some(_HOW[kind])}, "
            f"not '{how}'."
        )
    if not (is_real_number(least_share) and 0 <= least_share <= 1):
        raise InputError(f"least_share must lie between 0 and 1, got {least_share!r}.")
    if kind == "game":
        values, unit = game_measures(windows, item)[label].to_numpy(), ""
    elif kind == "signal":
        values, unit = _of_signal(name, item, windows, how, period, least_share), item[2]
    else:
        values, unit = _of_markers(name, kind, item, label, windows, how, least_share)
    _require_known(values, name, windows, least_share)
    description = f"{how.replace('_', ' ').capitalize()} of '{name}' over the window"
    description += f", in {unit}." if unit else "."
    return WindowBehavior(name=name, how=how, values=values, description=description, unit=unit)


def _require_known(values: NDArray[Any], name: str, windows: Windows, least_share: float) -> None:
    is_text = values.dtype.kind == "U"
    if (values != "" if is_text else np.isfinite(values)).any():
        return
    if is_text and len(values):
        detail = (
            f"no label of it covers {least_share:.0%} of a window and more of it than is left "
            "without one. Ask for its share, how='share' (--behavior-how share on the command "
            "line), lower least_share, or check its clock."
        )
    else:
        detail = "check its clock."
    raise InputError(
        f"The behaviour '{name}' does not overlap the windows, which last from "
        f"{windows.start_s[0]:g} s to {windows.stop_s.max():g} s: {detail}"
    )


def window_circular_means(
    windows: Windows, times_s: NDArray[Any], angles: NDArray[Any], *, period: float = 2 * np.pi
) -> NDArray[np.float64]:
    """
    Average angles in each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Sample times in seconds.
    angles : numpy.ndarray, shape (n_samples,)
        Angles; NaN values are left out.
    period : float
        Full turn in the unit of the angles.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in [0, period); NaN for a window without a sample, or whose samples
        cancel out.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0], stop_s=[2.0])
    >>> window_circular_means(windows, np.array([0, 1]), np.array([350.0, 20.0]), period=360)
    array([5.])
    """
    turn = 2j * np.pi * np.asarray(angles, dtype=np.float64) / positive_number(period, "period")
    unit = np.exp(turn)
    parts = [window_means(windows, np.asarray(times_s), part) for part in (unit.real, unit.imag)]
    mean = parts[0] + 1j * parts[1]
    means = np.round(np.mod(np.angle(mean) / (2 * np.pi) * period, period), 12)
    # A mean a rounding below zero is zero, not a full turn.
    means = np.where(means >= period, 0.0, means)
    return np.where(np.abs(mean) > 1e-9, means, np.nan)


def window_rates(windows: Windows, times_s: Any) -> NDArray[np.float64]:
    """
    Count events per second of each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : array_like, shape (n_events,)
        Times of the events in seconds.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in 1/s.

    Examples
    --------
    >>> window_rates(Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]), [0.5, 2.0, 3.0])
    array([0.5, 1. ])
    """
    times = np.asarray(times_s, dtype=np.float64)
    times = np.sort(times[np.isfinite(times)])
    first = np.searchsorted(times, windows.start_s - 1e-9)
    last = np.searchsorted(times, windows.stop_s - 1e-9)
    return np.asarray((last - first) / (windows.stop_s - windows.start_s))


def window_majorities(
    windows: Windows, start_s: Any, stop_s: Any, labels: Any, *, least_share: float = LEAST_SHARE
) -> NDArray[np.str_]:
    """
    Find the label that covers most of each window; time without a label is a candidate too.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : array_like, shape (n_intervals,)
        Limits of labelled intervals in seconds; those of one label that overlap count once.
    labels : array_like of str, shape (n_intervals,)
        Their labels; an empty text is none.
    least_share : float
        Smallest share of a window that a label must cover to name it.

    Returns
    -------
    numpy.ndarray of str
        Shape (n_windows,); empty where no label covers the least share, or where more of the
        window has no label than has this one.  Of labels that cover equally much, the first in
        the alphabet.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 4.0, 8.0], stop_s=[4.0, 8.0, 12.0])
    >>> window_majorities(windows, [0.0, 3.0, 8.0], [3.0, 7.0, 8.1], ["rest", "play", "rest"])
    array(['rest', 'play', ''], dtype='<U4')
    """
    labels = np.asarray(labels, dtype=str)
    names = np.array([name for name in np.unique(labels) if name], dtype=str)
    if len(names) == 0:
        return np.full(len(windows), "", dtype=str)
    start, stop = np.asarray(start_s, dtype=np.float64), np.asarray(stop_s, dtype=np.float64)
    length_s = windows.stop_s - windows.start_s
    covered = np.stack(
        [
            covered_s(windows, *merged_intervals(start[labels == name], stop[labels == name]))
            for name in names
        ],
        axis=1,
    )
    named = labels != ""
    bare_s = length_s - covered_s(windows, *merged_intervals(start[named], stop[named]))
    most_s, slack_s = covered.max(axis=1), 1e-9 + 1e-9 * length_s
    kept = (most_s > slack_s) & (most_s >= bare_s - slack_s)
    kept &= most_s >= least_share * length_s - slack_s
    # Equal to rounding is equal: the alphabet decides.
    best = (covered >= most_s[:, np.newaxis] - slack_s[:, np.newaxis]).argmax(axis=1)
    return np.where(kept, names[best], "")


def _article(kind: str) -> str:
    words = {"signal": "a signal", "epoch": "an epoch", "event": "an event"}
    return words.get(kind, "a measure of the game")


def _of_markers(
    name: str, kind: str, item: Any, label: str, windows: Windows, how: str, least_share: float
) -> tuple[NDArray[Any], str]:
    """Sum up epochs or events."""
    times_s = np.asarray(item.times.rescale("s").magnitude, dtype=np.float64)
    labels = np.asarray(item.labels, dtype=str)
    if len(labels) != len(times_s):
        labels = np.full(len(times_s), "yes")
    chosen = np.flatnonzero((labels == label) | (label == ""))
    times_s, labels = times_s[chosen], labels[chosen]
    if how in ("rate", "count"):
        whole = known_intervals(times_s, times_s, f"times of '{name}'")
        rates = window_rates(windows, times_s[whole])
        if how == "rate":
            return rates, "1/s"
        return np.round(rates * (windows.stop_s - windows.start_s)), ""
    stops_s = times_s + np.asarray(item.durations.rescale("s").magnitude, dtype=np.float64)[chosen]
    whole = known_intervals(times_s, stops_s, f"intervals of '{name}'")
    times_s, stops_s, labels = times_s[whole], stops_s[whole], labels[whole]
    if how == "majority":
        return window_majorities(windows, times_s, stops_s, labels, least_share=least_share), ""
    share = covered_s(windows, *merged_intervals(times_s, stops_s))
    return share / (windows.stop_s - windows.start_s), "share of the window"


def _of_signal(
    name: str,
    item: tuple[NDArray[Any], NDArray[Any], str],
    windows: Windows,
    how: str,
    period: float | None,
    least_share: float,
) -> NDArray[Any]:
    times_s, values, unit = item
    one_of(how, _HOW["signal"], "how")
    if how == "mean":
        return window_means(windows, times_s, values)
    if how == "circular_mean":
        turn = _full_turn(name, values, unit) if period is None else period
        return window_circular_means(windows, times_s, values, period=turn)
    times_s, values = in_order_of_time(times_s, values)
    labels = np.array(["" if np.isnan(value) else f"{value:g}" for value in values], dtype=str)
    return window_majorities(
        windows, times_s, held_until_s(times_s), labels, least_share=least_share
    )


def _full_turn(name: str, angles: NDArray[Any], unit: str) -> float:
    """Take the period from the unit; plain numbers are radians only where they can be."""
    if unit in _FULL_TURNS:
        return _FULL_TURNS[unit]
    known = angles[np.isfinite(angles)]
    reach = float(np.abs(known).max(initial=0.0))
    if unit or reach > 4 * np.pi:
        what = f"has the unit '{unit}'" if unit else f"reaches {reach:g}"
        raise InputError(
            f"The behaviour '{name}' {what}, which is no angle in radians. Say how long a full "
            "turn is: period=360 for degrees."
        )
    return 2 * np.pi
