"""The matrices of the page: connectivity of the windows, nodes in their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tavrnn_ephys.figures._drawing import short_names
from tavrnn_ephys.figures.matrices import color_limit
from tavrnn_ephys.figures.page.collect import WindowMatrices
from tavrnn_ephys.figures.page.style import new_figure, safe

__all__ = ["matrix_figure", "matrix_limit", "node_axis", "shown_limit"]


# Longer names take the room of the picture on a narrow page.
_LONGEST_TICK = 14


def _group_ticks(groups: NDArray[np.str_]) -> tuple[list[float], list[str]]:
    edges = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    stops = np.append(edges[1:], len(groups))
    centers = ((edges + stops - 1) / 2).tolist()
    names = short_names([str(groups[edge]) for edge in edges], _LONGEST_TICK)
    return centers, [safe(name) or "no group" for name in names]


def node_axis(groups: NDArray[np.str_], label: str) -> dict[str, Any]:
    """
    Describe an axis of nodes, with the names of their groups where there are few.

    Parameters
    ----------
    groups : numpy.ndarray of str, shape (n_nodes,)
        Group of each node, in the order in which they are drawn.
    label : str
        Title of the axis.

    Returns
    -------
    dict of str to object
        Properties of an axis of Plotly.
    """
    axis: dict[str, Any] = {
        "title": {"text": label, "standoff": 6},
        "showgrid": False,
        "zeroline": False,
    }
    if np.any(groups != "") and len(np.unique(groups)) <= 16:
        centers, names = _group_ticks(groups)
        axis |= {"tickmode": "array", "tickvals": centers, "ticktext": names}
    else:
        axis |= {"tick0": 0, "dtick": _round_step(len(groups))}
    return axis


def _round_step(n: int) -> int:
    """Say which whole round number gives about eight ticks."""
    power = 10 ** int(np.floor(np.log10(max(n / 8, 1))))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= n / 8)


def matrix_figure(matrices: WindowMatrices) -> go.Figure:
    """
    Draw the frame of the connectivity matrix.

    Parameters
    ----------
    matrices : WindowMatrices
        Matrices of the windows that are shown.

    Returns
    -------
    plotly.graph_objects.Figure
        One heat map, empty: the page fills it for the window on the slider.
    """
    groups = np.array(matrices.blocks.names)
    what = "rows to columns" if matrices.directed else ""
    limit = shown_limit(matrices)
    heat = go.Heatmap(
        zmin=-limit,
        zmax=limit,
        zmid=0,
        colorscale="RdBu_r",
        hovertemplate="%{customdata}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
        colorbar={"title": {"text": safe(matrices.measure), "side": "right"}, "thickness": 12},
    )
    label = "node" if matrices.blocks.is_single else "block of nodes"
    figure = new_figure([heat], height=420)
    end = len(groups) - 0.5
    figure.update_xaxes(
        **node_axis(groups, f"{label} {what}".strip()), range=[-0.5, end], constrain="domain",
        tickangle=-60 if np.any(groups != "") else 0, automargin=True,
    )  # fmt: skip
    figure.update_yaxes(
        **node_axis(groups, label), range=[end, -0.5], scaleanchor="x", constrain="domain",
        constraintoward="top", automargin=True,
    )  # fmt: skip
    return figure


def shown_limit(matrices: WindowMatrices) -> float:
    """
    Say where the colours of weights end.

    Parameters
    ----------
    matrices : WindowMatrices
        Matrices of the windows that are shown.

    Returns
    -------
    float
        The 99.5th percentile of absolute weights; larger ones are drawn in the last colour.
    """
    return color_limit(matrices.means)


def matrix_limit(matrices: WindowMatrices) -> float:
    """
    Say how large weights become.

    Parameters
    ----------
    matrices : WindowMatrices
        Matrices of the windows that are shown.

    Returns
    -------
    float
        The largest absolute weight on the page; 1 where all are zero or unknown.
    """
    size = np.abs(matrices.means[np.isfinite(matrices.means)])
    return float(size.max(initial=0.0)) or 1.0
