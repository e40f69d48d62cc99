"""The pictures of a network's link to a behaviour, whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tavrnn_ephys.activity.behavior import WindowRanking
from tavrnn_ephys.core.containers import ConnectivitySequence, Windows
from tavrnn_ephys.figures import (
    connectivity_limit,
    letter_panels,
    plot_against_performance,
    plot_attention_with_performance,
    plot_conditions,
    plot_connectivity,
    plot_electrodes,
    plot_performance_by_rank,
    plot_placed_nodes,
)
from tavrnn_ephys.figures._drawing import short_names, told_apart
from tavrnn_ephys.figures.matrices import mean_of_known, node_rows, varies_beyond_decay
from tavrnn_ephys.networks.alignment import GroupAlignment
from tavrnn_ephys.networks.placement import placed_in_plane, spectral_positions
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.result import BehaviorResult

__all__ = ["BEHAVIOR_FIGURES", "behavior_figures"]

BEHAVIOR_FIGURES = (
    "behavior_electrodes",
    "behavior_ranking",
    "behavior_connectivity",
    "behavior_difference",
    "behavior_nodes",
    "behavior_alignment",
    "behavior_attention",
    "behavior_networks",
)
_NETWORK = ("density", "mean_weight", "clustering", "path_length", "modularity", "participation")
_SHOWN = 2


def behavior_figures(
    result: AnalysisResult, found: BehaviorResult, *, method: str = "tsne"
) -> dict[str, Figure]:
    """
    Draw what the network has to do with the behaviour.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    found : BehaviorResult
        Its link to the behaviour.
    method : {"tsne", "pca", "umap"}
        How nodes are placed in a plane.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        Those of :data:`BEHAVIOR_FIGURES` for which there is something to draw: electrodes need
        positions; ranks, connectivity and nodes need ranked windows; alignment needs groups;
        attention needs attention; networks compare the two labels, of more the two of the most
        windows, or the windows above and below the median.  An angle has neither ranks nor a
        median.
    """
    label = found.behavior.label
    figures: dict[str, Figure] = {}
    positions = result.activity.nodes.positions_um
    if positions is not None and np.isfinite(positions).any():
        figures["behavior_electrodes"] = _figure(6.4, 3.2)
        plot_electrodes(result.activity.nodes, ax=figures["behavior_electrodes"].subplots())
    if found.ranking is not None:
        ranked = found.ranking.to_pandas(result.windows)
        # Two values say no more than the ranks' names.
        if ranked["score"].nunique() > 2:
            figures["behavior_ranking"] = _figure(6.0, 3.6)
            ax = figures["behavior_ranking"].subplots()
            plot_performance_by_rank(ranked, ax=ax, label=label, everyone=found.score)
        figures["behavior_difference"] = _difference(result, found)
        figures["behavior_connectivity"] = _connectivity(result, found.ranking)
    is_number = not found.behavior.is_label and found.behavior.period is None
    if found.alignment is not None and is_number:
        figures["behavior_alignment"] = _alignment(result, found, found.alignment, label)
    if result.embedding.attention is not None and varies_beyond_decay(result.embedding):
        figures["behavior_attention"] = _figure(8.0, 4.4)
        plot_attention_with_performance(
            result.embedding, found.score, ax=figures["behavior_attention"].subplots(),
            score_label=label,
        )  # fmt: skip
    networks = _networks(found)
    if networks is not None:
        figures["behavior_networks"] = networks
    if found.ranking is not None:
        figures["behavior_nodes"] = _nodes(result, found.ranking, method)
    return figures


def _figure(width_in: float, height_in: float) -> Figure:
    return Figure(figsize=(width_in, height_in), dpi=150, layout="constrained")


def _connectivity(result: AnalysisResult, ranking: WindowRanking) -> Figure:
    """Draw the best and the worst windows, ordered by subregion, on one scale of colours."""
    n_each = min(_SHOWN, len(ranking.high))
    figure = _figure(4.6 * n_each, 8.8)
    axes = figure.subplots(2, n_each, squeeze=False)
    limit = connectivity_limit(result.connectivity, *map(int, ranking.order))
    shown = [int(window) for side in (ranking.high, ranking.low) for window in side[:n_each]]
    scores = dict(zip(shown, told_apart(ranking.scores[shown]), strict=True))
    for row, (name, chosen) in enumerate((("High", ranking.high), ("Low", ranking.low))):
        for index, ax in enumerate(axes[row]):
            window = int(chosen[index])
            last = index == n_each - 1
            plot_connectivity(result.connectivity, window, ax=ax, limit=limit,
                              row_names=index == 0, colorbar=last)  # fmt: skip
            ax.set_title(f"{name} {index + 1} ({scores[window]})", loc="left", fontsize="medium")
    return figure


def _difference(result: AnalysisResult, found: BehaviorResult) -> Figure:
    """Draw the mean of the fifth of highest and of lowest behaviour, and their difference."""
    score, connectivity = found.score, result.connectivity
    known = np.flatnonzero(np.isfinite(score))
    ranked = known[np.argsort(score[known], kind="stable")]
    n_each = max(len(ranked) // 5, 1)
    high = mean_of_known(connectivity.weights[np.sort(ranked[-n_each:])])
    low = mean_of_known(connectivity.weights[np.sort(ranked[:n_each])])
    limits = np.arange(3.0)
    three = ConnectivitySequence(
        weights=np.stack([high, low, high - low]),
        windows=Windows(start_s=limits, stop_s=limits + 1.0),
        nodes=connectivity.nodes,
        measure=connectivity.measure,
        directed=connectivity.directed,
    )
    figure = _figure(13.2, 4.9)
    axes = figure.subplots(1, 3)
    shared = connectivity_limit(three, 0, 1)
    names = (f"High: {n_each} windows", f"Low: {n_each} windows", "High less Low")
    for index, (ax, name) in enumerate(zip(axes, names, strict=True)):
        limit = shared if index < 2 else connectivity_limit(three, 2)
        plot_connectivity(three, index, ax=ax, limit=limit, row_names=index == 0)
        ax.set_title(name, loc="left", fontsize="medium")
    n_marked = _mark_edges(axes[2], result, found)
    axes[2].set_title(f"High less Low; {n_marked} edges at q < 0.05", loc="left",
                      fontsize="medium")  # fmt: skip
    letter_panels(figure)
    return figure


def _mark_edges(ax: Axes, result: AnalysisResult, found: BehaviorResult) -> int:
    """Put a dot on each pair that follows the behaviour, where the matrix has its place."""
    marked = found.edges[found.edges["q_value"] < 0.05]
    nodes = result.connectivity.nodes
    place = {node: row for row, node in enumerate(nodes.ids[node_rows(nodes)])}
    a = [place[name] for name in marked["node_a"]]
    b = [place[name] for name in marked["node_b"]]
    ax.scatter([*a, *b], [*b, *a], s=4, color="black", linewidths=0)
    return len(marked)


def _nodes(result: AnalysisResult, ranking: WindowRanking, method: str) -> Figure:
    n_each = len(ranking.high)
    chosen = [int(index) for index in (*ranking.high, *ranking.low)]
    points = placed_in_plane(spectral_positions(result.connectivity), chosen, method=method)
    figure = _figure(3.0 * n_each + 1.4, 6.2)
    axes = figure.subplots(2, n_each, squeeze=False, sharex=True, sharey=True)
    names = [f"{side} {index + 1}" for side in ("High", "Low") for index in range(n_each)]
    for index, (ax, name) in enumerate(zip(axes.flat, names, strict=True)):
        plot_placed_nodes(points[index], result.activity.nodes, ax=ax, title=name,
                          legend=index == n_each - 1)  # fmt: skip
    figure.supxlabel(
        f"nodes by spectral position, windows aligned, {_METHODS[method]}", fontsize="small"
    )
    return figure


_METHODS = {"tsne": "t-SNE", "pca": "principal components", "umap": "UMAP"}


def _alignment(
    result: AnalysisResult, found: BehaviorResult, alignment: GroupAlignment, label: str
) -> Figure:
    figure, names_of = _figure(10.5, 3.6), result.activity.nodes.group_names
    reference = short_names(names_of)[names_of.index(alignment.reference)]
    names = {
        "silhouette": "silhouette of groups",
        "group_accuracy": "group of left-out node,\nbalanced accuracy",
        "similarity": f"similarity of {reference}\nwith other groups (cosine)",
    }
    for ax, (name, text) in zip(figure.subplots(1, 3), names.items(), strict=True):
        plot_against_performance(
            found.score, alignment.observed[name], ax=ax, score_label=label,
            value_label=text, ranking=found.ranking,
        )  # fmt: skip
    return figure


def _networks(found: BehaviorResult) -> Figure | None:
    table = found.per_window.copy()
    score = found.score
    if found.behavior.period is not None:
        return None
    if found.behavior.is_label:
        named = found.behavior.values[found.behavior.values != ""]
        names, counts = np.unique(named, return_counts=True)
        # Of more than two labels, those of the most windows.
        first, second = sorted(np.argsort(-counts, kind="stable")[:2])
        table["condition"] = found.behavior.values
        contrast = (str(names[first]), str(names[second]))
    else:
        contrast = ("above median", "below median")
        middle = np.nanmedian(score)
        sides: Any = np.select([score > middle, score < middle], contrast, "")
        table["condition"] = sides
    # With many nodes, measures that go through all shortest paths are left out.
    measures = [name for name in _NETWORK if name in table and table[name].notna().all()]
    if min((table["condition"] == name).sum() for name in contrast) < 2 or not measures:
        return None
    figure = _figure(9.0, 3.8)
    plot_conditions(table, measures, condition="condition", contrast=contrast, ax=figure.subplots())
    return figure
