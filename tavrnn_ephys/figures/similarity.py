"""Which windows resemble each other: a matrix of similarities, with what is known beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.pairs import MOST_PAIRS, node_pairs
from tavrnn_ephys.figures._drawing import (
    INK,
    PALETTE,
    ROUND_STEPS,
    SMALL,
    UNKNOWN,
    add_colorbar,
    fewer_names,
    set_title,
    short_name,
    short_names,
    tidy,
)
from tavrnn_ephys.figures.matrices import window_ticks

__all__ = ["Neighbours", "plot_similarity", "similarity_title", "window_similarity"]

# Of one recording, so many stretches of neighbouring windows are averaged: one window of few
# spikes is mostly noise.
_STRETCHES = 40
# More rows than these are thinner than the eye can follow.
_MOST_ROWS = 150
_STRIP, _GAP, _BAND = 0.16, 0.03, 0.045


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """
    Windows that are averaged with their neighbours before they are compared.

    Parameters
    ----------
    first, last : numpy.ndarray of int, shape (n_rows,)
        First window of each mean, and the one after its last; a mean stays in its segment.
    sizes : numpy.ndarray of int, shape (n_rows,)
        How many windows each row of the picture stands for.
    n_averaged : int
        How many windows are averaged.
    shared : numpy.ndarray of bool, shape (n_rows, n_rows)
        Means that share time, and so resemble each other by that alone.
    """

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    sizes: NDArray[np.intp]
    n_averaged: int
    shared: NDArray[np.bool_]

    @classmethod
    def of(cls, windows: Windows) -> Neighbours:
        """
        Choose how many windows are averaged, and which rows a picture has room for.

        Parameters
        ----------
        windows : Windows
            The windows.

        Returns
        -------
        Neighbours
            A fortieth of the windows is averaged; at most 150 rows are shown.

        Examples
        --------
        >>> found = Neighbours.of(Windows(start_s=np.arange(80.0), stop_s=np.arange(80.0) + 1.0))
        >>> found.n_averaged, found.first[:3], found.last[:3], found.shared.sum(axis=0)[:3]
        (2, array([0, 0, 1]), array([2, 2, 3]), array([3, 3, 4]))
        """
        n = len(windows)
        n_averaged, every = -(-n // _STRETCHES), -(-n // _MOST_ROWS)
        segment = np.asarray(windows.segment_index)
        begins = np.flatnonzero(np.append(True, segment[1:] != segment[:-1]))
        ends = np.append(begins[1:], n)
        rows = np.arange(0, n, every)
        of_row = np.searchsorted(begins, rows, side="right") - 1
        first = np.clip(rows - n_averaged // 2, begins[of_row], None)
        last = np.minimum(first + n_averaged, ends[of_row])
        first = np.maximum(last - n_averaged, begins[of_row])
        starts = np.asarray(windows.start_s)[first]
        stops = np.array([np.max(windows.stop_s[a:b]) for a, b in zip(first, last, strict=True)])
        # Limits are decimal text in double precision: a sliver of it is no overlap.
        before = starts[:, None] < stops - 1e-9
        same = segment[rows][:, None] == segment[rows]
        return cls(
            first=first,
            last=last,
            sizes=np.diff(np.append(rows, n)),
            n_averaged=n_averaged,
            shared=same & before & before.T,
        )

    def similarity(self, weights: Callable[[int], NDArray[Any]]) -> NDArray[np.float64]:
        """
        Correlate the mean weights of neighbours, each weight less its mean over them.

        Parameters
        ----------
        weights : callable
            Gives the weights of a window by its position, shape (n_pairs,).

        Returns
        -------
        numpy.ndarray, shape (n_rows, n_rows)
            Correlations.
        """
        means = [
            np.nan_to_num([weights(index) for index in range(a, b)]).mean(axis=0)
            for a, b in zip(self.first.tolist(), self.last.tolist(), strict=True)
        ]
        return _correlated(np.stack(means))

    def limits(self, similarity: NDArray[np.float64]) -> tuple[float, float]:
        """
        Say where the colours of a matrix of similarities begin and end.

        Parameters
        ----------
        similarity : numpy.ndarray, shape (n_rows, n_rows)
            Similarities.

        Returns
        -------
        tuple of float
            As far above as below the median of means that share no time, so that 98 % of them
            lie between; -1 and 1 where there are none.
        """
        others = similarity[~self.shared]
        if not len(others):
            return -1.0, 1.0
        middle = float(np.median(others))
        reach = float(np.percentile(np.abs(others - middle), 98)) or 1.0
        return middle - reach, middle + reach


def window_similarity(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    """
    Correlate the weights of every two windows, each weight less its mean over windows.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights, shape (n_windows, n_nodes, n_nodes); of more than 20 000 pairs of nodes, evenly
        chosen ones are taken.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_windows), in [-1, 1]; zero for a window that differs in nothing from
        the mean.

    Examples
    --------
    >>> weights = np.array([[[0, 1], [1, 0]], [[0, -1], [-1, 0]]], dtype=float)
    >>> window_similarity(ConnectivitySequence.from_array(weights)).round(3)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    weights = _weights_of(connectivity)
    return _correlated(np.nan_to_num([weights(i) for i in range(connectivity.n_windows)]))


