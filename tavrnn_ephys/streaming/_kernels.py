"""
Loops over a Gram matrix that NumPy would pass over many times, compiled by numba.

One thread and no fast mathematics, but for sums of absolute values: the order in which whole
numbers are added changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

__all__ = ["FITS", "NO_COUNTS", "TOO_LARGE", "move_on", "weights_of_gram", "weights_of_lags"]

#: What :func:`move_on` found: all is well, values that are no counts, or sums beyond 32 bits.
FITS, NO_COUNTS, TOO_LARGE = 0, 1, 2


def _compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:
            # Neither the package's folder nor the user's cache can be written.
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return compile_


@_compiled()
def _add_products(gram, counts, sign):
    """Add the products of the counts of a bin, or subtract them; rows of nodes that fired alone."""
    n_nodes = len(counts)
    nodes = np.flatnonzero(counts)
    # In a burst whole rows are faster: they lie side by side.
    whole = 8 * len(nodes) > n_nodes
    for a in range(len(nodes)):
        row, factor = gram[nodes[a], :n_nodes], sign * counts[nodes[a]]
        if whole:
            for j in range(n_nodes):
                row[j] += factor * counts[j]
        else:
            for b in range(len(nodes)):
                row[nodes[b]] += factor * counts[nodes[b]]


@_compiled()
def move_on(gram, total, slot, counts, binary, largest_count, largest_sum):
    """
    Put the counts of a bin into a slot of the window, in place of those that leave.

    Nothing is changed unless the counts lie from 0 to ``largest_count`` and the sums stay below
    ``largest_sum``.
    """
    most = 0
    for i in range(len(counts)):
        if counts[i] < 0 or counts[i] > largest_count:
            return NO_COUNTS
        most = max(most, counts[i])
    most = min(most, 1) if binary else most
    # A product is at most the larger of two squares, so the diagonal bounds all sums.
    for i in range(len(counts)):
        if gram[i, i] + most * most >= largest_sum:
            return TOO_LARGE
    _add_products(gram, slot.astype(gram.dtype), -1)
    for i in range(len(counts)):
        value = min(counts[i], 1) if binary else counts[i]
        total[i] += value - slot[i]
        slot[i] = value
    _add_products(gram, slot.astype(gram.dtype), 1)
    return FITS


@_compiled(fastmath={"reassoc"})
def _row_sums(row):
    total, n_edges = 0.0, 0
    for j in range(len(row)):
        total += abs(row[j])
        n_edges += row[j] != 0
    return total, n_edges


@_compiled()
def weights_of_gram(gram, total, n_bins, pearson, threshold, out, degrees, n_edges):
    """
    Turn sums over a window into the weights of a graph, and their sums, in one pass.

    With ``spread = n_bins gram[i, i] − total[i]²``, 0 for a node that does not vary,
    ``out[i, j] = (n_bins gram[i, j] − total[i] total[j]) scale[i] scale[j]``; the scale is
    ``spread^-½`` for Pearson's r, held within ± 1, and ``(n_bins (n_bins − 1))^-½`` for the
    covariance.  Zero below the threshold and on the diagonal; in double precision until stored.
    """
    n_nodes = len(gram)
    sums, scale = total.astype(np.float64), np.zeros(n_nodes)
    limit = 1.0 if pearson else np.inf
    for i in range(n_nodes):
        spread = n_bins * gram[i, i] - sums[i] * sums[i]
        if spread > 0 and pearson:
            scale[i] = 1.0 / np.sqrt(spread)
        elif spread > 0 and n_bins > 1:
            scale[i] = 1.0 / np.sqrt(n_bins * (n_bins - 1.0))
    for i in range(n_nodes):
        products, row = gram[i, :n_nodes], out[i, :n_nodes]
        total_i, scale_i = sums[i], scale[i]
        for j in range(n_nodes):
            value = (n_bins * products[j] - total_i * sums[j]) * (scale_i * scale[j])
            # Adding 0 turns -0 into 0: a window of the fit is known by its bits.
            row[j] = min(max(value, -limit), limit) + 0.0
        if threshold > 0:
            for j in range(n_nodes):
                row[j] = row[j] if abs(row[j]) >= threshold else 0
        row[i] = 0
        degrees[i], n_edges[i] = _row_sums(row)


@_compiled()
def weights_of_lags(gram, count, past, of_count, of_past, n_bins, threshold, out, degrees, n_edges):
    """
    Turn sums over a window into the weights of a directed graph, and their sums, in one pass.

    ``out[i, j] = (n_bins gram[j, i] − count[j] past[i]) of_count[j] of_past[i]``, within ± 1: the
    scales are one over the root of ``n_bins²`` times a variance, and 0 for a node without edges.
    Zero below the threshold and on the diagonal; in double precision until stored.
    """
    n_nodes, size = len(gram), 64
    # Sums stand target first, weights source first: blocks of both stay near the processor.
    for first in range(0, n_nodes, size):
        for start in range(0, n_nodes, size):
            for i in range(first, min(first + size, n_nodes)):
                row, past_i, scale_i = out[i], past[i], of_past[i]
                for j in range(start, min(start + size, n_nodes)):
                    value = (n_bins * gram[j, i] - count[j] * past_i) * of_count[j] * scale_i
                    # Adding 0 turns -0 into 0: a window of the fit is known by its bits.
                    kept = min(max(value, -1.0), 1.0) + 0.0
                    row[j] = kept if abs(value) >= threshold else 0.0
    for i in range(n_nodes):
        out[i, i] = 0
        degrees[i], n_edges[i] = _row_sums(out[i])
