"""Raster of binned activity, with the windows and a behaviour above it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import (
    INK,
    PALETTE,
    ROUND_STEPS,
    SMALL,
    GroupOrder,
    add_colorbar,
    extension,
    group_order,
    name_nodes,
    short_name,
    tidy,
)

__all__ = ["held_bins", "plot_raster", "z_scores"]

# An excerpt shows this many steps between windows, then single spikes are still told apart.
_STEPS_SHOWN = 30
# Beyond these, marks merge into black: counts are drawn as an image instead.
_MAX_MARKS, _MAX_MARKED_NODES = 40_000, 300
# A row that marks cover by more than this share is a black bar.
_MAX_COVERED, _MARK_PT = 0.4, 0.6
_MAX_WINDOW_ROWS = 4
# Shares of the height that windows, a row of epochs, and the behaviour take.
_WINDOW_SHARE, _EPOCH_SHARE, _BEHAVIOR_SHARE = 0.10, 0.05, 0.18
_MOST_EPOCHS = 3
_GAP = "#dbe6f2"


def plot_raster(
    activity: BinnedActivity,
    windows: Windows,
    *,
    ax: Axes,
    t_start_s: float | None = None,
    t_stop_s: float | None = None,
    behavior: tuple[Any, Any, str] | None = None,
    epochs: Sequence[tuple[str, Any, Any]] = (),
) -> Axes:
    """
    Draw an excerpt of the activity, its windows as bars above it, epochs, and a behaviour on top.

    Nodes stand in the order of their groups, with a line between groups.  Spike counts are
    drawn as one mark per bin that holds a spike; where marks would merge, as an image of the
    z-score of each node's rate over the whole recording, white at its mean and below.  Traces are
    drawn as an image of each node's z-score, gaps in pale blue.

    Parameters
    ----------
    activity : BinnedActivity
        Counts or traces, shape (n_nodes, n_bins).
    windows : Windows
        The windows; those of other segments are left out.  Where more than four share an
        instant, every second, third, … is drawn.
    ax : matplotlib.axes.Axes
        Where to draw.
    t_start_s, t_stop_s : float, optional
        Limits of the excerpt in seconds on the clock of the recording.  By default it starts
        with the first window and lasts 30 steps, or until the last window stops.
    behavior : tuple of (times_s, values, label), optional
        Ascending times in seconds, shape (n_samples,), the values at these times, and the
        name with its unit.
    epochs : sequence of (name, start_s, stop_s)
        Intervals of time, a row per name; at most three of those with an interval in the excerpt.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes; a behaviour has its own scale at the right.

    Raises
    ------
    InputError
        If no window lies in the segment, the excerpt holds no bin, or times and values of the
        behaviour differ in length.
    """
    mine = np.equal(windows.segment_index, activity.segment_index)
    if not mine.any():
        raise InputError(
            f"No window lies in segment {activity.segment_index}, which the activity was binned "
            "from. Build the windows from this activity."
        )
    windows = windows.select(mine)
    start_s, stop_s, values = _excerpt(activity, windows, t_start_s, t_stop_s)
    order = group_order(activity.nodes)
    mappable, label = _draw_activity(ax, activity, values[order.rows], start_s, stop_s)
    for divider in order.dividers:
        ax.axhline(divider, color=INK, linewidth=0.6)
    n_rows = min(windows.overlap + 1, _MAX_WINDOW_ROWS)
    every = -(-(windows.overlap + 1) // n_rows)
    seen = _epochs_between(epochs, start_s, stop_s)
    shares = [("windows" if every == 1 else f"windows\n(1 in {every})", _WINDOW_SHARE)]
    shares += [(short_name(name, 16), _EPOCH_SHARE) for name, _, _ in seen]
    if behavior is not None:
        shares.append((fill(str(behavior[2]), 16), _BEHAVIOR_SHARE))
    bands = _layout(ax, activity.nodes, order, (start_s, stop_s), shares)
    _draw_windows(ax, windows, (start_s, stop_s), bands[0], n_rows, every)
    for number, ((_, first, last), band) in enumerate(zip(seen, bands[1:], strict=False)):
        _draw_epochs(ax, first, last, (start_s, stop_s), band, PALETTE[2 + number])
    if behavior is not None:
        _draw_behavior(ax, behavior, start_s, stop_s)
    if mappable is not None:
        low, high = mappable.get_clim()
        extend = extension(np.asarray(mappable.get_array()), low, high)
        pad_in = 0.1 if behavior is None else 0.5
        add_colorbar(ax, mappable, label, extend=extend, pad_in=pad_in)
    return ax


def _excerpt(
    activity: BinnedActivity, windows: Windows, t_start_s: float | None, t_stop_s: float | None
) -> tuple[float, float, NDArray[Any]]:
    starts, stops = windows.start_s, windows.stop_s
    if t_start_s is None:
        t_start_s = float(starts[0])
    if t_stop_s is None:
        steps = np.diff(starts) if len(starts) > 1 else np.zeros(1)
        length = float(stops[0] - starts[0])
        t_stop_s = t_start_s + length + _STEPS_SHOWN * float(np.median(steps))
        later = stops[stops > t_start_s]
        t_stop_s = min(t_stop_s, float(later.max())) if len(later) else t_stop_s
    limits = (np.array([t_start_s, t_stop_s]) - activity.t_start_s) / activity.bin_size_s
    first = max(int(np.floor(limits[0] + 1e-6)), 0)
    last = min(int(np.ceil(limits[1] - 1e-6)), activity.n_bins)
    if last <= first:
        raise InputError(
            f"The excerpt from {t_start_s:g} s to {t_stop_s:g} s holds no bin of the recording "
            f"({activity.t_start_s:g} s to {activity.t_stop_s:g} s). Move t_start_s or t_stop_s."
        )
    start_s, stop_s = activity.t_start_s + np.array([first, last]) * activity.bin_size_s
    values = activity.values[:, first:last]
    if activity.quantity == "trace":
        values = np.where(held_bins(values), np.nan, values)
    return float(start_s), float(stop_s), values


def held_bins(values: NDArray[Any]) -> NDArray[np.bool_]:
    """
    Find the bins of traces in gaps, in which all nodes keep their last value.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Mean values of traces.

    Returns
    -------
    numpy.ndarray of bool, shape (n_bins,)
        True where no node differs from the bin before.

    Examples
    --------
    >>> held_bins(np.array([[1.0, 2.0, 2.0], [5.0, 5.0, 5.0]]))
    array([False, False,  True])
    """
    held = np.zeros(values.shape[1], dtype=bool)
    held[1:] = (np.diff(values, axis=1) == 0).all(axis=0)
    return held


def _draw_activity(
    ax: Axes, activity: BinnedActivity, values: NDArray[Any], start_s: float, stop_s: float
) -> tuple[Any, str]:
    n_nodes = len(values)
    if activity.quantity != "trace" and not _marks_merge(ax, values):
        _draw_marks(ax, activity, values, start_s)
        return None, ""
    whole = activity.values[group_order(activity.nodes).rows]
    image = _pool(ax, z_scores(values, whole))
    # Each node beside its own mean: at rates alone, a fast node would be a black bar.
    low, label = (-1.0, "z-score") if activity.quantity == "trace" else (0.0, "rate (z-score)")
    high = max(float(np.nanpercentile(image, 99.5)), 1.0)
    extent = (start_s, stop_s, n_nodes - 0.5, -0.5)
    # Matplotlib's own choice would smooth few tall rows as well when it shrinks many bins.
    interpolation = "nearest" if n_nodes <= _MAX_MARKED_NODES else "auto"
    drawn = ax.imshow(
        image,
        aspect="auto",
        extent=extent,
        cmap=colormaps["Greys"].with_extremes(bad=_GAP),
        vmin=low,
        vmax=high,
        interpolation=interpolation,
    )
    return drawn, label


def _marks_merge(ax: Axes, values: NDArray[Any]) -> bool:
    """Say whether marks would be too many, or fill the row of a node with black."""
    counts = np.count_nonzero(values, axis=1)
    if len(values) > _MAX_MARKED_NODES or counts.sum() > _MAX_MARKS:
        return True
    mark_px = _MARK_PT * ax.get_figure(root=True).dpi / 72  # type: ignore[union-attr]
    covered = counts.max(initial=0) * mark_px / max(ax.get_window_extent().width, 1.0)
    return bool(covered > _MAX_COVERED)


def _draw_marks(ax: Axes, activity: BinnedActivity, values: NDArray[Any], start_s: float) -> None:
    rows, bins = np.nonzero(values)
    times_s = start_s + (bins + 0.5) * activity.bin_size_s
    marks = np.stack(
        [np.stack([times_s, rows - 0.42], axis=1), np.stack([times_s, rows + 0.42], axis=1)], axis=1
    )
    ax.add_collection(
        LineCollection(list(marks), colors="black", linewidths=_MARK_PT), autolim=False
    )


def z_scores(values: NDArray[Any], whole: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """
    Give the distance of each node from its own mean, in its own standard deviations.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Activity, or an excerpt of it.
    whole : numpy.ndarray, shape (n_nodes, n_all_bins), optional
        What mean and standard deviation are taken from; the values themselves by default.

    Returns
    -------
    numpy.ndarray, shape (n_nodes, n_bins)
        Zero for a node that does not vary.

    Examples
    --------
    >>> z_scores(np.array([[1.0, 3.0], [5.0, 5.0]]))
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    whole = values if whole is None else whole
    mean, spread = whole.mean(axis=1, keepdims=True), whole.std(axis=1, keepdims=True)
    return np.asarray((values - mean) / np.where(spread > 0, spread, 1.0))


