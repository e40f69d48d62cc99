"""How far observed associations lie from their null: z, p-value, q-value, family-wise p-value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null, p_from_counts

__all__ = ["judged", "pooled_q_values"]

# Null values that are pooled to judge a tail.
_MOST_POOLED = 5_000_000


def judged(found: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """
    Judge observed correlations by those of null series.

    Parameters
    ----------
    found : numpy.ndarray, shape (1 + n_nulls, n_features)
        Correlations with the behaviour, then with each null series; NaN where a feature does not
        vary.

    Returns
    -------
    dict of str to numpy.ndarray
        The columns of :func:`tavrnn_ephys.associate`, each of shape (n_features,), and
        ``smallest_p``.
    """
    spread = found[1:].std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (found[0] - found[1:].mean(axis=0)) / spread
    known: NDArray[np.bool_] = np.all(np.isfinite(found), axis=0)
    q, family = np.full(len(known), np.nan), np.full(len(known), np.nan)
    if known.any():
        sizes = np.abs(found[:, known])
        q[known] = pooled_q_values(sizes)
        largest = np.sort(sizes[1:].max(axis=1))
        beaten = np.searchsorted(largest, sizes[0] - 1e-12)
        family[known] = p_from_counts(len(largest) - beaten, len(largest))
    null = Null(observed=found[0], values=found[1:], tail="both")
    low, high = null.interval
    return {
        "correlation": found[0],
        "null_sd": spread,
        "chance_low": np.broadcast_to(low, len(known)),
        "chance_high": np.broadcast_to(high, len(known)),
        "z": z,
        "p_value": null.p_value,
        "q_value": q,
        "p_family": family,
        "smallest_p": np.full(len(known), null.smallest_p),
    }


def pooled_q_values(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Adjust p-values that stem from the pooled null of all features.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (1 + n_nulls, n_features)
        Observed statistics, then those of each null series; large ones count.

    Returns
    -------
    numpy.ndarray
        Benjamini-Hochberg q-values, shape (n_features,).
    """
    every = max(1, sizes[1:].size // _MOST_POOLED)
    pooled = np.sort(sizes[1:, ::every], axis=None)
    n_larger = len(pooled) - np.searchsorted(pooled, sizes[0] - 1e-12)
    return q_values(p_from_counts(n_larger, len(pooled)))
