"""Partial correlations of many features with many series, some features at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["correlations_in_parts", "explained_share"]

# Features whose null correlations are held at once.
_AT_ONCE = 10_000


def correlations_in_parts(
    features: NDArray[np.float64],
    series: NDArray[np.float64],
    controls_of: Callable[[slice], NDArray[np.float64] | None],
    *,
    ranked: bool,
) -> NDArray[np.float64]:
    """
    Correlate series with features, some features at a time.

    Parameters
    ----------
    features : numpy.ndarray, shape (n_windows, n_features)
        One column per feature.
    series : numpy.ndarray, shape (n_series, n_windows)
        The behaviour and its surrogates.
    controls_of : callable
        Takes a slice of features and returns what is held constant: ``None``, shape (n_windows,
        n_covariates), or (n_windows, n_features of the slice, n_covariates).
    ranked : bool
        Whether all are replaced by their ranks.

    Returns
    -------
    numpy.ndarray
        Partial correlations, shape (n_series, n_features); NaN where a feature does not vary.
    """
    series = rankdata(series, axis=1) if ranked else series
    found = np.empty((len(series), features.shape[1]))
    for first in range(0, features.shape[1], _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        chosen, controls = features[:, part], controls_of(part)
        if ranked:
            chosen = rankdata(chosen, axis=0)
            controls = None if controls is None else rankdata(controls, axis=0)
        found[:, part] = _correlations(chosen, series, controls)
    return found


def _basis(controls: NDArray[np.float64] | None, n: int) -> NDArray[np.float64]:
    """Give orthonormal columns that span a constant and the controls, shape (…, n, k)."""
    if controls is None:
        return np.full((n, 1), 1 / np.sqrt(n))
    if controls.ndim == 3:
        controls = controls.transpose(1, 0, 2)
    centred = controls - controls.mean(axis=-2, keepdims=True)
    scale = np.sqrt(np.sum(np.square(centred), axis=-2, keepdims=True))
    centred = centred / np.where(scale > 1e-12, scale, 1.0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    # Directions that collinear controls do not span must not take anything out.
    left = left * (sizes > 1e-8)[..., None, :]
    constant = np.full((*left.shape[:-1], 1), 1 / np.sqrt(n))
    return np.concatenate([constant, left], axis=-1)


def _correlations(
    features: NDArray[np.float64],
    series: NDArray[np.float64],
    controls: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Correlate every series (rows) with every feature (columns), controls taken out of both."""
    basis = _basis(controls, len(features))
    raw = np.sum(np.square(features - features.mean(axis=0)), axis=0)
    if basis.ndim == 2:
        x = features - basis @ (basis.T @ features)
        y = series.T - basis @ (basis.T @ series.T)
        products = y.T @ x
        y_power: NDArray[Any] = np.sum(np.square(y), axis=0)[:, None]
    else:
        inner = np.einsum("ftk,tf->fk", basis, features)
        x = features - np.einsum("ftk,fk->tf", basis, inner)
        # x is orthogonal to the controls, so that the series may keep theirs in the product.
        products = series @ x
        n_features, _, n_columns = basis.shape
        columns = basis.transpose(0, 2, 1).reshape(n_features * n_columns, -1)
        loads = (series @ columns.T).reshape(len(series), n_features, n_columns)
        # A difference of large sums: what rounding leaves below zero is floored further down.
        y_power = np.sum(np.square(series), axis=1)[:, None] - np.sum(np.square(loads), axis=2)
    x_power = np.sum(np.square(x), axis=0)
    found = products / np.sqrt(np.maximum(x_power * y_power, 1e-300))
    # A feature that is all but constant, or that the controls explain but for rounding, would have
    # a correlation of rounding errors.
    varies = raw > 1e-20 * np.sum(np.square(features), axis=0)
    return np.where(varies & (x_power > 1e-9 * raw), found, np.nan)


def explained_share(
    points: NDArray[np.float64],
    series: NDArray[np.float64],
    controls: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """
    Give the share of the variance of each series that a linear function of points explains.

    Parameters
    ----------
    points : numpy.ndarray, shape (n_windows, n_coordinates)
        Coordinates of a node.
    series : numpy.ndarray, shape (n_series, n_windows)
        The behaviour and its surrogates.
    controls : numpy.ndarray or None, shape (n_windows, n_covariates)
        What is held constant.

    Returns
    -------
    numpy.ndarray
        Shape (n_series,), in [0, 1].
    """
    basis = _basis(controls, len(points))
    y = series.T - basis @ (basis.T @ series.T)
    x = points - basis @ (basis.T @ points)
    left, sizes, _ = np.linalg.svd(x, full_matrices=False)
    # Coordinates that repeat each other span fewer directions; the others are rounding.
    left = left[:, sizes > 1e-6 * max(sizes[0], 1e-12)]
    total = np.maximum(np.sum(np.square(y), axis=0), 1e-12)
    return np.asarray(np.sum(np.square(left.T @ y), axis=0) / total)
