"""What a Neo signal, epoch or event says of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.finding import behavior_names, find_behavior
from tavrnn_ephys.activity.behavior.game import game_measures, warn_of_constant
from tavrnn_ephys.activity.behavior.sampling import (
    known_shares,
    sampled_at_middles,
    shares_covered,
)
from tavrnn_ephys.activity.behavior.signals import (
    full_turn,
    refuse_missing,
    tell_odd_times,
    tell_turning,
)
from tavrnn_ephys.activity.behavior.summaries import (
    LEAST_SHARE,
    window_circular_means,
    window_majorities,
    window_rates,
)
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.activity.windows.holding import (
    covered_s,
    held_until_s,
    in_order_of_time,
    known_intervals,
    merged_intervals,
)
from tavrnn_ephys.core.checks import is_real_number, some
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import BEHAVIOR_HOW
from tavrnn_ephys.core.spec import BehaviorSpec
from tavrnn_ephys.io.blocks import behavior_columns

if TYPE_CHECKING:
    import neo

__all__ = ["WindowBehavior", "behavior_means", "behavior_names", "window_behavior"]


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
    period : float, optional
        Full turn of values that are angles.
    """

    name: str
    how: str
    values: NDArray[Any]
    description: str
    unit: str = ""
    period: float | None = None

    @property
    def label(self) -> str:
        """Name and unit, for the axis of a picture."""
        name = self.name.removeprefix("game:").replace("_", " ")
        return f"{name} ({self.unit})" if self.unit else name

    @property
    def is_label(self) -> bool:
        """Whether the values are text."""
        return self.values.dtype.kind == "U"


def behavior_means(segment: neo.Segment, windows: Windows) -> dict[str, NDArray[np.float64]]:
    """
    Average every behaviour signal in each window.

    Parameters
    ----------
    segment : neo.Segment
        The segment that the windows lie in.
    windows : Windows
        The windows.

    Returns
    -------
    dict of str to numpy.ndarray, shape (n_windows,)
        Means of the columns that hold in at least one window, by their names.
    """
    means = {
        name: window_means(windows, times_s, values)
        for name, (times_s, values) in behavior_columns(segment).items()
    }
    return {name: values for name, values in means.items() if np.isfinite(values).any()}


def window_behavior(
    segment: neo.Segment,
    windows: Windows,
    name: str,
    *,
    how: str | None = None,
    period: float | None = None,
    least_share: float = LEAST_SHARE,
    least_coverage: float | None = None,
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
        A column of a behaviour signal, an epoch or an event, with a label or value behind a
        colon where only that one counts (``"game:hit"``); or ``"game:rally_length"`` and the
        other measures of :func:`game_measures`, where the segment holds a game.  Of several with
        one name each has its number: ``"position_0"``.
    how : {"mean", "majority", "circular_mean", "nearest", "interpolated", "share", "rate", \
"count"}, optional
        A signal is averaged over time by default; ``"circular_mean"`` for angles, and by default
        where a period is given; ``"majority"`` takes the value that holds longest; one value gives
        its ``"share"``.  One that is sampled more slowly than windows follow gives the value of the
        sample ``"nearest"`` to the middle of a window, or the one ``"interpolated"`` there.  An
        epoch gives the label that covers
        most of the window by default, the ``"share"`` of time that it covers, or its ``"rate"``,
        starts per second.  Events give their rate by default.
    period : float, optional
        Full turn of a circular signal, in its unit; by default that of the unit, 360 for
        degrees, and 2π for plain numbers within two turns.
    least_share : float
        With ``"majority"``, the share of a window that a label must cover, 0 to 1.  A window
        that no label covers longer than is left without one has none, whatever the share.
    least_coverage : float, optional
        Share of a window in which a signal, or any label, must be known, in (0, 1]; a window
        that knows less has no value.

    Returns
    -------
    WindowBehavior
        One value per window.

    Raises
    ------
    InputError
        If there is no such behaviour, it is summed up in a way that does not suit it, angles
        have no known period, or it does not overlap the windows.

    Warns
    -----
    DataLossWarning
        If intervals lack a start or stop time, as trials that were broken off; or if a measure
        of the game is the same in all windows, and then from which events.

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
    if not (is_real_number(least_share) and 0 <= least_share <= 1):
        raise InputError(f"least_share must lie between 0 and 1, got {least_share!r}.")
    kind, item, label = find_behavior(segment, name)
    how = _chosen_way(name, kind, how, period)
    # The specification knows what suits a way.
    BehaviorSpec(name=name, how=how, period=period, least_coverage=least_coverage)
    turn = _turn(name, item, how, period) if kind == "signal" else None
    if kind == "game":
        values, unit = game_measures(windows, item)[label].to_numpy(), ""
    elif kind == "signal":
        values, unit = _of_signal(name, item, windows, how, turn, least_share), item[2]
    elif kind == "state":
        values, unit = _share_of_state(name, item, label, windows), "share of the window"
    else:
        values, unit = _of_markers(name, kind, item, label, windows, how, least_share)
    if least_coverage is not None:
        values = _known_enough(name, kind, item, label, windows, values, least_coverage)
    if values.dtype.kind != "U" and not np.isfinite(values).any():
        if kind == "signal":
            refuse_missing(name, item, windows, how)
        _refuse_apart(name, windows)
    description = f"{how.replace('_', ' ').capitalize()} of '{name}' over the window"
    description += f", in {unit}." if unit else "."
    if kind == "game":
        description += f" Counted from {item.source}." if item.source else ""
        warn_of_constant(name, values, item.source)
    return WindowBehavior(
        name=name, how=how, values=values, description=description, unit=unit, period=turn
    )


def _chosen_way(name: str, kind: str, how: str | None, period: float | None) -> str:
    if how is None:
        is_angle = kind == "signal" and period is not None
        return "circular_mean" if is_angle else BEHAVIOR_HOW[kind][0]
    if not isinstance(how, str) or how not in BEHAVIOR_HOW[kind]:
        raise InputError(
            f"The behaviour '{name}' is {_article(kind)}, which gives {some(BEHAVIOR_HOW[kind])}, "
            f"not '{how}'."
        )
    return how


def _turn(name: str, item: Any, how: str, period: float | None) -> float | None:
    """Give the full turn of a signal that is an angle; None for others."""
    if how == "circular_mean" or period is not None:
        return full_turn(name, item[1], item[2], period)
    return None


def _known_enough(
    name: str,
    kind: str,
    item: Any,
    label: str,
    windows: Windows,
    values: NDArray[Any],
    least: float,
) -> NDArray[Any]:
    """Take the value from windows in which too little is known."""
    if kind == "signal":
        shares = known_shares(windows, item[0], item[1])
    else:
        start_s, stop_s, labels = _labelled(name, item, label)
        shares = shares_covered(windows, start_s[labels != ""], stop_s[labels != ""])
    enough = shares >= least - 1e-9
    if not enough.any():
        raise InputError(
            f"The behaviour '{name}' is known in at most {shares.max():.0%} of any window, and "
            f"{least:.0%} are asked for. Ask for less, or lengthen the windows."
        )
    return np.where(enough, values, "" if values.dtype.kind == "U" else np.nan)


def _refuse_apart(name: str, windows: Windows) -> NoReturn:
    raise InputError(
        f"The behaviour '{name}' does not overlap the windows, which last from "
        f"{windows.start_s[0]:g} s to {windows.stop_s.max():g} s: check its clock."
    )


def _majorities(
    name: str,
    windows: Windows,
    intervals: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]],
    least_share: float,
) -> NDArray[np.str_]:
    start_s, stop_s, labels = intervals
    named = labels != ""
    if not (covered_s(windows, start_s[named], stop_s[named]) > 0).any():
        _refuse_apart(name, windows)
    return window_majorities(windows, *intervals, least_share=least_share)