def _pool(ax: Axes, values: NDArray[Any]) -> NDArray[np.float64]:
    """Average neighbouring bins until none is narrower than a pixel."""
    n_columns = max(int(ax.get_window_extent().width), 1)
    width = -(-values.shape[1] // n_columns)
    starts = np.arange(0, values.shape[1], width)
    widths = np.diff(np.append(starts, values.shape[1]))
    # A gap stays a gap.
    return np.add.reduceat(values, starts, axis=1) / widths


def _epochs_between(
    epochs: Sequence[tuple[str, Any, Any]], start_s: float, stop_s: float
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Give the first tables of intervals that have one in the excerpt."""
    found = []
    for name, starts, stops in epochs:
        first, last = (np.asarray(item, dtype=np.float64) for item in (starts, stops))
        inside = (last > start_s) & (first < stop_s)
        if inside.any():
            found.append((str(name), first[inside], last[inside]))
    return found[:_MOST_EPOCHS]


def _layout(
    ax: Axes,
    nodes: Nodes,
    order: GroupOrder,
    limits_s: tuple[float, float],
    shares: list[tuple[str, float]],
) -> list[tuple[float, float]]:
    """Name all rows and the bands above them; return the limits of each band, in rows."""
    height = len(nodes) / (1 - sum(share for _, share in shares))
    edges = -0.5 - height * np.cumsum([0.0, *(share for _, share in shares)])
    ax.set_xlim(*limits_s)
    ax.set_ylim(len(nodes) - 0.5, edges[-1])
    for edge in edges[:-1]:
        ax.axhline(edge, color=INK, linewidth=0.6)
    bands = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    tidy(ax, frame=True)
    extra = [(sum(band) / 2, name) for band, (name, _) in zip(bands, shares, strict=True)]
    name_nodes(ax, "y", nodes, order, extra=tuple(extra))
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=ROUND_STEPS))
    ax.set_xlabel("time (s)", fontsize=SMALL)
    return bands


def _draw_windows(
    ax: Axes,
    windows: Windows,
    limits_s: tuple[float, float],
    band: tuple[float, float],
    n_rows: int,
    every: int,
) -> None:
    start_s, stop_s = limits_s
    seen = (windows.stop_s > start_s) & (windows.start_s < stop_s)
    shown = np.flatnonzero(seen & (np.arange(len(windows)) % every == 0))
    height = band[0] - band[1]
    places = band[0] - height * (shown // every % n_rows + 1) / (n_rows + 1)
    gap_s = 0.0015 * (stop_s - start_s)
    for place, first, last in zip(
        places, windows.start_s[shown], windows.stop_s[shown], strict=True
    ):
        ax.plot([first + gap_s, last - gap_s], [place, place], color=INK, linewidth=1.6,
                solid_capstyle="butt")  # fmt: skip


def _draw_epochs(
    ax: Axes,
    starts_s: NDArray[np.float64],
    stops_s: NDArray[np.float64],
    limits_s: tuple[float, float],
    band: tuple[float, float],
    color: str,
) -> None:
    first, last = np.clip(starts_s, *limits_s), np.clip(stops_s, *limits_s)
    height = band[0] - band[1]
    spans = list(zip(first, last - first, strict=True))
    # The edge keeps neighbours apart, and shows an interval that lasts no time.
    ax.broken_barh(spans, (band[1] + 0.15 * height, 0.7 * height), facecolor=color, alpha=0.7,
                   edgecolor=color, linewidth=0.8)  # fmt: skip


def _draw_behavior(ax: Axes, behavior: tuple[Any, Any, str], start_s: float, stop_s: float) -> None:
    times_s, values = (np.asarray(item, dtype=np.float64) for item in behavior[:2])
    if times_s.ndim != 1 or times_s.shape != values.shape:
        raise InputError(
            f"Times and values of the behaviour '{behavior[2]}' must be two arrays of one length, "
            f"got shapes {times_s.shape} and {values.shape}."
        )
    seen = values[(times_s >= start_s) & (times_s <= stop_s) & np.isfinite(values)]
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    margin = 0.12 * (high - low) or 0.5
    band = high - low + 2 * margin
    twin = ax.twinx()
    twin.plot(times_s, values, color=PALETTE[0], linewidth=1.2)
    twin.set_xlim(start_s, stop_s)
    twin.set_ylim(high + margin - band / _BEHAVIOR_SHARE, high + margin)
    ticks = MaxNLocator(3, steps=ROUND_STEPS).tick_values(low, high) if high > low else [low]
    twin.set_yticks([tick for tick in ticks if low - margin <= tick <= high + margin])
    twin.ticklabel_format(axis="y", useOffset=False)
    tidy(twin, frame=True)
    twin.tick_params(axis="y", labelcolor=PALETTE[0])
