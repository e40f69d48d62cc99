"""The page itself: sections, sentences and data in a template, everything of the file escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from tavrnn_ephys._version import __version__
from tavrnn_ephys.core.names import STATE_TABLES
from tavrnn_ephys.figures.decay import beyond_decay, departs
from tavrnn_ephys.figures.page import figures as drawn
from tavrnn_ephys.figures.page.asked import asked_behaviors, link_figures, main_behavior
from tavrnn_ephys.figures.page.collect import ReportContent
from tavrnn_ephys.figures.page.comparing import difference_figure, similarity_figure
from tavrnn_ephys.figures.page.describing import describe, known_facts, window_texts
from tavrnn_ephys.figures.page.matrix import matrix_figure, matrix_limit
from tavrnn_ephys.figures.page.notices import notices
from tavrnn_ephys.figures.page.packing import node_order, pack, quantized, zipped
from tavrnn_ephys.figures.page.states import describe_states, state_figures
from tavrnn_ephys.figures.page.style import safe
from tavrnn_ephys.figures.page.table_figures import scores_figure
from tavrnn_ephys.figures.page.window_figures import attention_figure

__all__ = ["OwnSection", "render"]

_MOST_ROWS = 40
# Beyond these, strengths on the map get 255 steps: a page with many nodes stays small.
_MOST_FINE_STRENGTHS = 150_000


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A table of the run as text."""

    name: str
    description: str
    columns: list[tuple[str, str]]
    rows: list[list[str]]
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class OwnSection:
    """
    A person's own text and picture.

    Parameters
    ----------
    title, text : str
        Heading, and paragraphs with an empty line between them.
    image : str
        The picture as a ``data:`` address; empty for none.
    """

    title: str
    text: str = ""
    image: str = ""


