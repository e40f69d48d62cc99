"""Embeddings of windows and of nodes in the plane of their first two principal components."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import (
    PALETTE,
    ROUND_STEPS,
    SMALL,
    check_index,
    scatter_by,
    set_title,
    tidy,
    window_name,
)

__all__ = ["plot_node_embedding", "plot_window_embedding", "principal_plane"]


def plot_window_embedding(
    embedding: NodeEmbedding, *, ax: Axes, color: Any = None, color_label: str = ""
) -> Axes:
    """
    Draw one point per window, joined in chronological order.

    A window is represented by the embeddings of its nodes one after the other, and projected
    on the first two principal components, on one scale, so that distances keep their ratio.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    ax : matplotlib.axes.Axes
        Where to draw.
    color : str or array_like, shape (n_windows,), optional
        A column of the window table, or values.  Text, truth values and at most eight
        distinct whole numbers are categories with a legend; other numbers get a colour bar,
        NaN being grey.  The time of the window by default.
    color_label : str
        What the colour means, with its unit; the name of the column by default.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    InputError
        If there is no such column, or not one value per window.
    """
    values, label = _window_colors(embedding, color, color_label)
    vectors = embedding.window_embedding("concatenate")
    points, share = principal_plane(vectors)
    _draw_path(ax, points, embedding.windows.segment_index)
    scatter_by(ax, points, values, label, size=22)
    _finish(ax, share)
    return ax


def plot_node_embedding(embedding: NodeEmbedding, window_index: int, *, ax: Axes) -> Axes:
    """
    Draw the nodes of one window, coloured by group.

    The principal components and the limits of the axes come from all nodes of all windows, so
    that panels of equal shape can be compared.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    window_index : int
        Position of the window.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    InputError
        If there is no such window.
    """
    index = check_index(window_index, embedding.n_windows)
    everything, share = principal_plane(embedding.mean.reshape(-1, embedding.latent_size))
    points = everything.reshape(embedding.n_windows, embedding.n_nodes, 2)[index]
    if embedding.nodes.group_names:
        scatter_by(ax, points, embedding.node_groups, "group", size=22)
    else:
        ax.scatter(
            points[:, 0], points[:, 1], s=22, color=PALETTE[0], linewidths=0.3, edgecolors="white"
        )
    ax.update_datalim([np.nanmin(everything, axis=0), np.nanmax(everything, axis=0)])
    _finish(ax, share)
    set_title(ax, window_name(embedding.windows, index).capitalize())
    return ax


def _window_colors(embedding: NodeEmbedding, color: Any, label: str) -> tuple[NDArray[Any], str]:
    windows = embedding.windows
    if color is None:
        return (windows.start_s + windows.stop_s) / 2, label or "time (s)"
    if isinstance(color, str):
        if color not in windows.columns:
            known = f"choose {some(windows.columns)}" if windows.columns else "it has none"
            raise InputError(f"The window table has no column '{color}'; {known}.")
        return windows.columns[color], label or color.replace("_", " ")
    values = np.asarray(color)
    if values.shape != (len(windows),):
        raise InputError(
            f"color has shape {values.shape}; {len(windows)} windows need one value each."
        )
    return values, label


def principal_plane(
    vectors: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Project vectors on their first two principal components.

    Parameters
    ----------
    vectors : numpy.ndarray, shape (n, n_dimensions)
        The vectors; those of NaN, of nodes that do not exist, have no place.

    Returns
    -------
    points : numpy.ndarray, shape (n, 2)
        Coordinates; zero where the vectors do not vary, NaN where a vector is.
    share : numpy.ndarray, shape (2,)
        Share of the variance along each component.
    """
    from sklearn.decomposition import PCA

    known = np.isfinite(vectors).all(axis=1)
    points, share = np.where(known, 0.0, np.nan)[:, np.newaxis] * np.ones(2), np.zeros(2)
    placed = vectors[known]
    if len(placed) and np.any(np.ptp(placed, axis=0) > 0):
        model = PCA(n_components=min(2, *placed.shape), random_state=0)
        points[known, : model.n_components_] = model.fit_transform(placed)
        share[: model.n_components_] = model.explained_variance_ratio_
    return points, share


def _draw_path(ax: Axes, points: NDArray[np.float64], segment_index: Any) -> None:
    breaks = np.flatnonzero(np.diff(segment_index)) + 1
    path = np.insert(points, breaks, np.nan, axis=0)
    ax.plot(path[:, 0], path[:, 1], color="0.6", linewidth=0.4, alpha=0.6, zorder=1)


def _finish(ax: Axes, share: NDArray[np.float64]) -> None:
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_box_aspect(1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=ROUND_STEPS))
    ax.set_xlabel(f"PC 1 ({share[0]:.0%} of variance)", fontsize=SMALL)
    ax.set_ylabel(f"PC 2 ({share[1]:.0%} of variance)", fontsize=SMALL)
    tidy(ax)
