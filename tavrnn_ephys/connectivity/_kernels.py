"""
Loops that NumPy cannot express without passing over memory many times, compiled by numba.

Numba compiles them for the processor at hand on first use and keeps the result on disk; the
vector instructions for AND, population count and the normalisation of a matrix are what make
the sliding path fast.  Slices that start at zero are deliberate: numba then proves that no
index is negative, and LLVM vectorises the inner loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["add_coincidences", "normalize_gram"]

_TILE = 32


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile each time.
        return numba.njit(nogil=True, error_model="numpy")(function)


def _population_count(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return word(word), generate


_popcount: Any = intrinsic(_population_count)


@_compiled
def _add_coincidences(left, right, shift, counts, out):
    n_words, n_nodes = left.shape
    last = n_nodes - 1
    for i in range(0, n_nodes, 4):
        # Four rows and three words at a time: each word of the right side is read once for all.
        i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        n = n_nodes - i
        c0, c1, c2, c3 = counts[0, :n], counts[1, :n], counts[2, :n], counts[3, :n]
        c0[:] = 0
        c1[:] = 0
        c2[:] = 0
        c3[:] = 0
        word = 0
        while word + 3 <= n_words:
            p0, p1 = left[word, i], left[word, i1]
            p2, p3 = left[word, i2], left[word, i3]
            q0, q1 = left[word + 1, i], left[word + 1, i1]
            q2, q3 = left[word + 1, i2], left[word + 1, i3]
            r0, r1 = left[word + 2, i], left[word + 2, i1]
            r2, r3 = left[word + 2, i2], left[word + 2, i3]
            p, q, r = right[word, i:], right[word + 1, i:], right[word + 2, i:]
            for j in range(n):
                x, y, z = p[j], q[j], r[j]
                c0[j] += _popcount(p0 & x) + _popcount(q0 & y) + _popcount(r0 & z)
                c1[j] += _popcount(p1 & x) + _popcount(q1 & y) + _popcount(r1 & z)
                c2[j] += _popcount(p2 & x) + _popcount(q2 & y) + _popcount(r2 & z)
                c3[j] += _popcount(p3 & x) + _popcount(q3 & y) + _popcount(r3 & z)
            word += 3
        while word < n_words:
            p0, p1 = left[word, i], left[word, i1]
            p2, p3 = left[word, i2], left[word, i3]
            p = right[word, i:]
            for j in range(n):
                x = p[j]
                c0[j] += _popcount(p0 & x)
                c1[j] += _popcount(p1 & x)
                c2[j] += _popcount(p2 & x)
                c3[j] += _popcount(p3 & x)
            word += 1
        for row in range(min(4, n)):
            sums, target = counts[row, :n], out[i + row, i:]
            for j in range(n):
                target[j] += sums[j] << shift


@_compiled
def _normalize_gram(gram, total, scale, n_bins, limit, tile, out):
    n_nodes = len(gram)
    for top in range(0, n_nodes, _TILE):
        height = min(_TILE, n_nodes - top)
        for left in range(top, n_nodes, _TILE):
            width = min(_TILE, n_nodes - left)
            total_left, scale_left = total[left : left + width], scale[left : left + width]
            for i in range(height):
                total_i, scale_i = total[top + i], scale[top + i]
                products = gram[top + i, left : left + width]
                row, kept = out[top + i, left : left + width], tile[i]
                for j in range(width):
                    value = (n_bins * products[j] - total_i * total_left[j]) * (
                        scale_i * scale_left[j]
                    )
                    value = min(max(value, -limit), limit)
                    row[j] = value
                    kept[j] = value
            if left == top:
                for i in range(height):
                    for j in range(i):
                        out[top + i, top + j] = tile[j, i]
                continue
            for j in range(width):
                row = out[left + j, top : top + height]
                for i in range(height):
                    row[i] = tile[i, j]


def add_coincidences(
    left: NDArray[np.uint64], right: NDArray[np.uint64], shift: int, out: NDArray[np.int32]
) -> None:
    """
    Add the coincidences of every pair of bit rows to a Gram matrix.

    Parameters
    ----------
    left, right : numpy.ndarray of uint64, shape (n_words, n_nodes)
        Bits of each node along the first axis.
    shift : int
        The coincidences count ``2 ** shift`` each.
    out : numpy.ndarray of int32, shape (n_nodes, n_nodes)
        Changed in place, on and above the diagonal; what stands below it means nothing.
    """
    counts = np.empty((4, left.shape[1]), dtype=np.uint64)
    _add_coincidences(left, right, np.uint64(shift), counts, out)


def normalize_gram(
    gram: NDArray[Any],
    total: NDArray[np.float64],
    scale: NDArray[np.float64],
    n_bins: int,
    limit: float,
    out: NDArray[np.float64],
) -> None:
    """
    Centre and scale a Gram matrix in one pass.

    ``out[i, j] = (n_bins gram[i, j] - total[i] total[j]) scale[i] scale[j]``, within ± limit.

    Parameters
    ----------
    gram : numpy.ndarray, shape (n_nodes, n_nodes)
        Sums of products; only what stands on and above the diagonal is read.
    total, scale : numpy.ndarray of float64, shape (n_nodes,)
        Sum of each node, and its factor.
    n_bins : int
        Number of bins that were summed.
    limit : float
        Largest absolute value of the result.
    out : numpy.ndarray of float64, shape (n_nodes, n_nodes)
        Filled in place, symmetric.
    """
    tile = np.empty((_TILE, _TILE))
    _normalize_gram(gram, total, scale, float(n_bins), float(limit), tile, out)
