"""Welch's test of many columns at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

__all__ = ["welch_p_values"]


def welch_p_values(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Compare two samples of unequal variance, column by column.

    Parameters
    ----------
    one, two : numpy.ndarray, shape (n_units, n_columns)
        At least two independent units each.

    Returns
    -------
    numpy.ndarray
        Two-sided p-values, shape (n_columns,); NaN where neither sample varies.

    Notes
    -----
    Welch's t with the degrees of freedom of Satterthwaite [1]_, as
    ``scipy.stats.ttest_ind(one, two, equal_var=False)``, which warns of columns that do not vary.

    References
    ----------
    .. [1] Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> one = np.array([[1.0], [2.0], [3.0]])
    >>> welch_p_values(one, one + 4).round(4)
    array([0.008])
    """
    errors = [sample.var(axis=0, ddof=1) / len(sample) for sample in (one, two)]
    total = errors[0] + errors[1]
    # What differs by rounding alone does not vary.
    size = np.maximum(np.abs(one).max(axis=0), np.abs(two).max(axis=0))
    varies = total > (1e-12 * size) ** 2
    safe = np.where(varies, total, 1.0)
    t = (one.mean(axis=0) - two.mean(axis=0)) / np.sqrt(safe)
    freedom = safe**2 / np.maximum(
        errors[0] ** 2 / (len(one) - 1) + errors[1] ** 2 / (len(two) - 1), 1e-300
    )
    return np.where(varies, 2 * stdtr(freedom, -np.abs(t)), np.nan)
