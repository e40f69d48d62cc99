"""Which of many p-values are discoveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

__all__ = ["discoveries", "holm_p_values", "q_values"]


def q_values(p_values: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """
    Adjust p-values to the smallest false-discovery rates at which they are discoveries.

    Parameters
    ----------
    p_values : sequence of float, shape (n_tests,)
        One p-value per test; NaN stays NaN and is not counted.

    Returns
    -------
    numpy.ndarray
        Shape (n_tests,), in [0, 1].

    Notes
    -----
    Benjamini and Hochberg's step-up rule [1]_, by :func:`scipy.stats.false_discovery_control`.

    References
    ----------
    .. [1] Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> q_values([0.01, 0.04, np.nan, 0.03])
    array([0.03, 0.04,  nan, 0.04])
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known])
    return adjusted


def discoveries(p_values: NDArray[np.float64], q: float) -> NDArray[np.bool_]:
    """
    Choose p-values so that the expected share of false ones among them is at most ``q``.

    Parameters
    ----------
    p_values : numpy.ndarray, shape (n_tests,)
        One p-value per test; a test whose p-value is NaN is no discovery.
    q : float
        False-discovery rate, in (0, 1).

    Returns
    -------
    numpy.ndarray of bool
        Shape (n_tests,).

    Notes
    -----
    The same as ``q_values(p_values) <= q``: with the p-values in order, the largest ``k`` with
    ``p_k <= q k / n``.  Adjusting every p-value would make a threshold of connectivity take two
    and a half times as long.

    Examples
    --------
    >>> discoveries(np.array([0.01, 0.04, 0.03, 0.9]), q=0.05)
    array([ True, False, False, False])
    """
    order = np.sort(p_values[np.isfinite(p_values)])
    passing = np.flatnonzero(order <= q * np.arange(1, len(order) + 1) / max(len(order), 1))
    # A comparison with NaN is False, and so is one with a level below every p-value.
    return p_values <= (order[passing[-1]] if len(passing) else -1.0)


def holm_p_values(p_values: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """
    Adjust p-values so that the chance of any false claim is the level they are held against.

    Parameters
    ----------
    p_values : sequence of float, shape (n_tests,)
        One p-value per test; NaN stays NaN and is not counted.

    Returns
    -------
    numpy.ndarray
        Shape (n_tests,), in [0, 1], in the order given.

    Notes
    -----
    Holm's step-down rule [1]_: with the p-values in order, the largest ``(n − j + 1) p_j`` up to
    each.

    References
    ----------
    .. [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm_p_values([0.01, 0.04, np.nan, 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted
