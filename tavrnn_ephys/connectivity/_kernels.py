"""
Loops that NumPy cannot express without passing over memory many times, compiled by numba.

Numba compiles them for the processor at hand on first use and keeps the result on disk; the
vector instructions for AND, population count and the normalisation of a matrix are what make
the sliding path fast.  Slices that start at zero are deliberate: numba then proves that no
index is negative, and LLVM vectorises the inner loop.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from tavrnn_ephys.core.compiling import compiled

__all__ = ["count_coincidences", "fresh_matrices", "normalize_gram"]

_LARGE_PAGE = 2**21


def _population_count(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return word(word), generate


_popcount: Any = intrinsic(_population_count)


@compiled
def _join(r0, r1, r2, r3, joined):
    a, b, c = np.uint64(16), np.uint64(32), np.uint64(48)
    for j in range(len(joined)):
        low = np.uint64(r0[j]) | (np.uint64(r1[j]) << a)
        joined[j] = low | (np.uint64(r2[j]) << b) | (np.uint64(r3[j]) << c)


@compiled
def _mirror_rows(matrix, words, joined, i, end):
    """Copy the part of rows ``i`` to ``end`` that lies above the diagonal below it."""
    n_nodes = len(matrix)
    for j in range(i, end):
        for k in range(i, j):
            matrix[j, k] = matrix[k, j]
    n_below = n_nodes - end
    if matrix.itemsize == 2:
        # Four numbers make a word, and eight words a line of memory, which is written once.
        for k in range(8 if n_below else 0):
            row = i + 4 * k
            _join(matrix[row, end:n_nodes], matrix[row + 1, end:n_nodes],
                  matrix[row + 2, end:n_nodes], matrix[row + 3, end:n_nodes],
                  joined[k, :n_below])  # fmt: skip
        for j in range(n_below):
            for k in range(8):
                words[end + j, i // 4 + k] = joined[k, j]
    else:
        for first in range(end, n_nodes, 32):
            for j in range(first, min(first + 32, n_nodes)):
                for k in range(i, end):
                    matrix[j, k] = matrix[k, j]


@compiled
def _add_coincidences(left, right, shift, is_first, is_last, counts, out, words, joined):
    n_words, n_nodes = left.shape
    last = n_nodes - 1
    for i in range(0, n_nodes, 4):
        # Four rows and three words at a time: each word of the right side is read once for all.
        i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        n = n_nodes - i
        c0, c1, c2, c3 = counts[0, :n], counts[1, :n], counts[2, :n], counts[3, :n]
        p0, p1, p2, p3 = left[0, i], left[0, i1], left[0, i2], left[0, i3]
        p = right[0, i:]
        for j in range(n):
            x = p[j]
            c0[j] = _popcount(p0 & x)
            c1[j] = _popcount(p1 & x)
            c2[j] = _popcount(p2 & x)
            c3[j] = _popcount(p3 & x)
        word = 1
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
            sums, target = counts[row, :n], out[i + row, i:n_nodes]
            if is_first:
                for j in range(n):
                    target[j] = sums[j] << shift
            else:
                for j in range(n):
                    target[j] += sums[j] << shift
        if is_last and (i % 32 == 28 or i + 4 >= n_nodes):
            _mirror_rows(out, words, joined, i - i % 32, min(i + 4, n_nodes))


@compiled
def _normalized(product, n_bins, total_i, total_j, scale_i, scale_j, limit):
    value = (n_bins * product - total_i * total_j) * (scale_i * scale_j)
    return min(max(value, -limit), limit)


@compiled
def _normalize_gram(gram, rest, total, scale, n_bins, limit, out):
    n_nodes = len(gram)
    for i in range(n_nodes):
        first, row = gram[i, :n_nodes], out[i, :n_nodes]
        total_i, scale_i = total[i], scale[i]
        if rest is None:
            for j in range(n_nodes):
                product = float(first[j])
                row[j] = _normalized(product, n_bins, total_i, total[j], scale_i, scale[j], limit)
        else:
            second = rest[i, :n_nodes]
            for j in range(n_nodes):
                product = float(first[j] + second[j])
                row[j] = _normalized(product, n_bins, total_i, total[j], scale_i, scale[j], limit)


def fresh_matrices(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """
    Allocate matrices whose memory starts and ends with a large page.

    The system hands out fresh memory by large pages where it can, each in one interruption; a
    part of one at either end comes in hundreds of small ones, which take longer than most of
    the arithmetic.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.

    Returns
    -------
    numpy.ndarray of float64
        Not initialised.
    """
    n_bytes = 8 * math.prod(shape)
    if n_bytes < 4 * _LARGE_PAGE:
        return np.empty(shape)
    memory = np.empty((n_bytes // _LARGE_PAGE + 2) * _LARGE_PAGE, dtype=np.uint8)
    first = -memory.ctypes.data % _LARGE_PAGE
    return memory[first : first + n_bytes].view(np.float64).reshape(shape)


def count_coincidences(planes: list[NDArray[np.uint64]], out: NDArray[Any]) -> None:
    """
    Sum the products of every pair of nodes whose counts are given bit by bit.

    Parameters
    ----------
    planes : list of numpy.ndarray of uint64, shape (n_words, n_nodes)
        Bit ``k`` of the counts in plane ``k``, bins along the bits of the words.
    out : numpy.ndarray of uint16 or int32, shape (n_nodes, n_columns)
        Filled in place, symmetric in its first ``n_nodes`` columns; ``n_columns`` is ``n_nodes``
        rounded up to a multiple of four.
    """
    n_nodes, words = len(out), out.view(np.uint64)
    counts, joined = np.empty((4, n_nodes), np.uint64), np.empty((8, n_nodes), np.uint64)
    pairs = list(itertools.product(range(len(planes)), repeat=2))
    for left, right in pairs:
        is_first, is_last = (left, right) == pairs[0], (left, right) == pairs[-1]
        _add_coincidences(
            planes[left], planes[right], np.uint64(left + right), is_first, is_last,
            counts, out, words, joined,
        )  # fmt: skip


def normalize_gram(
    gram: NDArray[Any],
    total: NDArray[np.float64],
    scale: NDArray[np.float64],
    n_bins: int,
    limit: float,
    out: NDArray[np.float64],
    rest: NDArray[Any] | None = None,
) -> None:
    """
    Centre and scale a Gram matrix in one pass.

    ``out[i, j] = (n_bins gram[i, j] - total[i] total[j]) scale[i] scale[j]``, within ± limit.
    Rows are written in order: fresh memory takes longer than the arithmetic.

    Parameters
    ----------
    gram : numpy.ndarray, shape (n_nodes, n_nodes)
        Sums of products, symmetric.
    total, scale : numpy.ndarray of float64, shape (n_nodes,)
        Sum of each node, and its factor.
    n_bins : int
        Number of bins that were summed.
    limit : float
        Largest absolute value of the result.
    out : numpy.ndarray of float64, shape (n_nodes, n_nodes)
        Filled in place, symmetric.
    rest : numpy.ndarray, shape (n_nodes, n_nodes), optional
        Added to ``gram`` on the way.
    """
    _normalize_gram(gram, rest, total, scale, float(n_bins), float(limit), out)
