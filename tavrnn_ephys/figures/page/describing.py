"""What the page says in words: what was analysed, what each picture shows, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tavrnn_ephys.core.names import several
from tavrnn_ephys.figures._drawing import short_names
from tavrnn_ephys.figures.page.collect import ReportContent
from tavrnn_ephys.figures.similarity import similarity_title

__all__ = ["describe", "known_facts", "window_texts"]

# Facts about the form of the file rather than about the run.
# The command line of a run with many options still stands whole.
_LONGEST_FACT = 1000
_LAYOUT = ("config_digests", "tables.", "origin.warnings.", "module_created", "format_version")


def window_texts(content: ReportContent) -> list[str]:
    """
    Say of every window on the slider which it is, and what is known of it.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    list of str
        One line per window that is shown.
    """
    windows = content.windows
    columns = {**windows.columns, **content.window_values}
    several = len(np.unique(windows.segment_index)) > 1
    lines = []
    for index in map(int, content.shown):
        parts = [f"{windows.start_s[index]:g} s to {windows.stop_s[index]:g} s"]
        if several:
            parts.append(f"segment {windows.segment_index[index]}")
        for name, values in columns.items():
            value = values[index]
            number = values.dtype.kind in "fiu"
            if not number or np.isfinite(value):
                parts.append(f"{name.replace('_', ' ')} {f'{value:.3g}' if number else value}")
        lines.append(f"Window {index + 1} of {len(windows)}: {', '.join(parts)}")
    return lines


def describe(content: ReportContent) -> dict[str, str]:
    """
    Say what was analysed, and of every picture what it shows and what it leaves out.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    dict of str to str
        Sentences by the name of their place on the page.
    """
    return {
        "summary": _summary(content),
        "slider": _slider(content),
        "matrix": _matrix(content),
        "embedding": _embedding(content),
        "trajectory": _trajectory(content),
        "map": _map(content),
        "raster": _raster(content),
        "attention": _attention(content),
        **_compared(content),
    }


def _summary(content: ReportContent) -> str:
    windows, nodes, facts = content.windows, content.nodes, content.facts
    groups = short_names(nodes.group_names)
    where = f" in {len(groups)} groups ({', '.join(groups[:8])}" if groups else ""
    where += ", …)" if len(groups) > 8 else ")" if groups else ""
    lengths, steps = windows.stop_s - windows.start_s, np.diff(windows.start_s)
    each = f" of {lengths[0]:g} s" if np.ptp(lengths) < 1e-9 else " of various lengths"
    if len(steps) and np.ptp(steps) < 1e-9:
        each += f", one every {steps[0]:g} s"
    size = facts.get("config.analysis.bin_size_s")
    bins = f" of activity in bins of {1000 * float(size):g} ms" if size is not None else ""
    measure = facts.get("connectivity.measure", facts.get("config.analysis.measure"))
    network = f" Connectivity: {measure}{bins}" if measure else ""
    threshold = facts.get("config.analysis.threshold")
    if network and threshold is not None:
        network += (
            f", edges from {float(threshold):g} in absolute value" if float(threshold)
            else ", every non-zero weight being an edge"
        )  # fmt: skip
    embedded = (
        f" TAVRNN embeds each node of each window in {content.latent_size} dimensions."
        if content.latent_size
        else ""
    )
    return (
        f"{len(nodes)} {several(nodes.kind)}{where} over {len(windows)} windows{each}, from "
        f"{windows.start_s[0]:g} s to {windows.stop_s.max():g} s.{network}"
        f"{'.' if network else ''}{embedded}"
    )


def known_facts(content: ReportContent) -> Mapping[str, Any]:
    """
    List the provenance in the order of its reading.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    mapping of str to mapping
        Facts by what they are about: options, model, versions, origin.
    """
    groups: dict[str, dict[str, str]] = {}
    places = (
        ("config.analysis.", "Options of the analysis"),
        ("config.model.", "Options of the model"),
        ("config.", "Further options"),
        ("origin.", "Origin"),
        ("source.", "Recording"),
        ("versions.", "Versions"),
        ("", "Run"),
    )
    for prefix, title in places:
        for key, value in content.facts.items():
            taken = any(key.startswith(other) for other, _ in places if len(other) > len(prefix))
            if key.startswith(prefix) and not taken and not key.startswith(_LAYOUT):
                groups.setdefault(title, {})[key.removeprefix(prefix)] = _shortened(value)
    return groups


def _shortened(value: Any) -> str:
    """Cut what fills a page, such as the group of each of a thousand nodes."""
    text = str(value)
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"


def _slider(content: ReportContent) -> str:
    n, shown = len(content.windows), len(content.shown)
    if n == shown:
        return "All windows are on the slider. Move it with the mouse, a finger, or the arrow keys."
    every = int(content.shown[1] - content.shown[0])
    return (
        f"1 in {every} of the {n} windows is on the slider, which keeps this page small; the file "
        "holds all of them. Move it with the mouse, a finger, or the arrow keys."
    )


def _matrix(content: ReportContent) -> str:
    matrices = content.matrices
    if matrices is None:
        return "This run holds no connectivity."
    blocks = matrices.blocks
    parts = [f"Weights ({matrices.measure}) between nodes, unitless, ordered by group."]
    if matrices.of_edges:
        parts = ["Weights of the edges of the graphs; the run keeps no others."]
    if not blocks.is_single:
        size = len(blocks.order) / len(blocks)
        parts.append(
            f"Each cell is the mean over two of {len(blocks)} blocks of about {size:.3g} "
            "neighbouring nodes of one group, without weights of a node with itself."
        )
    parts.append(
        "Values are rounded to 255 steps between the extremes of all windows. Colours end at the "
        "99.5th percentile, the same for all windows; blank is unknown or a node with itself."
    )
    return " ".join(parts)


def _embedding(content: ReportContent) -> str:
    placed = content.embedding
    if placed is None:
        return "This run holds no embedding."
    left = len(content.nodes) - len(placed.node_index)
    text = (
        "One point per node, in the plane of the first two principal components of all nodes in "
        "all windows; axes are unitless and the same for all windows."
    )
    if left:
        text += f" {len(placed.node_index)} of {len(content.nodes)} nodes are drawn."
    return text


def _trajectory(content: ReportContent) -> str:
    if content.embedding is None:
        return ""
    return (
        "One point per window, by the embedding of all its nodes, joined in the order of time; the "
        "ring is the window on the slider. Axes are unitless."
    )


def _map(content: ReportContent) -> str:
    positions = content.nodes.positions_um
    if positions is None:
        return ""
    text = "Where the nodes lie, in micrometres."
    if positions.shape[1] == 3 and np.nanstd(positions[:, 2]) > 0:
        text += " The third coordinate is not drawn."
    if content.matrices is not None:
        text += (
            " Colour: mean absolute weight of the node with all others in the window, from the "
            "1st to the 99.5th percentile of all windows. Lines: the "
            f"{content.matrices.edges.shape[1]} strongest connections of the window at most."
        )
    return text


def _raster(content: ReportContent) -> str:
    view = content.recording
    if view.missing:
        return ""
    if view.image_of == "rate":
        text = (
            f"{view.n_spikes:,} spikes as rates of each node in stretches of "
            f"{view.image_step_s:.3g} s, ordered by group: as marks they would merge. Grey: above "
            "the mean of the node, in its standard deviations."
        )
    elif view.image is not None:
        text = (
            f"Traces of all nodes as z-scores, averaged over {view.image_step_s:.3g} s and cut at "
            "±4, ordered by group."
        )
    elif view.n_spikes:
        text = f"{view.n_spikes:,} spikes, ordered by group."
        if view.every > 1:
            text = (
                f"Of {view.n_spikes:,} spikes, 1 in {view.every} of each node is drawn, ordered by "
                "group; their sum below counts all of them."
            )
    else:
        text = "The file holds no activity that can be drawn."
    text += " The band is the window on the slider."
    thinned = [f"{item.name} (1 in {item.every} samples)" for item in view.behavior
               if item.every > 1]  # fmt: skip
    thinned += [f"{item.name} (1 in {item.every} intervals)" for item in view.epochs
                if item.every > 1]  # fmt: skip
    if thinned:
        text += f" Thinned: {', '.join(thinned)}."
    if view.n_behaviors > len(view.behavior):
        text += f" {len(view.behavior)} of {view.n_behaviors} behaviours are drawn."
    if view.epochs:
        text += " Bars at the bottom: intervals of time that the file names."
    if not view.n_behaviors:
        text += " The file holds no behaviour signal."
    return text


def _attention(content: ReportContent) -> str:
    if content.attention is None:
        return "This run holds no attention between windows."
    return (
        "What a window draws on more (red) or less (blue) than windows do on average at that "
        "distance. The mean decay itself is the same for each window, and is taken off. Windows of "
        "a kind that returns draw on each other, however far apart. On average "
        f"{content.attention_beyond:.1%} of the attention lie farther back than is drawn. Without "
        "a picture here, no window departs from that decay by a hundredth of its attention."
    )


def _compared(content: ReportContent) -> dict[str, str]:
    view = content.similarity
    if view is None:
        return {"similarity_title": "", "similarity": "", "difference": ""}
    return {
        "similarity_title": similarity_title(len(content.shown), view.near.n_averaged),
        "similarity": (
            "Correlation of the weights of every two windows, each weight less its mean. White is "
            "the median of windows that share no time; blank windows share time. Dotted lines: "
            "change points."
        ),
        "difference": (
            "Mean weights of the fifth of windows of highest and of lowest behaviour, or of its "
            "two labels, nodes ordered by group. Right: the difference. Dots: pairs that follow "
            "the behaviour with rates held constant, q below 0.05."
        ),
    }
