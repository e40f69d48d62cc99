"""Node embeddings of a method that is fitted anew in every fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.folds import BlockedFold, FoldFeatures
from tavrnn_ephys.evaluation.labelled import labelled_stretches

__all__ = ["FoldEmbedding", "nodes_in_folds", "transductive_features"]


@dataclass(frozen=True, kw_only=True)
class FoldEmbedding:
    """
    Embeddings of every node by a method that has seen the training windows of a fold alone.

    Parameters
    ----------
    fold : BlockedFold
        The fold; its training stretches begin where the method's embedding is valid.
    train, test : numpy.ndarray, shape (n_windows, n_nodes, width)
        Embeddings of its training and test windows.
    """

    fold: BlockedFold
    train: NDArray[np.float32]
    test: NDArray[np.float32]

    @property
    def features(self) -> FoldFeatures:
        """The same with nodes side by side: one vector per window, for every method alike."""
        return FoldFeatures(
            fold=self.fold,
            train=self.train.reshape(len(self.train), -1),
            test=self.test.reshape(len(self.test), -1),
        )


def nodes_in_folds(
    make_method: Callable[[int], Any],
    graphs: Any,
    folds: Sequence[BlockedFold],
    *,
    labels: NDArray[Any] | None = None,
    n_labelled: int | None = None,
) -> list[FoldEmbedding]:
    """
    Fit a method on the training windows of each fold, and embed both parts with it.

    Every training stretch is a sequence of its own; the test block comes with the windows of
    its context before it, whose embeddings are dropped.  Labels of training windows reach a
    method only if it declares the supervision ``"label"``; labels of test windows never.

    Parameters
    ----------
    make_method : callable
        Takes the number of the fold, so that seeds can differ, and returns an unfitted method.
    graphs : GraphSequence or callable
        All windows; or what gives them for a fold, where training windows decide how graphs are
        made.
    folds : sequence of BlockedFold
        The folds.
    labels : numpy.ndarray, shape (n_windows,), optional
        Behaviour of every window.
    n_labelled : int, optional
        Number of training windows of each fold, from the first, whose labels reach a method; all
        by default.  A method that declares ``takes_unlabelled`` learns from the others too, any
        other one that learns from labels from these windows alone.

    Returns
    -------
    list of FoldEmbedding
        One per fold.

    Raises
    ------
    InputError
        If the method looks back further than the context of the folds, or cannot embed windows
        that it has not seen.
    """
    results = []
    for number, fold in enumerate(folds):
        method = make_method(number)
        if not getattr(method, "inductive", True):
            raise InputError(
                f"{_name(method)} cannot embed windows that it has not seen. Its transductive "
                "score is all there is."
            )
        valid_from = int(getattr(method, "valid_from", 0))
        if valid_from > len(fold.context):
            raise InputError(
                f"{_name(method)} looks back {valid_from} windows, the folds leave a context of "
                f"{len(fold.context)}. Use blocked_folds(…, context={valid_from})."
            )
        windows = graphs(fold) if callable(graphs) else graphs
        stretches = [windows.select(block) for block in fold.train_blocks]
        known = None if labels is None else labels[fold.train]
        _fit(method, stretches, known, n_labelled)
        train = [np.asarray(method.transform(item).mean)[valid_from:] for item in stretches]
        seen = np.concatenate([fold.context, fold.test])
        test = np.asarray(method.transform(windows.select(seen)).mean)[len(fold.context) :]
        results.append(
            FoldEmbedding(
                fold=fold.without_first(valid_from), train=np.concatenate(train), test=test
            )
        )
    return results


def transductive_features(
    make_method: Callable[[int], Any],
    graphs: Any,
    folds: Sequence[BlockedFold],
    *,
    labels: NDArray[Any] | None = None,
    n_labelled: int | None = None,
) -> list[FoldFeatures]:
    """
    Fit a method once on all windows, test windows and their labels included.

    What is decoded from such features is no evidence of generalisation; it is reported in a
    column of its own, for comparison with papers that report nothing else.

    Parameters
    ----------
    make_method : callable
        Takes 0 and returns an unfitted method.
    graphs : GraphSequence
        All windows.
    folds : sequence of BlockedFold
        The folds of the decoder.
    labels : numpy.ndarray, shape (n_windows,), optional
        Behaviour of every window.
    n_labelled : int, optional
        Number of windows of the recording, from the first, whose labels reach a method; all by
        default.

    Returns
    -------
    list of FoldFeatures
        One per fold.
    """
    method = make_method(0)
    _fit(method, [graphs], labels, n_labelled)
    vectors = np.asarray(method.transform(graphs).mean).reshape(len(graphs), -1)
    return [
        FoldFeatures(fold=fold, train=vectors[fold.train], test=vectors[fold.test])
        for fold in folds
    ]


def _fit(
    method: Any, stretches: list[Any], labels: NDArray[Any] | None, n_labelled: int | None
) -> None:
    if getattr(method, "supervision", "none") != "label":
        method.fit(stretches)
        return
    if labels is not None:
        takes_unlabelled = bool(getattr(method, "takes_unlabelled", False))
        stretches, labels = labelled_stretches(
            stretches, labels, n_labelled, takes_unlabelled=takes_unlabelled
        )
    method.fit(stretches, labels)


def _name(method: Any) -> str:
    return str(getattr(method, "name", type(method).__name__))
