"""What a Neo signal, epoch or event says of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.game import (
    GAME_MEASURES,
    episodes_of_segment,
    game_measures,
    warn_of_constant,
)
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.core.checks import one_of, positive_number, some
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import BEHAVIOR_HOW
from tavrnn_ephys.io.blocks import behavior_columns, behavior_signals, loaded_segment

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


def behavior_names(segment: neo.Segment) -> list[str]:
    """
    List what :func:`window_behavior` can read in a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    list of str
        Columns of behaviour signals, named epochs, named events, and measures of the game.
    """
    named = [item.name for item in (*segment.epochs, *segment.events) if item.name]
    game = [f"game:{name}" for name in GAME_MEASURES] if episodes_of_segment(segment) else []
    return [*behavior_columns(segment), *named, *game]


def window_behavior(
    segment: neo.Segment,
    windows: Windows,
    name: str,
    *,
    how: str | None = None,
    period: float | None = None,
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
        other measures of :func:`game_measures`, where the segment holds a game.
    how : {"mean", "majority", "circular_mean", "share", "rate", "count"}, optional
        A signal is averaged by default; ``"circular_mean"`` for angles; ``"majority"`` takes
        the most frequent value.  An epoch gives the label that covers most of the window by
        default, the ``"share"`` of time that it covers, or its ``"rate"``, starts per second.
        Events give their rate by default.
    period : float, optional
        Full turn of a circular signal, in its unit; 360 for degrees; 2π by default.

    Returns
    -------
    WindowBehavior
        One value per window.

    Raises
    ------
    InputError
        If there is no such behaviour, it is summed up in a way that does not suit it, or it
        does not overlap the windows.

    Warns
    -----
    DataLossWarning
        If a measure of the game is the same in all windows; it says from which events.

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
    kind, item, label = _find(segment, name)
    how = how or BEHAVIOR_HOW[kind][0]
    if how not in BEHAVIOR_HOW[kind]:
        raise InputError(
            f"The behaviour '{name}' is {_article(kind)}, which gives {some(BEHAVIOR_HOW[kind])}, "
            f"not '{how}'."
        )
    values, unit = _summary(kind, item, label, windows, how, period)
    known = values != "" if values.dtype.kind == "U" else np.isfinite(values)
    if not known.any():
        raise InputError(
            f"The behaviour '{name}' does not overlap the windows, which last from "
            f"{windows.start_s[0]:g} s to {windows.stop_s.max():g} s: check its clock."
        )
    description = f"{how.replace('_', ' ').capitalize()} of '{name}' over the window"
    description += f", in {unit}." if unit else "."
    if kind == "game":
        description += f" Counted from {item.source}." if item.source else ""
        warn_of_constant(name, values, item.source)
    return WindowBehavior(name=name, how=how, values=values, description=description, unit=unit)


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
        Ascending sample times in seconds.
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
    means = np.mod(np.angle(mean) / (2 * np.pi) * period, period)
    return np.where(np.abs(mean) > 1e-9, np.round(means, 12), np.nan)


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
    times = np.sort(np.asarray(times_s, dtype=np.float64))
    first = np.searchsorted(times, windows.start_s - 1e-9)
    last = np.searchsorted(times, windows.stop_s - 1e-9)
    return np.asarray((last - first) / (windows.stop_s - windows.start_s))


def window_majorities(windows: Windows, start_s: Any, stop_s: Any, labels: Any) -> NDArray[np.str_]:
    """
    Find the label that covers most of each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : array_like, shape (n_intervals,)
        Limits of labelled intervals in seconds.
    labels : array_like of str, shape (n_intervals,)
        Their labels; an empty text is none.

    Returns
    -------
    numpy.ndarray of str
        Shape (n_windows,); empty where no label covers any of the window.  Of labels that cover
        equally much, the first in the alphabet.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 4.0], stop_s=[4.0, 8.0])
    >>> window_majorities(windows, [0.0, 3.0], [3.0, 5.0], ["rest", "play"])
    array(['rest', 'play'], dtype='<U4')
    """
    labels = np.asarray(labels, dtype=str)
    names = np.array([name for name in np.unique(labels) if name], dtype=str)
    if len(names) == 0:
        return np.full(len(windows), "", dtype=str)
    start, stop = np.asarray(start_s, dtype=np.float64), np.asarray(stop_s, dtype=np.float64)
    covered = np.stack(
        [covered_s(windows, start[labels == name], stop[labels == name]) for name in names], axis=1
    )
    best = covered.argmax(axis=1)
    return np.where(covered.max(axis=1) > 1e-9, names[best], "")


def covered_s(windows: Windows, start_s: NDArray[Any], stop_s: NDArray[Any]) -> NDArray[np.float64]:
    """
    Say how much of each window intervals cover.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : numpy.ndarray, shape (n_intervals,)
        Limits in seconds; intervals that overlap count twice.

    Returns
    -------
    numpy.ndarray
        Seconds, shape (n_windows,).
    """
    start, stop = np.sort(start_s), np.sort(stop_s)

    def before(times: NDArray[Any]) -> NDArray[np.float64]:
        """Time covered up to an instant: each interval has begun so long ago, less its end."""
        total = np.zeros(len(times))
        for limits, sign in ((start, 1.0), (stop, -1.0)):
            n_past = np.searchsorted(limits, times)
            sums = np.concatenate([[0.0], np.cumsum(limits)])
            total += sign * (n_past * times - sums[n_past])
        return total

    return before(windows.stop_s) - before(windows.start_s)


def _find(segment: neo.Segment, name: str) -> tuple[str, Any, str]:
    """Find a behaviour: its kind, the object, and the label that was asked for."""
    segment = loaded_segment(segment)
    columns = behavior_columns(segment)
    if name in columns:
        return "signal", (*columns[name], _unit_of(segment, name)), ""
    head, _, label = name.partition(":")
    if head == "game" and label in GAME_MEASURES:
        episodes = episodes_of_segment(segment)
        if episodes is not None:
            return "game", episodes, label
    for kind, items in (("epoch", segment.epochs), ("event", segment.events)):
        for item in items:
            if item.name not in (name, head):
                continue
            wanted = label if item.name == head else ""
            if wanted and wanted not in np.asarray(item.labels, dtype=str):
                labels = some(np.unique(np.asarray(item.labels, dtype=str)))
                raise InputError(f"'{head}' has no label '{wanted}'; it has {labels}.")
            return kind, item, wanted
    known = behavior_names(segment)
    hint = f"it has {some(known, 12)}" if known else "it has none"
    raise InputError(f"The recording has no behaviour '{name}'; {hint}.")


def _unit_of(segment: neo.Segment, name: str) -> str:
    """Find the unit of the signal that a column belongs to; none for plain numbers."""
    signals = behavior_signals(segment)
    heads = [head for head in signals if name == head or name.startswith(f"{head}_")]
    unit = str(signals[max(heads, key=len)].dimensionality) if heads else ""
    return "" if unit == "dimensionless" else unit


def _article(kind: str) -> str:
    words = {"signal": "a signal", "epoch": "an epoch", "event": "an event"}
    return words.get(kind, "a measure of the game")


def _summary(
    kind: str, item: Any, label: str, windows: Windows, how: str, period: float | None
) -> tuple[NDArray[Any], str]:
    if kind == "game":
        return game_measures(windows, item)[label].to_numpy(), ""
    if kind == "signal":
        times_s, values, unit = item
        return _of_signal(times_s, values, windows, how, period), unit
    times_s = np.asarray(item.times.rescale("s").magnitude, dtype=np.float64)
    labels = np.asarray(item.labels, dtype=str)
    if len(labels) != len(times_s):
        labels = np.full(len(times_s), "yes")
    chosen = np.flatnonzero((labels == label) | (label == ""))
    if kind == "event":
        rates = window_rates(windows, times_s[chosen])
        if how == "rate":
            return rates, "1/s"
        return np.round(rates * (windows.stop_s - windows.start_s)), ""
    stops_s = times_s + np.asarray(item.durations.rescale("s").magnitude, dtype=np.float64)
    if how == "majority":
        given = times_s[chosen], stops_s[chosen], labels[chosen]
        return window_majorities(windows, *given), ""
    if how == "rate":
        return window_rates(windows, times_s[chosen]), "1/s"
    share = covered_s(windows, times_s[chosen], stops_s[chosen])
    return share / (windows.stop_s - windows.start_s), "share of the window"


def _of_signal(
    times_s: NDArray[Any],
    values: NDArray[Any],
    windows: Windows,
    how: str,
    period: float | None,
) -> NDArray[Any]:
    one_of(how, BEHAVIOR_HOW["signal"], "how")
    if how == "mean":
        return window_means(windows, times_s, values)
    if how == "circular_mean":
        return window_circular_means(windows, times_s, values, period=period or 2 * np.pi)
    if len(times_s) < 2:
        return np.full(len(windows), "", dtype=str)
    labels = np.array(["" if np.isnan(value) else f"{value:g}" for value in values], dtype=str)
    stops_s = np.append(times_s[1:], times_s[-1] + np.median(np.diff(times_s)))
    return window_majorities(windows, times_s, stops_s, labels)
