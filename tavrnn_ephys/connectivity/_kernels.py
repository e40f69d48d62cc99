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
    for i in range(0, n_nodes, 2):
        k = min(i + 1, n_nodes - 1)
        n = n_nodes - i
        first, second = counts[0, :n], counts[1, :n]
        first[:] = 0
        second[:] = 0
        word = 0
        # Two rows and four words at a time: each word of the right side is read once for both.
        while word + 4 <= n_words:
            a, b, c, d = left[word, i], left[word + 1, i], left[word + 2, i], left[word + 3, i]
            e, f, g, h = left[word, k], left[word + 1, k], left[word + 2, k], left[word + 3, k]
            p, q = right[word, i:], right[word + 1, i:]
            r, s = right[word + 2, i:], right[word + 3, i:]
            for j in range(n):
                first[j] += (
                    _popcount(a & p[j])
                    + _popcount(b & q[j])
                    + _popcount(c & r[j])
                    + _popcount(d & s[j])
                )
                second[j] += (
                    _popcount(e & p[j])
                    + _popcount(f & q[j])
                    + _popcount(g & r[j])
                    + _popcount(h & s[j])
                )
            word += 4
        while word < n_words:
            a, e, p = left[word, i], left[word, k], right[word, i:]
            for j in range(n):
                first[j] += _popcount(a & p[j])
                second[j] += _popcount(e & p[j])
            word += 1
        row = out[i, i:]
        for j in range(n):
            row[j] += first[j] << shift
        if k > i:
            row = out[k, i:]
            for j in range(n):
                row[j] += second[j] << shift


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
    counts = np.empty((2, left.shape[1]), dtype=np.uint64)
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
