"""Training windows of which the first alone have a behaviour that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.folds import BlockedFold, FoldFeatures

__all__ = ["labelled_features", "labelled_stretches"]


def labelled_features(
    features: Sequence[FoldFeatures], folds: Sequence[BlockedFold], n_labelled: int | None
) -> list[FoldFeatures]:
    """
    Leave to decoders the first training windows of each fold.

    Which windows these are follows from time alone.  They are the same for every method and for
    shifted labels.  A method that looks back has no embedding of the first of them, and is
    decoded from the rest.

    Parameters
    ----------
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    folds : sequence of BlockedFold
        The same folds before the windows without a complete past were left out.
    n_labelled : int, optional
        Number of training windows whose behaviour is known; by default that of all is.

    Returns
    -------
    list of FoldFeatures
        The same test windows, with fewer training windows.

    Raises
    ------
    InputError
        If fewer than two windows are left to learn from.

    Examples
    --------
    >>> from tavrnn_ephys.evaluation.folds import blocked_folds, features_in_folds
    >>> folds = blocked_folds(10, n_folds=5, gap=1)
    >>> features = features_in_folds(np.arange(10.0)[:, np.newaxis], folds)
    >>> labelled_features(features, folds, 3)[1].fold.train
    array([0, 5, 6])
    """
    if n_labelled is None:
        return list(features)
    return [
        _only(item, fold.train[:n_labelled]) for item, fold in zip(features, folds, strict=True)
    ]


def labelled_stretches(
    stretches: Sequence[Any],
    labels: NDArray[Any],
    n_labelled: int | None,
    *,
    takes_unlabelled: bool,
) -> tuple[list[Any], NDArray[Any]]:
    """
    Give a method that learns from labels those of the first training windows alone.

    Parameters
    ----------
    stretches : sequence of GraphSequence
        Stretches of training windows, chronological.
    labels : numpy.ndarray, shape (n_windows,)
        Behaviour of all their windows.
    n_labelled : int, optional
        Number of windows whose behaviour is known; by default that of all is.
    takes_unlabelled : bool
        Whether the method takes windows without a label; others get labelled windows alone.

    Returns
    -------
    tuple of list of GraphSequence and numpy.ndarray
        Stretches and labels to learn from.  An unknown label is ``""``, an unknown number NaN.

    Examples
    --------
    >>> labels = np.array([1, 0, 1])
    >>> labelled_stretches(["two", "1"], labels, 2, takes_unlabelled=True)
    (['two', '1'], array(['1', '0', ''], dtype='<U21'))
    """
    if n_labelled is None:
        return list(stretches), labels
    if takes_unlabelled:
        is_number = labels.dtype.kind == "f"
        told = labels.copy() if is_number else labels.astype(str)
        told[n_labelled:] = np.nan if is_number else ""
        return list(stretches), told
    limits = np.cumsum([0, *map(len, stretches)])
    parts = [
        item.select(np.arange(min(n_labelled - first, len(item))))
        for item, first in zip(stretches, limits[:-1], strict=True)
        if first < n_labelled
    ]
    return parts, labels[:n_labelled]


def _only(item: FoldFeatures, windows: NDArray[np.int64]) -> FoldFeatures:
    kept = np.isin(item.fold.train, windows)
    if kept.sum() < 2:
        raise InputError(
            f"Of {len(windows)} labelled training windows of a fold {int(kept.sum())} have an "
            "embedding, the others lack the past that the method looks back on. Two are needed: "
            "raise labelled."
        )
    blocks = (block[np.isin(block, windows)] for block in item.fold.train_blocks)
    fold = replace(item.fold, train_blocks=tuple(block for block in blocks if len(block)))
    return replace(item, fold=fold, train=item.train[kept])
