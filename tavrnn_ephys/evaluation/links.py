"""What an embedding knows of its own graph, of the next one, and of the true coupling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.embedding import FoldEmbedding
from tavrnn_ephys.evaluation.standardizing import standardized
from tavrnn_ephys.statistics.nulls import JudgedByNull
from tavrnn_ephys.statistics.time_shifts import circular_shifts

__all__ = ["LinkScore", "decode_links", "mean_graph_embedding"]

# Shrinkage of a pair's weights, in units of its training windows.
_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
_VALIDATION_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class LinkScore(JudgedByNull):
    """
    How well weights follow from embeddings, by areas under the curve over node pairs.

    Parameters
    ----------
    same : float
        Strong weights of the same window, mean over test windows.
    following : float
        Strong weights of the next window.
    recovery : float
        Pairs that are truly coupled at the time, among those that are at some times and not at
        others, in simulations; NaN where nobody knows.
    null : numpy.ndarray, shape (n_shifts,)
        ``same`` for weights that are shifted in time against the embeddings; empty where no
        shifts were asked for.  What never changes is predicted under the null too.
    """

    statistic: ClassVar[str] = "same"
    same: float
    following: float
    recovery: float
    null: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def decode_links(
    embeddings: Sequence[FoldEmbedding],
    weights: NDArray[Any],
    *,
    coupled: NDArray[np.bool_] | None = None,
    density: float = 0.1,
    n_pairs: int = 1000,
    n_shifts: int = 0,
    min_shift: int = 1,
    seed: int = 0,
) -> LinkScore:
    """
    Predict the weight of every pair from the embeddings of its two nodes.

    One decoder for all methods: for each pair ``r_ij ≈ m_ij + a_ij · z_i + b_ij · z_j``, fitted
    on the training windows by ridge regression, its penalty chosen on the last fifth of them.
    A strong weight is one of the highest tenth of the training windows.

    Parameters
    ----------
    embeddings : sequence of FoldEmbedding
        Embeddings fitted inside each fold.
    weights : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Signed weights of every window.
    coupled : numpy.ndarray of bool, shape (n_windows, n_nodes, n_nodes), optional
        Which pairs are truly coupled in each window.
    density : float
        Share of weights that count as strong.
    n_pairs : int
        Pairs that are looked at; of more, so many are drawn, the same for every method.
    n_shifts : int
        Circular shifts of the tested weights for the null, all possible ones where there are
        fewer; decoders stay as they are.
    min_shift : int
        Smallest shift in windows: more than share time with one window.
    seed : int
        Seed of the shifts.

    Returns
    -------
    LinkScore
        Means over all test windows.

    Raises
    ------
    InputError
        If the weights do not fit the embeddings, or fewer than 19 shifts are possible.
    """
    n_nodes = weights.shape[1]
    if embeddings[0].test.shape[1] != n_nodes:
        raise InputError(
            f"Embeddings of {embeddings[0].test.shape[1]} nodes cannot predict the weights of "
            f"{n_nodes} nodes."
        )
    rows, columns = np.triu_indices(n_nodes, 1)
    if len(rows) > positive_int(n_pairs, "n_pairs"):
        drawn = np.sort(np.random.default_rng(0).choice(len(rows), n_pairs, replace=False))
        rows, columns = rows[drawn], columns[drawn]
    pairs = np.nan_to_num(np.asarray(weights, dtype=np.float64)[:, rows, columns])
    truth = None if coupled is None else coupled[:, rows, columns]
    changing = slice(None) if truth is None else truth.any(axis=0) & ~truth.all(axis=0)
    same, following, recovery = [], [], []
    tested: list[tuple[NDArray[Any], NDArray[np.bool_]]] = []
    for item in embeddings:
        known = pairs[item.fold.train]
        level = np.quantile(known, 1.0 - density)
        predicted = _predict(item, known, rows, columns)
        tested.append((predicted, pairs[item.fold.test] >= level))
        same += _areas(*tested[-1])
        following += _areas(predicted[:-1], pairs[item.fold.test[1:]] >= level)
        if truth is not None:
            recovery += _areas(predicted[:, changing], truth[item.fold.test][:, changing])
    null = np.zeros(0)
    if whole_number(n_shifts, "n_shifts"):
        scores, right = (np.concatenate(part) for part in zip(*tested, strict=True))
        shifts = circular_shifts(len(right), min_shift=min_shift, n_shifts=n_shifts, seed=seed)
        null = _shifted_areas(scores, right, shifts)
    return LinkScore(
        null=null,
        same=_mean(same),
        following=_mean(following),
        recovery=_mean(recovery) if truth is not None else float("nan"),
    )


def mean_graph_embedding(embeddings: Sequence[FoldEmbedding]) -> list[FoldEmbedding]:
    """
    Embed every window alike, so that links are predicted from the mean training graph alone.

    Parameters
    ----------
    embeddings : sequence of FoldEmbedding
        Any embeddings, for their folds and sizes.

    Returns
    -------
    list of FoldEmbedding
        Zeros: the floor of link prediction.
    """
    return [
        FoldEmbedding(
            fold=item.fold,
            train=np.zeros((*item.train.shape[:2], 1), np.float32),
            test=np.zeros((*item.test.shape[:2], 1), np.float32),
        )
        for item in embeddings
    ]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _areas(scores: NDArray[Any], truth: NDArray[np.bool_]) -> list[float]:
    from scipy.stats import rankdata

    areas = []
    for row, right in zip(scores, truth, strict=True):
        n_right = int(right.sum())
        if 0 < n_right < len(right):
            ranks = rankdata(row)[right].sum()
            areas.append(
                float((ranks - n_right * (n_right + 1) / 2) / (n_right * (len(right) - n_right)))
            )
    return areas


def _shifted_areas(
    scores: NDArray[Any], truth: NDArray[np.bool_], shifts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean area over windows for each shift of the truth; one product serves all shifts."""
    from scipy.stats import rankdata

    n_windows, n_pairs = truth.shape
    n_right = truth.sum(axis=1)
    is_defined = (n_right > 0) & (n_right < n_pairs)
    sums = rankdata(scores, axis=1) @ truth.T.astype(np.float64)
    size = np.where(is_defined, n_right * (n_pairs - n_right), 1)
    areas = (sums - n_right * (n_right + 1) / 2) / size
    windows = np.arange(n_windows)
    found = []
    for shift in shifts:
        there = (windows - shift) % n_windows
        kept = is_defined[there]
        found.append(_mean(areas[windows[kept], there[kept]].tolist()))
    return np.array(found)


