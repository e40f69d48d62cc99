"""
Loops over a Gram matrix that NumPy would pass over many times, compiled by numba.

One thread and no fast mathematics, but for sums of absolute values: the order in which whole
numbers are added changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["add_products", "weights_of_gram"]


def _compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:
            # Neither the package's folder nor the user's cache can be written.
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return compile_


@_compiled()
def add_products(gram, nodes, counts, sign):
    """Add the products of the counts of a bin for the nodes that fired, or subtract them."""
    n_nodes = len(counts)
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


@_compiled(fastmath={"reassoc"})
def _row_sums(row):
    total, n_edges = 0.0, 0
    for j in range(len(row)):
        total += abs(row[j])
        n_edges += row[j] != 0
    return total, n_edges


@_compiled()
def weights_of_gram(gram, total, scale, n_bins, limit, threshold, out, degrees, n_edges):
    """
    Turn sums over a window into the weights of a graph, and their sums, in one pass.

    ``out[i, j] = (n_bins gram[i, j] − total[i] total[j]) scale[i] scale[j]`` within ± limit, zero
    below the threshold and on the diagonal; in double precision until it is stored.
    """
    n_nodes = len(gram)
    for i in range(n_nodes):
        products, row = gram[i, :n_nodes], out[i, :n_nodes]
        total_i, scale_i = total[i], scale[i]
        for j in range(n_nodes):
            value = (n_bins * products[j] - total_i * total[j]) * (scale_i * scale[j])
            row[j] = min(max(value, -limit), limit)
        if threshold > 0:
            for j in range(n_nodes):
                row[j] = row[j] if abs(row[j]) >= threshold else 0
        row[i] = 0
        degrees[i], n_edges[i] = _row_sums(row)
