"""
What the null of a decoder costs, beside one fit per shift.

    python docs/measurements/decoder_nulls.py

For each decoder and several sizes of recordings: seconds of the null with 199 shifts as the package
computes it, seconds of 199 separate fits on features that are standardised and rotated once per
fold (ten are timed), their ratio, and the largest difference from separate fits at the limit of
their tolerance: of scores of classes, of predicted values. All in one process, on one thread.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from tavrnn_ephys.evaluation import (
    blocked_folds,
    circular_shifts,
    decode_labels,
    decode_values,
    features_in_folds,
    regress_values,
)
from tavrnn_ephys.evaluation.logistic import INVERSE_PENALTY, logistic_scores
from tavrnn_ephys.evaluation.regression import _PENALTIES, _ridge
from tavrnn_ephys.evaluation.standardizing import rotated, standardized
from tavrnn_ephys.statistics.time_shifts import shift_surrogates

N_SHIFTS, MIN_SHIFT, N_FOLDS = 199, 10, 4
N_TIMED = 10
# Windows and features: rates and embedding of the simulated benchmark, and a longer recording.
SIZES = ((200, 40), (200, 640), (600, 640))


def recording(n_windows: int, n_features: int, n_classes: int):
    """Features that drift beside noise, in blocked folds, with a label and a number."""
    rng = np.random.default_rng(n_windows + n_features)
    paths = np.cumsum(rng.normal(size=(n_windows, 10)), axis=0)
    noise = rng.normal(size=(n_windows, n_features))
    columns = 0.1 * paths @ rng.normal(size=(10, n_features)) + noise
    labels = np.repeat(rng.integers(n_classes, size=n_windows // 10), 10)
    values = columns[:, 0] + rng.normal(size=n_windows)
    return (
        features_in_folds(columns, blocked_folds(n_windows, n_folds=N_FOLDS, gap=0)),
        labels,
        values,
    )


def parts_of(features):
    """Standardised and rotated training and test windows of each fold."""
    return [(item.fold, *rotated(*standardized(item.train, item.test))) for item in features]


def separate_labels(features, series, make_model) -> list[np.ndarray]:
    parts = parts_of(features)
    return [
        np.concatenate([make_model().fit(train, row[fold.train]).predict(test)
                        for fold, train, test in parts])
        for row in series
    ]  # fmt: skip


def separate_values(features, series) -> None:
    """One factorisation per shift: every penalty on every inner block, then the best one."""
    for row in series:
        for item in features:
            _ridge(item, row[item.fold.train][:, None])


def separate_ranks(features, series) -> None:
    parts = parts_of(features)
    for row in series:
        for fold, train, test in parts:
            Ridge(alpha=train.shape[1]).fit(train, row[fold.train]).predict(test)


def seconds_of(call, *args, **options) -> float:
    start = time.process_time()
    call(*args, **options)
    return time.process_time() - start


def seconds_apart(call, features, series, *args) -> float:
    """Seconds of separate fits of all shifts, from those of the first ten."""
    return seconds_of(call, features, series[:N_TIMED], *args) * len(series) / N_TIMED


def difference_of_labels(features, series, n_classes: int) -> float:
    """Largest difference of log-probabilities from separate fits, ten shifts."""
    largest = 0.0
    for fold, train, test in parts_of(features):
        codes = series[:10, fold.train]
        found = logistic_scores(train, codes, test, n_classes)
        found -= np.logaddexp.reduce(found, axis=2, keepdims=True)
        for mine, row in zip(found, codes, strict=True):
            model = LogisticRegression(
                C=INVERSE_PENALTY, class_weight="balanced", solver="newton-cholesky", tol=1e-11,
                max_iter=200,
            ).fit(train, row)  # fmt: skip
            largest = max(largest, np.abs(mine - model.predict_log_proba(test)).max())
    return largest


def difference_of_values(features, series) -> float:
    """Largest difference of predictions from ridge regression of scikit-learn, ten shifts."""
    largest = 0.0
    for item in features:
        train, test = standardized(item.train, item.test)
        unit = np.square(train).sum() / len(train)
        known = series[:10, item.fold.train].T
        mine = _ridge(item, known)
        for column, target in zip(mine.T, known.T, strict=True):
            every = [Ridge(alpha=penalty * unit).fit(train, target).predict(test)
                     for penalty in _PENALTIES]  # fmt: skip
            largest = max(largest, min(np.abs(column - other).max() for other in every))
    return largest


def line(what: str, size: tuple[int, int], mine: float, other: float, difference: float) -> None:
    print(
        f"  {what:28s} {size[0]:4d} windows, {size[1]:3d} features: {mine:7.3f} s, separate "
        f"{other:8.3f} s, x{other / mine:6.1f}, largest difference {difference:.1e}",
        flush=True,
    )


def measure(size: tuple[int, int]) -> None:
    """All decoders on a recording of one size."""
    options = {"min_shift": MIN_SHIFT, "n_shifts": N_SHIFTS}
    shifts = circular_shifts(size[0], **options)
    for n_classes in (2, 4):
        features, labels, values = recording(*size, n_classes)
        series = shift_surrogates(labels, shifts)
        for classifier, make in (
            ("logistic", partial(LogisticRegression, C=INVERSE_PENALTY, class_weight="balanced",
                                 tol=1e-3, max_iter=500)),
            ("k_nearest", partial(KNeighborsClassifier, 5)),
        ):  # fmt: skip
            mine = seconds_of(decode_labels, "", features, labels, classifier=classifier, **options)
            other = seconds_apart(separate_labels, features, series, make)
            apart = 0.0
            if classifier == "logistic":
                apart = difference_of_labels(features, series, n_classes)
            line(f"{classifier}, {n_classes} classes", size, mine, other, apart)
    series = shift_surrogates(values, shifts)
    mine = seconds_of(decode_values, "", features, values, **options)
    other = seconds_apart(separate_values, features, series)
    line("ridge, penalty chosen", size, mine, other, difference_of_values(features, series))
    mine = seconds_of(regress_values, "", features, values, **options)
    line("ridge of ranks", size, mine, seconds_apart(separate_ranks, features, series), 0.0)


def main() -> None:
    """Print one line per decoder and size."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"Null of {N_SHIFTS} shifts, {N_FOLDS} folds, one thread")
    with threadpool_limits(limits=1):
        for size in SIZES:
            measure(size)


if __name__ == "__main__":
    main()
