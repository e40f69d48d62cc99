"""What the pictures share: order of the nodes, place of names, colours, names of windows."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import NODE_NAMES

# Okabe and Ito (2008), without their yellow, which is lost on white paper.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
MARKERS = ("o", "s", "^", "D")
UNKNOWN = "0.75"
INK = "0.25"
SMALL = "small"
MEASURE_NAMES = {"pearson": "Pearson correlation"}
MAX_CATEGORIES = 8
ROUND_STEPS = (1, 2, 5, 10)
# A name that is longer is cut in its middle.
_LONGEST_NAME = 22
# Length of the leader from a group to its name, in points.
_LEADER_PT = 9.0
_BAR_IN = 0.13
# More names would make a legend longer than its picture.
_MOST_IN_LEGEND = 16


def short_name(name: str, longest: int = _LONGEST_NAME) -> str:
    """
    Cut a long name in its middle, where two names differ least.

    Examples
    --------
    >>> short_name("CA1"), short_name("Primary visual area, layer 2/3, left", 15)
    ('CA1', 'Primary…3, left')
    """
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[:half].rstrip()}…{name[-half:].lstrip()}"


def short_names(names: Sequence[str], longest: int = _LONGEST_NAME) -> list[str]:
    """
    Shorten long names so that they stay apart: words that all of them share are left out.

    Parameters
    ----------
    names : sequence of str
        The names, each once.
    longest : int
        Most letters of a name.

    Returns
    -------
    list of str
        Names that differ from each other.

    Examples
    --------
    >>> short_names(["primary visual area, layer 2/3, left", "primary visual area, layer 5, left"])
    ['…layer 2/3, left', '…layer 5, left']
    >>> short_names(["CA1", "CA3"])
    ['CA1', 'CA3']
    """
    long = [name for name in names if len(name) > longest]
    common = ""
    if len(long) > 1:
        # Whole words alone: half a number would be another number.  The last one says what of.
        common = re.sub(r"\S+\s+\S*$", "", os.path.commonprefix(long))
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        rest = f"…{name[len(common) :]}" if common and len(name) > longest else name
        text = rest if len(rest) <= longest else f"{rest[: longest - 1].rstrip(' ,;')}…"
        if not common:
            text = short_name(name, longest)
        if text in found:
            text = f"{short_name(text, longest - len(str(number)) - 1)} {number}"
        found.append(text)
    return found


def fewer_names(values: NDArray[Any], most: int = len(PALETTE)) -> tuple[list[str], list[str]]:
    """
    Name what is frequent, and take what is rare together as ``"other"``.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Labels; an empty one is unknown, and is no name.
    most : int
        How many names are wanted at most.

    Returns
    -------
    shown : list of str
        Name of each value.
    names : list of str
        The names in their order, without ``"other"``.

    Examples
    --------
    >>> fewer_names(np.array(["a", "b", "a", "c", ""]), 2)
    (['a', 'b', 'a', 'other', ''], ['a', 'b'])
    """
    texts = [str(value) for value in values]
    distinct = [str(value) for value in np.unique(values) if str(value)]
    frequent = sorted(distinct, key=lambda name: -texts.count(name))[:most]
    names = [name for name in distinct if name in frequent]
    return [text if text in frequent or not text else "other" for text in texts], names


class GroupOrder(NamedTuple):
    """Rows ordered by group: the permutation, the names, and the borders between rows."""

    rows: NDArray[np.intp]
    names: tuple[str, ...]
    edges: NDArray[np.intp]

    @property
    def centers(self) -> NDArray[np.float64]:
        return (self.edges[:-1] + self.edges[1:] - 1).astype(np.float64) / 2

    @property
    def dividers(self) -> NDArray[np.float64]:
        return self.edges[1:-1].astype(np.float64) - 0.5


def group_order(nodes: Nodes) -> GroupOrder:
    """Order the nodes by group name, those without a group last, and keep their order inside."""
    groups = np.asarray(nodes.groups)
    names = nodes.group_names
    if not names:
        return GroupOrder(np.arange(len(nodes)), (), np.array([0, len(nodes)]))
    if np.any(groups == ""):
        names = (*names, "")
    members = [np.flatnonzero(groups == name) for name in names]
    edges = np.concatenate([[0], np.cumsum([len(rows) for rows in members])])
    return GroupOrder(np.concatenate(members), tuple(name or "no group" for name in names), edges)


def name_nodes(
    ax: Axes,
    which: str,
    nodes: Nodes,
    order: GroupOrder,
    *,
    share: float = 1.0,
    extra: tuple[tuple[float, str], ...] = (),
) -> None:
    """Name the groups, or else number the nodes, along one axis, and say what a node is."""
    kind = NODE_NAMES[nodes.kind]
    if order.names:
        centers, label = list(order.centers), f"{kind}s, by group"
        names = short_names(order.names)
    else:
        ticks = MaxNLocator(6, integer=True, steps=ROUND_STEPS).tick_values(0, len(nodes) - 1)
        centers = [tick for tick in ticks if 0 <= tick <= len(nodes) - 1]
        names, label = [f"{tick:.0f}" for tick in centers], f"{kind} index"
    centers += [place for place, _ in extra]
    names += [name for _, name in extra]
    places = _spread(ax, which, np.array(centers), share)
    axis = ax.yaxis if which == "y" else ax.xaxis
    axis.set_ticks(places, names, rotation=90 if which == "x" and order.names else 0)
    moved = bool(np.any(np.abs(places - centers) > 0))
    if order.names or extra:
        ax.tick_params(axis=which, length=0, pad=_LEADER_PT + 2 if moved else 3)  # type: ignore[arg-type]
    if moved:
        _draw_leaders(ax, which, np.array(centers), places)
    axis.set_label_text(label, fontsize=SMALL)


def _spread(
    ax: Axes, which: str, centers: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Move names as little as keeps them a line apart, on an axis shrunk to a share of itself."""
    from sklearn.isotonic import isotonic_regression

    low, high = sorted(ax.get_ylim() if which == "y" else ax.get_xlim())
    box = ax.get_window_extent()
    length_px = share * (box.height if which == "y" else box.width)
    line_px = 1.2 * FontProperties(size=SMALL).get_size_in_points() * _dpi(ax) / 72
    n_gaps = max(len(centers) - 1, 1)
    gap = min(line_px / length_px, 1 / n_gaps) * (high - low)
    rank = np.argsort(centers, kind="stable")
    offset = gap * np.arange(len(centers))
    top = max(high - gap * (len(centers) - 1), low)
    places = np.empty(len(centers))
    places[rank] = isotonic_regression(centers[rank] - offset, y_min=low, y_max=top) + offset
    return np.where(np.abs(places - centers) < 0.05 * gap, centers, places)


