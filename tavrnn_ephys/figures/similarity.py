"""Which windows resemble each other: a matrix of similarities, with the behaviour beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import INK, PALETTE, ROUND_STEPS, SMALL, add_colorbar, tidy
from tavrnn_ephys.figures.matrices import window_ticks

__all__ = ["plot_similarity", "window_similarity"]


def window_similarity(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    """
    Correlate the weights of every two windows, each weight less its mean over windows.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights, shape (n_windows, n_nodes, n_nodes).

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
    pairs = np.nonzero(~np.eye(connectivity.n_nodes, dtype=bool))
    rows = np.stack([np.nan_to_num(np.asarray(item)[pairs]) for item in connectivity.weights])
    rows = rows - rows.mean(axis=0)
    size = np.sqrt(np.square(rows).sum(axis=1))
    return np.asarray(rows @ rows.T / np.maximum(np.outer(size, size), 1e-300))


def plot_similarity(
    connectivity: ConnectivitySequence,
    *,
    ax: Axes,
    behavior: Any = None,
    label: str = "",
    changes: Any = (),
) -> Axes:
    """
    Draw how much windows resemble each other, with a behaviour as a strip above.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights of each window.
    ax : matplotlib.axes.Axes
        Where to draw.
    behavior : array_like of float, shape (n_windows,), optional
        Behaviour of each window, NaN where unknown.
    label : str
        What the behaviour is, with its unit.
    changes : array_like of int
        First windows after change points, drawn as lines.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the matrix; colours end at the 99th percentile off the diagonal.

    Raises
    ------
    InputError
        If there is not one value of the behaviour per window.
    """
    similarity = window_similarity(connectivity)
    windows = connectivity.windows
    # Windows that share time resemble each other by that alone.
    apart = np.abs(np.subtract.outer(np.arange(len(windows)), np.arange(len(windows))))
    apart = apart > windows.overlap
    others = np.abs(similarity[apart])
    limit = float(np.percentile(others, 99)) if len(others) else 1.0
    image = ax.imshow(similarity, cmap=colormaps["RdBu_r"], vmin=-(limit or 1), vmax=limit or 1)
    tidy(ax, frame=True)
    ticks, names, unit = window_ticks(windows)
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set_xlabel(f"window, {unit}", fontsize=SMALL)
    ax.set_ylabel(f"window, {unit}", fontsize=SMALL)
    for change in np.asarray(changes, dtype=np.float64):
        for line in (ax.axhline, ax.axvline):
            line(change - 0.5, color=INK, linewidth=0.6, linestyle=(0, (3, 2)))
    add_colorbar(ax, image, "similarity of connectivity (r)", extend="both")
    if behavior is not None:
        _draw_strip(ax, np.asarray(behavior, dtype=np.float64), label, len(windows))
    return ax


def _draw_strip(ax: Axes, values: NDArray[np.float64], label: str, n_windows: int) -> None:
    if values.shape != (n_windows,):
        raise InputError(f"behavior has shape {values.shape} for {n_windows} windows.")
    above = ax.inset_axes((0.0, 1.03, 1.0, 0.16), sharex=ax)
    above.plot(np.arange(n_windows), values, color=PALETTE[0], linewidth=1.1)
    above.tick_params(axis="x", labelbottom=False, length=0)
    above.yaxis.set_major_locator(MaxNLocator(2, steps=ROUND_STEPS))
    above.set_title(label, fontsize=SMALL, loc="left")
    tidy(above)
