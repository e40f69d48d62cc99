"""Whether a method finds the same again: with other seeds, windows or sessions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_matrix
from tavrnn_ephys.evaluation.embedding import FoldEmbedding

__all__ = ["consistency_across_folds", "consistency_across_sessions", "procrustes_agreement"]


def procrustes_agreement(first: NDArray[Any], second: NDArray[Any]) -> float:
    """
    Say how much of one embedding a rotation, a scale and a shift turn into another.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (n_points, width)
        Two embeddings of the same points; widths may differ.

    Returns
    -------
    float
        One minus the disparity of Procrustes' analysis, in [0, 1]; 0 if either is constant.

    Raises
    ------
    InputError
        If the numbers of points differ.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> quarter_turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> round(procrustes_agreement(points, 3 * points @ quarter_turn + 5), 6)
    1.0
    """
    if len(first) != len(second):
        raise InputError(f"{len(first)} points cannot be laid over {len(second)}.")
    a, b = (number_matrix(item, "An embedding") for item in (first, second))
    a, b = _in_own_span(a - a.mean(axis=0)), _in_own_span(b - b.mean(axis=0))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    if size == 0:
        return 0.0
    shared = np.linalg.svd(a.T @ b, compute_uv=False).sum() / size
    return float(min(shared, 1.0) ** 2)


def consistency_across_folds(embeddings: Sequence[FoldEmbedding]) -> float:
    """
    Compare what the methods of different folds, and seeds, say of the windows they share.

    Parameters
    ----------
    embeddings : sequence of FoldEmbedding
        Embeddings by a method fitted anew in each fold.

    Returns
    -------
    float
        Mean agreement after Procrustes over pairs of folds, nodes side by side; NaN if no two
        folds share a training window.
    """
    found = []
    for one, other in combinations(embeddings, 2):
        shared, a, b = np.intersect1d(one.fold.train, other.fold.train, return_indices=True)
        if len(shared) > 2:
            found.append(procrustes_agreement(*(_flat(x) for x in (one.train[a], other.train[b]))))
    return float(np.mean(found)) if found else float("nan")


def consistency_across_sessions(
    sessions: Sequence[NDArray[Any]], behaviors: Sequence[NDArray[Any]]
) -> float:
    """
    Compare the places of like behaviours in the embeddings of different sessions.

    Parameters
    ----------
    sessions : sequence of numpy.ndarray, each of shape (n_windows, width)
        Window embeddings of each session, whatever its nodes.
    behaviors : sequence of numpy.ndarray, each of shape (n_windows,)
        Label of each window; the mean place of each label that all sessions have is compared.

    Returns
    -------
    float
        Mean agreement after Procrustes over pairs of sessions.

    Raises
    ------
    InputError
        If there are fewer than two sessions, or fewer than three labels that all share: any two
        places lie on each other after a rotation and a scale.
    """
    shared = sorted(set.intersection(*(set(np.unique(item).tolist()) for item in behaviors)))
    if len(sessions) < 2 or len(shared) < 3:
        raise InputError(
            f"{len(sessions)} sessions with {len(shared)} labels in common: consistency needs at "
            "least two sessions and three shared labels."
        )
    places = [
        np.stack([session[np.asarray(behavior) == label].mean(axis=0) for label in shared])
        for session, behavior in zip(sessions, behaviors, strict=True)
    ]
    return float(np.mean([procrustes_agreement(a, b) for a, b in combinations(places, 2)]))


def _in_own_span(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate a wide embedding into as few coordinates as there are points; nothing else changes."""
    if points.shape[1] <= len(points):
        return points
    left, size, _ = np.linalg.svd(points, full_matrices=False)
    return left * size


def _flat(embedding: NDArray[Any]) -> NDArray[Any]:
    return embedding.reshape(len(embedding), -1)
