"""Logistic regression of many labellings on the same features, all of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["INVERSE_PENALTY", "logistic_scores", "logistic_weights"]

# With more features than windows a strong penalty is the sensible default; it is set
# beforehand, never by the test windows.
INVERSE_PENALTY = 0.01
_TOLERANCE, _MOST_STEPS = 1e-8, 50
# Labellings that are solved together: more would leave the processor's cache.
_AT_ONCE = 2**15
_LEAST_FALL, _MOST_CONJUGATE = 1e-4, 200

_Array = NDArray[np.float64]


def logistic_scores(
    train: NDArray[Any], codes: NDArray[np.int64], test: NDArray[Any], n_classes: int
) -> _Array:
    """
    Fit one logistic regression per labelling, and score the classes of test windows.

    A ridge penalty with ``C = 0.01``, an intercept without penalty, classes balanced: a window
    weighs one over the number of training windows of its class.

    Parameters
    ----------
    train : numpy.ndarray, shape (n_train, n_features)
        Standardised features of the training windows.
    codes : numpy.ndarray of int, shape (n_labellings, n_train)
        Class of every training window, from 0; each labelling has all classes.
    test : numpy.ndarray, shape (n_test, n_features)
        Standardised features of the test windows.
    n_classes : int
        Number of classes, at least 2.

    Returns
    -------
    numpy.ndarray
        Shape (n_labellings, n_test, n_classes): logarithms of the classes' probabilities but for
        a constant of each window.

    Notes
    -----
    Newton's method for all labellings together.  The equations of a step are solved by
    preconditioned conjugate gradients [1]_, so that each pass over the features is a product of
    matrices that serves all labellings, and no labelling needs a factorisation of its own.  The
    result is that of :class:`sklearn.linear_model.LogisticRegression` at the limit of its
    tolerance.

    References
    ----------
    .. [1] Lin, Weng & Keerthi (2008), Journal of Machine Learning Research 9, 627-650.

    Examples
    --------
    >>> train = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    >>> codes = np.array([[0, 0, 1, 1], [1, 1, 0, 0]])
    >>> logistic_scores(train, codes, np.array([[2.0]]), 2).argmax(axis=2).ravel()
    array([1, 0])
    """
    train, test = (
        np.column_stack([np.asarray(part, dtype=np.float64), np.ones(len(part))])
        for part in (train, test)
    )
    n_outputs = 1 if n_classes == 2 else n_classes
    n_parts = -(-len(codes) * n_outputs * len(train) // _AT_ONCE)
    scores = np.concatenate(
        [
            (test @ _Problem(train, part, n_classes).solved())
            .reshape(len(test), n_outputs, len(part))
            .transpose(2, 0, 1)
            for part in np.array_split(codes, min(n_parts, len(codes)))
        ]
    )
    if n_classes == 2:
        return np.concatenate([np.zeros_like(scores), scores], axis=2)
    return scores


def logistic_weights(train: NDArray[Any], codes: NDArray[np.int64]) -> tuple[_Array, float]:
    """
    Fit the logistic regression of :func:`logistic_scores` to two classes, and give its weights.

    Parameters
    ----------
    train : numpy.ndarray, shape (n_train, n_features)
        Standardised features of the training windows.
    codes : numpy.ndarray of int, shape (n_train,)
        Class of every training window, 0 or 1.

    Returns
    -------
    weights : numpy.ndarray, shape (n_features,)
        Of the margin between the classes.
    intercept : float
        Margin where all features are 0.

    Examples
    --------
    >>> weights, intercept = logistic_weights(np.array([[-1.0], [1.0]]), np.array([0, 1]))
    >>> bool(weights[0] > 0), abs(round(intercept, 9))
    (True, 0.0)
    """
    values = np.column_stack([np.asarray(train, dtype=np.float64), np.ones(len(train))])
    solved = _Problem(values, codes[np.newaxis], 2).solved()[:, 0]
    return solved[:-1], float(solved[-1])


class _Problem:
    """
    Objectives of all labellings: ½ |w|² + C Σ s ℓ(y, f), and their steps.

    Two classes have one output per labelling, more have one per class.  Arrays of windows have
    the shape (n_windows, n_outputs, n_labellings); weights are flat, (n_columns, all outputs).
    """

    def __init__(self, rows: _Array, codes: NDArray[np.int64], n_classes: int) -> None:
        self.rows = rows
        n = len(rows)
        outputs = np.array([1]) if n_classes == 2 else np.arange(n_classes)
        self.wanted: _Array = (codes.T[:, None, :] == outputs[:, None]).astype(np.float64)
        counts = np.stack([(codes == code).sum(axis=1) for code in range(n_classes)], axis=1)
        share = n / (n_classes * counts)
        self.cost = INVERSE_PENALTY * np.take_along_axis(share, codes, axis=1).T[:, None, :]
        self.penalty = np.ones((rows.shape[1], 1))
        self.penalty[-1] = 0.0
        # The curvature of a column by itself, at equal probabilities.
        power = np.square(rows).sum(axis=0)[:, None]
        self.scale = self.penalty + INVERSE_PENALTY * power * (n_classes - 1) / n_classes**2

    def solved(self) -> _Array:
        """Weights at which no gradient exceeds the tolerance."""
        n_outputs, n_labellings = self.wanted.shape[1:]
        weights = np.zeros((len(self.penalty), n_outputs, n_labellings))
        open_ = np.arange(n_labellings)
        values = np.zeros((len(self.rows), n_outputs, n_labellings))
        for _ in range(_MOST_STEPS):
            chance, loss = _chances(values[..., open_], self.wanted[..., open_])
            gradient = self._down(self.cost[..., open_] * (chance - self.wanted[..., open_]))
            gradient += self.penalty[..., None] * weights[..., open_]
            if gradient.shape[1] > 1:
                # Equal intercepts of all classes change nothing: rounding must not add them up.
                gradient[-1] -= gradient[-1].mean(axis=0)
            left = np.abs(gradient).max(axis=(0, 1)) > _TOLERANCE
            if not left.any():
                break
            open_, chance, gradient = open_[left], chance[..., left], gradient[..., left]
            before = self._objective(weights[..., open_], loss[:, left], open_)
            step = self._step(chance, gradient, open_)
            along = self._up(step)
            self._move(weights, values, open_, step, along, before, gradient)
        return weights.reshape(len(weights), -1)

    def _move(
        self,
        weights: _Array,
        values: _Array,
        open_: NDArray[np.int64],
        step: _Array,
        along: _Array,
        before: _Array,
        gradient: _Array,
    ) -> None:
        """Go along each step, halved until its objective falls as far as its slope promises."""
        length = np.ones(len(open_))
        slope = np.sum(gradient * step, axis=(0, 1))
        start, start_values = weights[..., open_], values[..., open_]
        for _ in range(30):
            there = start + length * step
            there_values = start_values + length * along
            _, loss = _chances(there_values, self.wanted[..., open_])
            after = self._objective(there, loss, open_)
            # At the minimum the promised fall is below rounding.
            rounding = 1e-13 * np.maximum(before, 1.0)
            bad = after > before + _LEAST_FALL * length * slope + rounding
            if not bad.any():
                break
            length[bad] /= 2
        weights[..., open_], values[..., open_] = there, there_values

    def _objective(self, weights: _Array, loss: _Array, open_: NDArray[np.int64]) -> _Array:
        power = 0.5 * (self.penalty[..., None] * np.square(weights)).sum(axis=(0, 1))
        return np.asarray(power + (self.cost[:, 0, open_] * loss).sum(axis=0))

    def _step(self, chance: _Array, gradient: _Array, open_: NDArray[np.int64]) -> _Array:
        """Newton's step of every labelling by conjugate gradients, scaled by column."""
        scale, penalty = self.scale[..., None], self.penalty[..., None]
        weighed = self.cost[..., open_] * chance
        if chance.shape[1] == 1:
            weighed *= 1.0 - chance
        step, rest = np.zeros_like(gradient), -gradient
        scaled = rest / scale
        direction, size = scaled.copy(), np.sum(rest * scaled, axis=(0, 1))
        # Close to the minimum more digits of the step pay, far from it they do not.
        enough = size * np.clip(size, 1e-8, 0.01) + 1e-300
        for _ in range(_MOST_CONJUGATE):
            values = self._up(direction)
            if chance.shape[1] > 1:
                values -= np.einsum("nkt,nkt->nt", chance, values)[:, None]
            curved = self._down(weighed * values) + penalty * direction
            length = size / np.maximum(np.sum(direction * curved, axis=(0, 1)), 1e-300)
            # A labelling that is done stays where it is.
            length = np.where(size > enough, length, 0.0)
            step += length * direction
            rest -= length * curved
            scaled = rest / scale
            following = np.sum(rest * scaled, axis=(0, 1))
            if np.all(following <= enough):
                break
            direction = scaled + (following / np.maximum(size, 1e-300)) * direction
            size = following
        return step

    def _up(self, weights: _Array) -> _Array:
        """From weights to values of windows."""
        flat = self.rows @ weights.reshape(len(weights), -1)
        return flat.reshape(len(self.rows), *weights.shape[1:])

    def _down(self, values: _Array) -> _Array:
        """From values of windows to weights."""
        flat = self.rows.T @ values.reshape(len(values), -1)
        return flat.reshape(len(flat), *values.shape[1:])


def _chances(values: _Array, wanted: _Array) -> tuple[_Array, _Array]:
    """Probabilities of the outputs, and the loss of every window."""
    if values.shape[1] == 1:
        from scipy.special import expit

        loss = np.logaddexp(0.0, values) - wanted * values
        return expit(values), loss[:, 0]
    # Without its largest value no exponential overflows.
    centred = values - values.max(axis=1, keepdims=True)
    powers = np.exp(centred)
    total = powers.sum(axis=1, keepdims=True)
    loss = np.log(total[:, 0]) - (wanted * centred).sum(axis=1)
    return powers / total, loss
