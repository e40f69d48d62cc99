"""The figures of a report, as Plotly draws them; those that move are filled by the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.figures._drawing import short_names
from tavrnn_ephys.figures.page.collect import PlacedEmbedding, ReportContent, WindowMatrices
from tavrnn_ephys.figures.page.matrix import node_axis
from tavrnn_ephys.figures.page.packing import node_order
from tavrnn_ephys.figures.page.recording import EpochRow, RecordingView
from tavrnn_ephys.figures.page.style import (
    BEHAVIOR,
    COLORS,
    GREY,
    LEGEND,
    MARGIN,
    group_colors,
    new_figure,
    safe,
    short,
)
from tavrnn_ephys.figures.page.window_figures import window_marker

__all__ = [
    "embedding_figure",
    "map_figure",
    "raster_figure",
    "trajectory_figure",
]


def embedding_figure(placed: PlacedEmbedding, nodes: Nodes) -> go.Figure:
    """
    Draw the frame of the nodes in the plane of the embedding.

    Parameters
    ----------
    placed : PlacedEmbedding
        The embedding in its plane.
    nodes : Nodes
        All nodes of the run.

    Returns
    -------
    plotly.graph_objects.Figure
        One trace per group with the names of its nodes; the page fills in the positions.
    """
    groups = np.asarray(nodes.groups)[placed.node_index]
    ids = np.asarray(nodes.ids)[placed.node_index]
    traces = []
    size = float(np.clip(90 / np.sqrt(len(ids)), 4, 9))
    told = dict(zip(nodes.group_names, short_names(nodes.group_names), strict=True))
    for name, (color, symbol) in group_colors(nodes.group_names).items():
        here = np.flatnonzero(groups == name)
        color = color if nodes.group_names else COLORS[0]
        if len(here) == 0:
            continue
        traces.append(
            go.Scatter(
                x=[],
                y=[],
                mode="markers",
                name=safe(told.get(name, name)) or "no group",
                text=[safe(item) for item in ids[here]],
                meta={"nodes": here.tolist()},
                marker={"color": color, "symbol": symbol, "size": size, "opacity": 0.85},
                hovertemplate="%{text} (%{fullData.name})<extra></extra>",
            )
        )
    figure = new_figure(traces, height=420)
    if nodes.group_names:
        figure.update_layout(showlegend=True, legend=LEGEND)
    _principal_axes(figure, placed.points.reshape(-1, 2), placed.share)
    return figure


def _principal_axes(
    figure: go.Figure, points: NDArray[np.float64], share: NDArray[np.float64]
) -> None:
    figure.update_yaxes(scaleanchor="x")
    for axis, values, number, part in zip("xy", points.T, (1, 2), share, strict=True):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        pad = 0.06 * (high - low) or 1.0
        update = figure.update_xaxes if axis == "x" else figure.update_yaxes
        update(
            title={"text": f"PC {number} ({part:.0%} of variance)", "standoff": 6},
            range=[low - pad, high + pad],
            zeroline=False,
        )


def trajectory_figure(
    placed: PlacedEmbedding,
    windows: Windows,
    *,
    behavior: tuple[str, NDArray[Any]] | None = None,
) -> go.Figure:
    """
    Draw all windows in the plane of the embedding, joined in the order of time.

    Parameters
    ----------
    placed : PlacedEmbedding
        The embedding in its plane.
    windows : Windows
        All windows, with what is known of each.
    behavior : tuple of str and numpy.ndarray, shape (n_windows,), optional
        Name and values, or labels, of the behaviour that was asked for.

    Returns
    -------
    plotly.graph_objects.Figure
        The path coloured by that behaviour, else by time; its last trace is the window on the
        slider.
    """
    points = placed.window_points
    middle = (windows.start_s + windows.stop_s) / 2
    name, values = behavior or ("time (s)", middle)
    marker, shown = window_marker(name, np.asarray(values))
    breaks = np.flatnonzero(np.diff(windows.segment_index)) + 1
    path = np.insert(points, breaks, np.nan, axis=0)
    traces = [
        go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines", hoverinfo="skip",
                   line={"color": GREY, "width": 0.7}, opacity=0.5),
        go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", marker=marker,
                   text=[f"{start:g} s to {stop:g} s: {value}" for start, stop, value in
                         zip(windows.start_s, windows.stop_s, shown, strict=True)],
                   hovertemplate="%{text}<extra></extra>"),
        go.Scatter(x=[], y=[], mode="markers", hoverinfo="skip",
                   marker={"size": 17, "symbol": "circle-open", "color": BEHAVIOR,
                           "line": {"width": 3, "color": BEHAVIOR}}),
    ]  # fmt: skip
    figure = new_figure(traces, height=420)
    _principal_axes(figure, points, placed.window_share)
    return figure


def map_figure(nodes: Nodes, matrices: WindowMatrices | None) -> go.Figure:
    """
    Draw the frame of the map of nodes.

    Parameters
    ----------
    nodes : Nodes
        Nodes with positions.
    matrices : WindowMatrices or None
        Matrices of the windows that are shown, where they are known.

    Returns
    -------
    plotly.graph_objects.Figure
        Strongest connections, then nodes with their names; the page fills in both.
    """
    positions = np.asarray(nodes.positions_um)[:, :2]
    placed = np.isfinite(positions).all(axis=1)
    shown = np.where(placed[:, None], positions, np.nan)
    where = [f" ({short(group)})" if group else "" for group in nodes.groups]
    values: dict[str, Any] = {"color": GREY}
    if matrices is not None:
        strength = matrices.strength
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
                   line={"color": GREY, "width": 0.8}, opacity=0.7),
        go.Scatter(x=shown[:, 0].tolist(), y=shown[:, 1].tolist(), mode="markers",
                   text=[safe(name) + group for name, group in zip(nodes.ids, where, strict=True)],
                   marker={**values, "size": size},
                   hovertemplate="%{text}: %{marker.color:.3f}<extra></extra>"),
    ]  # fmt: skip
    figure = new_figure(traces, height=420)
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
    view, limits = content.recording, _shown_time(content)
    rows = [*([view.population] if view.population is not None else []), *view.behavior]
    n_rows = 1 + len(rows) + bool(view.epochs)
    heights = [3.2] + [1.0] * len(rows) + [0.3 * len(view.epochs)] * bool(view.epochs)
    figure = make_subplots(rows=n_rows, cols=1, shared_xaxes=True, row_heights=heights,
                           vertical_spacing=0.045)  # fmt: skip
    order = node_order(content.nodes)
    if view.image is None:
        spikes = go.Scatter(x=[], y=[], mode="lines", hoverinfo="skip",
                            line={"width": 0.9, "color": GREY})  # fmt: skip
        figure.add_trace(spikes, row=1, col=1)
    else:
        draw = _rate_image if view.image_of == "rate" else _trace_image
        figure.add_trace(draw(view.image[order], view), row=1, col=1)
    for row, trace in enumerate(rows, start=2):
        color = COLORS[0] if trace is view.population else BEHAVIOR
        unit = f"<br>({short(trace.unit, 15)})" if trace.unit else ""
        here = (trace.times_s >= limits[0]) & (trace.times_s <= limits[1])
        line = go.Scatter(x=trace.times_s[here].astype(np.float32),
                          y=trace.values[here].astype(np.float32),
                          mode="lines", line={"width": 1.3, "color": color},
                          name=safe(trace.name), hovertemplate="%{x:.2f} s: %{y:.3g}")  # fmt: skip
        figure.add_trace(line, row=row, col=1)
        figure.update_yaxes(title={"text": short(trace.name, 15) + unit, "font": {"size": 11}},
                            nticks=4, zeroline=False, row=row, col=1)  # fmt: skip
    for number, item in enumerate(view.epochs):
        figure.add_trace(_epoch_bars(item, COLORS[(number + 2) % len(COLORS)]), row=n_rows, col=1)
    figure.update_layout(
        template="none", height=330 + 95 * len(rows) + 30 * len(view.epochs), showlegend=False,
        margin={**MARGIN, "l": 74}, dragmode=False, barmode="overlay",
        shapes=[{"type": "rect", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
                 "fillcolor": COLORS[4], "opacity": 0.3, "line": {"width": 0}, "layer": "above"}],
    )  # fmt: skip
    groups = np.asarray(content.nodes.groups)[order]
    figure.update_yaxes(**node_axis(groups, "node"), range=[len(order) - 0.5, -0.5], row=1, col=1)
    figure.update_yaxes(automargin=True)
    figure.update_xaxes(showgrid=False, zeroline=False, range=list(limits))
    figure.update_xaxes(title={"text": "time (s)", "standoff": 6}, row=n_rows, col=1)
    return figure


def _shown_time(content: ReportContent) -> tuple[float, float]:
    """Give the time of windows and activity: a signal on another clock would squeeze both."""
    view, windows = content.recording, content.windows
    limits = [float(windows.start_s.min()), float(windows.stop_s.max())]
    if view.image is not None:
        limits += [view.t_start_s, view.t_start_s + view.image.shape[1] * view.image_step_s]
    if len(view.times_s):
        limits += [float(view.times_s.min()), float(view.times_s.max())]
    return min(limits), max(limits)


def _epoch_bars(item: EpochRow, color: str) -> go.Bar:
    return go.Bar(
        base=item.start_s, x=item.stop_s - item.start_s, orientation="h", width=0.7,
        y=[short(item.name, 14)] * len(item.start_s), text=[short(name) for name in item.labels],
        textposition="none", marker={"color": color, "line": {"width": 1, "color": color}},
        hovertemplate="%{base:.2f} s: %{text}<extra></extra>",
    )  # fmt: skip


def _rate_image(values: NDArray[np.float64], view: RecordingView) -> go.Heatmap:
    limit = max(float(np.percentile(values, 99.5)), 1.0)
    steps = np.rint(np.clip(values / limit, 0, 1) * 127).astype(np.int8)
    ticks = [0.0, limit / 2, limit]
    return go.Heatmap(
        z=steps, x0=view.t_start_s + view.image_step_s / 2, dx=view.image_step_s, zmin=0, zmax=127,
        colorscale="Greys", hoverinfo="skip", meta={"scale": "levels"},
        colorbar={"title": {"text": "rate (z-score)", "side": "right"}, "thickness": 12,
                  "tickvals": [0, 63.5, 127], "ticktext": [f"{value:.2g}" for value in ticks],
                  "len": 0.6, "y": 1, "yanchor": "top"},
    )  # fmt: skip


def _trace_image(values: NDArray[np.float64], view: RecordingView) -> go.Heatmap:
    # z-scores beyond 4 are drawn as 4; steps of 0.03 fit into bytes.
    steps: Any = np.rint(np.clip(values, -4, 4) / 4 * 127)
    steps = np.where(np.isnan(steps), None, np.nan_to_num(steps).astype(np.int64))
    return go.Heatmap(
        z=steps, x0=view.t_start_s + view.image_step_s / 2, dx=view.image_step_s, zmin=-127,
        zmax=127, colorscale="RdBu_r", hoverinfo="skip",
        colorbar={"title": {"text": "z-score", "side": "right"}, "thickness": 12,
                  "tickvals": [-127, -64, 0, 64, 127], "ticktext": ["−4", "−2", "0", "2", "4"],
                  "len": 0.6, "y": 1, "yanchor": "top"},
    )  # fmt: skip
