"""How well a continuous behaviour can be read from window features, and how well by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_series
from tavrnn_ephys.evaluation.blocks import Blocks, by_choice, inner_errors
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.evaluation.standardizing import standardized
from tavrnn_ephys.statistics.nulls import JudgedByNull
from tavrnn_ephys.statistics.time_shifts import circular_shifts, shift_surrogates

__all__ = ["RegressionScore", "decode_values", "explained_variance"]

_PENALTIES = np.logspace(-2, 4, 13)


@dataclass(frozen=True, kw_only=True)
class RegressionScore(JudgedByNull):
    """
    A regression score beside its chance level.

    Parameters
    ----------
    name : str
        What was decoded from.
    r2 : float
        Share of the variance explained, all test windows pooled, against the mean of the
        training windows; negative where that mean does better.
    null : numpy.ndarray, shape (n_shifts,)
        The same score for circularly shifted values.
    correlation : float
        Pearson's correlation of true and decoded values.
    values, predicted, baseline : numpy.ndarray, shape (n_windows,)
        True value, decoded value and training mean of every window; NaN where untested.
    block : numpy.ndarray of int, shape (n_windows,)
        Fold that tests each window, -1 for none.
    n_same : int
        Null series whose values are the observed ones again.
    """

    statistic: ClassVar[str] = "r2"
    name: str
    r2: float
    null: NDArray[np.float64]
    correlation: float
    values: NDArray[np.float64]
    predicted: NDArray[np.float64]
    baseline: NDArray[np.float64]
    block: NDArray[np.int64]
    n_same: int = 0


def decode_values(
    name: str,
    features: Sequence[FoldFeatures],
    values: NDArray[Any],
    *,
    min_shift: int,
    n_shifts: int = 199,
    seed: int = 0,
) -> RegressionScore:
    """
    Decode a continuous behaviour from window features, beside a time-shift null.

    Ridge regression; its penalty is chosen inside the training windows, by blocks with gaps,
    anew for every shift.  Of :func:`joined_features` the share of each block is chosen too.

    Parameters
    ----------
    name : str
        What the features are, for tables.
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    values : numpy.ndarray, shape (n_windows,)
        One finite number per window.
    min_shift : int
        Smallest shift: the correlation time of the behaviour in windows.
    n_shifts : int
        Number of shifts, all possible ones where there are fewer; 0 for no null.
    seed : int
        Seed of the draw.

    Returns
    -------
    RegressionScore
        Explained variance and its null.

    Raises
    ------
    InputError
        If a value is not finite, all are equal, or fewer than 19 shifts are possible.
    """
    from threadpoolctl import threadpool_limits

    whole_number(n_shifts, "n_shifts")
    values = number_series(values, "values")
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        raise InputError("A behaviour to decode needs finite values that differ between windows.")
    stacked = values[:, np.newaxis]
    if n_shifts:
        shifts = circular_shifts(len(values), min_shift=min_shift, n_shifts=n_shifts, seed=seed)
        stacked = np.vstack([values, shift_surrogates(values, shifts)]).T
    predicted, baseline = np.full(stacked.shape, np.nan), np.full(stacked.shape, np.nan)
    block = np.full(len(values), -1, dtype=np.int64)
    # Factorisations of small matrices: a second thread would cost more than it saves.
    with threadpool_limits(limits=1):
        for index, item in enumerate(features):
            known = stacked[item.fold.train]
            predicted[item.fold.test] = _ridge(item, known)
            baseline[item.fold.test] = known.mean(axis=0)
            block[item.fold.test] = index
    scores = [
        explained_variance(stacked[:, k], predicted[:, k], baseline[:, k])
        for k in range(stacked.shape[1])
    ]
    tested = block >= 0
    found = predicted[tested, 0]
    same = np.ptp(found) == 0
    return RegressionScore(
        name=name,
        r2=scores[0],
        null=np.array(scores[1:]),
        correlation=0.0 if same else float(np.corrcoef(values[tested], found)[0, 1]),
        values=values,
        predicted=predicted[:, 0],
        baseline=baseline[:, 0],
        block=block,
        n_same=int((stacked[:, 1:].T == values).all(axis=1).sum()),
    )


def explained_variance(
    values: NDArray[np.float64], predicted: NDArray[np.float64], baseline: NDArray[np.float64]
) -> float:
    """
    Compare squared errors with those of the training mean.

    Parameters
    ----------
    values, predicted, baseline : numpy.ndarray, shape (n_windows,)
        True values, decoded values, training means; NaN where untested.

    Returns
    -------
    float
        ``1 − Σ (y − ŷ)² / Σ (y − ȳ)²``, at most 1.

    Examples
    --------
    >>> explained_variance(np.array([1.0, 3.0]), np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    0.5
    """
    tested = np.isfinite(predicted)
    error = np.square(values - predicted)[tested].sum()
    total = np.square(values - baseline)[tested].sum()
    return float(1.0 - error / max(total, 1e-300))


def _ridge(features: FoldFeatures, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict all targets at once; each takes the penalty that does best on inner blocks."""

    def errors_of(
        blocks: Blocks, shares: Any, outside: NDArray[np.bool_], block: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        path = _path(*blocks.weighed(shares), known[outside])
        return np.asarray(np.square(path - known[block]).sum(axis=1))

    errors = inner_errors(features.train, features.widths, errors_of)
    choice, penalty = np.unravel_index(
        np.argmin(errors.reshape(-1, known.shape[1]), axis=0), errors.shape[:2]
    )
    blocks = Blocks.of(features.train, features.test, features.widths)
    predicted = np.empty((len(features.test), known.shape[1]))
    for shares, targets in by_choice(choice, len(features.widths)):
        path = _path(*blocks.weighed(shares), known[:, targets])
        predicted[:, targets] = path[penalty[targets], :, np.arange(len(targets))].T
    return predicted


def _ridge_path(
    train: NDArray[np.float64], known: NDArray[np.float64], test: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Predictions with every penalty, shape (n_penalties, n_test, n_targets)."""
    return _path(*standardized(train, test), known)


def _path(
    train: NDArray[np.float64], test: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Predict with every penalty from standardised features, by one factorisation."""
    centre = known.mean(axis=0)
    # In units of the mean power of a window, so that the width of features is no matter.
    unit = max(np.square(train).sum() / len(train), 1e-12)
    if train.shape[1] > train.shape[0]:
        power, left = np.linalg.eigh(train @ train.T)
        across = test @ (train.T @ left)
    else:
        left, size, right = np.linalg.svd(train, full_matrices=False)
        power, across = np.square(size), test @ right.T * size
    projected = left.T @ (known - centre)
    return np.stack(
        [centre + (across / (power + penalty * unit)) @ projected for penalty in _PENALTIES]
    )
