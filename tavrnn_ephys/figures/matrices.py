"""Matrices: connectivity of one window, and attention between windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import (
    INK,
    ROUND_STEPS,
    SMALL,
    add_colorbar,
    check_index,
    extension,
    group_order,
    measure_label,
    name_nodes,
    set_title,
    tidy,
    window_name,
)
from tavrnn_ephys.figures.decay import attention_by_lag, beyond_decay, departs

__all__ = [
    "attention_beyond_decay",
    "color_limit",
    "connectivity_limit",
    "mean_of_known",
    "node_rows",
    "plot_attention",
    "plot_attention_back",
    "plot_connectivity",
    "varies_beyond_decay",
    "window_ticks",
]

# How much of the decay a picture goes back.
_MOST_REACH = 0.99


def connectivity_limit(connectivity: ConnectivitySequence, *window_index: int) -> float:
    """
    Return a colour limit that few of the weights between different nodes exceed.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        The matrices.
    *window_index : int
        The windows that are to share the limit; all if none is named.

    Returns
    -------
    float
        The 99.5th percentile of the absolute finite weights off the diagonal, in the unit of
        the weights; 1 where all of them are 0 or missing.

    Raises
    ------
    InputError
        If there is no such window.

    Examples
    --------
    >>> sequence = ConnectivitySequence.from_array([[[1, -0.3], [-0.3, 1]]])
    >>> round(connectivity_limit(sequence, 0), 6)
    0.3
    """
    shared = [check_index(index, connectivity.n_windows) for index in window_index]
    matrices = [_off_diagonal(connectivity, i) for i in shared or range(connectivity.n_windows)]
    return color_limit(*matrices)


def color_limit(*matrices: NDArray[np.float64]) -> float:
    """
    Return a limit that few values exceed.

    Parameters
    ----------
    *matrices : numpy.ndarray
        Values of any shape; unknown ones (NaN) are left out.

    Returns
    -------
    float
        The 99.5th percentile of their absolute values; 1 where all are 0 or unknown.
    """
    sizes = np.abs(np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices]))
    return (float(np.percentile(sizes, 99.5)) if len(sizes) else 0.0) or 1.0


def mean_of_known(matrices: NDArray[Any]) -> NDArray[np.float64]:
    """
    Average matrices over windows, unknown weights (NaN) left out.

    Parameters
    ----------
    matrices : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Weights.

    Returns
    -------
    numpy.ndarray, shape (n_nodes, n_nodes)
        Means; NaN where nothing is known.
    """
    values = np.asarray(matrices, dtype=np.float64)
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def plot_connectivity(
    connectivity: ConnectivitySequence,
    window_index: int,
    *,
    ax: Axes,
    limit: float | None = None,
    row_names: bool = True,
    colorbar: bool = True,
) -> Axes:
    """
    Draw the signed connectivity of one window, nodes ordered by group.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights, shape (n_windows, n_nodes, n_nodes).
    window_index : int
        Position of the window.
    ax : matplotlib.axes.Axes
        Where to draw.
    limit : float, optional
        Weights from ``-limit`` to ``limit`` span the colours, white being 0; pass the same
        to panels that are to be compared.  :func:`connectivity_limit` of the window by default.
    row_names : bool
        Whether the rows are named; the columns always are.
    colorbar : bool
        Whether a colour bar is drawn.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.  The diagonal and missing weights are grey.

    Raises
    ------
    InputError
        If there is no such window, or the limit is not positive.
    """
    index = check_index(window_index, connectivity.n_windows)
    if limit is None:
        limit = connectivity_limit(connectivity, index)
    if not (np.isfinite(limit) and limit > 0):
        raise InputError(f"limit must be positive and finite, got {limit!r}.")
    order = group_order(connectivity.nodes)
    matrix = _off_diagonal(connectivity, index)[np.ix_(order.rows, order.rows)]
    colors = colormaps["RdBu_r"].with_extremes(bad="0.82")
    image = ax.imshow(matrix, cmap=colors, vmin=-limit, vmax=limit)
    for divider in order.dividers:
        ax.axhline(divider, color=INK, linewidth=0.6)
        ax.axvline(divider, color=INK, linewidth=0.6)
    tidy(ax, frame=True)
    box = ax.get_window_extent()
    side = 0.8 * min(box.width, box.height)
    if row_names:
        name_nodes(ax, "y", connectivity.nodes, order, share=side / box.height)
    else:
        ax.set_yticks([])
    name_nodes(ax, "x", connectivity.nodes, order, share=side / box.width)
    set_title(ax, window_name(connectivity.windows, index).capitalize())
    if colorbar:
        extend = extension(matrix, -limit, limit)
        add_colorbar(ax, image, measure_label(connectivity.measure), extend=extend)
    return ax


def attention_beyond_decay(embedding: NodeEmbedding) -> NDArray[np.float64]:
    """
    Give attention less the decay that windows share.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention, shape (n_windows, n_windows).

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_windows); zero for later windows, for the first windows, which have
        too few before them to show a decay, and everywhere where attention is the same decay for
        each window.

    Raises
    ------
    InputError
        If the embedding holds no attention.
    """
    rest = _by_lag_beyond_decay(embedding)
    lag = np.subtract.outer(np.arange(len(rest)), np.arange(len(rest)))
    return np.where(lag >= 0, rest[np.arange(len(rest))[:, np.newaxis], np.maximum(lag, 0)], 0.0)


def _by_lag_beyond_decay(embedding: NodeEmbedding) -> NDArray[np.float64]:
    if embedding.attention is None:
        raise InputError("This embedding holds no attention: its model ran without.")
    return beyond_decay(attention_by_lag(np.asarray(embedding.attention, dtype=np.float64)))


def varies_beyond_decay(embedding: NodeEmbedding) -> bool:
    """
    Say whether attention is more than one decay that is the same for every window.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention.

    Returns
    -------
    bool
        False where no window departs from the mean decay by a hundredth.
    """
    return departs(_by_lag_beyond_decay(embedding))


def plot_attention(embedding: NodeEmbedding, *, ax: Axes, beyond_decay: bool = False) -> Axes:
    """
    Draw how much each window attends to the windows before it and to itself.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention, shape (n_windows, n_windows).
    ax : matplotlib.axes.Axes
        Where to draw.
    beyond_decay : bool
        Whether the decay that windows share is taken off: what is left is what one window
        attends to more (red) or less (blue) than others do.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.  Row and column are the present and the attended window; ticks give the
        centres of windows in seconds, or their position where several segments share a clock.

    Raises
    ------
    InputError
        If the embedding holds no attention.
    """
    if embedding.attention is None:
        raise InputError(
            "This embedding holds no attention: its model ran without. "
            "Fit a model with attention, or leave this figure out."
        )
    later = np.triu(np.ones(embedding.attention.shape, dtype=bool), k=1)
    past = np.ma.masked_array(embedding.attention, mask=later)
    # The first rows share their weight among few windows and would take all the colours.
    name, colors = "attention weight", "magma_r"
    if beyond_decay:
        rest = np.asarray(attention_beyond_decay(embedding))
        past = np.ma.masked_array(rest, mask=later)
        name, colors = "attention less its mean decay", "RdBu_r"
    limit = float(np.percentile(np.abs(past.compressed()), 99)) or 1.0
    low = -limit if beyond_decay else 0.0
    image = ax.imshow(past, cmap=colormaps[colors], vmin=low, vmax=limit)
    tidy(ax, frame=False)
    ticks, names, unit = window_ticks(embedding.windows)
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set_xlabel(f"attended window, {unit}", fontsize=SMALL)
    ax.set_ylabel(f"present window, {unit}", fontsize=SMALL)
    extend = extension(past.compressed(), low, limit)
    add_colorbar(ax, image, name, extend=extend)
    return ax


def plot_attention_back(embedding: NodeEmbedding, *, ax: Axes) -> Axes:
    """
    Draw what windows attend to beyond their decay, by how far back it lies.

    A matrix of many windows would be a thin diagonal; this picture goes back as far as 99 % of
    the decay.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention, shape (n_windows, n_windows).
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: a column per window, row 0 the window itself; grey before the first window.

    Raises
    ------
    InputError
        If the embedding holds no attention.
    """
    rest = _by_lag_beyond_decay(embedding)
    full, n = np.asarray(embedding.attention, dtype=np.float64), len(rest)
    mean = np.array([np.diagonal(full, -back).sum() for back in range(n)])
    n_back = int(np.searchsorted(np.cumsum(mean), _MOST_REACH * mean.sum())) + 1
    n_back = min(max(n_back, 2), n)
    shown = rest[:, :n_back].T
    limit = float(np.nanpercentile(np.abs(shown), 99)) or float(np.nanmax(np.abs(shown))) or 1.0
    colors = colormaps["RdBu_r"].with_extremes(bad="0.82")
    image = ax.imshow(shown, cmap=colors, vmin=-limit, vmax=limit, aspect="auto", origin="lower",
                      interpolation="nearest")  # fmt: skip
    tidy(ax, frame=True)
    ticks, names, unit = window_ticks(embedding.windows)
    ax.set_xticks(ticks, names)
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True, steps=ROUND_STEPS))
    ax.set_xlabel(f"present window, {unit}", fontsize=SMALL)
    ax.set_ylabel("windows back (0: itself)", fontsize=SMALL)
    known = shown[np.isfinite(shown)]
    extend = extension(known, -limit, limit)
    add_colorbar(ax, image, "attention less its mean decay", extend=extend)
    return ax


def node_rows(nodes: Nodes) -> NDArray[np.intp]:
    """
    Say in which order matrices show the nodes.

    Parameters
    ----------
    nodes : Nodes
        The nodes.

    Returns
    -------
    numpy.ndarray of int
        Node of each row: by group, those without one last.
    """
    return group_order(nodes).rows


def _off_diagonal(connectivity: ConnectivitySequence, index: int) -> NDArray[np.float64]:
    matrix = np.array(connectivity.weights[index], dtype=np.float64)
    np.fill_diagonal(matrix, np.nan)
    return matrix


# More ticks would run into each other where a picture is small.
_MOST_TICKS = 10


def window_ticks(windows: Windows) -> tuple[NDArray[np.float64], list[str], str]:
    """
    Place ticks at round times, on an axis whose unit is the window.

    Parameters
    ----------
    windows : Windows
        The windows.

    Returns
    -------
    places : numpy.ndarray
        Positions along the axis.
    names : list of str
        Their texts.
    unit : str
        What the texts are.
    """
    positions = np.arange(len(windows), dtype=np.float64)
    centers_s = (windows.start_s + windows.stop_s) / 2
    unit = "time (s)"
    if np.any(np.diff(centers_s) <= 0):
        centers_s, unit = positions, "index"
    ticks = np.asarray(MaxNLocator(6, steps=ROUND_STEPS).tick_values(centers_s[0], centers_s[-1]))
    ticks = ticks[(ticks >= centers_s[0]) & (ticks <= centers_s[-1])]
    if len(ticks) == 0:
        ticks = centers_s[:1]
    places = np.interp(ticks, centers_s, positions)
    # Over a pause without windows ticks crowd.
    kept = [0]
    for index in range(1, len(places)):
        if places[index] - places[kept[-1]] >= len(windows) / _MOST_TICKS:
            kept.append(index)
    return places[kept], [f"{tick:g}" for tick in ticks[kept]], unit
