"""Attention, read: which past windows the present draws on, and whether good ones foretell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.association import associate

if TYPE_CHECKING:
    import pandas

    from tavrnn_ephys.core.graph_sequence import GraphSequence

__all__ = [
    "attended_scores",
    "attention_foretells",
    "attention_per_window",
    "attention_when_shuffled",
]

DESCRIPTIONS = {
    "self_weight": "Attention of the window to itself, in [0, 1].",
    "mean_lag_s": "Mean time back to the attended past windows, in seconds.",
    "effective_windows": "Exponential of the entropy of attention to the past: 1 for one window.",
    "strongest_window": "Past window of the largest attention; -1 for the first window.",
    "strongest_weight": "Its share of the attention to the past, in [0, 1].",
}


def attention_per_window(embedding: NodeEmbedding) -> pandas.DataFrame:
    """
    Say which past windows each window draws on.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention, shape (n_windows, n_windows).

    Returns
    -------
    pandas.DataFrame
        One row per window: ``self_weight``, ``mean_lag_s``, ``effective_windows``,
        ``strongest_window``, ``strongest_weight``; NaN where a window has no attended past.

    Raises
    ------
    InputError
        If the embedding holds no attention.
    """
    import pandas as pd

    past, self_weight = _past(embedding)
    centers = (embedding.windows.start_s + embedding.windows.stop_s) / 2
    lags = centers[:, None] - centers
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.sum(np.where(past > 0, past * np.log(past), 0.0), axis=1)
    known = past.sum(axis=1) > 0
    return pd.DataFrame(
        {
            "self_weight": self_weight,
            "mean_lag_s": np.where(known, np.sum(past * lags, axis=1), np.nan),
            "effective_windows": np.where(known, np.exp(entropy), np.nan),
            "strongest_window": np.where(known, past.argmax(axis=1), -1),
            "strongest_weight": np.where(known, past.max(axis=1), np.nan),
        }
    )


def attended_scores(embedding: NodeEmbedding, scores: Any) -> pandas.DataFrame:
    """
    Average the scores of past windows by attention, and evenly.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention.
    scores : array_like, shape (n_windows,)
        Behaviour per window, NaN where unknown.

    Returns
    -------
    pandas.DataFrame
        ``attended`` (mean score of past windows weighted by attention), ``even`` (plain mean of
        the same windows), ``present`` (score of the window), ``next`` (score of the first
        window behind that shares no time with it); windows that share time with the present
        one are left out of the past.
    """
    import pandas as pd

    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (embedding.n_windows,):
        raise InputError(f"scores has shape {scores.shape} for {embedding.n_windows} windows.")
    windows = embedding.windows
    past, _ = _past(embedding)
    apart = (windows.stop_s <= windows.start_s[:, None] + 1e-9) & np.isfinite(scores)
    weights = np.where(apart, past, 0.0)
    known = np.nan_to_num(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        attended = weights @ known / weights.sum(axis=1)
        even = (weights > 0) @ known / (weights > 0).sum(axis=1)
    behind = np.searchsorted(windows.start_s, windows.stop_s - 1e-9)
    following = np.where(behind < len(scores), scores[np.minimum(behind, len(scores) - 1)], np.nan)
    return pd.DataFrame({"attended": attended, "even": even, "present": scores, "next": following})


def attention_foretells(
    embedding: NodeEmbedding, scores: Any, *, n_nulls: int = 199, seed: int = 0
) -> pandas.DataFrame:
    """
    Test whether attention to windows of high score foretells the score of the next window.

    Parameters
    ----------
    embedding : NodeEmbedding
        With attention.
    scores : array_like, shape (n_windows,)
        Behaviour per window, NaN where unknown.
    n_nulls : int
        Number of circular shifts.
    seed : int
        Seed of the shifts.

    Returns
    -------
    pandas.DataFrame
        One row, as of :func:`tavrnn_ephys.statistics.association.associate`: correlation of the
        attended
        score with the next one, the present score and the evenly averaged past held constant.

    Raises
    ------
    InputError
        If the embedding holds no attention, or windows are too few.
    """
    table = attended_scores(embedding, scores)
    whole = table.notna().all(axis=1).to_numpy()
    if whole.sum() < 3:
        raise InputError(
            f"{int(whole.sum())} windows have an attended past, a score and a next window: too few."
        )
    chosen = table[whole]
    return associate(
        chosen[["attended"]],
        chosen["next"].to_numpy(),
        covariates=chosen[["present", "even"]].to_numpy(),
        n_nulls=n_nulls,
        seed=seed,
    )


def attention_when_shuffled(
    make_model: Callable[[], Any], graphs: GraphSequence, *, n_shuffles: int = 5, seed: int = 0
) -> pandas.DataFrame:
    """
    Fit a model again on graphs in random order of time, and read its attention.

    Parameters
    ----------
    make_model : callable
        Returns an unfitted model with ``fit`` and ``transform``.
    graphs : GraphSequence
        All windows in true order.
    n_shuffles : int
        Number of random orders.
    seed : int
        Seed of the orders.

    Returns
    -------
    pandas.DataFrame
        Means over windows of :func:`attention_per_window`, the true order first (``order``
        ``"true"``), then one row per shuffle (``"shuffled"``).
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    orders = [np.arange(len(graphs))]
    orders += [rng.permutation(len(graphs)) for _ in range(positive_int(n_shuffles, "n_shuffles"))]
    rows = []
    for index, order in enumerate(orders):
        moved = _in_order(graphs, order)
        embedding = make_model().fit(moved).transform(moved)
        means = attention_per_window(embedding).drop(columns="strongest_window").mean()
        rows.append({"order": "shuffled" if index else "true", **means.to_dict()})
    return pd.DataFrame(rows)


def _in_order(graphs: GraphSequence, order: NDArray[np.int64]) -> GraphSequence:
    """Give the graphs in another order to the same windows."""
    return dataclasses.replace(
        graphs,
        weights=tuple(graphs.weights[index] for index in order),
        features=None if graphs.features is None else graphs.features[order],
        node_mask=None if graphs.node_mask is None else graphs.node_mask[order],
    )


def _past(embedding: NodeEmbedding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Attention to the past, rows summing to 1 or 0, and the attention to the window itself."""
    if embedding.attention is None:
        raise InputError(
            "This embedding holds no attention: its model ran without. Fit a model with "
            "attention, or leave its reading out."
        )
    attention = np.asarray(embedding.attention, dtype=np.float64)
    past = np.tril(attention, k=-1)
    total = past.sum(axis=1, keepdims=True)
    past = np.where(total > 1e-12, past / np.maximum(total, 1e-12), 0.0)
    return past, np.diag(attention).copy()
