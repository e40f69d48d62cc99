"""
Decoding, loss and gradient of all pairs of vertices in one pass, compiled by numba.

Let ``x_ij = Σ_k l_ik r_jk + m_ij`` be the decoded value of a pair, symmetric in i and j, ``ℓ(x)``
its loss and ``s_ij = ℓ'(x_ij)``.  What a factor gets back is ``G_i = Σ_j s_ij r_j``.  Each pair
above the diagonal is decoded once and counts twice: its slope goes to row i and to row j.  Rows are
taken in stripes that stay in the first-level cache, and nothing of size n² is written.

The cross-entropy of an edge or a gap is ``w log(1 + eʸ)``, with ``y = -x`` and the weight of an
edge, or ``y = x`` and 1; its slope is ``± w σ(y)``.  Both follow from one ``e = exp(-|x|)``:
``log(1 + eʸ) = max(y, 0) + log(1 + e)`` and ``σ(y) = 1 / (1 + e)`` or ``e / (1 + e)``.  With
``u = e / (2 + e) ≤ 1/3``, ``log(1 + e) = 2 (u + u³/3 + u⁵/5 + …)``, which stays exact where e
vanishes; the exponential is that of Cephes for single precision (Moshier 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

__all__ = ["score_pairs"]

# Pairs of one row that are decoded at a time.
_STRIPE = 512


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    # Sums may be taken in any order; values that are not finite stay so.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    options["fastmath"] = {"reassoc", "contract", "nsz", "arcp"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile each time.
        return numba.njit(**options)(function)


@_compiled
def _exponentials(x, fractions, powers):
    """Write ``exp(-|x|)`` as a number near one times a power of two, given by its bits."""
    for j in range(len(x)):
        # Below, the power of two would leave the normal numbers and its bits be another number.
        t = max(-abs(x[j]), np.float32(-87.0))
        n = np.floor(t * np.float32(1.44269504) + np.float32(0.5))
        # ln 2 in two parts, the first with few bits, so that its product with n is exact.
        t = (t - n * np.float32(0.693359375)) - n * np.float32(-2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * t + np.float32(1.3981999507e-3)
        p = p * t + np.float32(8.3334519073e-3)
        p = p * t + np.float32(4.1665795894e-2)
        p = p * t + np.float32(1.6666665459e-1)
        p = p * t + np.float32(5.0000001201e-1)
        fractions[j] = (p * t * t + t) + np.float32(1.0)
        powers[j] = (np.int32(n) + np.int32(127)) << np.int32(23)


@_compiled
def _cross_entropies(x, edges, edge_weight, fractions, powers):
    """Replace values by slopes, and return the sum of the losses."""
    total, one = np.float32(0.0), np.float32(1.0)
    for j in range(len(x)):
        e = fractions[j] * powers[j]
        # One division for 1 / (1 + e) and 1 / (2 + e).
        after, behind = one + e, np.float32(2.0) + e
        inverse = one / (after * behind)
        u = e * after * inverse
        w = u * u
        log = w * np.float32(1 / 13) + np.float32(1 / 11)
        log = log * w + np.float32(1 / 9)
        log = log * w + np.float32(1 / 7)
        log = log * w + np.float32(1 / 5)
        log = log * w + np.float32(1 / 3)
        log = np.float32(2.0) * (log * w * u + u)
        sign = one - (edges[j] + edges[j])
        y, weight = sign * x[j], (one - edges[j]) + edge_weight * edges[j]
        total += weight * (max(y, np.float32(0.0)) + log)
        part = one if y >= np.float32(0.0) else e
        x[j] = sign * weight * (part * behind * inverse)
    return total


@_compiled
def _squares(x, weights):
    """Replace values by slopes, and return the sum of the losses."""
    total = np.float32(0.0)
    for j in range(len(x)):
        error = x[j] - weights[j]
        total += error * error
        x[j] = error + error
    return total


@_compiled
def _decode(left, right, i, first, x):
    n, n_factors, k = len(x), len(right), 0
    while k + 4 <= n_factors:
        a, b, c, d = left[k, i], left[k + 1, i], left[k + 2, i], left[k + 3, i]
        p, q = right[k, first : first + n], right[k + 1, first : first + n]
        r, s = right[k + 2, first : first + n], right[k + 3, first : first + n]
        for j in range(n):
            x[j] += (a * p[j] + b * q[j]) + (c * r[j] + d * s[j])
        k += 4
    while k < n_factors:
        a, p = left[k, i], right[k, first : first + n]
        for j in range(n):
            x[j] += a * p[j]
        k += 1


@_compiled
def _collect(right, slopes, i, first, n, gradient):
    """Hand the slopes of four rows to them and to the columns: each column is read once."""
    s0, s1, s2, s3 = slopes[0, :n], slopes[1, :n], slopes[2, :n], slopes[3, :n]
    for k in range(len(right)):
        a, b, c, d = right[k, i], right[k, i + 1], right[k, i + 2], right[k, i + 3]
        p, g = right[k, first : first + n], gradient[k, first : first + n]
        t0 = t1 = t2 = t3 = np.float32(0.0)
        for j in range(n):
            t0 += s0[j] * p[j]
            t1 += s1[j] * p[j]
            t2 += s2[j] * p[j]
            t3 += s3[j] * p[j]
            g[j] += (s0[j] * a + s1[j] * b) + (s2[j] * c + s3[j] * d)
        gradient[k, i] += t0
        gradient[k, i + 1] += t1
        gradient[k, i + 2] += t2
        gradient[k, i + 3] += t3


@_compiled
def _collect_one(right, slope, i, j, gradient):
    for k in range(len(right)):
        gradient[k, i] += slope * right[k, j]
        if j > i:
            gradient[k, j] += slope * right[k, i]


@_compiled
def _score(left, right, offset, target, edge_weight, i, first, x, fractions, powers):
    """Decode some pairs of row i, replace them by their slopes, and return their loss."""
    n = len(x)
    goal = target[i, first : first + n]
    if offset is None:
        x[:] = np.float32(0.0)
    else:
        x[:] = offset[i, first : first + n]
    _decode(left, right, i, first, x)
    if edge_weight < 0:
        return _squares(x, goal)
    _exponentials(x, fractions[:n], powers[:n])
    return _cross_entropies(x, goal, edge_weight, fractions[:n], powers[:n].view(np.float32))


@_compiled
def score_pairs(left, right, offset, target, edge_weight, diagonal, gradient):
    """
    Sum the loss over all pairs, and fill in what the factors get back.

    Parameters
    ----------
    left, right : numpy.ndarray of float32, shape (n_factors, n)
        Factors, one vertex per column.
    offset : numpy.ndarray of float32, shape (n, n), or None
        Added to the products; symmetric.
    target : numpy.ndarray of float32, shape (n, n)
        Edges as 0 and 1, or weights; symmetric.
    edge_weight : numpy.float32
        Weight of an edge in the cross-entropy; negative for squared distances.
    diagonal : bool
        Whether pairs of a vertex with itself count.
    gradient : numpy.ndarray of float32, shape (n_factors, n)
        Filled with ``Σ_j s_ij r_j``.

    Returns
    -------
    float
        Sum of the losses over all ordered pairs.
    """
    n = left.shape[1]
    x, fractions = np.empty((4, _STRIPE), np.float32), np.empty(_STRIPE, np.float32)
    powers = np.empty(_STRIPE, np.int32)
    gradient[:] = np.float32(0.0)
    total = 0.0
    for i in range(0, n, 4):
        end = min(i + 4, n)
        # The few pairs among four rows, then those of the four with all vertices behind them.
        for row in range(i, end):
            for start, stop, times in ((row, row + 1, 1.0), (row + 1, end, 2.0)):
                if start == stop or (start == row and not diagonal):
                    continue
                part = x[0, : stop - start]
                total += times * _score(
                    left, right, offset, target, edge_weight, row, start, part, fractions, powers
                )
                for j in range(start, stop):
                    _collect_one(right, part[j - start], row, j, gradient)
        for first in range(end, n, _STRIPE):
            m = min(_STRIPE, n - first)
            for row in range(4):
                total += 2.0 * _score(
                    left, right, offset, target, edge_weight, i + row, first, x[row, :m],
                    fractions, powers,
                )  # fmt: skip
            _collect(right, x, i, first, m, gradient)
    return total
