"""How well the rank of a number can be predicted inside blocks of time, and how well by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_series
from tavrnn_ephys.evaluation.blocks import Blocks, by_choice, inner_errors
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.evaluation.standardizing import standardized
from tavrnn_ephys.statistics.nulls import JudgedByNull
from tavrnn_ephys.statistics.time_shifts import time_null

__all__ = ["RankRegressionScore", "regress_values"]

# Components of what is held constant, at most: rates of many nodes would leave no freedom.
_HELD_COMPONENTS = 10


@dataclass(frozen=True, kw_only=True)
class RankRegressionScore(JudgedByNull):
    """
    A regression score beside its chance level.

    Parameters
    ----------
    name : str
        What was predicted from.
    correlation : float
        Correlation of the ranks of prediction and value within test blocks, all folds pooled.
    null : numpy.ndarray, shape (n_shifts,)
        The same score for circularly shifted values.
    n_same : int
        Null series whose values are the observed ones again.
    """

    statistic: ClassVar[str] = "correlation"
    name: str
    correlation: float
    null: NDArray[np.float64]
    n_same: int = 0


def regress_values(
    name: str,
    features: Sequence[FoldFeatures],
    values: Any,
    *,
    held: Any = None,
    null: str = "shift",
    min_shift: int | None = None,
    n_shifts: int = 199,
    seed: int = 0,
) -> RankRegressionScore:
    """
    Predict a number from window features by ridge regression, beside a time-shift null.

    Parameters
    ----------
    name : str
        What the features are, for tables.
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    values : array_like, shape (n_windows,)
        One finite number per window.
    held : array_like, shape (n_windows, n_covariates), optional
        What is held constant, such as the mean rate of every node: its ten leading components,
        or a quarter as many as training windows, are taken out of features *and* values, with
        coefficients from the training windows.
    null : {"shift", "phase", "swap"}
        As in :func:`tavrnn_ephys.statistics.time_shifts.time_null`.
    min_shift : int, optional
        Smallest shift in windows; the correlation time of the values by default.
    n_shifts : int
        Number of shifts, all possible ones where there are fewer.
    seed : int
        Seed of their draw.

    Returns
    -------
    RankRegressionScore
        Rank correlation within test blocks, and its null.

    Raises
    ------
    InputError
        If the values are constant or not finite, or the recording is too short for shifts.

    Notes
    -----
    Features are standardised by the training windows; the penalty equals their number, which is
    the best one where features tell half of the variance, and is never tuned.  Of
    :func:`joined_features` the share of each block is chosen inside the training windows, for
    every shift anew.  Prediction is
    linear in the values, so that one matrix per fold serves all shifts.  Taking rates out of the
    features alone would not do: in test windows, features that have nothing to do with rates then
    carry the training windows' chance relation to them, and with it the rates.
    """
    values = number_series(values, "values")
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        raise InputError(f"Values to be predicted from {name} must be finite, and not constant.")
    series = time_null(values, null=null, min_shift=min_shift, n_nulls=n_shifts, seed=seed)
    targets = np.vstack([values, series]).T
    predicted, wanted = np.empty_like(targets), targets.copy()
    for item in features:
        known, test = targets[item.fold.train], item.fold.test
        left = item
        if held is not None:
            covariates = np.asarray(held, dtype=np.float64)
            left, known, wanted[test] = _without(item, targets, covariates)
        predicted[test] = _smoothed(left, known - known.mean(axis=0))
    x, y = rankdata(predicted, axis=0), rankdata(wanted, axis=0)
    for item in features:
        # A block of high values leaves a low mean to its training windows, and the reverse:
        # without features already, prediction and truth would be opposed between blocks.
        for ranks in (x, y):
            ranks[item.fold.test] -= ranks[item.fold.test].mean(axis=0)
    power = np.sqrt(np.sum(np.square(x), axis=0) * np.sum(np.square(y), axis=0))
    found = np.sum(x * y, axis=0) / np.maximum(power, 1e-12)
    n_same = int((series == values).all(axis=1).sum())
    return RankRegressionScore(
        name=name, correlation=float(found[0]), null=found[1:], n_same=n_same
    )


def _design(
    item: FoldFeatures, held: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Constant and leading components of what is held, training and test windows."""
    train = held[item.fold.train]
    both = standardized(train, held[item.fold.test])
    directions = np.linalg.svd(both[0], full_matrices=False)[2]
    kept = directions[: max(1, min(_HELD_COMPONENTS, len(train) // 4))].T
    parts = [np.column_stack([np.ones(len(part)), part @ kept]) for part in both]
    return parts[0], parts[1]


def _without(
    item: FoldFeatures, targets: NDArray[np.float64], held: NDArray[np.float64]
) -> tuple[FoldFeatures, NDArray[np.float64], NDArray[np.float64]]:
    """Take what is held out of features and targets; all coefficients from training windows."""
    train, test = _design(item, held)
    weights = np.linalg.lstsq(train, item.train, rcond=None)[0]
    left = replace(item, train=item.train - train @ weights, test=item.test - test @ weights)
    known = targets[item.fold.train]
    slopes = np.linalg.lstsq(train, known, rcond=None)[0]
    return left, known - train @ slopes, targets[item.fold.test] - test @ slopes


def _smoothed(item: FoldFeatures, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict the test windows from centred training values, all targets at once."""
    n_blocks, choice = len(item.widths), np.zeros(known.shape[1], dtype=np.int64)

    def errors_of(
        blocks: Blocks, shares: Any, outside: NDArray[np.bool_], block: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        centre = known[outside].mean(axis=0)
        there = _smoother(blocks, shares) @ (known[outside] - centre)
        return np.asarray(np.square(centre + there - known[block]).sum(axis=0))

    if n_blocks > 1:
        choice = np.argmin(inner_errors(item.train, item.widths, errors_of), axis=0)
    blocks = Blocks.of(item.train, item.test, item.widths)
    predicted = np.empty((len(item.test), known.shape[1]))
    for shares, targets in by_choice(choice, n_blocks):
        predicted[:, targets] = _smoother(blocks, shares) @ known[:, targets]
    return predicted


def _smoother(blocks: Blocks, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the matrix that maps centred training values to predictions of the test windows."""
    train, test = blocks.weighed(shares)
    kernel: NDArray[Any] = train @ train.T + blocks.width(shares) * np.eye(len(train))
    return np.asarray(np.linalg.solve(kernel, train @ test.T).T)
