"""Which pairs are coupled on average: a spike-and-slab prior on the mean graph, without labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

__all__ = ["Gate", "fit_gate"]

_N_BINS, _N_ROUNDS = 1024, 60
# Weak pseudo-counts: a graph without any coupling keeps a proper, small slab.
_SPIKE_COUNT, _SLAB_COUNT = 1.0, 0.5
_SLAB_RANGE = (0.5, 400.0)
_LOG_2PI = float(np.log(2.0 * np.pi))


class Gate(NamedTuple):
    """
    What the mean graph says of each pair.

    Parameters
    ----------
    probability : numpy.ndarray
        Posterior probability that the mean weight is not zero.
    mean_square : numpy.ndarray
        Posterior mean of the squared mean weight, in squared standard errors.
    shares : numpy.ndarray, shape (3,)
        Shares of pairs that are uncoupled, positively and negatively coupled.
    variance : float
        Variance of the slab, in squared standard errors.
    """

    probability: NDArray[np.float64]
    mean_square: NDArray[np.float64]
    shares: NDArray[np.float64]
    variance: float


def fit_gate(z: NDArray[np.floating], *, times: int = 1) -> Gate:
    """
    Fit a spike at zero and two half-normal slabs to mean weights in units of their error.

    A share of pairs has a mean of zero, another a positive, a third a negative one; where a sign
    is rare, such as inhibition, small values of that sign count as noise.  Shares and width are
    fitted by expectation maximisation to a histogram, so that large graphs cost no more.

    Parameters
    ----------
    z : numpy.ndarray, any shape
        Mean weight of each pair over its standard error.
    times : int
        How often each value counts, beside the pseudo-counts.

    Returns
    -------
    Gate
        Arrays of the shape of ``z``.

    Notes
    -----
    A half-normal prior after Mitchell & Beauchamp (1988), *J. Am. Stat. Assoc.* 83, 1023-1032.

    Examples
    --------
    >>> gate = fit_gate(np.array([0.1, -0.3, 0.2, 0.0, 9.0, 8.0]))
    >>> (gate.probability > 0.5).tolist()
    [False, False, False, False, True, True]
    """
    values = np.asarray(z, dtype=np.float64)
    limit = max(float(np.abs(values).max(initial=0.0)), 1.0)
    edges = np.linspace(-limit, limit, _N_BINS + 1)
    counts = times * np.histogram(values, edges)[0].astype(np.float64)
    centres = (edges[1:] + edges[:-1]) / 2
    kept = counts > 0
    counts, centres = counts[kept], centres[kept]
    shares, variance = np.array([0.8, 0.1, 0.1]), 4.0
    for _ in range(_N_ROUNDS):
        found, squares = _responsibilities(centres, shares, variance)
        found = found * counts
        shares = found.sum(axis=1) + [_SPIKE_COUNT, _SLAB_COUNT, _SLAB_COUNT]
        shares /= shares.sum()
        total = float((found[1:] * squares).sum()) + 2.0
        variance = float(np.clip(total / (found[1:].sum() + _SLAB_COUNT), *_SLAB_RANGE))
    flat, squares = _responsibilities(values.ravel(), shares, variance)
    return Gate(
        probability=(flat[1] + flat[2]).reshape(values.shape),
        mean_square=(flat[1:] * squares).sum(axis=0).reshape(values.shape),
        shares=shares,
        variance=variance,
    )


def _responsibilities(
    z: NDArray[np.float64], shares: NDArray[np.float64], variance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the probability of each part, (3, n), and the mean square of each slab, (2, n)."""
    spike = -0.5 * (z**2 + _LOG_2PI)
    positive, square_above = _half_normal(z, variance)
    negative, square_below = _half_normal(-z, variance)
    logs = np.stack([spike, positive, negative]) + np.log(shares)[:, np.newaxis]
    logs -= logs.max(axis=0)
    found = np.exp(logs)
    return found / found.sum(axis=0), np.stack([square_above, square_below])


def _half_normal(
    z: NDArray[np.float64], variance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-density of ``z`` under a half-normal mean with unit noise, and the mean square."""
    shrink = variance / (1.0 + variance)
    mean, std = shrink * z, np.sqrt(shrink)
    ratio = mean / std
    log_upper = log_ndtr(ratio)
    density = np.log(2.0) - 0.5 * (z**2 / (1.0 + variance) + np.log1p(variance) + _LOG_2PI)
    # The hazard in logarithms: both of its parts underflow far below zero.
    hazard = np.exp(-0.5 * (ratio**2 + _LOG_2PI) - log_upper)
    square = mean**2 + std**2 + mean * std * hazard
    return density + log_upper, np.maximum(square, 0.0)
