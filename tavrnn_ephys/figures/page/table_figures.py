"""The figures of a report that stand beside its tables."""

from __future__ import annotations

import textwrap
from typing import Any

import plotly.graph_objects as go

from tavrnn_ephys.figures.page.style import COLORS, GREY, LEGEND, SYMBOLS, new_figure, safe

__all__ = ["association_figure", "partition_figure", "scores_figure"]


def association_figure(table: Any) -> go.Figure:
    """
    Draw every association beside what chance gives.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``feature``, ``rates_held``, ``correlation``, ``chance_low``, ``chance_high``; of
        former releases ``null_sd``.

    Returns
    -------
    plotly.graph_objects.Figure
        A point per row; bars span the central 95 % of the null.
    """
    traces = []
    held = table["rates_held"].to_numpy(dtype=bool)
    for index, (chosen, name) in enumerate(((~held, "as it is"), (held, "rates held constant"))):
        here = table[chosen]
        if not len(here):
            continue
        names = [_folded(item) for item in here["feature"]]
        low, high = _chance(here)
        traces += [
            go.Scatter(x=(low + high) / 2, y=names, mode="markers", hoverinfo="skip",
                       name="95 % of chance", showlegend=index == 0,
                       marker={"size": 1, "color": GREY},
                       error_x={"type": "data", "array": (high - low) / 2, "thickness": 9,
                                "width": 0, "color": "rgba(138,143,152,0.28)"}),
            go.Scatter(x=here["correlation"].to_numpy(dtype=float), y=names, mode="markers",
                       name=name, marker={"size": 9, "color": COLORS[index * 5],
                                          "symbol": SYMBOLS[index * 3]},
                       hovertemplate="%{y}: %{x:.3f}<extra>" + name + "</extra>"),
        ]  # fmt: skip
    rows = {_folded(item) for item in table["feature"]}
    figure = new_figure(traces, height=110 + _row_height(rows) * len(rows))
    figure.update_layout(showlegend=True, legend=LEGEND)
    figure.update_xaxes(title={"text": "correlation", "standoff": 6})
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(autorange="reversed", automargin=True, zeroline=False, showgrid=False)
    return figure


def _chance(table: Any) -> tuple[Any, Any]:
    """Central 95 % of the null; of former releases, what a normal null would give."""
    if "chance_low" in table:
        return table["chance_low"].to_numpy(dtype=float), table["chance_high"].to_numpy(dtype=float)
    reach = 1.96 * table["null_sd"].to_numpy(dtype=float)
    return -reach, reach


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
                   name="95 % of chance", marker={"size": 1, "color": GREY},
                   error_x={"type": "data", "array": (high - low) / 2, "thickness": 10,
                            "width": 0, "color": "rgba(138,143,152,0.4)"}),
        go.Scatter(x=table["score"].to_numpy(dtype=float), y=names, mode="markers", name="score",
                   marker={"size": 10, "color": COLORS[0]},
                   hovertemplate="%{y}: %{x:.3f}<extra></extra>"),
    ]  # fmt: skip
    metrics = table["metric"].unique() if "metric" in table else ["score"]
    figure = new_figure(traces, height=120 + max(30, _row_height(set(names))) * len(set(names)))
    figure.update_layout(showlegend=True, legend=LEGEND)
    figure.update_xaxes(
        title={
            "text": _folded(" / ".join(map(str, metrics)) if len(metrics) < 3 else "score", 18),
            "standoff": 6,
        }
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(autorange="reversed", automargin=True, zeroline=False, showgrid=False)
    return figure


def partition_figure(table: Any) -> go.Figure:
    """
    Draw what embeddings say beside mean rates, what rates say beside them, and what both say.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``embedding``, ``metric``, and each part with its interval (``_low``, ``_high``).

    Returns
    -------
    plotly.graph_objects.Figure
        A row per part of each embedding, with its interval.
    """
    traces = []
    for index, (part, label) in enumerate(_PARTS.items()):
        names = [_folded(f"{item}: {label}") for item in table["embedding"]]
        value = table[part].to_numpy(dtype=float)
        low, high = (table[f"{part}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
        traces.append(
            go.Scatter(
                x=value, y=names, mode="markers", name=label,
                marker={"size": 9, "color": COLORS[index], "symbol": SYMBOLS[index]},
                error_x={"type": "data", "symmetric": False, "array": high - value,
                         "arrayminus": value - low, "thickness": 1.5, "width": 4},
                hovertemplate="%{y}: %{x:.3f}<extra></extra>",
            )
        )  # fmt: skip
    rows = {_folded(f"{item}: {label}") for item in table["embedding"] for label in _PARTS.values()}
    figure = new_figure(traces, height=110 + _row_height(rows) * len(rows))
    figure.update_layout(showlegend=False)
    metric = str(table["metric"].iloc[0]) if len(table) else "score"
    figure.update_xaxes(title={"text": _folded(f"part of {metric}", 18), "standoff": 6})
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(autorange="reversed", automargin=True, zeroline=False, showgrid=False)
    return figure


_PARTS = {
    "unique_embedding": "unique",
    "control": "unique, bins shuffled",
    "unique_rates": "unique to rates",
    "shared": "shared with rates",
}


def _folded(text: Any, most: int = 28) -> str:
    """Break a text into lines; a picture on a narrow page has no room for long ones."""
    return "<br>".join(safe(line) for line in textwrap.wrap(str(text).replace("_", " "), most))


def _row_height(names: set[str]) -> int:
    most = max((name.count("<br>") + 1 for name in names), default=1)
    return max(24, 17 * most)
