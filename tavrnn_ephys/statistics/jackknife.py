"""Intervals of an estimate from what it is without one part of the data at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import t as student

__all__ = ["jackknife_interval"]


def jackknife_interval(left_out: Any) -> tuple[float, float]:
    """
    Take an interval of 95 % from estimates that leave out one group at a time [1]_.

    Parameters
    ----------
    left_out : array_like of float, shape (n_groups,)
        The estimate without each group.

    Returns
    -------
    tuple of (float, float)
        Mean of the estimates ± Student's quantile times their standard error; NaN for fewer than
        two groups.

    Notes
    -----
    ``SE² = (n - 1) / n Σ (θ₍ᵢ₎ - ⟨θ₍ᵢ₎⟩)²``.

    References
    ----------
    .. [1] Efron & Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall, ch. 11.

    Examples
    --------
    >>> low, high = jackknife_interval([1.0, 1.1, 0.9, 1.0])
    >>> round(low, 2), round(high, 2)
    (0.61, 1.39)
    """
    values = np.asarray(left_out, dtype=np.float64)
    n_groups = len(values)
    if n_groups < 2:
        return float("nan"), float("nan")
    error = np.sqrt((n_groups - 1) / n_groups * np.sum((values - values.mean()) ** 2))
    reach = float(student.ppf(0.975, n_groups - 1) * error)
    return float(values.mean()) - reach, float(values.mean()) + reach
