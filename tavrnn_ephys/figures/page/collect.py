"""Everything that a report shows, taken from a run in a file and the recording beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.pairs import MOST_PAIRS, node_pairs
from tavrnn_ephys.core.runs import RunInfo
from tavrnn_ephys.figures.decay import attention_by_lag
from tavrnn_ephys.figures.embeddings import principal_plane
from tavrnn_ephys.figures.page.packing import NodeBlocks, evenly, fitting_blocks
from tavrnn_ephys.figures.page.recording import RecordingView, view_recording
from tavrnn_ephys.figures.similarity import Neighbours
from tavrnn_ephys.results import StoredResults, open_results

__all__ = ["PlacedEmbedding", "ReportContent", "SimilarityView", "WindowMatrices", "collect"]

_MOST_WINDOWS = 600
# Points of all windows together in the plane of the embedding.
_MOST_POINTS = 75_000
_MOST_EDGES = 60
_MOST_LAGS = 120
# Fewer windows have hardly a pair that shares no time.
_LEAST_COMPARED = 4


@dataclass(frozen=True, kw_only=True)
class WindowMatrices:
    """
    Connectivity of the windows that are shown.

    Parameters
    ----------
    blocks : NodeBlocks
        Rows and columns.
    means : numpy.ndarray, shape (n_shown, n_blocks, n_blocks)
        Weights, or means over blocks.
    strength : numpy.ndarray, shape (n_shown, n_nodes)
        Mean absolute weight of each node with all others.
    edges : numpy.ndarray of int, shape (n_shown, n_edges, 2)
        The pairs of largest absolute weight, strongest first; -1 where there are fewer.
    measure : str
        What a weight is.
    directed : bool
        Whether rows are sources and columns targets.
    of_edges : bool
        Whether only the weights of the edges of graphs are known.
    """

    blocks: NodeBlocks
    means: NDArray[np.float64]
    strength: NDArray[np.float64]
    edges: NDArray[np.int64]
    measure: str
    directed: bool
    of_edges: bool


@dataclass(frozen=True, kw_only=True)
class SimilarityView:
    """
    How alike the windows that are shown are.

    Parameters
    ----------
    near : Neighbours
        Which of them are averaged before they are compared.
    values : numpy.ndarray, shape (n_rows, n_rows)
        Correlations of mean weights.
    limits : tuple of float
        Ends of the colours.
    """

    near: Neighbours
    values: NDArray[np.float64]
    limits: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class PlacedEmbedding:
    """
    Nodes and windows in planes of two principal components.

    Parameters
    ----------
    node_index : numpy.ndarray of int, shape (n_chosen,)
        Nodes that are shown.
    points : numpy.ndarray, shape (n_shown, n_chosen, 2)
        These nodes in the windows that are shown.
    share : numpy.ndarray, shape (2,)
        Share of the variance of nodes along each component.
    window_points : numpy.ndarray, shape (n_windows, 2)
        All windows, each by all its nodes.
    window_share : numpy.ndarray, shape (2,)
        Share of the variance of windows.
    """

    node_index: NDArray[np.intp]
    points: NDArray[np.float64]
    share: NDArray[np.float64]
    window_points: NDArray[np.float64]
    window_share: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """
    Everything that a report shows.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    info : RunInfo
        The run.
    facts : mapping of str to object
        Provenance by dotted key.
    windows : Windows
        All windows.
    nodes : Nodes
        The nodes.
    window_values, node_values : mapping of str to numpy.ndarray
        Summaries.
    tables : mapping of str to pandas.DataFrame
        Further tables of the run.
    shown : numpy.ndarray of int
        Windows on the slider.
    embedding : PlacedEmbedding or None
        The embedding.
    attention : numpy.ndarray, shape (n_shown, n_lags), or None
        Attention of these windows to the one 0, 1, 2, … windows back; NaN before the first.
    attention_beyond : float
        Mean share of the attention that goes farther back.
    latent_size : int
        Width of the embedding of a node.
    matrices : WindowMatrices or None
        Connectivity.
    similarity : SimilarityView or None
        How alike windows are.
    mean_activity : numpy.ndarray, shape (n_shown, n_nodes), or None
        Mean activity of each node in each window that is shown.
    density : numpy.ndarray, shape (n_windows,), or None
        Share of the possible edges in the graph of each window.
    recording : RecordingView
        The recording.
    """

    path: Path
    info: RunInfo
    facts: Mapping[str, Any]
    windows: Windows
    nodes: Nodes
    window_values: Mapping[str, NDArray[Any]]
    node_values: Mapping[str, NDArray[Any]]
    tables: Mapping[str, Any]
    shown: NDArray[np.intp]
    embedding: PlacedEmbedding | None
    attention: NDArray[np.float64] | None
    attention_beyond: float
    latent_size: int
    matrices: WindowMatrices | None
    similarity: SimilarityView | None
    mean_activity: NDArray[np.float64] | None
    density: NDArray[np.float64] | None
    recording: RecordingView

    @property
    def has_factors(self) -> bool:
        """Whether the model has factors in place of a decoder: its loss is a share of variance."""
        return self.facts.get("config.model.recurrence") in ("state_space", "independent")


def collect(path: Path, run: str | None = None) -> ReportContent:
    """
    Take from a file what a report of a run shows.

    Parameters
    ----------
    path : pathlib.Path
        NWB file with results.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.

    Returns
    -------
    ReportContent
        Read, and nothing computed anew but means, distances and projections for display.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or holds no results.
    InputError
        If there is no run of that name.
    """
    with open_results(path, run=run) as stored:
        windows, nodes, facts = stored.windows, stored.nodes, dict(stored.provenance)
        shown = evenly(len(windows), _MOST_WINDOWS)
        embedding = stored.embedding
        attention, beyond = _by_lag(embedding, shown)
        matrices, similarity, activity = _matrices(stored, shown, facts)
        values = dict(stored.window_values)
        content: dict[str, Any] = {
            "info": stored.info,
            "window_values": values,
            "node_values": dict(stored.node_values),
            "tables": dict(stored.tables),
        }
    return ReportContent(
        **content,
        path=path,
        facts=facts,
        windows=windows,
        nodes=nodes,
        shown=shown,
        embedding=None if embedding is None else _placed(embedding, shown),
        attention=attention,
        attention_beyond=beyond,
        latent_size=0 if embedding is None else embedding.latent_size,
        matrices=matrices,
        similarity=similarity,
        mean_activity=activity,
        density=values.get("edge_density"),
        recording=view_recording(path, facts, nodes),
    )


def _placed(embedding: NodeEmbedding, shown: NDArray[np.intp]) -> PlacedEmbedding:
    chosen = evenly(embedding.n_nodes, max(1, _MOST_POINTS // len(shown)))
    flat, share = principal_plane(embedding.mean.reshape(-1, embedding.latent_size))
    points = flat.reshape(embedding.n_windows, embedding.n_nodes, 2)
    # Windows that share no node are laid side by side by their mean.
    shared = bool(embedding.node_mask.all(axis=0).any())
    vectors = embedding.window_embedding("concatenate" if shared else "mean")
    window_points, window_share = principal_plane(vectors)
    return PlacedEmbedding(
        node_index=chosen,
        points=points[np.ix_(shown, chosen)],
        share=share,
        window_points=window_points,
        window_share=window_share,
    )


def _by_lag(
    embedding: NodeEmbedding | None, shown: NDArray[np.intp]
) -> tuple[NDArray[np.float64] | None, float]:
    """Turn attention to windows into attention to lags, as far back as a step of colour goes."""
    if embedding is None or embedding.attention is None:
        return None, 0.0
    full = np.asarray(embedding.attention, dtype=np.float64)
    by_lag = attention_by_lag(full, shown, _MOST_LAGS)
    seen = np.flatnonzero(np.nanmax(by_lag, axis=0, initial=0.0) >= 0.5 / 255)
    by_lag = by_lag[:, : max(seen[-1] + 1 if len(seen) else 1, 2)]
    return by_lag, max(0.0, float(np.mean(full[shown].sum(axis=1) - np.nansum(by_lag, axis=1))))


def _matrices(
    stored: StoredResults, shown: NDArray[np.intp], facts: Mapping[str, Any]
) -> tuple[WindowMatrices | None, SimilarityView | None, NDArray[np.float64] | None]:
    """Go through the windows one by one: all matrices at once could exceed the memory."""
    contents = stored.info.contents
    of_edges = "connectivity" not in contents
    if of_edges and "graphs" not in contents:
        return None, None, None
    directed = bool(facts.get("connectivity.directed", False)) and not of_edges
    blocks = fitting_blocks(stored.nodes, len(shown), directed=directed)
    pairs = node_pairs(len(stored.nodes), directed=directed, most=MOST_PAIRS)
    means, strength, edges, activity, rows = [], [], [], [], []
    for index in map(int, shown):
        window = stored.window(index)
        weights = window.adjacency.toarray() if of_edges else window.weights
        if weights is None:
            return None, None, None
        means.append(blocks.means(weights))
        strength.append(_strength(weights))
        edges.append(_strongest(weights))
        rows.append(np.asarray(weights, dtype=np.float32)[pairs])
        if window.mean_activity is not None:
            activity.append(window.mean_activity)
    measure = facts.get("connectivity.measure", facts.get("config.analysis.measure", ""))
    matrices = WindowMatrices(
        blocks=blocks,
        means=np.array(means),
        strength=np.array(strength),
        edges=np.array(edges),
        measure=str(measure or "connectivity"),
        directed=directed,
        of_edges=of_edges,
    )
    similarity = _similarity(stored.windows.select(shown), rows)
    return matrices, similarity, np.array(activity) if len(activity) == len(shown) else None


def _similarity(windows: Windows, rows: list[NDArray[np.float32]]) -> SimilarityView | None:
    if len(windows) < _LEAST_COMPARED or not rows[0].size:
        return None
    near = Neighbours.of(windows)
    values = near.similarity(rows.__getitem__)
    return SimilarityView(near=near, values=values, limits=near.limits(values))


def _strength(weights: NDArray[Any]) -> NDArray[np.float64]:
    size = np.abs(np.nan_to_num(np.asarray(weights, dtype=np.float64)))
    np.fill_diagonal(size, 0.0)
    both = (size.sum(axis=0) + size.sum(axis=1)) / 2
    return np.asarray(both / max(len(size) - 1, 1))


def _strongest(weights: NDArray[Any]) -> NDArray[np.int64]:
    rows, columns = np.triu_indices(len(weights), 1)
    size = np.nan_to_num(np.abs(np.asarray(weights, dtype=np.float64)))
    size = np.maximum(size, size.T)[rows, columns]
    n_shown = min(_MOST_EDGES, len(size))
    best = np.argpartition(-size, n_shown - 1)[:n_shown] if n_shown else np.zeros(0, dtype=np.intp)
    best = best[np.argsort(-size[best], kind="stable")]
    best = best[size[best] > 0]
    pairs = np.full((_MOST_EDGES, 2), -1, dtype=np.int64)
    pairs[: len(best)] = np.column_stack([rows[best], columns[best]])
    return pairs
