"""Intervals over sessions or blocks, paired differences, and correction for many methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.resampling import bootstrap_means, sign_flip_null

__all__ = ["PairedDifference", "holm", "mean_interval", "paired_difference", "unit_bootstrap"]


def unit_bootstrap(
    values: Sequence[float] | NDArray[np.float64], *, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """
    Bootstrap the mean over independent units: sessions, cultures, simulated networks.

    Parameters
    ----------
    values : sequence of float, shape (n_units,)
        One score per unit, never one per window.
    n_draws : int
        Number of draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    tuple of float
        Central 95 % of the mean; NaN for fewer than two units, from which no interval follows.

    Notes
    -----
    Limits are percentiles: a task often has five blocks alone, too few for the acceleration that
    :func:`tavrnn_ephys.statistics.across_cultures.bootstrap_interval` takes from them.

    Examples
    --------
    >>> low, high = unit_bootstrap([0.5, 0.6, 0.7, 0.8])
    >>> low < 0.65 < high
    True
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return float("nan"), float("nan")
    return bootstrap_means(array, n_resamples=n_draws, seed=seed, method="percentile")


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """
    Give Student's interval of a mean over few independent units.

    Parameters
    ----------
    values : sequence of float, shape (n_units,)
        One value per unit: a block of time, a session, a network.

    Returns
    -------
    tuple of float
        Central 95 %; NaN for fewer than two units.

    Notes
    -----
    A percentile bootstrap of five blocks holds the mean in about four of five cases, and a part of
    a score that is zero would lie above zero in one of ten.  Student's interval is wider.

    Examples
    --------
    >>> low, high = mean_interval([0.5, 0.6, 0.7, 0.8])
    >>> round(low, 3), round(high, 3)
    (0.445, 0.855)
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2 or not np.isfinite(array).all():
        return float("nan"), float("nan")
    # SciPy's test gives the same limits, and warns where all values are equal but for rounding.
    reach = scipy.stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array))
    return float(array.mean() - reach), float(array.mean() + reach)


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """
    Difference of two methods on the same units.

    Parameters
    ----------
    mean : float
        Mean difference, first minus second.
    interval : tuple of float
        Central 95 % of the bootstrap over units.
    p_value : float
        Two-sided, by flipping the signs of the differences; at least 2 / 2ⁿ for n units.
    smallest_p : float
        Smallest p-value that so many units can give.
    """

    mean: float
    interval: tuple[float, float]
    p_value: float
    smallest_p: float = float("nan")


def paired_difference(
    first: Sequence[float] | NDArray[np.float64],
    second: Sequence[float] | NDArray[np.float64],
    *,
    seed: int = 0,
) -> PairedDifference:
    """
    Compare two methods on the same sessions and seeds.

    Parameters
    ----------
    first, second : sequence of float, shape (n_units,)
        Scores of both, unit by unit.
    seed : int
        Seed of bootstrap and flips.

    Returns
    -------
    PairedDifference
        Mean, interval and p-value.

    Raises
    ------
    InputError
        If the lengths differ, or there is no unit.

    Examples
    --------
    >>> paired_difference([0.8, 0.9, 0.7, 0.8], [0.6, 0.6, 0.6, 0.6]).p_value
    0.125
    """
    a, b = (np.asarray(item, dtype=np.float64) for item in (first, second))
    if a.shape != b.shape or a.size == 0:
        raise InputError(f"Paired scores must be as many: got {a.size} and {b.size}.")
    difference = a - b
    null = sign_flip_null(difference, seed=seed)
    return PairedDifference(
        mean=float(difference.mean()),
        interval=unit_bootstrap(difference, seed=seed),
        p_value=null.p_value,
        smallest_p=null.smallest_p,
    )


def holm(p_values: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """
    Correct p-values for the number of methods that were tried [1]_.

    Parameters
    ----------
    p_values : sequence of float, shape (n_tests,)
        Uncorrected; NaN stays NaN and is not counted.

    Returns
    -------
    numpy.ndarray
        Corrected, at most 1.

    References
    ----------
    .. [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    order = np.flatnonzero(np.isfinite(p))
    order = order[np.argsort(p[order], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return corrected
