"""Network states on the page of a run: when each holds, and what sets it apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.figures.matrices import color_limit
from tavrnn_ephys.figures.page.asked import asked_behaviors
from tavrnn_ephys.figures.page.collect import ReportContent
from tavrnn_ephys.figures.page.packing import NodeBlocks
from tavrnn_ephys.figures.page.style import (
    ALPHA,
    BEHAVIOR,
    COLORS,
    MARGIN,
    safe,
    short,
    square_matrices,
)

__all__ = ["describe_states", "state_figures"]

_MOST_BLOCKS = 80
_MOST_STATES = 6
# Letters of a name that find room beside a strip.
_LONGEST = 14


def state_figures(content: ReportContent) -> dict[str, go.Figure]:
    """
    Draw the network states of a run.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    dict of str to plotly.graph_objects.Figure
        By the name of its place on the page; empty where the run has no states.
    """
    tables, found = content.tables, {}
    # One state would be one bar.
    if "state_windows" in tables and tables["state_windows"]["state"].nunique() > 1:
        found["state-times"] = _times(content)
    if "state_pairs" in tables:
        found["state-graphs"] = _graphs(tables["state_pairs"], content.nodes)
    return found


def describe_states(tables: Mapping[str, Any]) -> str:
    """
    Say in a sentence how many states there are, and why.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the run.

    Returns
    -------
    str
        Sentences; empty where the run has no states.
    """
    if "state_summary" not in tables:
        return ""
    n_states = len(tables["state_summary"])
    text = f"{n_states} network states." if n_states > 1 else "One network state."
    if "state_evidence" in tables:
        evidence = tables["state_evidence"]
        beyond = evidence["component_size"] > evidence["component_limit"]
        n_beyond = len(beyond) if beyond.all() else int(np.argmin(beyond.to_numpy()))
        verb = "varies" if n_beyond == 1 else "vary"
        text += (
            f" {n_beyond or 'No'} component{'' if n_beyond == 1 else 's'} of the network {verb} "
            "beyond every surrogate that keeps rates."
        )
    else:
        text += " Their number was given, not found."
    return text


def _times(content: ReportContent) -> go.Figure:
    table = content.tables["state_windows"]
    starts, stops = table["start_s"].to_numpy(), table["stop_s"].to_numpy()
    ends = np.minimum(np.append(starts[1:], stops[-1]), stops)
    labels = table["state"].to_numpy()
    middle = (starts + stops) / 2
    # Means of what was not asked for may be means of codes.
    shown = {item.name: item.values.astype(np.float64) for item in asked_behaviors(content)
             if item.is_number and item.is_known}  # fmt: skip
    n_states, n_rows = int(labels.max()) + 1, 1 + len(shown)
    heights = [max(1.0, 0.45 * n_states)] + [1.0] * len(shown)
    figure = make_subplots(rows=n_rows, cols=1, shared_xaxes=True, vertical_spacing=0.06,
                           row_heights=heights)  # fmt: skip
    for state in range(n_states):
        here = labels == state
        figure.add_trace(
            go.Bar(base=starts[here], x=(ends - starts)[here], y=[f"state {state}"] * here.sum(),
                   orientation="h", marker={"color": COLORS[state % len(COLORS)],
                                            "line": {"width": 0}}, width=0.8,
                   customdata=stops[here],
                   hovertemplate="%{base:.2f} s to %{customdata:.2f} s<extra>state "
                   f"{state}</extra>"),
            row=1, col=1,
        )  # fmt: skip
    for row, (name, values) in enumerate(shown.items(), start=2):
        figure.add_trace(
            go.Scatter(x=middle, y=values, mode="lines", line={"width": 1.3, "color": BEHAVIOR},
                       hovertemplate="%{x:.2f} s: %{y:.3g}<extra>" + safe(name) + "</extra>"),
            row=row, col=1,
        )  # fmt: skip
        figure.update_yaxes(title={"text": short(name.replace("_", " "), _LONGEST),
                                   "font": {"size": 11}}, nticks=4, zeroline=False,
                            row=row, col=1)  # fmt: skip
    figure.update_layout(
        template="none", height=150 + 26 * n_states + 95 * len(shown), showlegend=False,
        margin={**MARGIN, "l": 84}, barmode="overlay", dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title={"text": "time (s)", "standoff": 6}, row=n_rows, col=1)
    figure.update_yaxes(autorange="reversed", showgrid=False, row=1, col=1)
    return figure


def _graphs(table: Any, nodes: Nodes) -> go.Figure:
    blocks = NodeBlocks.of(nodes, _MOST_BLOCKS)
    states = sorted(map(int, table["state"].unique()))[:_MOST_STATES]
    apart = np.where(table["q_value"] < ALPHA, table["difference"], np.nan)
    # Differences of which none is a discovery would be blank throughout.
    kinds = [table["mean_weight"].to_numpy(), *([apart] if np.isfinite(apart).any() else [])]
    rows = [_matrices(table, values, nodes, blocks, states) for values in kinds]
    titles = [f"state {state}" for state in states]
    titles += [f"state {state} less the others" for state in states] * (len(rows) - 1)
    figure = make_subplots(rows=len(rows), cols=len(states), subplot_titles=titles,
                           horizontal_spacing=0.03, vertical_spacing=0.12)  # fmt: skip
    for row, matrices in enumerate(rows, start=1):
        limit = color_limit(*matrices)
        for column, matrix in enumerate(matrices, start=1):
            figure.add_trace(
                go.Heatmap(z=matrix.round(4), zmin=-limit, zmax=limit, colorscale="RdBu_r",
                           hoverongaps=False, showscale=column == len(states),
                           hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
                           colorbar={"thickness": 12, "len": 0.9 / len(rows),
                                     "y": 1 - (row - 0.5) / len(rows)}),
                row=row, col=column,
            )  # fmt: skip
    figure.update_layout(
        template="none", height=320 * len(rows), margin={**MARGIN, "t": 34}, dragmode=False,
        showlegend=False,
    )  # fmt: skip
    square_matrices(figure, len(rows) * len(states))
    return figure


def _matrices(
    table: Any, values: NDArray[Any], nodes: Nodes, blocks: NodeBlocks, states: list[int]
) -> list[NDArray[np.float64]]:
    """Fill matrices from rows of pairs; pairs of undirected graphs stand once."""
    place = {str(name): index for index, name in enumerate(nodes.ids)}
    made = []
    for state in states:
        here = (table["state"] == state).to_numpy()
        first = table["node_1"][here].map(place).to_numpy()
        second = table["node_2"][here].map(place).to_numpy()
        matrix = np.full((len(nodes), len(nodes)), np.nan)
        matrix[first, second] = values[here]
        if len(first) <= len(nodes) * (len(nodes) - 1) // 2:
            matrix[second, first] = values[here]
        made.append(blocks.means(matrix))
    return made
