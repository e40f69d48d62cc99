"""Windows beside windows on the page of a run: how alike they are, and High less Low."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from tavrnn_ephys.figures._drawing import fewer_names
from tavrnn_ephys.figures.matrices import color_limit, mean_of_known, window_ticks
from tavrnn_ephys.figures.page.asked import asked_behaviors, main_behavior
from tavrnn_ephys.figures.page.collect import ReportContent, WindowMatrices
from tavrnn_ephys.figures.page.style import (
    ALPHA,
    BEHAVIOR,
    COLORS,
    GREY,
    MARGIN,
    short,
    square_matrices,
)

__all__ = ["difference_figure", "ends_of_behavior", "similarity_figure"]

_STEPS = 127
_LEAST_EACH = 2


def similarity_figure(content: ReportContent) -> go.Figure | None:
    """
    Draw how much windows resemble each other, with behaviour, states and change points.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    plotly.graph_objects.Figure or None
        A heat map below strips; None where the run holds no connectivity.
    """
    view = content.similarity
    if view is None:
        return None
    windows = content.windows.select(content.shown)
    strips = _strips(content)
    figure = make_subplots(
        rows=len(strips) + 1, cols=1, shared_xaxes=True, vertical_spacing=0.02,
        row_heights=[*(weight for weight, _ in strips), 1.0],
    )  # fmt: skip
    for row, (_, (name, trace)) in enumerate(strips, start=1):
        for item in trace:
            figure.add_trace(item, row=row, col=1)
        if isinstance(trace[0], go.Bar):
            figure.update_yaxes(tickvals=[0.5], ticktext=[short(name, 10)], ticks="",
                                tickfont={"size": 11}, range=[0, 1], row=row, col=1)  # fmt: skip
        else:
            figure.update_yaxes(title={"text": short(name, 11), "font": {"size": 11}}, nticks=3,
                                row=row, col=1)  # fmt: skip
        figure.update_yaxes(zeroline=False, showgrid=False, row=row, col=1)
    last = len(strips) + 1
    low, high = view.limits
    middle, reach = (low + high) / 2, (high - low) / 2
    steps = np.rint(np.clip((view.values - middle) / reach, -1, 1) * _STEPS)
    shown: Any = np.where(view.near.shared, np.nan, steps).astype(object)
    shown[view.near.shared] = None
    places = (np.cumsum(view.near.sizes) - view.near.sizes / 2 - 0.5).tolist()
    figure.add_trace(
        go.Heatmap(
            z=shown, x=places, y=places, zmin=-_STEPS, zmax=_STEPS, colorscale="RdBu_r",
            hoverinfo="skip", hoverongaps=False,
            colorbar={"title": {"text": "similarity (r)", "side": "top", "font": {"size": 11}},
                      "orientation": "h", "thickness": 10, "y": -0.13, "yanchor": "top", "len": 0.8,
                      "tickvals": [-_STEPS, 0, _STEPS],
                      "ticktext": [f"{value:.2g}" for value in (low, middle, high)]},
        ),
        row=last, col=1,
    )  # fmt: skip
    lines = _change_lines(content)
    if lines is not None:
        figure.add_trace(lines, row=last, col=1)
    ticks, names, unit = window_ticks(windows)
    figure.update_layout(
        template="none", height=_height(strips), showlegend=False, dragmode=False,
        barmode="overlay", bargap=0, margin={**MARGIN, "b": 92, "l": 66},
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, zeroline=False, range=[-0.5, len(windows) - 0.5])
    axis = {"tickmode": "array", "tickvals": ticks.tolist(), "ticktext": names}
    title = {"text": f"window, {unit}", "standoff": 4}
    figure.update_xaxes(**axis, title=title, row=last, col=1)
    figure.update_yaxes(**axis, title=title, range=[len(windows) - 0.5, -0.5], showgrid=False,
                        zeroline=False, row=last, col=1)  # fmt: skip
    return figure


def _height(strips: list[tuple[float, tuple[str, list[Any]]]]) -> int:
    """Give the matrix its height whatever stands above it."""
    return 610 + round(400 * max(sum(weight for weight, _ in strips) - 0.26, 0.0))


def _strips(content: ReportContent) -> list[tuple[float, tuple[str, list[Any]]]]:
    """Behaviours and states, each with its height beside that of the matrix."""
    found: list[tuple[float, tuple[str, list[Any]]]] = []
    states = content.tables.get("state_windows")
    for item in filter(lambda item: item.is_known, asked_behaviors(content)):
        values = item.values[content.shown]
        if item.is_number:
            line = go.Scatter(y=values.astype(np.float64), mode="lines",
                              line={"width": 1.3, "color": BEHAVIOR}, hoverinfo="y")  # fmt: skip
            found.append((0.2, (item.name, [line])))
        else:
            found.append((0.06, (item.name, _bars(values))))
    if states is not None and len(states) == len(content.windows):
        if states["state"].nunique() > 1:
            found.append((0.06, ("state", _bars(states["state"].to_numpy()[content.shown]))))
    return found


def _bars(values: NDArray[Any]) -> list[Any]:
    """Draw stretches of one label as bars of one colour."""
    shown, names = fewer_names(np.asarray(values), len(COLORS))
    begins = np.flatnonzero([True, *(a != b for a, b in zip(shown[:-1], shown[1:], strict=True))])
    widths = np.diff(np.append(begins, len(shown)))
    of = [shown[index] for index in begins]
    colors = [COLORS[names.index(name)] if name in names else GREY for name in of]
    return [
        go.Bar(
            x=(begins + widths / 2 - 0.5).tolist(), y=[1] * len(begins), width=widths.tolist(),
            marker={"color": colors, "line": {"width": 0}},
            text=[short(name) or "unknown" for name in of], textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    ]  # fmt: skip


def _change_lines(content: ReportContent) -> Any:
    table = content.tables.get("change_times")
    if table is None or not len(table):
        return None
    places = np.searchsorted(content.shown, table["window_index"].to_numpy()) - 0.5
    low, high = -0.5, len(content.shown) - 0.5
    x: list[float | None] = []
    y: list[float | None] = []
    for place in places.tolist():
        x += [place, place, None, low, high, None]
        y += [low, high, None, place, place, None]
    return go.Scatter(x=x, y=y, mode="lines", hoverinfo="skip",
                      line={"color": GREY, "width": 1, "dash": "dot"})  # fmt: skip


def ends_of_behavior(
    content: ReportContent,
) -> list[tuple[str, NDArray[np.intp]]] | None:
    """
    Choose the windows of highest and of lowest behaviour, or those of two labels.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    list of (str, numpy.ndarray of int) or None
        Name and positions among the windows that are shown, the higher end first; None where no
        behaviour was asked for, or it has neither numbers nor two labels.
    """
    asked = main_behavior(content)
    if asked is None:
        return None
    values = asked.values[content.shown]
    if asked.is_number:
        known = np.flatnonzero(np.isfinite(values.astype(np.float64)))
        ranked, n_each = known[np.argsort(values[known], kind="stable")], max(len(known) // 5, 1)
        ends = [("High", ranked[-n_each:]), ("Low", ranked[:n_each])]
    else:
        texts = values.astype(str)
        names = [name for name in np.unique(texts).tolist() if name]
        if len(names) != 2:
            return None
        ends = [(name, np.flatnonzero(texts == name)) for name in reversed(names)]
    return ends if min(len(index) for _, index in ends) >= _LEAST_EACH else None


def difference_figure(content: ReportContent) -> go.Figure | None:
    """
    Draw mean connectivity at the two ends of a behaviour, and the difference with its edges.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    plotly.graph_objects.Figure or None
        Three matrices, dots on pairs that follow the behaviour at q < 0.05; None where there is
        no connectivity, or nothing to compare.
    """
    matrices, ends = content.matrices, ends_of_behavior(content)
    if matrices is None or ends is None:
        return None
    high, low = (mean_of_known(matrices.means[index]) for _, index in ends)
    names = [f"{short(name)}: {len(index)} windows" for name, index in ends]
    figure = make_subplots(
        rows=1, cols=3, horizontal_spacing=0.03,
        subplot_titles=[*names, f"{short(ends[0][0], 14)} less {short(ends[1][0], 14)}"],
    )  # fmt: skip
    shared = color_limit(high, low)
    for column, matrix in enumerate((high, low, high - low), start=1):
        limit = shared if column < 3 else color_limit(matrix)
        bar = {"thickness": 10, "orientation": "h", "y": -0.04, "yanchor": "top", "nticks": 5,
               "len": 0.3, "x": (0.5, 0.5, 0.85)[column - 1] if column > 1 else 0.15}  # fmt: skip
        figure.add_trace(
            go.Heatmap(z=matrix.round(4), zmin=-limit, zmax=limit, colorscale="RdBu_r",
                       hoverongaps=False, hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
                       colorbar=bar),
            row=1, col=column,
        )  # fmt: skip
    figure.add_trace(_significant(content, matrices), row=1, col=3)
    figure.update_layout(template="none", height=420, margin={**MARGIN, "l": 8, "t": 34, "b": 56},
                         dragmode=False, showlegend=False)  # fmt: skip
    square_matrices(figure, 3)
    return figure


def _significant(content: ReportContent, matrices: WindowMatrices) -> Any:
    """Give a dot to each pair that follows the behaviour, rates held."""
    x: list[int] = []
    y: list[int] = []
    asked = main_behavior(content)
    table = None if asked is None else content.tables.get(f"{asked.stem}_edges")
    if table is not None:
        marked = table[table["q_value"] < ALPHA]
        blocks = matrices.blocks
        block_of = np.repeat(np.arange(len(blocks)), np.diff([*blocks.starts, len(blocks.order)]))
        ids = np.asarray(content.nodes.ids)[blocks.order]
        place = {str(name): int(block) for name, block in zip(ids, block_of, strict=True)}
        for a, b in zip(marked["node_a"], marked["node_b"], strict=True):
            x += [place[str(a)], place[str(b)]]
            y += [place[str(b)], place[str(a)]]
    look = {"size": 4, "color": "#000000", "line": {"width": 0.5, "color": "#ffffff"}}
    return go.Scatter(x=x, y=y, mode="markers", hoverinfo="skip", marker=look)