def _draw_leaders(
    ax: Axes, which: str, centers: NDArray[np.float64], places: NDArray[np.float64]
) -> None:
    box = ax.get_window_extent()
    length_px = _LEADER_PT * _dpi(ax) / 72
    for center, place in zip(centers, places, strict=True):
        along = [center, place]
        if which == "y":
            across, transform = [0.0, -length_px / box.width], ax.get_yaxis_transform()
            line = Line2D(across, along, transform=transform)
        else:
            across, transform = [0.0, -length_px / box.height], ax.get_xaxis_transform()
            line = Line2D(along, across, transform=transform)
        line.set(color=INK, linewidth=0.5, clip_on=False)
        ax.add_artist(line)


def _dpi(ax: Axes) -> float:
    return float(ax.get_figure(root=True).dpi)  # type: ignore[union-attr]


def _side_in(ax: Axes) -> float:
    """Width in inches before the layout is settled; a square fills the shorter side."""
    box = ax.get_window_extent()
    side = box.width if ax.get_aspect() == "auto" else min(box.width, box.height)
    return float(side) / _dpi(ax)


def told_apart(values: Any, least: int = 3) -> list[str]:
    """
    Write numbers with as many digits as set them apart, three at least.

    Examples
    --------
    >>> told_apart([1.25, 0.5]), told_apart([0.013132, 0.013058, 0.0128])
    (['1.25', '0.500'], ['0.01313', '0.01306', '0.01280'])
    """
    numbers = np.asarray(values, dtype=np.float64)
    n_distinct = len(np.unique(numbers))
    texts: list[str] = []
    for digits in range(least, 8):
        texts = [f"{number:#.{digits}g}".removesuffix(".") for number in numbers]
        if len(set(texts)) == n_distinct:
            break
    return texts


def tidy(ax: Axes, *, frame: bool = False) -> None:
    """Give an Axes thin dark spines and small tick labels."""
    for side, spine in ax.spines.items():
        spine.set(linewidth=0.6, color=INK, visible=frame or side in ("left", "bottom"))
    ax.tick_params(labelsize=SMALL, width=0.6, color=INK)