def _article(kind: str) -> str:
    words = {
        "signal": "a signal",
        "state": "one value of a signal",
        "epoch": "an epoch",
        "event": "an event",
    }
    return words.get(kind, "a measure of the game")


def _of_markers(
    name: str, kind: str, item: Any, label: str, windows: Windows, how: str, least_share: float
) -> tuple[NDArray[Any], str]:
    """Sum up epochs or events."""
    if how in ("rate", "count"):
        times_s, _, _ = _chosen_markers(item, label)
        whole = known_intervals(times_s, times_s, f"times of '{name}'")
        rates = window_rates(windows, times_s[whole])
        if how == "rate":
            return rates, "1/s"
        return np.round(rates * (windows.stop_s - windows.start_s)), ""
    times_s, stops_s, labels = _labelled(name, item, label)
    if how == "majority":
        return _majorities(name, windows, (times_s, stops_s, labels), least_share), ""
    share = covered_s(windows, *merged_intervals(times_s, stops_s))
    return share / (windows.stop_s - windows.start_s), "share of the window"


def _chosen_markers(
    item: Any, label: str
) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.intp]]:
    """Choose the markers that are meant: times, labels, positions."""
    times_s = np.asarray(item.times.rescale("s").magnitude, dtype=np.float64)
    labels = np.asarray(item.labels, dtype=str)
    if len(labels) != len(times_s):
        labels = np.full(len(times_s), "yes")
    chosen = np.flatnonzero((labels == label) | (label == ""))
    return times_s[chosen], labels[chosen], chosen


def _labelled(
    name: str, item: Any, label: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
    """Start, stop and label of the intervals that are whole."""
    times_s, labels, chosen = _chosen_markers(item, label)
    stops_s = times_s + np.asarray(item.durations.rescale("s").magnitude, dtype=np.float64)[chosen]
    whole = known_intervals(times_s, stops_s, f"intervals of '{name}'")
    return times_s[whole], stops_s[whole], labels[whole]


def _of_signal(
    name: str,
    item: tuple[NDArray[Any], NDArray[Any], str],
    windows: Windows,
    how: str,
    turn: float | None,
    least_share: float,
) -> NDArray[Any]:
    times_s, values, unit = item
    tell_odd_times(name, times_s, values)
    if how == "mean":
        tell_turning(name, times_s, values, unit)
        return window_means(windows, times_s, values)
    if how == "circular_mean":
        return window_circular_means(windows, times_s, values, period=turn or 2 * np.pi)
    if how in ("nearest", "interpolated"):
        about: dict[str, Any] = {"interpolate": how == "interpolated", "period": turn}
        return sampled_at_middles(windows, times_s, values, **about)
    return _majorities(name, windows, _states(times_s, values), least_share)


def _states(
    times_s: NDArray[Any], values: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
    """Take each sample as an interval with its value as label; NaN is none."""
    times_s, values = in_order_of_time(times_s, values)
    labels = np.array(["" if np.isnan(value) else f"{value:.15g}" for value in values], dtype=str)
    return times_s, held_until_s(times_s), labels


def _share_of_state(
    name: str, item: tuple[NDArray[Any], NDArray[Any], str], label: str, windows: Windows
) -> NDArray[np.float64]:
    start_s, stop_s, labels = _states(*item[:2])
    here = labels == label
    if not here.any():
        raise InputError(
            f"The signal of '{name}' never has the value '{label}'; it has "
            f"{some(value for value in np.unique(labels) if value)}."
        )
    share = covered_s(windows, start_s[here], stop_s[here])
    return share / (windows.stop_s - windows.start_s)
