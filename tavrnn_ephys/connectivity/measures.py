"""Connectivity measures: one small function each, one window at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEASURES", "Measure", "covariance", "pearson"]

#: Takes the activity of one window, shape (n_nodes, n_bins); gives (n_nodes, n_nodes).
Measure = Callable[[NDArray], NDArray[np.float64]]


def pearson(values: NDArray) -> NDArray[np.float64]:
    """
    Correlate every pair of nodes.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Whole numbers are spike counts and go through Elephant's
        ``correlation_coefficient``; floating-point traces go through ``numpy.corrcoef``,
        the same formula.

    Returns
    -------
    numpy.ndarray
        Pearson's r, shape (n_nodes, n_nodes), in [-1, 1]; NaN in row and column of a node
        whose activity does not vary.

    Examples
    --------
    >>> pearson(np.array([[0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0]])).round(3)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    if values.dtype.kind in "iub":
        from elephant.spike_train_correlation import correlation_coefficient

        matrix = _through_elephant(correlation_coefficient, values)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = np.atleast_2d(np.corrcoef(values))
    constant = np.ptp(values, axis=1) == 0
    # Rounding can leave a constant trace a tiny variance, and so a meaningless r.
    matrix[constant] = np.nan
    matrix[:, constant] = np.nan
    return np.clip(matrix, -1.0, 1.0)


def covariance(values: NDArray) -> NDArray[np.float64]:
    """
    Take the covariance of every pair of nodes.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Spike counts (through Elephant's ``covariance``) or traces (``numpy.cov``).

    Returns
    -------
    numpy.ndarray
        Covariance, shape (n_nodes, n_nodes), in squared units of the values.

    Examples
    --------
    >>> covariance(np.array([[0, 1, 0, 1], [0, 2, 0, 2]])).round(3)
    array([[0.333, 0.667],
           [0.667, 1.333]])
    """
    if values.dtype.kind in "iub":
        from elephant.spike_train_correlation import covariance as elephant_covariance

        return _through_elephant(elephant_covariance, values)
    return np.atleast_2d(np.cov(values))


def _through_elephant(function: Callable, values: NDArray) -> NDArray[np.float64]:
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # Elephant warns of silent trains for each window; the caller counts them once.
        warnings.simplefilter("ignore")
        binned = BinnedSpikeTrain(values.astype(np.int32), bin_size=1 * pq.s, t_start=0 * pq.s)
        return np.atleast_2d(np.array(function(binned), dtype=np.float64))


MEASURES: dict[str, Measure] = {"pearson": pearson, "covariance": covariance}