def set_title(ax: Axes, text: str) -> None:
    """Put a title of running-text size at the left, in lines about as long as the Axes is wide."""
    size = FontProperties(size="medium").get_size_in_points()
    n_letters = max(int(1.25 * _side_in(ax) * 72 / (0.58 * size)), 12)
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, n_letters)]
    ax.set_title("\n".join(lines), loc="left", fontsize="medium")


def add_colorbar(
    ax: Axes,
    mappable: Any,
    label: str,
    *,
    extend: str = "neither",
    pad_in: float = 0.1,
) -> Any:
    """Draw a slim colour bar at the right, as high as the Axes, at a distance in inches."""
    width_in = _side_in(ax)
    place = ax.inset_axes((1 + pad_in / width_in, 0.0, _BAR_IN / width_in, 1.0))
    # A number of ticks that depends on the height would change their width after the layout.
    bar = ax.figure.colorbar(
        mappable, cax=place, extend=extend, extendfrac=0.03, ticks=MaxNLocator(7, steps=ROUND_STEPS)
    )
    bar.outline.set_linewidth(0.6)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, width=0.6)
    return bar


def extension(values: NDArray[Any], low: float, high: float) -> str:
    """Say which ends of a colour bar stand for values beyond it."""
    below, above = bool(np.any(values < low)), bool(np.any(values > high))
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]


def is_categorical(values: NDArray[Any]) -> bool:
    """Text, truth values and few distinct whole numbers are categories."""
    if values.dtype.kind in "OSUb":
        return True
    return values.dtype.kind in "iu" and len(np.unique(values)) <= MAX_CATEGORIES


def scatter_by(
    ax: Axes, points: NDArray[Any], values: NDArray[Any], label: str, *, size: float
) -> None:
    """Draw points with colours for numbers (colour bar) or for categories (legend)."""
    look: dict[str, Any] = {"s": size, "linewidths": 0.3, "edgecolors": "white", "zorder": 2}
    if is_categorical(values):
        _scatter_categories(ax, points, values, label, look)
        return
    known = np.isfinite(values)
    if not known.all():
        ax.scatter(points[~known, 0], points[~known, 1], color=UNKNOWN, label="unknown", **look)
        ax.legend(loc="best", fontsize=SMALL, handletextpad=0.2, borderpad=0.3)
    if known.any():
        drawn = ax.scatter(
            points[known, 0], points[known, 1], c=values[known], cmap=colormaps["viridis"], **look
        )
        add_colorbar(ax, drawn, label)


def _scatter_categories(
    ax: Axes,
    points: NDArray[Any],
    values: NDArray[Any],
    label: str,
    look: dict[str, Any],
) -> None:
    shown, names = fewer_names(values, _MOST_IN_LEGEND)
    rest = [name for name in ("other", "") if name in shown and name not in names]
    told = dict(zip(names, short_names(names), strict=True))
    nameless = "no group" if label in ("group", "subregion") else "unknown"
    for index, name in enumerate([*names, *rest]):
        color = UNKNOWN if name in rest else PALETTE[index % len(PALETTE)]
        marker = MARKERS[index // len(PALETTE) % len(MARKERS)]
        chosen = points[np.array(shown) == name]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            color=color,
            marker=marker,
            label=told.get(name, name) or nameless,
            **look,
        )
    ax.legend(
        title=label, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2,
        fontsize=SMALL, title_fontsize=SMALL, frameon=False, alignment="left",
        handletextpad=0.2, markerscale=1.3,
    )  # fmt: skip


def check_index(index: Any, n_windows: int) -> int:
    """Return the position of a window that exists."""
    if isinstance(index, bool) or not hasattr(index, "__index__") or not 0 <= index < n_windows:
        raise InputError(
            f"window_index must be a whole number from 0 to {n_windows - 1}, got {index!r}."
        )
    return int(index)


def window_name(windows: Windows, index: int) -> str:
    """Name a window by its position and its limits."""
    start, stop = windows.start_s[index], windows.stop_s[index]
    return f"window {index}, {start:.6g}–{stop:.6g} s"


def measure_label(measure: str) -> str:
    """Name a measure of connectivity for the reader."""
    return MEASURE_NAMES.get(measure, measure.replace("_", " "))
