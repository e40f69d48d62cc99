"""Whether windows of like behaviour, and nodes of one group, lie together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.embedding import FoldEmbedding
from tavrnn_ephys.statistics.nulls import JudgedByNull, Null
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
    between : float
        Share of the variance in embedding space that lies between labels, in [0, 1]; NaN where no
        surrogates were asked for.
    null_between : numpy.ndarray, shape (n_nulls,)
        The same for surrogates of the labels; empty where none were asked for.

    Notes
    -----
    Few nodes in two groups give few values of the Rand index.  Surrogates that agree with the
    clusters as well as the labels are ranked by the variance between them, which k-means seeks
    itself, and the p-value is that of the pair of both.
    """

    statistic: ClassVar[str] = "ari"
    ari: float
    nmi: float
    silhouette: float
    null: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    between: float = float("nan")
    null_between: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def ties(self) -> Null | None:
        """The variance between labels; None where no surrogates were asked for."""
        if len(self.null_between) == 0:
            return None
        return Null(observed=self.between, values=self.null_between)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tested:
    """What a fold tests: its embeddings and their clusters."""

    rows: NDArray[np.int64]
    values: NDArray[Any]
    clusters: NDArray[np.int64] | None

    @cached_property
    def products(self) -> NDArray[np.float64]:
        """Inner products of the embeddings, less their mean, of trace 1."""
        centred = self.values - self.values.mean(axis=0, dtype=np.float64)
        products = centred @ centred.T
        return np.asarray(products / max(float(np.trace(products)), 1e-300))

    def between(self, truth: NDArray[np.int64]) -> float:
        """Share of the variance that lies between labels."""
        is_label = (truth == np.unique(truth)[:, np.newaxis]).astype(np.float64)
        sums = np.einsum("li,li->l", is_label @ self.products, is_label)
        return float(np.sum(sums / is_label.sum(axis=1)))

    def ari(self, truth: NDArray[np.int64]) -> float:
        """Agreement of the clusters with labels, 0 where all lie in one place."""
        from sklearn.metrics import adjusted_rand_score

        return 0.0 if self.clusters is None else adjusted_rand_score(truth, self.clusters)


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
        found.append(_Tested(rows=item.fold.test, values=features.test, clusters=clusters))
        if len(np.unique(truth)) > 1:
            rows.append(_scores(features.test, truth, clusters))
            sizes.append(len(truth))
    if not rows:
        raise InputError("No test block holds windows of two labels. Use fewer, longer blocks.")
    return _judged(found, np.average(rows, axis=0, weights=sizes), codes, surrogates)


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
        found.append(_Tested(rows=np.arange(len(codes)), values=mean, clusters=clusters))
        rows.append(_scores(mean, codes, clusters))
    rng = np.random.default_rng(seed)
    shuffled = arrangements(codes, most=whole_number(n_shuffles, "n_shuffles"), rng=rng)[1:]
    return _judged(found, np.mean(rows, axis=0), codes, shuffled)


def _judged(
    found: Sequence[_Tested],
    means: NDArray[np.float64],
    codes: NDArray[np.int64],
    surrogates: NDArray[np.int64],
) -> ClusteringScore:
    # Inner products of many features are only formed where a null needs them.
    every = [codes, *surrogates] if len(surrogates) else []
    ranks = np.array([_mean_over_folds(found, row, _Tested.between) for row in every] or [np.nan])
    return ClusteringScore(
        ari=float(means[0]),
        nmi=float(means[1]),
        silhouette=float(means[2]),
        null=np.array([_mean_over_folds(found, row, _Tested.ari) for row in surrogates]),
        between=float(ranks[0]),
        null_between=ranks[1:],
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


def _mean_over_folds(
    found: Sequence[_Tested],
    codes: NDArray[np.int64],
    score: Callable[[_Tested, NDArray[np.int64]], float],
) -> float:
    """Average as the score does: over folds whose test windows carry two of these labels."""
    parts = [(item, codes[item.rows]) for item in found]
    parts = [(item, truth) for item, truth in parts if len(np.unique(truth)) > 1]
    if not parts:
        return float("nan")
    values = [score(item, truth) for item, truth in parts]
    return float(np.average(values, weights=[len(truth) for _, truth in parts]))


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
