"""How well a label can be read from window features, and how well by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import known_labels
from tavrnn_ephys.evaluation.blocks import Blocks, by_choice, inner_errors
from tavrnn_ephys.evaluation.classifiers import CLASSIFIERS, Classifier, class_scores
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.statistics.nulls import JudgedByNull, Null
from tavrnn_ephys.statistics.time_shifts import circular_shifts, shift_surrogates

__all__ = ["DecodingScore", "balanced_accuracy", "decode_labels", "f1_score"]

_UNTESTED = -1
_LEAST_CHANCE = 0.01
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class DecodingScore(JudgedByNull):
    """
    A decoding score beside its chance level.

    Parameters
    ----------
    name : str
        What was decoded from.
    balanced_accuracy : float
        Mean over classes of the share of test windows that are told right, all folds pooled.
    null : numpy.ndarray, shape (n_nulls,)
        The same score for null labels: surrogates by circular shift, or with swapped neighbours.
    f1 : float
        Mean over classes of the harmonic mean of precision and recall.
    codes, predicted : numpy.ndarray of int, shape (n_windows,)
        True and decoded class of every window, as positions among the sorted labels; -1 in
        ``predicted`` for windows that no fold tests.
    block : numpy.ndarray of int, shape (n_windows,)
        Fold that tests each window, -1 for none.
    n_same : int
        Null series whose classes have the same windows again.
    log_probability : float
        Mean over classes of the logarithm of the probability, at least one per cent, that the
        classifier gives to the true class of a test window.
    null_log_probability : numpy.ndarray, shape (n_nulls,)
        The same for null labels; empty where nobody took it.

    Notes
    -----
    Balanced accuracies of a few windows take few values.  Null labels that score as the true ones
    are ranked by their log-probability, and the p-value is that of the pair of both.
    """

    statistic: ClassVar[str] = "balanced_accuracy"
    name: str
    balanced_accuracy: float
    null: NDArray[np.float64]
    f1: float = float("nan")
    codes: NDArray[np.int64] = field(default_factory=lambda: np.arange(0))
    predicted: NDArray[np.int64] = field(default_factory=lambda: np.arange(0))
    block: NDArray[np.int64] = field(default_factory=lambda: np.arange(0))
    n_same: int = 0
    log_probability: float = float("nan")
    null_log_probability: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def ties(self) -> Null | None:
        """The log-probability of the true classes; None where nobody took it."""
        if len(self.null_log_probability) == 0:
            return None
        return Null(observed=self.log_probability, values=self.null_log_probability)


def decode_labels(
    name: str,
    features: Sequence[FoldFeatures],
    labels: NDArray[Any],
    *,
    min_shift: int,
    n_shifts: int = 199,
    seed: int = 0,
    classifier: str = "logistic",
) -> DecodingScore:
    """
    Decode a label from window features, beside a time-shift null.

    The null rotates the labels in time by at least ``min_shift`` windows and decodes again
    with the same features: slow labels and slow features agree by chance more often than
    permuted labels would admit.  Of :func:`joined_features` the share of each block is chosen
    inside the training windows, anew for every shift, by the balanced logarithmic loss.

    Parameters
    ----------
    name : str
        What the features are, for tables.
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    labels : numpy.ndarray, shape (n_windows,)
        One label per window.
    min_shift : int
        Smallest shift: the correlation time of the label in windows.
    n_shifts : int
        Number of shifts, all possible ones where there are fewer; 0 for no null.
    seed : int
        Seed of the draw.
    classifier : {"logistic", "k_nearest"}
        Logistic regression with a fixed ridge penalty and balanced classes, or the vote of the
        five nearest training windows in embedding space.

    Returns
    -------
    DecodingScore
        Balanced accuracy and its null; its p-value is the share of shifts that score more, or as
        much with a log-probability of the shifted labels at least as large.

    Raises
    ------
    InputError
        If there is one class only, or fewer than 19 shifts are possible.
    """
    whole_number(n_shifts, "n_shifts")
    chosen = CLASSIFIERS[one_of(classifier, tuple(CLASSIFIERS), "classifier")]
    classes, codes = np.unique(known_labels(labels), return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"All windows carry the label {classes[0]!r}; two classes are needed.")
    surrogates = np.empty((0, len(codes)), dtype=np.int64)
    if n_shifts:
        shifts = circular_shifts(len(codes), min_shift=min_shift, n_shifts=n_shifts, seed=seed)
        surrogates = shift_surrogates(codes, shifts)
    return decoded(name, features, codes, surrogates, chosen)


def decoded(
    name: str,
    features: Sequence[FoldFeatures],
    codes: NDArray[np.int64],
    surrogates: NDArray[np.int64],
    classifier: Classifier,
) -> DecodingScore:
    """
    Decode true and null codes of labels together, and fill in the whole score.

    Parameters
    ----------
    name : str
        What the features are, for tables.
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    codes : numpy.ndarray of int, shape (n_windows,)
        Class of every window, as a position among the sorted labels.
    surrogates : numpy.ndarray of int, shape (n_nulls, n_windows)
        The same under the null; none for no null.
    classifier : callable
        One of :data:`tavrnn_ephys.evaluation.classifiers.CLASSIFIERS`.

    Returns
    -------
    DecodingScore
        Balanced accuracy and log-probability with their nulls, F1, and every decoded window.
    """
    from threadpoolctl import threadpool_limits

    every = np.vstack([codes, surrogates]).astype(np.int64)
    predicted = np.full(every.shape, _UNTESTED, dtype=np.int64)
    surprise = np.zeros(every.shape)
    # Products of small matrices: a second thread would cost more than it saves.
    with threadpool_limits(limits=1):
        for item in features:
            test = item.fold.test
            scores = _scored(item, every, classifier)
            predicted[:, test] = np.argmax(scores, axis=2)
            surprise[:, test] = _surprise(scores, every[:, test])
    tested = predicted[0] != _UNTESTED
    truth = every[:, tested]
    accuracy = _mean_over_classes(truth, predicted[:, tested] == truth)
    # Digits that the solver does not settle rank nothing: features that say nothing tie.
    likely = -_mean_over_classes(truth, surprise[:, tested]).round(_DIGITS)
    # The same windows in the same classes tie, whatever the last digits of a solver say.
    same = _are_same(every)
    accuracy[same], likely[same] = accuracy[0], likely[0]
    return DecodingScore(
        name=name,
        balanced_accuracy=float(accuracy[0]),
        null=accuracy[1:],
        log_probability=float(likely[0]),
        null_log_probability=likely[1:],
        f1=f1_score(codes, predicted[0]),
        codes=every[0],
        predicted=predicted[0],
        block=_blocks(features, len(codes)),
        n_same=int(same[1:].sum()),
    )


def balanced_accuracy(codes: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """
    Average over classes the share of their windows that is told right.

    Parameters
    ----------
    codes, predicted : numpy.ndarray of int, shape (n_windows,)
        True and decoded classes; windows decoded as -1 are left out.

    Returns
    -------
    float
        In [0, 1]; chance is one over the number of classes.

    Notes
    -----
    Equal to :func:`sklearn.metrics.balanced_accuracy_score`, which takes thirty times as long,
    and is needed once per shift.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, -1]))
    0.875
    """
    tested = predicted != _UNTESTED
    right = (predicted == codes)[tested]
    return float(_mean_over_classes(codes[np.newaxis, tested], right[np.newaxis])[0])


def _mean_over_classes(codes: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Average the windows of each class, then its classes; rows are labellings."""
    of_class = [codes == code for code in range(int(codes.max()) + 1)]
    counts = np.stack([here.sum(axis=1) for here in of_class], axis=1)
    sums = np.stack([(values * here).sum(axis=1) for here in of_class], axis=1)
    return np.asarray((sums / np.maximum(counts, 1)).sum(axis=1) / (counts > 0).sum(axis=1))


