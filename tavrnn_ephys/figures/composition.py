"""Whole figures of an analysis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import (
    BinnedActivity,
    ConnectivitySequence,
    NodeEmbedding,
    Windows,
)
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import NODE_NAMES
from tavrnn_ephys.figures._drawing import (
    add_colorbar,
    extension,
    measure_label,
    set_title,
    told_apart,
    window_name,
)
from tavrnn_ephys.figures.context import WindowContext
from tavrnn_ephys.figures.embeddings import plot_window_embedding
from tavrnn_ephys.figures.matrices import (
    connectivity_limit,
    plot_attention_back,
    plot_connectivity,
    varies_beyond_decay,
)
from tavrnn_ephys.figures.raster import plot_raster
from tavrnn_ephys.figures.similarity import plot_similarity
from tavrnn_ephys.figures.style import DPI, STYLE, letter_panels

__all__ = ["analysis_figures", "overview_figure"]

_WIDTH_IN = 10.67
_MAX_INSIDE = 4
_LEAST_FOR_FIFTHS = 10
# Fewer windows have hardly a pair that shares no time.
_LEAST_COMPARED = 4
# The raster of the overview is narrow: it shows fewer windows than the raster alone.
_OVERVIEW_WINDOWS = 18


@rc_context(STYLE)
def analysis_figures(
    activity: BinnedActivity,
    windows: Windows,
    connectivity: ConnectivitySequence,
    embedding: NodeEmbedding,
    *,
    score: Any = None,
    score_label: str = "",
    truth: Any = None,
    behavior: tuple[Any, Any, str] | None = None,
    context: WindowContext | None = None,
) -> dict[str, Figure]:
    """
    Draw the figures of an analysis.

    Parameters
    ----------
    activity : BinnedActivity
        Counts or traces, shape (n_nodes, n_bins).
    windows : Windows
        The windows.
    connectivity : ConnectivitySequence
        Weights, shape (n_windows, n_nodes, n_nodes).
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    score : array_like of float, shape (n_windows,), optional
        What makes a window high or low, such as performance, NaN where unknown.  Without it,
        the windows of largest and smallest mean absolute weight are shown.
    score_label : str
        Name of the score, with its unit.
    truth : array_like, shape (n_windows,), optional
        Known state of each window.
    behavior : tuple of (times_s, values, label), optional
        Behaviour over time in seconds, drawn above the raster.
    context : WindowContext, optional
        Labels, states, change points and epochs.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``"raster"``, ``"connectivity"`` (windows of highest and lowest score),
        ``"embedding"``, ``"similarity"``; with a score and at least ten windows
        ``"connectivity_mean"`` (mean of the fifth of highest and of lowest score); and, where
        attention is more than its decay, ``"attention"``.

    Raises
    ------
    InputError
        If the numbers of windows differ.
    """
    score, truth = _per_window(windows, connectivity, embedding, score, truth)
    label, context = score_label or "score", context or WindowContext()
    figures = {"raster": _new_figure(5.0)}
    ax = figures["raster"].subplots()
    plot_raster(activity, windows, ax=ax, behavior=behavior, epochs=context.epochs)
    set_title(ax, _raster_title(activity, ax))

    figures["connectivity"] = _new_figure(4.9)
    chosen = _extreme_windows(connectivity, score, label)
    axes = figures["connectivity"].subplots(1, len(chosen), squeeze=False)[0]
    _draw_pair(list(axes), connectivity, chosen)

    means = _fifths(connectivity, score, label)
    if means is not None:
        figures["connectivity_mean"] = _new_figure(4.9)
        axes = figures["connectivity_mean"].subplots(1, 2)
        _draw_pair(list(axes), *means)

    color = score if context.labels is None else np.asarray(context.labels)
    figures["embedding"] = _embedding_figure(embedding, color, label, truth)
    # Each further strip has its height; the matrix keeps its own.
    figures["similarity"] = _new_figure(6.6 + 0.9 * len(context.behaviors), width_in=6.8)
    plot_similarity(
        connectivity, ax=figures["similarity"].subplots(), behavior=color, label=score_label,
        changes=context.changes, states=truth if context.states is None else context.states,
        further=context.behaviors,
    )  # fmt: skip
    if embedding.attention is not None and varies_beyond_decay(embedding):
        figures["attention"] = _new_figure(3.6, width_in=8.0)
        ax = plot_attention_back(embedding, ax=figures["attention"].subplots())
        set_title(ax, "Attention beyond its decay")
    for figure in figures.values():
        letter_panels(figure)
    return figures


@rc_context(STYLE)
def overview_figure(
    activity: BinnedActivity,
    windows: Windows,
    connectivity: ConnectivitySequence,
    embedding: NodeEmbedding,
    *,
    score: Any = None,
    score_label: str = "",
    truth: Any = None,
    behavior: tuple[Any, Any, str] | None = None,
    context: WindowContext | None = None,
) -> Figure:
    """
    Draw an analysis in one wide picture: raster, two matrices, embedding and similarity.

    Parameters
    ----------
    activity : BinnedActivity
        Counts or traces, shape (n_nodes, n_bins).
    windows : Windows
        The windows.
    connectivity : ConnectivitySequence
        Weights, shape (n_windows, n_nodes, n_nodes).
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    score : array_like of float, shape (n_windows,), optional
        What makes a window high or low, as in :func:`analysis_figures`.
    score_label : str
        Name of the score, with its unit.
    truth : array_like, shape (n_windows,), optional
        Known state of each window, which colours the embedding; else the score does.
    behavior : tuple of (times_s, values, label), optional
        Behaviour over time in seconds, drawn above the raster.
    context : WindowContext, optional
        Labels, which colour the embedding where no truth is known, and epochs.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    InputError
        If the numbers of windows differ.
    """
    score, truth = _per_window(windows, connectivity, embedding, score, truth)
    label, context = score_label or "score", context or WindowContext()
    figure = _new_figure(5.6)
    grid = figure.add_gridspec(2, 3, width_ratios=[2.0, 1.0, 1.0])
    ax = figure.add_subplot(grid[:, 0])
    mine = np.flatnonzero(windows.segment_index == activity.segment_index)
    stop_s = windows.stop_s[mine[:_OVERVIEW_WINDOWS]].max(initial=activity.t_start_s)
    plot_raster(activity, windows, ax=ax, t_stop_s=float(stop_s), behavior=behavior,
                epochs=context.epochs)  # fmt: skip
    set_title(ax, _raster_title(activity, ax))

    shown, chosen = _fifths(connectivity, score, label) or (
        connectivity,
        _extreme_windows(connectivity, score, label),
    )
    pair = [figure.add_subplot(grid[0, 1 + i]) for i in range(len(chosen))]
    _draw_pair(pair, shown, chosen)
    color = score if context.labels is None else np.asarray(context.labels)
    _draw_state(figure.add_subplot(grid[1, 1]), embedding, color, label, truth)
    if len(windows) >= _LEAST_COMPARED:
        ax = figure.add_subplot(grid[1, 2])
        plot_similarity(connectivity, ax=ax, legend=False)
        set_title(ax, "Similarity of windows")
    letter_panels(figure)
    return figure


def _new_figure(height_in: float, *, width_in: float = _WIDTH_IN) -> Figure:
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")


def _per_window(
    windows: Windows,
    connectivity: ConnectivitySequence,
    embedding: NodeEmbedding,
    score: Any,
    truth: Any,
) -> tuple[NDArray[np.float64] | None, NDArray[Any] | None]:
    score = None if score is None else np.asarray(score, dtype=np.float64)
    truth = None if truth is None else np.asarray(truth)
    sizes = {
        "connectivity": connectivity.n_windows,
        "embedding": embedding.n_windows,
        "score": len(windows) if score is None else score.size,
        "truth": len(windows) if truth is None else truth.size,
    }
    for name, size in sizes.items():
        if size != len(windows):
            raise InputError(f"{name} has {size} windows, the table of windows has {len(windows)}.")
    if score is not None and not np.isfinite(score).any():
        raise InputError("score is not finite in any window: leave it out, or check the behaviour.")
    return score, truth


def _extreme_windows(
    connectivity: ConnectivitySequence, score: NDArray[np.float64] | None, label: str
) -> list[tuple[int, str]]:
    """Choose the windows of highest and lowest score and say so."""
    if score is None:
        score, label = _mean_sizes(connectivity), "mean |weight|"
    chosen = {"Highest": int(np.nanargmax(score)), "Lowest": int(np.nanargmin(score))}
    if chosen["Highest"] == chosen["Lowest"]:
        chosen = {"Only": chosen["Highest"]}
    numbers = told_apart(score[list(chosen.values())])
    return [
        (index, f"{word} {label}: {number}\n{window_name(connectivity.windows, index)}")
        for (word, index), number in zip(chosen.items(), numbers, strict=True)
    ]


def _fifths(
    connectivity: ConnectivitySequence, score: NDArray[np.float64] | None, label: str
) -> tuple[ConnectivitySequence, list[tuple[int, str]]] | None:
    """Average the fifth of highest and of lowest score; one window alone is mostly noise."""
    known = np.zeros(0, dtype=int) if score is None else np.flatnonzero(np.isfinite(score))
    if score is None or len(known) < _LEAST_FOR_FIFTHS:
        return None
    ranked = known[np.argsort(score[known], kind="stable")]
    n_each = len(ranked) // 5
    ends = {"highest": ranked[-n_each:], "lowest": ranked[:n_each]}
    with np.errstate(invalid="ignore"):
        means = np.stack([connectivity.weights[index].mean(axis=0) for index in ends.values()])
    limits = np.arange(2.0)
    pair = ConnectivitySequence(
        weights=means,
        windows=Windows(start_s=limits, stop_s=limits + 1.0),
        nodes=connectivity.nodes,
        measure=connectivity.measure,
        directed=connectivity.directed,
    )
    titles = [f"Mean of the {n_each} windows\nof {word} {label}" for word in ends]
    return pair, list(enumerate(titles))


def _mean_sizes(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    means = np.zeros(connectivity.n_windows)
    for index, weights in enumerate(connectivity.weights):
        sizes = np.abs(weights)[~np.eye(len(weights), dtype=bool)]
        sizes = sizes[np.isfinite(sizes)]
        means[index] = sizes.mean() if len(sizes) else 0.0
    return means


def _draw_pair(
    axes: list[Axes], connectivity: ConnectivitySequence, chosen: list[tuple[int, str]]
) -> None:
    """Draw two windows side by side with one scale of colours and one naming of rows."""
    limit = connectivity_limit(connectivity, *(index for index, _ in chosen))
    for ax, (index, title) in zip(axes, chosen, strict=True):
        first = ax is axes[0]
        plot_connectivity(connectivity, index, ax=ax, limit=limit, row_names=first, colorbar=False)
        set_title(ax, title)
    shown = connectivity.weights[[index for index, _ in chosen]]
    extend = extension(shown[:, ~np.eye(connectivity.n_nodes, dtype=bool)], -limit, limit)
    add_colorbar(axes[-1], axes[-1].images[0], measure_label(connectivity.measure), extend=extend)


def _draw_state(
    ax: Axes,
    embedding: NodeEmbedding,
    color: NDArray[Any] | None,
    label: str,
    truth: NDArray[Any] | None,
) -> None:
    """Draw windows by state, else by behaviour, else by time; a short legend lies inside."""
    color, label = (color, label) if truth is None else (truth, "state")
    label = "" if color is None else label
    plot_window_embedding(embedding, ax=ax, color=color, color_label=label)
    set_title(ax, f"Windows, by {label or 'time'}")
    legend = ax.get_legend()
    if truth is not None and legend is not None and len(legend.get_texts()) <= _MAX_INSIDE:
        ax.legend(loc="best", fontsize="small", handletextpad=0.2, borderpad=0.3, framealpha=0.9)


def _embedding_figure(
    embedding: NodeEmbedding,
    color: NDArray[Any] | None,
    label: str,
    truth: NDArray[Any] | None,
) -> Figure:
    figure = _new_figure(4.6, width_in=_WIDTH_IN if truth is not None else 6.4)
    axes = figure.subplots(1, 1 if truth is None else 2, squeeze=False)[0]
    label = "" if color is None else label
    plot_window_embedding(embedding, ax=axes[0], color=color, color_label=label)
    set_title(axes[0], f"Embedding of windows, by {label or 'time'}")
    if truth is not None:
        plot_window_embedding(embedding, ax=axes[1], color=truth, color_label="state")
        set_title(axes[1], "Embedding of windows, by true state")
    return figure


def _raster_title(activity: BinnedActivity, ax: Axes) -> str:
    """Say what is drawn, and which part of the recording."""
    size_s = activity.bin_size_s
    width = f"{size_s * 1e3:.4g} ms" if size_s < 1 else f"{size_s:.4g} s"
    what = "Traces" if activity.quantity == "trace" else "Spikes"
    first, last = ax.get_xlim()
    length_s = activity.t_stop_s - activity.t_start_s
    part = f"{first:.4g} s to {last:.4g} s"
    if last - first < 0.99 * length_s:
        part += f", {(last - first) / length_s:.0%} of the recording"
    kind = NODE_NAMES[activity.node_kind]
    return f"{what} of {activity.n_nodes} {kind}s in bins of {width}: {part}"
