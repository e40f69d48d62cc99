"""Network states over time, with what the animal or culture does, and the graph of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import (
    INK,
    PALETTE,
    SMALL,
    set_title,
    short_name,
    short_names,
    tidy,
)
from tavrnn_ephys.figures.matrices import plot_connectivity

__all__ = ["plot_state_graph", "plot_state_times"]

# Letters of the name of a group beside a small panel.
_LONGEST = 14


def plot_state_times(
    labels: NDArray[Any], windows: Windows, *, ax: Axes, behavior: Mapping[str, Any] | None = None
) -> Axes:
    """
    Draw which state the network is in over time, and behaviours below.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (n_windows,)
        State of each window.
    windows : Windows
        The windows.
    ax : matplotlib.axes.Axes
        Where to draw.
    behavior : mapping of str to numpy.ndarray, shape (n_windows,), optional
        Numbers, each drawn in a strip of its own from its least to its largest value; NaN where
        unknown.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: a row per state, filled where it holds, and a strip per behaviour below.

    Raises
    ------
    InputError
        If labels and windows differ in number.
    """
    if len(labels) != len(windows):
        raise InputError(f"There are {len(labels)} labels for {len(windows)} windows.")
    start_s, stop_s = np.asarray(windows.start_s), np.asarray(windows.stop_s)
    middle = (start_s + stop_s) / 2
    # Each window is drawn up to the next one, so that overlapping windows do not hide states.
    ends = np.minimum(np.append(start_s[1:], stop_s[-1]), stop_s)
    names = [f"state {state}" for state in range(int(labels.max()) + 1)]
    for state in range(len(names)):
        here = labels == state
        spans = list(zip(start_s[here], (ends - start_s)[here], strict=True))
        ax.broken_barh(spans, (state - 0.4, 0.8), color=PALETTE[state % len(PALETTE)], linewidth=0)
    for row, (name, values) in enumerate((behavior or {}).items(), start=len(names)):
        numbers = np.asarray(values, dtype=np.float64)
        low, span = np.nanmin(numbers), float(np.ptp(numbers[np.isfinite(numbers)])) or 1.0
        ax.plot(middle, row + 0.38 - 0.76 * (numbers - low) / span, color=INK, linewidth=0.9)
        # A dollar sign would begin a formula.
        names.append(short_name(name.replace("_", " "), 24).replace("$", r"\$"))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), names, fontsize=SMALL)
    ax.set_xlim(start_s[0], stop_s.max())
    ax.set_xlabel("time (s)", fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    tidy(ax)
    return ax


def _with_short_groups(nodes: Nodes) -> Nodes:
    """Shorten names of groups, which would leave no room for small panels; each stays its own."""
    names = nodes.group_names
    short = {"": "", **dict(zip(names, short_names(names, _LONGEST), strict=True))}
    return dataclasses.replace(nodes, groups=[short[name] for name in nodes.groups.tolist()])


def plot_state_graph(
    weights: NDArray[np.float64],
    nodes: Nodes,
    *,
    ax: Axes,
    title: str,
    measure: str,
    limit: float | None = None,
    row_names: bool = True,
    colorbar: bool = True,
) -> Axes:
    """
    Draw the mean graph of a state, or its difference from the others.

    Parameters
    ----------
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Weights; NaN is grey.
    nodes : Nodes
        The nodes.
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        What it is.
    measure : str
        What a weight is.
    limit : float, optional
        Weights from ``-limit`` to ``limit`` span the colours; by default the 99.5th percentile.
    row_names, colorbar : bool
        Whether rows are named, and a colour bar is drawn.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.
    """
    one = ConnectivitySequence(
        weights=np.asarray(weights, dtype=np.float64)[np.newaxis],
        windows=Windows(start_s=[0.0], stop_s=[1.0]),
        nodes=_with_short_groups(nodes),
        measure=measure,
        directed=not np.array_equal(weights, np.transpose(weights), equal_nan=True),
    )
    plot_connectivity(one, 0, ax=ax, limit=limit, row_names=row_names, colorbar=colorbar)
    set_title(ax, title)
    return ax