def _weights_of(connectivity: ConnectivitySequence) -> Callable[[int], NDArray[np.float64]]:
    pairs = node_pairs(connectivity.n_nodes, directed=connectivity.directed, most=MOST_PAIRS)
    return lambda index: np.asarray(connectivity.weights[index], dtype=np.float64)[pairs]


def _correlated(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlate rows of weights, each weight less its mean over the rows."""
    centred = rows - rows.mean(axis=0)
    size = np.sqrt(np.square(centred).sum(axis=1))
    return np.asarray(centred @ centred.T / np.maximum(np.outer(size, size), 1e-300))


def plot_similarity(
    connectivity: ConnectivitySequence,
    *,
    ax: Axes,
    behavior: Any = None,
    label: str = "",
    changes: Any = (),
    states: Any = None,
    legend: bool = True,
    further: Sequence[tuple[str, Any]] = (),
) -> Axes:
    """
    Draw how much windows resemble each other, with behaviour and states as strips above.

    One window of few spikes is mostly noise: a fortieth of the windows is averaged before they are
    compared, neighbour with neighbour, and the title says how many.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights of each window.
    ax : matplotlib.axes.Axes
        Where to draw.
    behavior : array_like, shape (n_windows,), optional
        Behaviour of each window: numbers, NaN where unknown, or labels, empty where unknown.
    label : str
        What the behaviour is, with its unit.
    changes : array_like of int
        First windows after change points, drawn as lines.
    states : array_like of int or str, shape (n_windows,), optional
        State of each window.
    legend : bool
        Whether colours and lines are named below.
    further : sequence of (str, array_like)
        Further behaviours, each with its name: a strip each, below the first.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the matrix, whose unit is the window.  What shares time is grey; white is the
        median of the others, and 98 % of them lie between the ends of the colours.

    Raises
    ------
    InputError
        If there is not one value of the behaviour, or one state, per window.
    """
    windows = connectivity.windows
    near = Neighbours.of(windows)
    similarity = near.similarity(_weights_of(connectivity))
    low, high = near.limits(similarity)
    shown = np.where(near.shared, np.nan, similarity)
    shown = shown.repeat(near.sizes, axis=0).repeat(near.sizes, axis=1)
    colors = colormaps["RdBu_r"].with_extremes(bad="0.82")
    image = ax.imshow(shown, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
    tidy(ax, frame=True)
    ticks, names, unit = window_ticks(windows)
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set_xlabel(f"window, {unit}", fontsize=SMALL)
    ax.set_ylabel(f"window, {unit}", fontsize=SMALL)
    for change in np.asarray(changes, dtype=np.float64):
        for line in (ax.axhline, ax.axvline):
            line(change - 0.5, color=INK, linewidth=0.7, linestyle=(0, (3, 2)))
    add_colorbar(ax, image, "similarity of connectivity (r)", extend="both")
    strips = [("state", states, True), *((name, values, False) for name, values in further)]
    top = _draw_strips(ax, [*strips, (label, behavior, False)], len(windows))
    if legend:
        _explain(ax, changes, states)
    set_title(top, similarity_title(len(windows), near.n_averaged))
    return ax


def similarity_title(n_windows: int, n_averaged: int) -> str:
    """
    Say what a picture of similarities compares.

    Parameters
    ----------
    n_windows : int
        Number of windows.
    n_averaged : int
        How many neighbours are averaged.

    Returns
    -------
    str
        The title.

    Examples
    --------
    >>> similarity_title(299, 8)
    'Similarity of 299 windows, running means of 8'
    """
    means = "" if n_averaged == 1 else f", running means of {n_averaged}"
    return f"Similarity of {n_windows} windows{means}"


def _draw_strips(ax: Axes, strips: Sequence[tuple[str, Any, bool]], n_windows: int) -> Axes:
    """Draw states and behaviours above the matrix, upwards; return what lies on top."""
    top, height = ax, 1.0 + _GAP
    for what, values, is_state in strips:
        if values is None:
            continue
        values = np.asarray(values)
        if values.shape != (n_windows,):
            name = "states" if is_state else "behavior"
            raise InputError(f"{name} has shape {values.shape} for {n_windows} windows.")
        numeric = not is_state and values.dtype.kind in "biuf"
        part = _STRIP if numeric else _BAND
        top = ax.inset_axes((0.0, height, 1.0, part), sharex=ax)
        if numeric:
            _draw_numbers(top, values.astype(np.float64))
        else:
            _draw_names(top, values, named=not is_state)
        name = "\n".join(fill(what, 16).splitlines()[:3])
        top.annotate(name, (1.02, 0.5), xycoords="axes fraction", va="center", fontsize=SMALL)
        top.tick_params(axis="x", labelbottom=False, length=0)
        height += part + _GAP
    return top


def _draw_numbers(strip: Axes, values: NDArray[np.float64]) -> None:
    strip.plot(np.arange(len(values)), values, color=PALETTE[0], linewidth=1.1)
    strip.yaxis.set_major_locator(MaxNLocator(2, steps=ROUND_STEPS))
    tidy(strip)


def _draw_names(strip: Axes, values: NDArray[Any], *, named: bool) -> None:
    """Draw a band of one colour per name; where there is room, the name in it."""
    shown, names = fewer_names(values)
    colors = [*PALETTE[: len(names)], UNKNOWN]
    codes = [names.index(value) if value in names else len(names) for value in shown]
    starts = np.flatnonzero(np.append(True, np.diff(codes) != 0))
    widths = np.diff(np.append(starts, len(codes)))
    strip.bar(
        starts - 0.5, 1.0, width=widths, align="edge", color=[colors[codes[i]] for i in starts]
    )
    for start, width in zip(starts, widths, strict=True):
        # A letter takes about a sixtieth of the width.
        n_letters = min(int(60 * width / len(codes)), 16)
        if named and shown[start] and n_letters >= min(len(shown[start]), 3):
            strip.text(start + width / 2 - 0.5, 0.45, short_name(shown[start], n_letters),
                       ha="center", va="center", fontsize=SMALL, color="white")  # fmt: skip
    strip.set_ylim(0, 1)
    strip.set_yticks([])
    tidy(strip, frame=True)


def _explain(ax: Axes, changes: Any, states: Any) -> None:
    """Name lines and colours below the matrix."""
    handles: list[Any] = [Patch(color="0.82", label="share time")]
    if len(np.asarray(changes)):
        handles.append(Line2D([], [], color=INK, linewidth=0.7, linestyle=(0, (3, 2)),
                              label="change point"))  # fmt: skip
    if states is not None:
        handles += _patches(fewer_names(np.asarray(states))[1], "state ")
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4,
              fontsize=SMALL, frameon=False, handlelength=1.4, columnspacing=1.2)  # fmt: skip


def _patches(names: Sequence[str], prefix: str) -> list[Patch]:
    return [
        Patch(color=color, label=f"{prefix if name.isdigit() else ''}{name}")
        for name, color in zip(short_names(names), PALETTE, strict=False)
    ]
