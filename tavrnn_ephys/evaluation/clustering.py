"""Whether windows of like behaviour, and nodes of one group, lie together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.embedding import FoldEmbedding
from tavrnn_ephys.statistics.nulls import JudgedByNull
from tavrnn_ephys.statistics.resampling import arrangements
from tavrnn_ephys.statistics.time_shifts import (
    circular_shifts,
    correlation_time,
    shift_surrogates,
)

__all__ = ["ClusteringScore", "cluster_nodes", "cluster_windows"]


@dataclass(frozen=True, kw_only=True)
class ClusteringScore(JudgedByNull):
    """
    Agreement of clusters in embedding space with labels that they have not seen.

    Parameters
    ----------
    ari, nmi : float
        Adjusted Rand index and normalised mutual information; 0 by chance, 1 at best.
    silhouette : float
        Mean silhouette of the labels themselves, in [-1, 1].
    null : numpy.ndarray, shape (n_nulls,)
        ``ari`` for surrogates of the labels; empty where none were asked for.
    """

    statistic: ClassVar[str] = "ari"
    ari: float
    nmi: float
    silhouette: float
    null: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def cluster_windows(
    embeddings: Sequence[FoldEmbedding],
    labels: NDArray[Any],
    *,
    seed: int = 0,
    n_shifts: int = 0,
    min_shift: int | None = None,
) -> ClusteringScore:
    """
    Cluster windows by k-means, as many clusters as labels, found on the training windows.

    Distances are taken in embedding space, nodes side by side, never in a picture of it.

    Parameters
    ----------
    embeddings : sequence of FoldEmbedding
        Embeddings fitted inside each fold.
    labels : numpy.ndarray, shape (n_windows,)
        One label per window.
    seed : int
        Seed of k-means, and of the shifts.
    n_shifts : int
        Circular shifts of the labels for the null, all possible ones where there are fewer.
    min_shift : int, optional
        Smallest shift in windows; the correlation time of the labels by default.

    Returns
    -------
    ClusteringScore
        Means over folds, weighed by their test windows; folds whose test windows carry one
        label say nothing and are left out.

    Raises
    ------
    InputError
        If no fold tests two labels, or fewer than 19 shifts are possible.
    """
    whole_number(n_shifts, "n_shifts")
    codes = np.unique(labels, return_inverse=True)[1]
    surrogates = np.empty((0, len(codes)), dtype=np.int64)
    if n_shifts:
        least = correlation_time(codes) if min_shift is None else min_shift
        shifts = circular_shifts(len(codes), min_shift=least, n_shifts=n_shifts, seed=seed)
        surrogates = shift_surrogates(codes, shifts)
    n_clusters = int(codes.max()) + 1
    rows, sizes, found = [], [], []
    for item in embeddings:
        features, truth = item.features, codes[item.fold.test]
        clusters = _clusters(features.train, features.test, n_clusters, seed)
        found.append((item.fold.test, clusters))
        if len(np.unique(truth)) > 1:
            rows.append(_scores(features.test, truth, clusters))
            sizes.append(len(truth))
    if not rows:
        raise InputError("No test block holds windows of two labels. Use fewer, longer blocks.")
    ari, nmi, silhouette = np.average(rows, axis=0, weights=sizes)
    return ClusteringScore(
        ari=float(ari),
        nmi=float(nmi),
        silhouette=float(silhouette),
        null=np.array([_mean_ari(found, row) for row in surrogates]),
    )


def cluster_nodes(
    embeddings: Sequence[FoldEmbedding],
    groups: Sequence[str],
    *,
    seed: int = 0,
    n_shuffles: int = 0,
) -> ClusteringScore:
    """
    Cluster nodes by their mean embedding over test windows, as many clusters as groups.

    Parameters
    ----------
    embeddings : sequence of FoldEmbedding
        Embeddings fitted inside each fold.
    groups : sequence of str, shape (n_nodes,)
        Subregion of each node; nodes without one, an empty text, are left out.
    seed : int
        Seed of k-means, and of the shuffles.
    n_shuffles : int
        Permutations of the groups over nodes for the null, each once.  Neighbours are taken as
        independent: see :func:`tavrnn_ephys.networks.alignment.shuffle_groups_in_space`.

    Returns
    -------
    ClusteringScore
        Means over folds.

    Raises
    ------
    InputError
        If there are fewer than two groups.
    """
    names = np.asarray(groups)
    known = names != ""
    codes = np.unique(names[known], return_inverse=True)[1]
    if len(np.unique(codes)) < 2:
        raise InputError("Nodes of fewer than two groups cannot be told apart.")
    rows, found = [], []
    for item in embeddings:
        mean = item.test.mean(axis=0)[known]
        clusters = _clusters(mean, mean, int(codes.max()) + 1, seed)
        found.append((np.arange(len(codes)), clusters))
        rows.append(_scores(mean, codes, clusters))
    ari, nmi, silhouette = np.mean(rows, axis=0)
    rng = np.random.default_rng(seed)
    shuffled = arrangements(codes, most=whole_number(n_shuffles, "n_shuffles"), rng=rng)[1:]
    return ClusteringScore(
        ari=float(ari),
        nmi=float(nmi),
        silhouette=float(silhouette),
        null=np.array([_mean_ari(found, row) for row in shuffled]),
    )


def _clusters(
    train: NDArray[Any], test: NDArray[Any], n_clusters: int, seed: int
) -> NDArray[np.int64] | None:
    """Cluster of each test window; None where all lie in one place."""
    from sklearn.cluster import KMeans

    if np.ptp(train, axis=0).max(initial=0) == 0 or np.ptp(test, axis=0).max(initial=0) == 0:
        return None
    n_distinct = len(np.unique(train, axis=0))
    model = KMeans(min(n_clusters, n_distinct), n_init=4, random_state=seed)
    return model.fit(train.astype(np.float64)).predict(test.astype(np.float64))


def _mean_ari(
    found: Sequence[tuple[NDArray[np.int64], NDArray[np.int64] | None]], codes: NDArray[np.int64]
) -> float:
    """Average as the score does: over folds whose test windows carry two of these labels."""
    from sklearn.metrics import adjusted_rand_score

    parts = [(codes[test], clusters) for test, clusters in found]
    parts = [(truth, clusters) for truth, clusters in parts if len(np.unique(truth)) > 1]
    if not parts:
        return float("nan")
    values = [0.0 if one is None else adjusted_rand_score(truth, one) for truth, one in parts]
    return float(np.average(values, weights=[len(truth) for truth, _ in parts]))


def _scores(
    test: NDArray[Any], truth: NDArray[np.int64], found: NDArray[np.int64] | None
) -> tuple[float, float, float]:
    from sklearn.metrics import (
        adjusted_rand_score,
        normalized_mutual_info_score,
        silhouette_score,
    )

    if found is None:
        return 0.0, 0.0, 0.0
    silhouette = 0.0
    if len(np.unique(truth)) < len(truth):
        silhouette = silhouette_score(test, truth)
    return (
        float(adjusted_rand_score(truth, found)),
        float(normalized_mutual_info_score(truth, found)),
        float(silhouette),
    )
