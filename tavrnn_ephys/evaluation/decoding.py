"""How well a label can be read from window features, and how well by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import positive_int
from tavrnn_ephys.errors import InputError
from tavrnn_ephys.evaluation.folds import BlockedFold, FoldFeatures

__all__ = ["DecodingScore", "decode_labels"]


@dataclass(frozen=True, kw_only=True)
class DecodingScore:
    """
    A decoding score beside its chance level.

    Parameters
    ----------
    name : str
        What was decoded from.
    balanced_accuracy : float
        Mean over classes of the share of test windows that are told right, all folds pooled.
    null : numpy.ndarray, shape (n_shifts,)
        The same score for circularly shifted labels.
    """

    name: str
    balanced_accuracy: float
    null: NDArray[np.float64]

    @property
    def chance_interval(self) -> tuple[float, float]:
        """Central 95 % of the null."""
        low, high = np.quantile(self.null, [0.025, 0.975])
        return float(low), float(high)

    @property
    def p_value(self) -> float:
        """Share of shifts that do at least as well, the true labels counted among them."""
        n_better = int(np.sum(self.null >= self.balanced_accuracy - 1e-12))
        return (n_better + 1) / (len(self.null) + 1)


def decode_labels(
    name: str,
    features: Sequence[FoldFeatures],
    labels: NDArray[Any],
    *,
    min_shift: int,
    n_shifts: int = 199,
    seed: int = 0,
) -> DecodingScore:
    """
    Decode a label from window features by logistic regression, beside a time-shift null.

    The null rotates the labels in time by at least ``min_shift`` windows and decodes again
    with the same features: slow labels and slow features agree by chance more often than
    permuted labels would admit.

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
        Number of shifts, drawn without repetition where the recording is long enough.
    seed : int
        Seed of the draw.

    Returns
    -------
    DecodingScore
        Balanced accuracy and its null.

    Raises
    ------
    InputError
        If there is one class only, or the recording is too short for the shifts.
    """
    positive_int(n_shifts, "n_shifts")
    classes, codes = np.unique(labels, return_inverse=True)
    n_windows = len(codes)
    if len(classes) < 2:
        raise InputError(f"All windows carry the label {classes[0]!r}; two classes are needed.")
    possible = np.arange(min_shift, n_windows - min_shift + 1)
    if len(possible) < 2:
        raise InputError(
            f"{n_windows} windows are too few to shift labels by at least {min_shift} windows. "
            "Record longer, or use a shorter step."
        )
    from threadpoolctl import threadpool_limits

    folds = [_rotated(item) for item in features]
    rng = np.random.default_rng(seed)
    shifts = rng.choice(possible, size=n_shifts, replace=n_shifts > len(possible))
    # Hundreds of small fits: a second thread per product would cost more than it saves.
    with threadpool_limits(limits=1):
        null = [_balanced_accuracy(folds, np.roll(codes, shift)) for shift in shifts]
        return DecodingScore(
            name=name,
            balanced_accuracy=_balanced_accuracy(folds, codes),
            null=np.array(null),
        )


def _rotated(features: FoldFeatures) -> tuple[BlockedFold, NDArray, NDArray]:
    """
    Standardise by the training part and rotate into its span.

    A ridge penalty does not see rotations, and directions outside the span of the training
    windows get no weight: the classifier is the same, on at most as many features as windows.
    """
    mean, std = features.train.mean(axis=0), features.train.std(axis=0)
    std = np.where(std > 1e-12, std, 1.0)
    train = (features.train - mean) / std
    test = (features.test - mean) / std
    if train.shape[1] > train.shape[0]:
        _, _, directions = np.linalg.svd(train, full_matrices=False)
        train, test = train @ directions.T, test @ directions.T
    return features.fold, train, test


def _balanced_accuracy(
    folds: Sequence[tuple[BlockedFold, NDArray, NDArray]], codes: NDArray[np.int64]
) -> float:
    from sklearn.linear_model import LogisticRegression

    predicted = np.full(len(codes), -1)
    for fold, train, test in folds:
        known = codes[fold.train]
        if len(np.unique(known)) == 1:
            predicted[fold.test] = known[0]
            continue
        # With more features than windows a strong penalty is the sensible default; it is
        # set beforehand, never by the test windows.
        model = LogisticRegression(C=0.01, class_weight="balanced", tol=1e-3, max_iter=500)
        predicted[fold.test] = model.fit(train, known).predict(test)
    right = predicted == codes
    return float(np.mean([right[codes == code].mean() for code in np.unique(codes)]))