def f1_score(codes: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """
    Average over classes the harmonic mean of precision and recall.

    Parameters
    ----------
    codes, predicted : numpy.ndarray of int, shape (n_windows,)
        True and decoded classes; windows decoded as -1 are left out.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> f1_score(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    1.0
    """
    from sklearn.metrics import f1_score as sklearn_f1

    tested = predicted != _UNTESTED
    labels = np.unique(codes[tested])
    return float(
        sklearn_f1(
            codes[tested], predicted[tested], labels=labels, average="macro", zero_division=0
        )
    )


def _are_same(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which rows part windows as the first does, whatever the classes are called."""
    first = codes[0]
    names, places = np.unique(first, return_index=True)
    # Each class of the first row must be one class of the other row, and another for each.
    renamed = codes[:, places]
    is_one_to_one = np.array([len(set(row)) == len(names) for row in renamed.tolist()], dtype=bool)
    return np.asarray(is_one_to_one & (codes == renamed[:, first]).all(axis=1))


def _blocks(features: Sequence[FoldFeatures], n_windows: int) -> NDArray[np.int64]:
    block = np.full(n_windows, _UNTESTED, dtype=np.int64)
    for index, item in enumerate(features):
        block[item.fold.test] = index
    return block


def _scored(
    item: FoldFeatures, codes: NDArray[np.int64], classifier: Classifier
) -> NDArray[np.float64]:
    """Score the classes of a fold's test windows, shape (n_labellings, n_test, n_classes)."""
    known, n_classes = codes[:, item.fold.train], int(codes.max()) + 1
    n_blocks, choice = len(item.widths), np.zeros(len(codes), dtype=np.int64)
    if n_blocks > 1:
        balance = _balance(known)

        def errors_of(
            blocks: Blocks, shares: Any, outside: NDArray[np.bool_], block: NDArray[np.int64]
        ) -> NDArray[np.float64]:
            train, test = blocks.weighed(shares)
            scores = class_scores(classifier, train, known[:, outside], test, n_classes)
            return (balance[:, block] * _surprise(scores, known[:, block])).sum(axis=1)

        choice = np.argmin(inner_errors(item.train, item.widths, errors_of, rotate=True), axis=0)
    blocks = Blocks.of(item.train, item.test, item.widths).rotated()
    scores = np.empty((len(codes), len(item.test), n_classes))
    for shares, rows in by_choice(choice, n_blocks):
        train, test = blocks.weighed(shares)
        scores[rows] = class_scores(classifier, train, known[rows], test, n_classes)
    return scores


def _balance(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each window: one over the windows of its class."""
    counts = np.stack([np.bincount(row, minlength=codes.max() + 1) for row in codes])
    return 1.0 / np.take_along_axis(counts, codes, axis=1)


def _surprise(scores: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Minus the logarithm of the probability of the true class, at least one per cent."""
    highest = scores.max(axis=2)
    total = np.log(np.exp(scores - highest[:, :, None]).sum(axis=2)) + highest
    true = np.take_along_axis(scores, codes[:, :, None], axis=2)[:, :, 0]
    # A class that inner training windows lack has no probability at all.
    return -np.log(np.maximum(np.exp(true - total), _LEAST_CHANCE))
