"""Performance: by rank of the window, against alignment, beside attention; and nodes aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import NodeEmbedding, Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import (
    INK,
    PALETTE,
    ROUND_STEPS,
    SMALL,
    scatter_by,
    tidy,
    told_apart,
)
from tavrnn_ephys.figures.matrices import plot_attention_back

if TYPE_CHECKING:
    import pandas

__all__ = [
    "plot_against_performance",
    "plot_attention_with_performance",
    "plot_performance_by_rank",
    "plot_placed_nodes",
]

HIGH, LOW = PALETTE[0], PALETTE[5]


def plot_performance_by_rank(
    ranked: pandas.DataFrame, *, ax: Axes, label: str, everyone: Any = None
) -> Axes:
    """
    Draw the score of the ranked windows, from High 1 to Low 1.

    Parameters
    ----------
    ranked : pandas.DataFrame
        With ``rank`` and ``score``, as :meth:`WindowRanking.to_pandas` gives it.
    ax : matplotlib.axes.Axes
        Where to draw.
    label : str
        What the score is, with its unit.
    everyone : array_like, shape (n_windows,), optional
        Scores of all windows, drawn beside the ranks; NaN where unknown.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: one point per window, blue for High, red for Low, grey for all windows.
    """
    names = [str(name) for name in ranked["rank"]]
    colors = [HIGH if name.startswith("High") else LOW for name in names]
    values = ranked["score"].to_numpy(dtype=np.float64)
    places = np.arange(len(names))
    # Points, for bars from zero are all alike where a behaviour varies little about its mean.
    ax.scatter(places, values, s=70, color=colors, linewidths=0, zorder=3)
    for place, (value, text) in enumerate(zip(values, told_apart(values), strict=True)):
        ax.annotate(
            text, (place, value), xytext=(0, 7), textcoords="offset points", ha="center",
            va="bottom", fontsize=SMALL, color=INK,
        )  # fmt: skip
    if everyone is not None:
        others = np.asarray(everyone, dtype=np.float64)
        others = others[np.isfinite(others)]
        spread = np.random.default_rng(0).uniform(-0.25, 0.25, len(others))
        ax.scatter(len(names) + spread, others, s=9, color="0.6", linewidths=0)
        names, places = [*names, "all windows"], np.arange(len(names) + 1)
    ax.margins(y=0.15)
    ax.set_xticks(places, names)
    ax.set_ylabel(label, fontsize=SMALL)
    tidy(ax)
    return ax


def plot_against_performance(
    scores: Any, values: Any, *, ax: Axes, score_label: str, value_label: str, ranking: Any = None
) -> Axes:
    """
    Draw a measure of each window against its performance.

    Parameters
    ----------
    scores, values : array_like, shape (n_windows,)
        Performance and measure; windows where one is NaN are left out.
    ax : matplotlib.axes.Axes
        Where to draw.
    score_label, value_label : str
        What they are, with their units.
    ranking : WindowRanking, optional
        Its High and Low windows are marked.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: a point per window and the Spearman correlation; no p-value, for windows
        follow each other and are not independent.
    """
    from scipy.stats import spearmanr

    x, y = (np.asarray(item, dtype=np.float64) for item in (scores, values))
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3:
        raise InputError(f"{int(known.sum())} windows have both a score and a value: too few.")
    ax.scatter(x[known], y[known], s=18, color="0.6", linewidths=0, label="windows")
    if ranking is not None:
        for name, chosen, color in (("High", ranking.high, HIGH), ("Low", ranking.low, LOW)):
            ax.scatter(x[chosen], y[chosen], s=36, color=color, linewidths=0, label=name)
        ax.legend(loc="best", fontsize=SMALL, ncols=1,
                  frameon=False, handletextpad=0.0, columnspacing=0.8, borderpad=0.0)  # fmt: skip
    r = spearmanr(x[known], y[known]).statistic
    ax.text(0.02, 1.01, f"Spearman r = {r:.2f}", fontsize=SMALL,
            transform=ax.transAxes, color=INK, va="bottom")  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=ROUND_STEPS))
    ax.set_xlabel(score_label, fontsize=SMALL)
    ax.set_ylabel(value_label, fontsize=SMALL)
    tidy(ax)
    return ax


def plot_attention_with_performance(
    embedding: NodeEmbedding, scores: Any, *, ax: Axes, score_label: str
) -> Axes:
    """
    Draw attention beyond its decay, with the performance of the present window above it.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention, shape (n_windows, n_windows).
    scores : array_like, shape (n_windows,)
        Performance per window, NaN where unknown.
    ax : matplotlib.axes.Axes
        Where to draw.
    score_label : str
        What the performance is, with its unit.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the matrix; the performance has one of its own above it.

    Raises
    ------
    InputError
        If the embedding holds no attention, or there is not one score per window.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (embedding.n_windows,):
        raise InputError(f"scores has shape {values.shape} for {embedding.n_windows} windows.")
    plot_attention_back(embedding, ax=ax)
    above = ax.inset_axes((0.0, 1.03, 1.0, 0.22), sharex=ax)
    above.plot(np.arange(len(values)), values, color=PALETTE[0], linewidth=1.2)
    above.tick_params(axis="x", labelbottom=False, length=0)
    above.yaxis.set_major_locator(MaxNLocator(3, steps=ROUND_STEPS))
    above.set_ylabel(score_label, fontsize=SMALL, rotation=0, ha="right", va="center")
    tidy(above)
    return ax


def plot_placed_nodes(
    points: NDArray[Any], nodes: Nodes, *, ax: Axes, title: str, legend: bool = True
) -> Axes:
    """
    Draw the nodes of one window in a plane, coloured by subregion.

    Parameters
    ----------
    points : numpy.ndarray, shape (n_nodes, 2)
        Coordinates, as :func:`tavrnn_ephys.networks.placement.placed_in_plane` gives them.
    nodes : Nodes
        The nodes.
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        Name of the window.
    legend : bool
        Whether the groups are named.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes, without numbers: a plane of projections has none that mean anything.
    """
    size = float(np.clip(4000 / len(nodes), 8, 30))
    if nodes.group_names:
        scatter_by(ax, np.asarray(points), np.asarray(nodes.groups), "subregion", size=size)
    else:
        across, up = np.asarray(points).T
        ax.scatter(across, up, s=size, color=PALETTE[0], linewidths=0.3, edgecolors="w")
    drawn = ax.get_legend()
    if drawn is not None and not legend:
        drawn.remove()
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_box_aspect(1)
    tidy(ax, frame=True)
    ax.set_title(title, loc="left", fontsize="medium")
    return ax
