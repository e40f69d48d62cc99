"""Folds that respect time, and features fitted inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import positive_int
from tavrnn_ephys.errors import InputError

__all__ = ["BlockedFold", "FoldFeatures", "blocked_folds", "embed_in_folds", "features_in_folds"]


@dataclass(frozen=True, kw_only=True)
class BlockedFold:
    """
    One contiguous test block, and the stretches of training windows on either side of it.

    Parameters
    ----------
    test : numpy.ndarray of int
        Indices of the test windows, consecutive.
    train_blocks : tuple of numpy.ndarray of int
        One or two stretches of consecutive training windows, chronological.
    """

    test: NDArray[np.int64]
    train_blocks: tuple[NDArray[np.int64], ...]

    @property
    def train(self) -> NDArray[np.int64]:
        """All training windows, chronological."""
        return np.concatenate(self.train_blocks)


@dataclass(frozen=True, kw_only=True)
class FoldFeatures:
    """
    Window features whose every parameter stems from the training windows of a fold.

    Parameters
    ----------
    fold : BlockedFold
        The fold.
    train, test : numpy.ndarray, shape (n_windows, n_features)
        Features of its training and test windows.
    """

    fold: BlockedFold
    train: NDArray[Any]
    test: NDArray[Any]


def blocked_folds(n_windows: int, *, n_folds: int = 5, gap: int) -> list[BlockedFold]:
    """
    Cut time into contiguous test blocks, with a gap before and behind each.

    Parameters
    ----------
    n_windows : int
        Number of windows.
    n_folds : int
        Number of blocks.
    gap : int
        Windows on either side of the test block that enter neither part: at least the number
        of windows that overlap with one, and the model's lookback where it crosses the limit.

    Returns
    -------
    list of BlockedFold
        The folds in chronological order; each window is tested once.

    Raises
    ------
    InputError
        If a fold would have fewer than two training windows.

    Examples
    --------
    >>> fold = blocked_folds(10, n_folds=5, gap=1)[1]
    >>> fold.test, fold.train
    (array([2, 3]), array([0, 5, 6, 7, 8, 9]))
    """
    positive_int(n_folds, "n_folds")
    limits = np.linspace(0, n_windows, n_folds + 1).astype(np.int64)
    folds = []
    for first, last in zip(limits[:-1], limits[1:], strict=True):
        before = np.arange(0, max(0, first - gap))
        behind = np.arange(min(n_windows, last + gap), n_windows)
        blocks = tuple(block for block in (before, behind) if len(block))
        if last == first or sum(map(len, blocks)) < 2:
            raise InputError(
                f"{n_windows} windows are too few for {n_folds} blocks with a gap of {gap} "
                "windows. Use fewer blocks, or a shorter step."
            )
        folds.append(BlockedFold(test=np.arange(first, last), train_blocks=blocks))
    return folds


def features_in_folds(features: NDArray[Any], folds: Sequence[BlockedFold]) -> list[FoldFeatures]:
    """
    Distribute features that need no fitting, such as mean rates.

    Parameters
    ----------
    features : numpy.ndarray, shape (n_windows, n_features)
        Features of all windows, each computed from its own window alone.
    folds : sequence of BlockedFold
        The folds.

    Returns
    -------
    list of FoldFeatures
        One per fold.
    """
    return [
        FoldFeatures(fold=fold, train=features[fold.train], test=features[fold.test])
        for fold in folds
    ]


def embed_in_folds(
    make_model: Callable[[], Any],
    graphs: Any,
    folds: Sequence[BlockedFold],
    *,
    progress: Callable[[Any], Any] = iter,
) -> list[FoldFeatures]:
    """
    Fit a new model on the training windows of each fold, and embed both parts with it.

    Every stretch of windows is a sequence of its own, in training and in embedding: no state
    and no attention reaches from one part into the other.

    Parameters
    ----------
    make_model : callable
        Returns an unfitted model with ``fit`` and ``transform``.
    graphs : GraphSequence
        All windows.
    folds : sequence of BlockedFold
        The folds.
    progress : callable
        Wraps the iteration over folds, such as :func:`tqdm.tqdm`.

    Returns
    -------
    list of FoldFeatures
        One per fold; a window's features are the concatenated embeddings of its nodes.
    """
    results = []
    for fold in progress(folds):
        stretches = [graphs.select(block) for block in fold.train_blocks]
        model = make_model().fit(stretches)
        train = [model.transform(stretch).window_embedding() for stretch in stretches]
        test = model.transform(graphs.select(fold.test)).window_embedding()
        results.append(FoldFeatures(fold=fold, train=np.concatenate(train), test=test))
    return results