def _predict(
    item: FoldEmbedding,
    known: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    train, test = standardized(item.train, item.test)
    n_fit = max(2, round((1 - _VALIDATION_SHARE) * len(train)))
    errors = [
        np.square(
            _ridge(train[:n_fit], known[:n_fit], train[n_fit:], rows, columns, penalty)
            - known[n_fit:]
        ).mean()
        if n_fit < len(train)
        else 0.0
        for penalty in _PENALTIES
    ]
    return _ridge(train, known, test, rows, columns, _PENALTIES[int(np.argmin(errors))])


def _ridge(
    train: NDArray[Any],
    known: NDArray[np.float64],
    test: NDArray[Any],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    penalty: float,
) -> NDArray[np.float64]:
    """All pairs at once: their normal equations consist of products of single nodes."""
    n_windows, n_nodes, width = train.shape
    flat = train.reshape(n_windows, -1).astype(np.float64)
    centre = known.mean(axis=0)
    gram = (flat.T @ flat).reshape(n_nodes, width, n_nodes, width).transpose(0, 2, 1, 3)
    moment = (flat.T @ (known - centre)).reshape(n_nodes, width, -1)
    pair = np.arange(len(rows))
    left = np.concatenate(
        [
            np.concatenate([gram[rows, rows], gram[rows, columns]], axis=2),
            np.concatenate([gram[columns, rows], gram[columns, columns]], axis=2),
        ],
        axis=1,
    )
    right = np.concatenate([moment[rows, :, pair], moment[columns, :, pair]], axis=1)
    left += penalty * n_windows * np.eye(2 * width)
    weights = np.linalg.solve(left, right[..., np.newaxis])[..., 0]
    here = np.einsum("tpw,pw->tp", test[:, rows], weights[:, :width], optimize=True)
    there = np.einsum("tpw,pw->tp", test[:, columns], weights[:, width:], optimize=True)
    return centre + here + there
