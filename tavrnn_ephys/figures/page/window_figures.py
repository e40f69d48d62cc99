"""Figures of a report over its windows: colours of windows, and attention beyond its decay."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tavrnn_ephys.figures._drawing import fewer_names
from tavrnn_ephys.figures.decay import beyond_decay
from tavrnn_ephys.figures.page.style import BEHAVIOR, COLORS, GREY, new_figure, short

__all__ = ["attention_figure", "window_marker"]


def window_marker(name: str, values: NDArray[Any]) -> tuple[dict[str, Any], list[str]]:
    """
    Colour windows by numbers on a scale, by labels in colours of their own.

    Parameters
    ----------
    name : str
        What the values are.
    values : numpy.ndarray, shape (n_windows,)
        Numbers or labels.

    Returns
    -------
    marker : dict
        Of Plotly.
    shown : list of str
        The value of each window as text.
    """
    title = {"text": short(name, 40), "side": "right"}
    if values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
        marker = {"size": 6, "color": numbers, "colorscale": "Viridis",
                  "colorbar": {"title": title, "thickness": 12}}  # fmt: skip
        return marker, [f"{value:.3g}" for value in numbers]
    texts, names = fewer_names(values, len(COLORS))
    names = [*names, *sorted(set(texts) - set(names), reverse=True)]
    colors = [COLORS[index] if index < len(COLORS) else GREY for index in range(len(names))]
    colors = [color if name else GREY for color, name in zip(colors, names, strict=True)]
    codes = [names.index(text) for text in texts]
    n = max(len(names), 1)
    scale = [[(index + side) / n, color] for index, color in enumerate(colors) for side in (0, 1)]
    bar = {"title": title, "thickness": 12, "tickmode": "array",
           "tickvals": list(range(len(names))),
           "ticktext": [short(each) or "unknown" for each in names]}  # fmt: skip
    marker = {"size": 6, "color": codes, "colorscale": scale, "cmin": -0.5, "cmax": n - 0.5,
              "colorbar": bar}  # fmt: skip
    return marker, [short(value) for value in values]


def attention_figure(attention: NDArray[np.float64], shown: NDArray[np.intp]) -> go.Figure:
    """
    Draw how much each window attends to itself and to those before it.

    Parameters
    ----------
    attention : numpy.ndarray, shape (n_shown, n_lags)
        Attention of each window to itself and to those before it.
    shown : numpy.ndarray, shape (n_shown,)
        Indices of the windows.

    Returns
    -------
    plotly.graph_objects.Figure
        A heat map of what is beyond the mean decay; the page marks the window on the slider.
    """
    rest = beyond_decay(attention)
    limit = float(np.nanpercentile(np.abs(rest), 99)) or float(np.nanmax(np.abs(rest))) or 1.0
    steps = np.rint(np.clip(np.nan_to_num(rest) / limit, -1, 1) * 127).astype(np.int8)
    heat = go.Heatmap(
        z=steps.T, x=shown + 1, zmin=-127, zmax=127, colorscale="RdBu_r",
        hovertemplate="window %{x}, %{y} windows back<extra></extra>",
        colorbar={"title": {"text": "attention less its mean decay", "side": "right"},
                  "thickness": 12, "tickvals": [-127, 0, 127],
                  "ticktext": [f"−{limit:.2g}", "0", f"{limit:.2g}"]},
    )  # fmt: skip
    shape = {"type": "rect", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
             "line": {"color": BEHAVIOR, "width": 2}}  # fmt: skip
    figure = new_figure([heat], height=320, shapes=[shape])
    figure.update_xaxes(title={"text": "window", "standoff": 6}, showgrid=False, zeroline=False)
    figure.update_yaxes(
        title={"text": "windows back (0: itself)", "standoff": 6}, showgrid=False, zeroline=False,
        rangemode="tozero",
    )  # fmt: skip
    return figure
