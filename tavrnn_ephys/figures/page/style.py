"""What every figure of a report looks like: its colours, its frame and its words."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from tavrnn_ephys.figures._drawing import short_name

__all__ = [
    "ALPHA",
    "BEHAVIOR",
    "COLORS",
    "GREY",
    "LEGEND",
    "MARGIN",
    "SYMBOLS",
    "group_colors",
    "new_figure",
    "safe",
    "short",
    "square_matrices",
]

# Okabe and Ito (2008) without their yellow and black, which are lost on white and on dark paper.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SYMBOLS = ("circle", "square", "triangle-up", "diamond")
GREY = "#8a8f98"
#: Colour of the behaviour, and of the window on the slider.
BEHAVIOR = COLORS[-1]
#: Q-values below it are marked.
ALPHA = 0.05
MARGIN = {"l": 56, "r": 12, "t": 12, "b": 48}


LEGEND = {
    "orientation": "h",
    "yanchor": "bottom",
    "y": 1.0,
    "x": 0,
    "font": {"size": 11},
    "itemsizing": "constant",
}


def safe(text: Any) -> str:
    """
    Escape text that Plotly would take for markup.

    Parameters
    ----------
    text : object
        Any text of a file.

    Returns
    -------
    str
        Text that is drawn as it stands.

    Examples
    --------
    >>> safe("<b>ch1</b>")
    '&lt;b&gt;ch1&lt;/b&gt;'
    """
    return html.escape(str(text), quote=False)


def short(text: Any, longest: int = 24) -> str:
    """
    Cut a long name in its middle, and make it safe.

    Parameters
    ----------
    text : object
        The name.
    longest : int
        Most letters.

    Returns
    -------
    str
        Text that is drawn as it stands.

    Examples
    --------
    >>> short("CA1"), short("Primary visual area, layer 2/3, left", 15)
    ('CA1', 'Primary…3, left')
    """
    return safe(short_name(str(text), longest))


def group_colors(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """
    Give every group a colour and a symbol.

    Parameters
    ----------
    names : iterable of str
        Names of groups; an empty one stands for no group.

    Returns
    -------
    dict of str to (str, str)
        Colour and symbol; grey circles for no group.
    """
    found = {}
    for index, name in enumerate(name for name in names if name):
        symbol = SYMBOLS[(index // len(COLORS)) % len(SYMBOLS)]
        found[name] = (COLORS[index % len(COLORS)], symbol)
    return {**found, "": (GREY, "circle")}


def new_figure(data: list[Any], *, height: int, **layout: Any) -> go.Figure:
    """
    Lay traces into the frame of all figures.

    Parameters
    ----------
    data : list
        Traces.
    height : int
        Height in pixels.
    **layout : object
        What else Plotly's layout is to hold.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure.
    """
    figure = go.Figure(data=data)
    figure.update_layout(
        template="none",
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        **layout,
    )
    return figure


def square_matrices(figure: go.Figure, n_matrices: int) -> None:
    """
    Give panels of matrices square cells, the first row on top, and no ticks.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        A figure of panels, each a heat map.
    n_matrices : int
        How many panels there are.
    """
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False,
            "constrain": "domain"}  # fmt: skip
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, autorange="reversed")
    for number in ("", *map(str, range(2, n_matrices + 1))):
        figure.layout[f"yaxis{number}"].scaleanchor = f"x{number}"
    figure.update_annotations(font={"size": 12})
