"""
What of a correlation matrix is more than noise: the edges of Marchenko and Pastur.

Correlations of independent signals are not zero in short windows.  The eigenvalues of their
matrix fill an interval that only depends on the number of nodes and bins; a mode of shared
activity stands out above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity._kernels import normalize_gram
from tavrnn_ephys.connectivity.gram import moments_of_counts
from tavrnn_ephys.connectivity.variation import (
    correlation,
    in_units_of_scale,
    is_constant,
    largest_values,
    plain,
    scales_of,
)
from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "clean_marchenko_pastur",
    "clean_marchenko_pastur_paper",
    "marchenko_pastur_bounds",
    "noise_ceiling",
]

# Whole numbers below are exact in double precision.
_EXACT = 2.0**53
# Mean, standard deviation and 99 % quantile of the Tracy-Widom law of real matrices.
_TW_MEAN, _TW_STD, _TW_QUANTILE = -1.2065, 1.2680, 2.0234


def marchenko_pastur_bounds(n_nodes: int, n_bins: int) -> tuple[float, float]:
    """
    Return the interval that the eigenvalues of a correlation matrix of noise fill.

    Parameters
    ----------
    n_nodes, n_bins : int
        Size of the matrix, and number of samples behind each entry.

    Returns
    -------
    tuple of float
        ``(1 - √(N/T))²`` and ``(1 + √(N/T))²`` [1]_; with fewer bins than nodes, further
        eigenvalues are 0.

    References
    ----------
    .. [1] Marchenko and Pastur (1967), Mathematics of the USSR-Sbornik 1, 457-483.

    Examples
    --------
    >>> marchenko_pastur_bounds(100, 400)
    (0.25, 2.25)
    """
    ratio = np.sqrt(positive_int(n_nodes, "n_nodes") / positive_int(n_bins, "n_bins"))
    return float((1.0 - ratio) ** 2), float((1.0 + ratio) ** 2)


def noise_ceiling(
    values: NDArray, *, n_shuffles: int = 0, rng: np.random.Generator | None = None
) -> float:
    """
    Return the largest eigenvalue that noise is to be granted, at a level of one per cent.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Activity of one window, every node varying.
    n_shuffles : int
        Shuffles of the bins of each node on its own.  At least 3 of them replace, where that is
        higher, the analytic level by one fitted to their largest eigenvalues: rare nodes push
        it up in short windows.
    rng : numpy.random.Generator, optional
        Source of the shuffles.

    Returns
    -------
    float
        The ceiling, above ``(1 + √(N/T))²``.

    Notes
    -----
    The largest eigenvalue of noise fluctuates around Marchenko and Pastur's edge and lies above
    it in one window of six; after Johnstone [1]_ it follows the law of Tracy and Widom, with
    mean ``(√(T-1) + √N)² / T`` and scale ``(√(T-1) + √N) (1/√(T-1) + 1/√N)^⅓ / T``.

    References
    ----------
    .. [1] Johnstone (2001), Annals of Statistics 29, 295-327.
    """
    n_nodes, n_bins = values.shape
    root, size = np.sqrt(max(n_bins - 1, 1)), np.sqrt(n_nodes)
    center = (root + size) ** 2 / n_bins
    scale = (root + size) * (1.0 / root + 1.0 / size) ** (1.0 / 3.0) / n_bins
    ceiling = max(center + _TW_QUANTILE * scale, marchenko_pastur_bounds(n_nodes, n_bins)[1])
    if n_shuffles < 3:
        return float(ceiling)
    rng = np.random.default_rng(0) if rng is None else rng
    largest = [_largest_eigenvalue(rng.permuted(values, axis=1)) for _ in range(n_shuffles)]
    # Location and scale from the shuffles, the shape of the law from theory.
    spread = max(float(np.std(largest, ddof=1)), _TW_STD * scale)
    fitted = float(np.mean(largest)) + spread * (_TW_QUANTILE - _TW_MEAN) / _TW_STD
    return float(max(ceiling, fitted))


def _correlation(values: NDArray) -> NDArray[np.float64]:
    """Correlate nodes that vary; the many shuffles of small counts by their exact sums."""
    values = plain(values)
    largest = float(scales_of(values).max(initial=0.0))
    if values.dtype.kind == "f" or largest**2 * values.shape[1] ** 2 >= _EXACT:
        return correlation(in_units_of_scale(values, np.zeros(len(values), dtype=bool)))
    moments = moments_of_counts(values)
    total = moments.total.astype(np.float64)
    spread = moments.n_bins * np.diagonal(moments.gram).astype(np.float64) - total * total
    matrix = np.empty(moments.gram.shape)
    normalize_gram(moments.gram, total, 1.0 / np.sqrt(spread), moments.n_bins, 1.0, matrix)
    return matrix


def _largest_eigenvalue(values: NDArray) -> float:
    from scipy.sparse.linalg import eigsh

    matrix = _correlation(values)
    if len(matrix) < 50:
        return float(np.linalg.eigvalsh(matrix)[-1])
    start = np.ones(len(matrix))
    return float(eigsh(matrix, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)[0])


def clean_marchenko_pastur(
    connectivity: ConnectivitySequence,
    activity: BinnedActivity,
    *,
    n_shuffles: int = 0,
    seed: int = 0,
) -> ConnectivitySequence:
    """
    Keep of each correlation matrix the modes that stand out above noise.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Pearson's r of windows of that activity.
    activity : BinnedActivity
        The activity.
    n_shuffles : int
        0 for the analytic ceiling; about 10 where windows are short and nodes rare.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    ConnectivitySequence
        ``Σ λ v vᵀ`` over the eigenvalues λ above :func:`noise_ceiling`, zero where there is
        none; the window table has the column ``n_modes`` with their number.

    Raises
    ------
    InputError
        If the connectivity is not Pearson's r over the nodes of that activity.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.connectivity import compute_connectivity
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> from tavrnn_ephys.activity.windows import sliding_windows
    >>> noise = np.random.default_rng(0).poisson(1.0, (20, 400))
    >>> activity = BinnedActivity(values=noise, bin_size_s=0.1, nodes=Nodes(ids=range(20)))
    >>> windows = sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    >>> cleaned = clean_marchenko_pastur(compute_connectivity(activity, windows), activity)
    >>> cleaned.windows.columns["n_modes"]
    array([0, 0])
    """

    def is_signal(
        eigenvalues: NDArray[np.float64], values: NDArray, index: int
    ) -> NDArray[np.bool_]:
        # A seed per window: the result does not depend on which others are cleaned.
        start_ms = round(1e3 * float(connectivity.windows.start_s[index] - activity.t_start_s))
        rng = np.random.default_rng([seed, start_ms])
        return eigenvalues > noise_ceiling(values, n_shuffles=n_shuffles, rng=rng)

    return _cleaned(connectivity, activity, is_signal, "pearson, Marchenko-Pastur")


def clean_marchenko_pastur_paper(
    connectivity: ConnectivitySequence, activity: BinnedActivity
) -> ConnectivitySequence:
    """
    Clean correlation matrices as the notebook of the TAVRNN paper does, for comparison only.

    The notebook holds eigenvalues of the *correlation* matrix against the bounds of the
    *covariance* matrix, ``σ² (1 ± √(N/T))²`` with σ² the variance of all values.  Spike counts
    have a variance far below 1, so that nearly every eigenvalue lies outside, and noise is
    kept.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Pearson's r of windows of that activity.
    activity : BinnedActivity
        The activity.

    Returns
    -------
    ConnectivitySequence
        As :func:`clean_marchenko_pastur`.

    Raises
    ------
    InputError
        If the connectivity is not Pearson's r over the nodes of that activity.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> counts = np.random.default_rng(0).poisson(0.5, (5, 400))
    >>> activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids=range(5)))
    >>> windows = te.sliding_windows(activity, window_length=40 * pq.s, step=40 * pq.s)
    >>> connectivity = te.compute_connectivity(activity, windows)
    >>> te.clean_marchenko_pastur_paper(connectivity, activity).weights.shape
    (1, 5, 5)
    """

    def is_signal(
        eigenvalues: NDArray[np.float64], values: NDArray, index: int
    ) -> NDArray[np.bool_]:
        low, high = marchenko_pastur_bounds(*values.shape)
        variance = float(values.var())
        return (eigenvalues < variance * low) | (eigenvalues > variance * high)

    return _cleaned(connectivity, activity, is_signal, "pearson, Marchenko-Pastur (paper)")


def _cleaned(
    connectivity: ConnectivitySequence,
    activity: BinnedActivity,
    is_signal: Callable[[NDArray[np.float64], NDArray, int], NDArray[np.bool_]],
    name: str,
) -> ConnectivitySequence:
    if connectivity.measure != "pearson" or connectivity.n_nodes != activity.n_nodes:
        raise InputError(
            "Marchenko-Pastur cleaning needs measure='pearson' over the nodes of the activity, "
            f"got '{connectivity.measure}' over {connectivity.n_nodes} of {activity.n_nodes} nodes."
        )
    scale = largest_values(activity)
    weights = np.zeros(connectivity.weights.shape)
    n_modes = np.zeros(connectivity.n_windows, dtype=np.int64)
    for index, (first, last) in enumerate(bin_ranges(connectivity.windows, activity)):
        values = plain(activity.read_bins(int(first), int(last)))
        varies = np.flatnonzero(~is_constant(values.min(axis=1), values.max(axis=1), scale))
        if len(varies) < 2:
            continue
        chosen = np.ix_(varies, varies)
        eigenvalues, modes = np.linalg.eigh(connectivity.weights[index][chosen])
        kept = is_signal(eigenvalues, values[varies], index)
        n_modes[index] = int(kept.sum())
        part = (modes[:, kept] * eigenvalues[kept]) @ modes[:, kept].T
        weights[index][chosen] = np.clip(0.5 * (part + part.T), -1.0, 1.0)
    return replace(
        connectivity,
        weights=weights,
        windows=connectivity.windows.with_columns(n_modes=n_modes),
        measure=name,
    )
