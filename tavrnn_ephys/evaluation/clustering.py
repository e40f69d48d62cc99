"""Whether windows of like behaviour, and nodes of one group, lie together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.embedding import FoldEmbedding

__all__ = ["ClusteringScore", "cluster_nodes", "cluster_windows"]


@dataclass(frozen=True, kw_only=True)
class ClusteringScore:
    """
    Agreement of clusters in embedding space with labels that they have not seen.

    Parameters
    ----------
    ari, nmi : float
        Adjusted Rand index and normalised mutual information; 0 by chance, 1 at best.
    silhouette : float
        Mean silhouette of the labels themselves, in [-1, 1].
    """

    ari: float
    nmi: float
    silhouette: float


def cluster_windows(
    embeddings: Sequence[FoldEmbedding], labels: NDArray[Any], *, seed: int = 0
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
        Seed of k-means.

    Returns
    -------
    ClusteringScore
        Means over folds, weighed by their test windows; folds whose test windows carry one
        label say nothing and are left out.

    Raises
    ------
    InputError
        If no fold tests two labels.
    """
    codes = np.unique(labels, return_inverse=True)[1]
    rows, sizes = [], []
    for item in embeddings:
        truth = codes[item.fold.test]
        if len(np.unique(truth)) > 1:
            features = item.features
            rows.append(_scores(features.train, features.test, truth, codes.max() + 1, seed))
            sizes.append(len(truth))
    if not rows:
        raise InputError("No test block holds windows of two labels. Use fewer, longer blocks.")
    ari, nmi, silhouette = np.average(rows, axis=0, weights=sizes)
    return ClusteringScore(ari=float(ari), nmi=float(nmi), silhouette=float(silhouette))


def cluster_nodes(
    embeddings: Sequence[FoldEmbedding], groups: Sequence[str], *, seed: int = 0
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
        Seed of k-means.

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
    rows = []
    for item in embeddings:
        mean = item.test.mean(axis=0)[known]
        rows.append(_scores(mean, mean, codes, codes.max() + 1, seed))
    ari, nmi, silhouette = np.mean(rows, axis=0)
    return ClusteringScore(ari=float(ari), nmi=float(nmi), silhouette=float(silhouette))


def _scores(
    train: NDArray[Any], test: NDArray[Any], truth: NDArray[np.int64], n_clusters: int, seed: int
) -> tuple[float, float, float]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import (
        adjusted_rand_score,
        normalized_mutual_info_score,
        silhouette_score,
    )

    if np.ptp(train, axis=0).max(initial=0) == 0 or np.ptp(test, axis=0).max(initial=0) == 0:
        return 0.0, 0.0, 0.0  # All in one place: no clusters to speak of.
    n_distinct = len(np.unique(train, axis=0))
    model = KMeans(min(n_clusters, n_distinct), n_init=4, random_state=seed)
    found = model.fit(train.astype(np.float64)).predict(test.astype(np.float64))
    silhouette = 0.0
    if len(np.unique(truth)) < len(truth):
        silhouette = silhouette_score(test, truth)
    return (
        float(adjusted_rand_score(truth, found)),
        float(normalized_mutual_info_score(truth, found)),
        float(silhouette),
    )
