"""Map of the electrodes, by subregion or by a value."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import PALETTE, ROUND_STEPS, SMALL, scatter_by, tidy

__all__ = ["plot_electrodes"]


def plot_electrodes(nodes: Nodes, *, ax: Axes, values: Any = None, label: str = "") -> Axes:
    """
    Draw where the nodes lie.

    Parameters
    ----------
    nodes : Nodes
        With positions in micrometres; nodes without one are left out.
    ax : matplotlib.axes.Axes
        Where to draw.
    values : array_like, shape (n_nodes,), optional
        Number or category of each node; its group by default.
    label : str
        What the values are, with their unit.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes, both directions on one scale, y downwards as on the chip.

    Raises
    ------
    InputError
        If no node has a position, or there is not one value per node.
    """
    positions = nodes.positions_um
    placed = None if positions is None else np.isfinite(positions[:, :2]).all(axis=1)
    if positions is None or placed is None or not placed.any():
        raise InputError("No node has a position: there is no map of electrodes to draw.")
    points = np.asarray(positions[placed, :2], dtype=np.float64)
    if values is None and not nodes.group_names:
        ax.scatter(points[:, 0], points[:, 1], s=8, color=PALETTE[0], linewidths=0)
    else:
        shown = np.asarray(nodes.groups if values is None else values)
        if shown.shape != (len(nodes),):
            raise InputError(f"values has shape {shown.shape}; {len(nodes)} nodes need one each.")
        size = float(np.clip(6000 / len(points), 6, 40))
        scatter_by(ax, points, shown[placed], label or "subregion", size=size)
    ax.set_aspect("equal")
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=ROUND_STEPS))
    ax.set_xlabel("x (µm)", fontsize=SMALL)
    ax.set_ylabel("y (µm)", fontsize=SMALL)
    tidy(ax)
    return ax
