"""Folds that respect time, and features fitted inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_matrix
from tavrnn_ephys.evaluation.standardizing import standardized

__all__ = [
    "BlockedFold",
    "FoldFeatures",
    "blocked_folds",
    "embed_in_folds",
    "features_in_folds",
    "grouped_folds",
    "joined_features",
    "without_covariates",
]


@dataclass(frozen=True, kw_only=True)
class BlockedFold:
    """
    One contiguous test block, and the stretches of training windows on either side of it.

    Parameters
    ----------
    test : numpy.ndarray of int
        Indices of the test windows, consecutive.
    train_blocks : tuple of numpy.ndarray of int
        Stretches of consecutive training windows, chronological.
    context : numpy.ndarray of int
        Windows right before the test block that a model may look back on, none of them for
        training.
    """

    test: NDArray[np.int64]
    train_blocks: tuple[NDArray[np.int64], ...]
    context: NDArray[np.int64] = field(default_factory=lambda: np.arange(0))

    @property
    def train(self) -> NDArray[np.int64]:
        """All training windows, chronological."""
        return np.concatenate(self.train_blocks)

    def without_first(self, n_windows: int) -> BlockedFold:
        """
        Leave out the first windows of every training stretch, whose past is not complete.

        Parameters
        ----------
        n_windows : int
            How many.

        Returns
        -------
        BlockedFold
            The same fold with shorter training stretches.
        """
        return replace(self, train_blocks=tuple(item[n_windows:] for item in self.train_blocks))


@dataclass(frozen=True, kw_only=True)
class FoldFeatures:
    """
    Window features whose every parameter stems from the training windows of a fold.

    Parameters
    ----------
    fold : BlockedFold
        The fold.
    train, test : numpy.ndarray, shape (n_windows, n_features)
        Features of its training and test windows, finite, of the same columns.
    widths : tuple of int
        Number of features of each block, where blocks such as rates and an embedding stand side
        by side: decoders weigh them against each other.  One block by default.

    Raises
    ------
    InputError
        If they are no finite numbers, or differ in their columns, from the fold, or from the
        widths.
    """

    fold: BlockedFold
    train: NDArray[Any]
    test: NDArray[Any]
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            given = getattr(self, name)
            matrix = number_matrix(given, f"The features of the {name} windows")
            if len(matrix) != len(getattr(self.fold, name)):
                raise InputError(
                    f"{len(matrix)} features stand for the {len(getattr(self.fold, name))} {name} "
                    "windows of a fold."
                )
            if getattr(given, "dtype", None) not in (np.float32, np.float64):
                object.__setattr__(self, name, matrix)
        if self.train.shape[1] != self.test.shape[1]:
            raise InputError(
                f"Training windows have {self.train.shape[1]} features, test windows "
                f"{self.test.shape[1]}."
            )
        if not self.widths:
            object.__setattr__(self, "widths", (self.train.shape[1],))
        if sum(self.widths) != self.train.shape[1] or min(self.widths) < 1:
            raise InputError(
                f"Blocks of {', '.join(map(str, self.widths))} features do not make up the "
                f"{self.train.shape[1]} features of a fold."
            )


def blocked_folds(
    n_windows: int, *, n_folds: int = 5, gap: int, context: int = 0
) -> list[BlockedFold]:
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
        of windows that overlap with one.
    context : int
        Windows right before each test block that models may look back on: at least the
        lookback of every model.  They train nothing, and the gap lies before them.

    Returns
    -------
    list of BlockedFold
        The folds in chronological order; each window is tested once, but for the first
        ``context`` ones, which have no complete past.

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
    limits = np.linspace(whole_number(context, "context"), n_windows, n_folds + 1)
    limits = limits.astype(np.int64)
    folds = []
    for first, last in zip(limits[:-1], limits[1:], strict=True):
        before = np.arange(0, max(0, first - gap - context))
        behind = np.arange(min(n_windows, last + gap), n_windows)
        blocks = tuple(block for block in (before, behind) if len(block))
        if last == first or sum(map(len, blocks)) < 2:
            raise InputError(
                f"{n_windows} windows are too few for {n_folds} blocks with a gap of {gap} "
                "windows. Use fewer blocks, or a shorter step."
            )
        folds.append(
            BlockedFold(
                test=np.arange(first, last),
                train_blocks=blocks,
                context=np.arange(first - context, first),
            )
        )
    return folds


def grouped_folds(groups: Sequence[Any], *, context: int = 0) -> list[BlockedFold]:
    """
    Leave one group of windows out at a time: a session, a culture, an animal.

    Parameters
    ----------
    groups : sequence, shape (n_windows,)
        Group of each window; the windows of one group stand together.
    context : int
        First windows of the group that is tested which models may look back on, and which are
        not tested themselves.

    Returns
    -------
    list of BlockedFold
        One per group, in order of appearance; every other group is a training stretch.

    Raises
    ------
    InputError
        If there are fewer than two groups, one is interrupted by another, or one has no more
        windows than the context.

    Examples
    --------
    >>> fold = grouped_folds(["a", "a", "b", "c"])[1]
    >>> fold.test, fold.train_blocks
    (array([2]), (array([0, 1]), array([3])))
    """
    names = np.asarray(groups)
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    runs = np.split(np.arange(len(names)), starts[1:])
    if len(runs) < 2 or len(runs) != len(np.unique(names)):
        raise InputError(
            f"{len(np.unique(names))} groups in {len(runs)} runs: to leave one out, at least two "
            "groups are needed, the windows of each one after the other."
        )
    if min(map(len, runs)) <= whole_number(context, "context"):
        raise InputError(
            f"The smallest group has {min(map(len, runs))} windows, no more than the context of "
            f"{context}. Leave it out, or shorten the context."
        )
    return [
        BlockedFold(
            test=run[context:],
            train_blocks=tuple(other for other in runs if other is not run),
            context=run[:context],
        )
        for run in runs
    ]


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


def joined_features(parts: Sequence[Sequence[FoldFeatures]]) -> list[FoldFeatures]:
    """
    Put features of the same folds side by side, as blocks that decoders weigh.

    One penalty for hundreds of features of an embedding and a few rates would drown the rates.
    So :func:`decode_labels`, :func:`decode_values`, :func:`decode_alternating` and
    :func:`regress_values` choose inside the training windows how much each block counts: banded
    ridge regression [1]_, and the same for classifiers.  A block that says nothing drops out.

    Parameters
    ----------
    parts : sequence of sequence of FoldFeatures
        Features of the same folds, such as mean rates and an embedding.  Windows that only
        some parts train on are left out of training.

    Returns
    -------
    list of FoldFeatures
        One per fold, with ``widths`` of the parts, each part with the same total variance.

    References
    ----------
    .. [1] Nunez-Elizalde, Huth & Gallant (2019), NeuroImage 197, 482-492.

    Examples
    --------
    >>> folds = blocked_folds(10, n_folds=2, gap=0)
    >>> parts = [features_in_folds(np.random.default_rng(0).normal(size=(10, n)), folds)
    ...          for n in (2, 5)]
    >>> joined_features(parts)[0].widths
    (2, 5)
    """
    joined = []
    for items in zip(*parts, strict=True):
        shared = items[0].fold.train
        for item in items[1:]:
            shared = np.intersect1d(shared, item.fold.train)
        train, test = [], []
        for item in items:
            part = item.train[np.isin(item.fold.train, shared)]
            # Standardised features of a part share one unit of variance.
            unit = np.sqrt(max(int((part.std(axis=0) > 1e-12).sum()), 1))
            known, unseen = standardized(part, item.test)
            train.append(known / unit)
            test.append(unseen / unit)
        blocks = tuple(np.intersect1d(block, shared) for block in items[0].fold.train_blocks)
        fold = replace(items[0].fold, train_blocks=tuple(item for item in blocks if len(item)))
        joined.append(
            FoldFeatures(
                fold=fold,
                train=np.hstack(train),
                test=np.hstack(test),
                widths=tuple(width for item in items for width in item.widths),
            )
        )
    return joined


def without_covariates(
    features: Sequence[FoldFeatures], covariates: NDArray[Any]
) -> list[FoldFeatures]:
    """
    Take out of features what follows linearly from covariates, by the training windows alone.

    Parameters
    ----------
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    covariates : numpy.ndarray, shape (n_windows, n_covariates)
        What is controlled for: the mean rate of a window, its length.

    Returns
    -------
    list of FoldFeatures
        Residuals of the same folds.
    """
    design = np.column_stack([np.ones(len(covariates)), covariates])
    residuals = []
    for item in features:
        weights = np.linalg.lstsq(design[item.fold.train], item.train, rcond=None)[0]
        residuals.append(
            replace(
                item,
                train=item.train - design[item.fold.train] @ weights,
                test=item.test - design[item.fold.test] @ weights,
            )
        )
    return residuals
