"""
Connectivity measures: one small function each, one window at a time.

A measure takes the activity of one window, shape (n_nodes, n_bins), and its own options by
keyword; it gives the weights, shape (n_nodes, n_nodes), or the weights and the lags.  The
parameters ``bin_size_s``, ``spike_times_s`` and ``n_before`` are filled in by whoever calls it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import seconds_by_default
from tavrnn_ephys.connectivity.lagged.measure import lagged_correlation
from tavrnn_ephys.connectivity.tiling import spike_time_tiling_coefficient
from tavrnn_ephys.connectivity.variation import (
    correlation,
    in_units_of_scale,
    is_constant,
    plain,
    scales_of,
)
from tavrnn_ephys.core.checks import is_real_number, lag_bins
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "MEASURES",
    "Measure",
    "covariance",
    "cross_correlation",
    "lagged_correlation",
    "partial",
    "pearson",
    "spearman",
    "spike_time_tiling_coefficient",
]

#: Takes the activity of one window, shape (n_nodes, n_bins); gives (n_nodes, n_nodes).
Measure = Callable[..., Any]


def pearson(values: NDArray) -> NDArray[np.float64]:
    """
    Correlate every pair of nodes.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Whole numbers are spike counts and go through Elephant's
        ``correlation_coefficient``; floating-point traces, and counts whose squares exceed 32
        bits, go through the same formula in double precision.

    Returns
    -------
    numpy.ndarray
        Pearson's r, shape (n_nodes, n_nodes), in [-1, 1]; NaN in row and column of a node
        whose activity does not vary, or by less than 1e-12 of its largest value.

    Examples
    --------
    >>> pearson(np.array([[0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0]])).round(3)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    values = plain(values)
    if values.shape[1] < 2:
        return np.full((len(values), len(values)), np.nan)
    constant = _constant(values)
    if _suits_elephant(values):
        from elephant.spike_train_correlation import correlation_coefficient

        matrix = _through_elephant(correlation_coefficient, values)
    else:
        matrix = correlation(in_units_of_scale(values, constant))
    return _without(np.clip(matrix, -1.0, 1.0), constant)


def _constant(values: NDArray) -> NDArray[np.bool_]:
    """Say which nodes do not vary; rounding leaves a constant trace a tiny variance."""
    if values.shape[1] == 0:
        return np.ones(len(values), dtype=bool)
    return is_constant(values.min(axis=1), values.max(axis=1), scales_of(values))


def _without(matrix: NDArray[np.float64], constant: NDArray[np.bool_]) -> NDArray[np.float64]:
    matrix[constant] = np.nan
    matrix[:, constant] = np.nan
    return matrix


def _suits_elephant(values: NDArray) -> bool:
    """Elephant sums products of counts in 32 bits."""
    if values.dtype.kind not in "iub":
        return False
    return float(scales_of(values).max(initial=0.0)) ** 2 * values.shape[1] < 2**31


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
    values = plain(values)
    if values.shape[1] < 2:
        return np.full((len(values), len(values)), np.nan)
    if _suits_elephant(values):
        from elephant.spike_train_correlation import covariance as elephant_covariance

        return _through_elephant(elephant_covariance, values)
    return np.atleast_2d(np.cov(values))


def _through_elephant(function: Callable, values: NDArray) -> NDArray[np.float64]:
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain

    with (
        seconds_by_default(),
        warnings.catch_warnings(),
        np.errstate(divide="ignore", invalid="ignore"),
    ):
        # Elephant warns of silent trains for each window; the caller counts them once.
        warnings.simplefilter("ignore")
        binned = BinnedSpikeTrain(values.astype(np.int32), bin_size=1 * pq.s, t_start=0 * pq.s)
        return np.atleast_2d(np.array(function(binned), dtype=np.float64))