def render(content: ReportContent, own: Sequence[OwnSection] = ()) -> str:
    """
    Write the page of a run.

    Parameters
    ----------
    content : ReportContent
        What it shows.
    own : sequence of OwnSection
        A person's own texts and pictures, before the provenance.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    shapes = _figures(content)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_part("page.html"))
    return template.render(
        title=f"{content.path.name}: run {content.info.name}",
        file=content.path.name,
        content=content,
        version=__version__,
        created=content.info.created.replace("T", " ").replace("+00:00", " UTC"),
        style=Markup(_part("page.css")),
        plotly=Markup(_plotly()),
        code=Markup(_part("page.js")),
        data=Markup(_data(content, shapes)),
        figures=shapes,
        n_shown=len(content.shown),
        facts=known_facts(content),
        notices=notices(content),
        text=describe(content),
        answer=_sentences(content),
        own=own,
        states_text=describe_states(content.tables),
        asked=asked_behaviors(content),
        compared=main_behavior(content),
        **_tables(content),
    )


def _sentences(content: ReportContent) -> list[str]:
    """Give the answer of the run; runs of former releases hold none."""
    table = content.tables.get("answer")
    return [] if table is None else [str(text) for text in table["sentence"]]


def _tables(content: ReportContent) -> dict[str, list[_Table]]:
    """Sort the tables of the run into the sections of the page."""
    found: dict[str, list[_Table]] = {"behavior": [], "states": [], "change": [], "comparison": []}
    for name, item in content.tables.items():
        if name == "answer":
            continue
        # Tables of further behaviours are numbered: behavior2_windows.
        kind = name.partition("_")[0].rstrip("0123456789")
        if name in STATE_TABLES:
            kind = "states"
        found[kind if kind in ("behavior", "change", "states") else "comparison"].append(
            _table(name, item)
        )
    return found


@cache
def _plotly() -> str:
    return zipped(get_plotlyjs())


def _part(name: str) -> str:
    return (files("tavrnn_ephys.figures.page") / name).read_text(encoding="utf-8")


def _figures(content: ReportContent) -> dict[str, Any]:
    """Draw what there is something to draw of, by the name of its place on the page."""
    positions = content.nodes.positions_um
    view, found = content.recording, {}
    if content.matrices is not None:
        found["matrix"] = matrix_figure(content.matrices)
    if content.embedding is not None:
        found["embedding"] = drawn.embedding_figure(content.embedding, content.nodes)
        asked = main_behavior(content)
        found["trajectory"] = drawn.trajectory_figure(
            content.embedding,
            content.windows,
            behavior=None if asked is None else (asked.name, asked.values),
        )
    compared = {
        "similarity": similarity_figure(content),
        "difference": difference_figure(content),
    }
    found |= {name: figure for name, figure in compared.items() if figure is not None}
    if positions is not None and np.isfinite(positions[:, :2]).all(axis=1).any():
        found["map"] = drawn.map_figure(content.nodes, content.matrices)
    if view.n_spikes or view.image is not None or view.behavior or view.epochs:
        found["raster"] = drawn.raster_figure(content)
    attention = content.attention
    if attention is not None and departs(beyond_decay(attention)):
        found["attention"] = attention_figure(attention, content.shown)
    found |= link_figures(content)
    found |= state_figures(content)
    for name, table in content.tables.items():
        if {"method", "score", "chance_low", "chance_high"} <= set(map(str, table.columns)):
            found[f"scores-{name}"] = scores_figure(table, "method")
    return found


def _data(content: ReportContent, shapes: dict[str, Any]) -> str:
    """Write everything that the page draws as zipped JSON; no text can break out of base64."""
    data = {
        "windows": window_texts(content),
        "starts": content.windows.start_s[content.shown].tolist(),
        "stops": content.windows.stop_s[content.shown].tolist(),
        "shown": content.shown.tolist(),
        "figures": {name: json.loads(to_json(item)) for name, item in shapes.items()},
        "matrix": _matrix_data(content),
        "embedding": _embedding_data(content),
        "map": _map_data(content),
        "raster": _raster_data(content),
    }
    return zipped(json.dumps(data, separators=(",", ":"), allow_nan=False))


def _matrix_data(content: ReportContent) -> dict[str, Any] | None:
    matrices = content.matrices
    if matrices is None:
        return None
    limit, means, n = matrix_limit(matrices), matrices.means, len(matrices.blocks)
    rows, columns = np.triu_indices(n)
    kept = means.reshape(len(means), -1) if matrices.directed else means[:, rows, columns]
    ids = np.asarray(content.nodes.ids)
    names = []
    for index in range(n):
        members = matrices.blocks.members(index)
        several = f" to {ids[members[-1]]} ({len(members)} nodes)" if len(members) > 1 else ""
        names.append(safe(f"{ids[members[0]]}{several}"))
    return {
        "n": n,
        "directed": matrices.directed,
        "limit": limit,
        "names": names,
        "values": pack(quantized(kept, limit)),
    }


def _embedding_data(content: ReportContent) -> dict[str, Any] | None:
    placed = content.embedding
    if placed is None:
        return None
    limit = float(np.nanmax(np.abs(placed.points), initial=0.0)) or 1.0
    return {
        "n": len(placed.node_index),
        "limit": limit,
        "points": pack(quantized(placed.points, limit, np.int16)),
        "path": placed.window_points[content.shown].round(6).tolist(),
    }


def _map_data(content: ReportContent) -> dict[str, Any] | None:
    matrices, positions = content.matrices, content.nodes.positions_um
    if matrices is None or positions is None:
        return None
    limit = float(np.nanmax(matrices.strength, initial=0.0)) or 1.0
    fine = matrices.strength.size <= _MOST_FINE_STRENGTHS
    kind: Any = np.uint16 if fine else np.uint8
    steps = np.rint(matrices.strength / limit * np.iinfo(kind).max).astype(kind)
    return {
        "n": len(content.nodes),
        "limit": limit,
        "steps": int(np.iinfo(steps.dtype).max),
        "values": pack(steps),
        "n_edges": matrices.edges.shape[1],
        "edges": pack(matrices.edges.astype(np.int32)),
    }


def _raster_data(content: ReportContent) -> dict[str, Any] | None:
    view = content.recording
    if not len(view.times_s):
        return None
    row = np.empty(len(content.nodes), dtype=np.int32)
    row[node_order(content.nodes)] = np.arange(len(row))
    return {
        "times": pack(view.times_s.astype(np.float32)),
        "rows": pack(row[view.node_index]),
        "per_node": len(view.times_s) / len(content.nodes),
    }


def _table(name: str, frame: Any) -> _Table:
    meanings = frame.attrs.get("columns", {})
    shown = frame.head(_MOST_ROWS)
    return _Table(
        name=name.replace("_", " "),
        description=str(frame.attrs.get("description", "")),
        columns=[(str(column), str(meanings.get(column, ""))) for column in frame.columns],
        rows=[[_cell(value) for value in row] for row in shown.itertuples(index=False, name=None)],
        n_rows=len(frame),
    )


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.4g}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return str(value)
