"""The figures of a report, as Plotly draws them; those that move are filled by the page."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from tavrnn_ephys.reporting.collect import ReportContent
from tavrnn_ephys.reporting.packing import node_order

__all__ = [
    "COLORS",
    "association_figure",
    "attention_figure",
    "embedding_figure",
    "group_colors",
    "map_figure",
    "matrix_figure",
    "raster_figure",
    "scores_figure",
    "trajectory_figure",
]

# Okabe and Ito (2008) without their yellow and black, which are lost on white and on dark paper.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SYMBOLS = ("circle", "square", "triangle-up", "diamond")
_GREY = "#8a8f98"
_BEHAVIOR = "#D55E00"
_MARGIN = {"l": 56, "r": 12, "t": 12, "b": 48}


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


def _folded(text: Any) -> str:
    return "<br>".join(safe(line) for line in textwrap.wrap(str(text).replace("_", " "), 28))


def _row_height(names: set[str]) -> int:
    most = max((name.count("<br>") + 1 for name in names), default=1)
    return max(24, 17 * most)


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
    return {**found, "": (_GREY, "circle")}


def _figure(data: list[Any], *, height: int, **layout: Any) -> go.Figure:
    figure = go.Figure(data=data)
    figure.update_layout(
        template="none",
        height=height,
        margin=_MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        **layout,
    )
    return figure


def _group_ticks(groups: NDArray[np.str_]) -> tuple[list[float], list[str]]:
    edges = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    stops = np.append(edges[1:], len(groups))
    centers = ((edges + stops - 1) / 2).tolist()
    return centers, [safe(groups[edge]) or "no group" for edge in edges]


def _node_axis(groups: NDArray[np.str_], label: str) -> dict[str, Any]:
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


def matrix_figure(content: ReportContent) -> go.Figure:
    """
    Draw the frame of the connectivity matrix.

    Parameters
    ----------
    content : ReportContent
        What is shown; its matrices are known.

    Returns
    -------
    plotly.graph_objects.Figure
        One heat map, empty: the page fills it for the window on the slider.
    """
    matrices = content.matrices
    assert matrices is not None
    groups = np.array(matrices.blocks.names)
    what = "rows to columns" if matrices.directed else ""
    limit = shown_limit(content)
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
    figure = _figure([heat], height=420)
    end = len(groups) - 0.5
    figure.update_xaxes(
        **_node_axis(groups, f"{label} {what}".strip()), range=[-0.5, end], constrain="domain",
        tickangle=-60 if np.any(groups != "") else 0, automargin=True,
    )  # fmt: skip
    figure.update_yaxes(
        **_node_axis(groups, label), range=[end, -0.5], scaleanchor="x", constrain="domain",
        constraintoward="top", automargin=True,
    )  # fmt: skip
    return figure


def shown_limit(content: ReportContent) -> float:
    """
    Say where the colours of weights end.

    Parameters
    ----------
    content : ReportContent
        What is shown; its matrices are known.

    Returns
    -------
    float
        The 99.5th percentile of absolute weights; larger ones are drawn in the last colour.
    """
    assert content.matrices is not None
    size = np.abs(content.matrices.means[np.isfinite(content.matrices.means)])
    percentile = float(np.percentile(size, 99.5)) if len(size) else 0.0
    return percentile or matrix_limit(content)


def matrix_limit(content: ReportContent) -> float:
    """
    Say how large weights become.

    Parameters
    ----------
    content : ReportContent
        What is shown; its matrices are known.

    Returns
    -------
    float
        The largest absolute weight on the page; 1 where all are zero or unknown.
    """
    assert content.matrices is not None
    size = np.abs(content.matrices.means[np.isfinite(content.matrices.means)])
    return float(size.max(initial=0.0)) or 1.0


def embedding_figure(content: ReportContent) -> go.Figure:
    """
    Draw the frame of the nodes in the plane of the embedding.

    Parameters
    ----------
    content : ReportContent
        What is shown; its embedding is known.

    Returns
    -------
    plotly.graph_objects.Figure
        One trace per group with the names of its nodes; the page fills in the positions.
    """
    placed = content.embedding
    assert placed is not None
    groups = np.asarray(content.nodes.groups)[placed.node_index]
    ids = np.asarray(content.nodes.ids)[placed.node_index]
    traces = []
    size = float(np.clip(90 / np.sqrt(len(ids)), 4, 9))
    for name, (color, symbol) in group_colors(content.nodes.group_names).items():
        here = np.flatnonzero(groups == name)
        color = color if content.nodes.group_names else COLORS[0]
        if len(here) == 0:
            continue
        traces.append(
            go.Scatter(
                x=[],
                y=[],
                mode="markers",
                name=safe(name) or "no group",
                text=[safe(item) for item in ids[here]],
                meta={"nodes": here.tolist()},
                marker={"color": color, "symbol": symbol, "size": size, "opacity": 0.85},
                hovertemplate="%{text} (%{fullData.name})<extra></extra>",
            )
        )
    figure = _figure(traces, height=420)
    if content.nodes.group_names:
        figure.update_layout(showlegend=True, legend=_LEGEND)
    _principal_axes(figure, placed.points.reshape(-1, 2), placed.share)
    return figure


_LEGEND = {
    "orientation": "h",
    "yanchor": "bottom",
    "y": 1.0,
    "x": 0,
    "font": {"size": 11},
    "itemsizing": "constant",
}


def _principal_axes(
    figure: go.Figure, points: NDArray[np.float64], share: NDArray[np.float64]
) -> None:
    figure.update_yaxes(scaleanchor="x")
    for axis, values, number, part in zip("xy", points.T, (1, 2), share, strict=True):
        low, high = float(values.min()), float(values.max())
        pad = 0.06 * (high - low) or 1.0
        update = figure.update_xaxes if axis == "x" else figure.update_yaxes
        update(
            title={"text": f"PC {number} ({part:.0%} of variance)", "standoff": 6},
            range=[low - pad, high + pad],
            zeroline=False,
        )


def trajectory_figure(content: ReportContent) -> go.Figure:
    """
    Draw all windows in the plane of the embedding, joined in the order of time.

    Parameters
    ----------
    content : ReportContent
        What is shown; its embedding is known.

    Returns
    -------
    plotly.graph_objects.Figure
        The path coloured by a behaviour where one is known per window, else by time; its last
        trace is the window on the slider.
    """
    placed = content.embedding
    assert placed is not None
    windows, points = content.windows, placed.window_points
    middle = (windows.start_s + windows.stop_s) / 2
    name, values = next(
        (
            (name, column)
            for name, column in windows.columns.items()
            if column.dtype.kind in "fiub" and len(np.unique(column)) > 1
            and name not in content.window_values
        ),
        ("time (s)", middle),
    )  # fmt: skip
    marker = {
        "size": 6,
        "color": np.asarray(values, dtype=np.float64),
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": safe(name), "side": "right"}, "thickness": 12},
    }
    breaks = np.flatnonzero(np.diff(windows.segment_index)) + 1
    path = np.insert(points, breaks, np.nan, axis=0)
    traces = [
        go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines", hoverinfo="skip",
                   line={"color": _GREY, "width": 0.7}, opacity=0.5),
        go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", marker=marker,
                   text=[f"{start:g} s to {stop:g} s" for start, stop in
                         zip(windows.start_s, windows.stop_s, strict=True)],
                   hovertemplate="%{text}: %{marker.color:.3g}<extra></extra>"),
        go.Scatter(x=[], y=[], mode="markers", hoverinfo="skip",
                   marker={"size": 17, "symbol": "circle-open", "color": _BEHAVIOR,
                           "line": {"width": 3, "color": _BEHAVIOR}}),
    ]  # fmt: skip
    figure = _figure(traces, height=420)
    _principal_axes(figure, points, placed.window_share)
    return figure


def map_figure(content: ReportContent) -> go.Figure:
    """
    Draw the frame of the map of nodes.

    Parameters
    ----------
    content : ReportContent
        What is shown; nodes have positions.

    Returns
    -------
    plotly.graph_objects.Figure
        Strongest connections, then nodes with their names; the page fills in both.
    """
    nodes = content.nodes
    positions = np.asarray(nodes.positions_um)[:, :2]
    placed = np.isfinite(positions).all(axis=1)
    shown = np.where(placed[:, None], positions, np.nan)
    where = [f" ({safe(group)})" if group else "" for group in nodes.groups]
    values: dict[str, Any] = {"color": _GREY}
    if content.matrices is not None:
        strength = content.matrices.strength
        values = {
            "cmin": float(np.percentile(strength, 1)),
            "cmax": float(np.percentile(strength, 99.5)) or 1.0,
            "color": [0.0] * len(nodes),
            "colorscale": "Viridis",
            "colorbar": {"title": {"text": "mean |weight|", "side": "right"}, "thickness": 12},
        }
    size = float(np.clip(220 / np.sqrt(max(int(placed.sum()), 1)), 4, 13))
    traces = [
        go.Scatter(x=[], y=[], mode="lines", hoverinfo="skip",
                   line={"color": _GREY, "width": 0.8}, opacity=0.7),
        go.Scatter(x=shown[:, 0], y=shown[:, 1], mode="markers",
                   text=[safe(name) + group for name, group in zip(nodes.ids, where, strict=True)],
                   marker={**values, "size": size},
                   hovertemplate="%{text}: %{marker.color:.3f}<extra></extra>"),
    ]  # fmt: skip
    figure = _figure(traces, height=420)
    figure.update_xaxes(title={"text": "x (µm)", "standoff": 6}, zeroline=False, constrain="domain")
    figure.update_yaxes(
        title={"text": "y (µm)", "standoff": 6}, zeroline=False, scaleanchor="x",
        constrain="domain",
    )  # fmt: skip
    return figure


def raster_figure(content: ReportContent) -> go.Figure:
    """
    Draw the activity over time, and every behaviour below it on the same axis.

    Parameters
    ----------
    content : ReportContent
        What is shown.

    Returns
    -------
    plotly.graph_objects.Figure
        The page fills in spikes, and moves a band to the window on the slider.
    """
    view = content.recording
    rows = [*([view.population] if view.population is not None else []), *view.behavior]
    n_rows = 1 + len(rows)
    heights = [3.2] + [1.0] * len(rows)
    figure = make_subplots(rows=n_rows, cols=1, shared_xaxes=True, row_heights=heights,
                           vertical_spacing=0.045)  # fmt: skip
    order = node_order(content.nodes)
    if view.image is None:
        spikes = go.Scatter(x=[], y=[], mode="lines", hoverinfo="skip",
                            line={"width": 0.9, "color": _GREY})  # fmt: skip
        figure.add_trace(spikes, row=1, col=1)
    else:
        figure.add_trace(_trace_image(view.image[order], view), row=1, col=1)
    for row, trace in enumerate(rows, start=2):
        color = COLORS[0] if trace is view.population else _BEHAVIOR
        unit = f"<br>({safe(trace.unit)})" if trace.unit else ""
        line = go.Scatter(x=trace.times_s.astype(np.float32), y=trace.values.astype(np.float32),
                          mode="lines", line={"width": 1.3, "color": color},
                          name=safe(trace.name), hovertemplate="%{x:.2f} s: %{y:.3g}")  # fmt: skip
        figure.add_trace(line, row=row, col=1)
        figure.update_yaxes(title={"text": safe(trace.name) + unit, "font": {"size": 11}},
                            nticks=4, zeroline=False, row=row, col=1)  # fmt: skip
    figure.update_layout(
        template="none", height=330 + 95 * len(rows), showlegend=False,
        margin={**_MARGIN, "l": 74}, dragmode=False,
        shapes=[{"type": "rect", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
                 "fillcolor": COLORS[4], "opacity": 0.3, "line": {"width": 0}, "layer": "above"}],
    )  # fmt: skip
    groups = np.asarray(content.nodes.groups)[order]
    figure.update_yaxes(**_node_axis(groups, "node"), range=[len(order) - 0.5, -0.5], row=1, col=1)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title={"text": "time (s)", "standoff": 6}, row=n_rows, col=1)
    return figure


def _trace_image(values: NDArray[np.float64], view: Any) -> go.Heatmap:
    # z-scores beyond 4 are drawn as 4; steps of 0.03 fit into bytes.
    steps = np.rint(np.clip(values, -4, 4) / 4 * 127).astype(np.int8)
    return go.Heatmap(
        z=steps, x0=view.t_start_s + view.image_step_s / 2, dx=view.image_step_s, zmin=-127,
        zmax=127, colorscale="RdBu_r", hoverinfo="skip",
        colorbar={"title": {"text": "z-score", "side": "right"}, "thickness": 12,
                  "tickvals": [-127, -64, 0, 64, 127], "ticktext": ["−4", "−2", "0", "2", "4"],
                  "len": 0.6, "y": 1, "yanchor": "top"},
    )  # fmt: skip


def attention_figure(content: ReportContent) -> go.Figure:
    """
    Draw how much each window attends to itself and to those before it.

    Parameters
    ----------
    content : ReportContent
        What is shown; its attention is known.

    Returns
    -------
    plotly.graph_objects.Figure
        A heat map of lags in steps of 1/255; the page marks the window on the slider.
    """
    attention = content.attention
    assert attention is not None
    steps = np.rint(np.clip(np.nan_to_num(attention), 0, 1) * 255).astype(np.uint8)
    heat = go.Heatmap(
        z=steps.T, x=content.shown + 1, zmin=0, zmax=max(int(steps.max()), 1),
        colorscale="Viridis",
        hovertemplate="window %{x}, %{y} windows back: %{z}/255<extra></extra>",
        colorbar={"title": {"text": "attention", "side": "right"}, "thickness": 12,
                  "tickvals": [0, 51, 102, 153, 204, 255],
                  "ticktext": ["0", "0.2", "0.4", "0.6", "0.8", "1"]},
    )  # fmt: skip
    shape = {"type": "rect", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
             "line": {"color": _BEHAVIOR, "width": 2}}  # fmt: skip
    figure = _figure([heat], height=320, shapes=[shape])
    figure.update_xaxes(title={"text": "window", "standoff": 6}, showgrid=False, zeroline=False)
    figure.update_yaxes(
        title={"text": "windows back (0: itself)", "standoff": 6}, showgrid=False, zeroline=False,
        rangemode="tozero",
    )  # fmt: skip
    return figure


def association_figure(table: Any) -> go.Figure:
    """
    Draw every association beside what chance gives.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``feature``, ``rates_held``, ``correlation``, ``null_sd``.

    Returns
    -------
    plotly.graph_objects.Figure
        A point per row; bars reach 1.96 standard deviations of the null to both sides of zero.
    """
    traces = []
    held = table["rates_held"].to_numpy(dtype=bool)
    for index, (chosen, name) in enumerate(((~held, "as it is"), (held, "rates held constant"))):
        here = table[chosen]
        if not len(here):
            continue
        names = [_folded(item) for item in here["feature"]]
        null = 1.96 * here["null_sd"].to_numpy(dtype=float)
        traces += [
            go.Scatter(x=np.zeros(len(here)), y=names, mode="markers", hoverinfo="skip",
                       name="95 % of chance", showlegend=index == 0,
                       marker={"size": 1, "color": _GREY},
                       error_x={"type": "data", "array": null, "thickness": 9, "width": 0,
                                "color": "rgba(138,143,152,0.28)"}),
            go.Scatter(x=here["correlation"].to_numpy(dtype=float), y=names, mode="markers",
                       name=name, marker={"size": 9, "color": COLORS[index * 5],
                                          "symbol": SYMBOLS[index * 3]},
                       hovertemplate="%{y}: %{x:.3f}<extra>" + name + "</extra>"),
        ]  # fmt: skip
    rows = {_folded(item) for item in table["feature"]}
    figure = _figure(traces, height=110 + _row_height(rows) * len(rows))
    figure.update_layout(showlegend=True, legend=_LEGEND)
    figure.update_xaxes(title={"text": "correlation", "standoff": 6})
    figure.update_yaxes(autorange="reversed", automargin=True, zeroline=False, showgrid=False)
    return figure


def scores_figure(table: Any, name: str) -> go.Figure:
    """
    Draw scores beside the interval that chance gives.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``score``, ``chance_low``, ``chance_high``, and that of the names.
    name : str
        Column of the names.

    Returns
    -------
    plotly.graph_objects.Figure
        A point and a bar per row.
    """
    names = [_folded(item) for item in table[name]]
    low = table["chance_low"].to_numpy(dtype=float)
    high = table["chance_high"].to_numpy(dtype=float)
    traces = [
        go.Scatter(x=(low + high) / 2, y=names, mode="markers", hoverinfo="skip",
                   name="95 % of chance", marker={"size": 1, "color": _GREY},
                   error_x={"type": "data", "array": (high - low) / 2, "thickness": 10,
                            "width": 0, "color": "rgba(138,143,152,0.4)"}),
        go.Scatter(x=table["score"].to_numpy(dtype=float), y=names, mode="markers", name="score",
                   marker={"size": 10, "color": COLORS[0]},
                   hovertemplate="%{y}: %{x:.3f}<extra></extra>"),
    ]  # fmt: skip
    metrics = table["metric"].unique() if "metric" in table else ["score"]
    figure = _figure(traces, height=120 + max(30, _row_height(set(names))) * len(set(names)))
    figure.update_layout(showlegend=True, legend=_LEGEND)
    figure.update_xaxes(
        title={
            "text": safe(" / ".join(map(str, metrics)) if len(metrics) < 3 else "score"),
            "standoff": 6,
        }
    )
    figure.update_yaxes(autorange="reversed", automargin=True, zeroline=False, showgrid=False)
    return figure