def spearman(values: NDArray) -> NDArray[np.float64]:
    """
    Correlate the ranks of every pair of nodes.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Counts or traces; equal values share their mean rank.

    Returns
    -------
    numpy.ndarray
        Spearman's ρ, shape (n_nodes, n_nodes), in [-1, 1]; NaN in row and column of a node
        whose activity does not vary.

    Examples
    --------
    >>> spearman(np.array([[1.0, 2.0, 3.0], [1.0, 4.0, 9.0], [3.0, 2.0, 1.0]])).round(3)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    from scipy.stats import rankdata

    values = plain(values)
    constant = _constant(values)
    return _without(pearson(rankdata(values, axis=1)), constant)


def partial(values: NDArray, *, shrinkage: float | str = 0.1) -> NDArray[np.float64]:
    """
    Correlate every pair of nodes with the linear influence of all other nodes removed.

    The activity is standardised, its correlation matrix shrunk towards the identity so that it
    can be inverted in windows shorter than there are nodes, and the precision matrix scaled.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Counts or traces.
    shrinkage : float or {"ledoit_wolf"}
        Weight of the identity in [0, 1], or the one of Ledoit and Wolf [1]_.  Theirs minimises
        the squared error of the whole matrix; where weak couplings drown in noise, as in short
        windows of sparse spikes, that is the identity itself, and nothing is left to rank.

    Returns
    -------
    numpy.ndarray
        Partial correlations, shape (n_nodes, n_nodes), in [-1, 1], ones on the diagonal; NaN in
        row and column of a node whose activity does not vary.

    Raises
    ------
    InputError
        If the shrinkage lies outside [0, 1], or is 0 in a window of fewer bins than nodes.

    References
    ----------
    .. [1] Ledoit and Wolf (2004), Journal of Multivariate Analysis 88, 365-411.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(0, 1, 5000)
    >>> second = first + rng.normal(0, 1, 5000)
    >>> chain = np.stack([first, second, second + rng.normal(0, 1, 5000)])
    >>> pearson(chain)[0, 2].round(1), abs(partial(chain, shrinkage=0.0)[0, 2].round(1))
    (np.float64(0.6), np.float64(0.0))
    """
    from sklearn.covariance import LedoitWolf, ShrunkCovariance

    fixed = is_real_number(shrinkage)
    estimated = isinstance(shrinkage, str) and shrinkage == "ledoit_wolf"
    if not (estimated or (fixed and 0 <= float(shrinkage) <= 1)):
        raise InputError(f"shrinkage must lie in [0, 1] or be 'ledoit_wolf', got {shrinkage!r}.")
    values = plain(values)
    matrix = np.full((len(values), len(values)), np.nan)
    varies = np.flatnonzero(~_constant(values))
    if len(varies) == 0:
        return matrix
    if shrinkage == 0 and len(varies) >= values.shape[1]:
        raise InputError(
            f"partial without shrinkage needs more bins than nodes, got {values.shape[1]} bins "
            f"for {len(varies)} nodes. Lengthen the windows, or set shrinkage=0.1."
        )
    samples = in_units_of_scale(values[varies], np.zeros(len(varies), dtype=bool))
    samples /= samples.std(axis=1, keepdims=True)
    options = {"assume_centered": True}
    model = ShrunkCovariance(shrinkage=shrinkage, **options) if fixed else LedoitWolf(**options)
    precision = model.fit(samples.T).precision_
    scale = 1.0 / np.sqrt(np.diagonal(precision))
    found = -precision * scale[:, np.newaxis] * scale
    np.fill_diagonal(found, 1.0)
    # Inversion leaves the last bits asymmetric.
    matrix[np.ix_(varies, varies)] = np.clip(0.5 * (found + found.T), -1.0, 1.0)
    return matrix


def cross_correlation(
    values: NDArray, *, max_lag: Any, bin_size_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Find the lag at which every pair of nodes correlates most strongly.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Counts or traces.
    max_lag : quantities.Quantity
        Largest lag in either direction, a whole number of bins, shorter than the window.
    bin_size_s : float
        Width of a bin in seconds.

    Returns
    -------
    weights : numpy.ndarray
        The coefficient of largest absolute value, shape (n_nodes, n_nodes), symmetric, in
        [-1, 1]; NaN in row and column of a node whose activity does not vary.
    lags_s : numpy.ndarray
        Its lag in seconds, antisymmetric: positive at ``[i, j]`` where ``j`` follows ``i``.  Of
        equally strong lags the shortest stands.

    Raises
    ------
    InputError
        If the lag is no whole number of bins, or not shorter than the window.

    Notes
    -----
    Elephant's cross-correlation coefficient, ``Σ_t x_i(t) x_j(t + l) - n_i n_j / T`` over the
    geometric mean of both at ``i = j`` and lag 0, without border correction [1]_: all lags share
    one normalisation, so that long ones fade.

    References
    ----------
    .. [1] Eggermont (2010), in Analysis of Parallel Spike Trains, Springer, 77-102.

    Examples
    --------
    >>> import quantities as pq
    >>> values = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]])
    >>> weights, lags_s = cross_correlation(values, max_lag=2 * pq.s, bin_size_s=1.0)
    >>> weights.round(2), lags_s
    (array([[1., 1.],
           [1., 1.]]), array([[ 0.,  1.],
           [-1.,  0.]]))
    """
    values = plain(values)
    n_nodes, n_bins = values.shape
    n_lags = lag_bins(max_lag, bin_size_s, n_bins)
    constant = _constant(values)
    # Of traces the mean is taken off before; of counts, whose sums are exact, behind.
    is_trace = values.dtype.kind == "f"
    samples = in_units_of_scale(values, constant) if is_trace else values.astype(np.float64)
    total = samples.sum(axis=1)
    spread = (samples * samples).sum(axis=1) - total * total / n_bins
    one = np.zeros(n_nodes)
    one[spread > 0] = 1.0 / np.sqrt(spread[spread > 0])
    scale = np.outer(one, one)
    expected = np.outer(total, total) / n_bins
    weights, lags = np.zeros((n_nodes, n_nodes)), np.zeros((n_nodes, n_nodes))
    upper = np.triu(np.ones((n_nodes, n_nodes), dtype=bool))
    for lag in range(n_lags + 1):
        forward = (samples[:, : n_bins - lag] @ samples[:, lag:].T - expected) * scale
        ahead = np.abs(forward) - np.abs(forward.T)
        takes_forward = (ahead > 0) | ((ahead == 0) & upper)
        candidate = np.where(takes_forward, forward, forward.T)
        stronger = (np.abs(candidate) > np.abs(weights)) | (lag == 0)
        weights = np.where(stronger, candidate, weights)
        lags = np.where(stronger, np.where(takes_forward, lag, -lag), lags)
    weights = _without(np.clip(weights, -1.0, 1.0), constant)
    np.fill_diagonal(lags, 0.0)
    return weights, lags * bin_size_s


MEASURES: dict[str, Measure] = {
    "pearson": pearson,
    "covariance": covariance,
    "spearman": spearman,
    "partial": partial,
    "cross_correlation": cross_correlation,
    "spike_time_tiling_coefficient": spike_time_tiling_coefficient,
    "lagged_correlation": lagged_correlation,
}
