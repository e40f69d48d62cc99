"""
Sums of products of a stretch of bins: the part of Pearson and covariance that windows share.

Spike counts stay whole numbers from the raster to the sum over a window, so that no order of
summation changes a bit.  Small counts are split into bit planes, ``x = Σ 2^k x_k``, whose
coincidences are counted by AND and population count; larger ones go through a matrix product
in the shortest floating-point type that holds every partial sum exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity._kernels import count_coincidences

__all__ = ["Moments", "moments_of_bits", "moments_of_counts", "moments_of_trace", "pack_raster"]

# Three planes, counts up to 7, take nine plane products: less than one product in fp32.
_MOST_PLANES = 3
_UINT16_LIMIT = 2**16
_EXACT_FLOAT32 = 2**24
_EXACT_FLOAT64 = 2**53
_INT32_LIMIT = 2**31
_CACHED_BYTES = 2**19


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """
    What a stretch of bins adds to the windows that contain it.

    Parameters
    ----------
    n_bins : int
        Number of bins.
    gram : numpy.ndarray, shape (n_nodes, n_nodes)
        Sums of products, symmetric.
    total : numpy.ndarray, shape (n_nodes,)
        Sum of each node.
    lowest, highest : numpy.ndarray or None, shape (n_nodes,)
        Smallest and largest value of each node; ``None`` for counts, whose sums are exact and
        tell by themselves whether a node varies.
    rest : numpy.ndarray or None, shape (n_nodes, n_nodes)
        More sums of products, of the type of ``gram``, to be added to it.
    """

    n_bins: int
    gram: NDArray[Any]
    total: NDArray[Any]
    lowest: Any = None
    highest: Any = None
    rest: Any = None

    @property
    def square(self) -> NDArray[np.float64]:
        """Sum of squares of each node."""
        square = self.gram.diagonal().astype(np.float64)
        return square if self.rest is None else square + self.rest.diagonal()


def moments_of_counts(counts: NDArray[Any], spare: NDArray[Any] | None = None) -> Moments:
    """
    Sum spike counts and their products over a stretch of bins, exactly.

    Parameters
    ----------
    counts : numpy.ndarray of int or bool, shape (n_nodes, n_bins)
        Whole numbers.
    spare : numpy.ndarray, shape (n_nodes, n_nodes), optional
        Overwritten with the Gram matrix where it is of the same type, which saves fresh memory.

    Returns
    -------
    Moments
        Gram matrix as ``uint16`` or ``int32``, or as ``float32`` or ``float64`` whose every sum
        is exact.

    Examples
    --------
    >>> moments = moments_of_counts(np.array([[1, 0, 2], [1, 1, 1]], dtype=np.uint8))
    >>> moments.gram
    array([[5, 3],
           [3, 3]], dtype=uint16)
    >>> moments.total
    array([3, 3])
    """
    highest = int(counts.max(initial=0))
    lowest = int(counts.min(initial=0)) if counts.dtype.kind == "i" else 0
    n_planes = highest.bit_length()
    if lowest == 0 and n_planes <= _MOST_PLANES and 49 * counts.shape[1] < _INT32_LIMIT:
        return _moments_of_planes(counts.astype(np.uint8, copy=False), max(n_planes, 1), spare)
    bound = max(highest, -lowest) ** 2 * counts.shape[1]
    precision = np.float32 if bound < _EXACT_FLOAT32 else np.float64
    if bound >= _EXACT_FLOAT64:
        raise OverflowError(f"Sums of products up to {bound} are not exact in double precision.")
    values: NDArray[Any] = counts.astype(precision)
    return Moments(
        n_bins=counts.shape[1],
        gram=values @ values.T,
        total=values.sum(axis=1, dtype=np.float64).astype(np.int64),
    )


def moments_of_bits(
    bits: NDArray[np.uint8], n_bins: int, spare: NDArray[Any] | None = None
) -> Moments:
    """
    Sum a packed raster of zeros and ones and its products over a stretch of bins, exactly.

    Parameters
    ----------
    bits : numpy.ndarray of uint8, shape (n_nodes, ceil(n_bins / 8))
        Eight bins to a byte, as :func:`pack_raster` leaves them.
    n_bins : int
        Number of bins.
    spare : numpy.ndarray, shape (n_nodes, n_nodes), optional
        As in :func:`moments_of_counts`.

    Returns
    -------
    Moments
        Gram matrix as ``uint16`` or ``int32``.
    """
    gram = _matrix_for(n_bins, len(bits), spare)
    count_coincidences([_words(bits)], gram)
    gram = gram[:, : len(bits)]
    # The square of 0 or 1 is itself.
    return Moments(n_bins=n_bins, gram=gram, total=gram.diagonal().astype(np.int64))


def pack_raster(values: NDArray[Any], *, binary: bool) -> NDArray[np.uint8] | None:
    """
    Pack a raster of zeros and ones, eight bins to a byte.

    Parameters
    ----------
    values : numpy.ndarray of uint8 or bool, shape (n_nodes, n_bins)
        The raster.
    binary : bool
        Whether values above 1 count as 1.

    Returns
    -------
    numpy.ndarray of uint8 or None, shape (n_nodes, ceil(n_bins / 8))
        The bits; ``None`` where there is a value above 1.

    Examples
    --------
    >>> pack_raster(np.array([[0, 0, 0, 0, 0, 1, 0, 1, 1]], dtype=np.uint8), binary=False)
    array([[  5, 128]], dtype=uint8)
    """
    packed = np.empty((len(values), -(-values.shape[1] // 8)), dtype=np.uint8)
    # Whole rows in the order of memory, few enough that the second look finds them in the cache.
    n_rows = max(1, _CACHED_BYTES // max(values.shape[1], 1))
    for first in range(0, len(values), n_rows):
        rows = values[first : first + n_rows]
        if not binary and rows.max(initial=0) > 1:
            return None
        packed[first : first + n_rows] = np.packbits(rows, axis=1)
    return packed


def _moments_of_planes(
    counts: NDArray[np.uint8], n_planes: int, spare: NDArray[Any] | None
) -> Moments:
    n_nodes, n_bins = counts.shape
    if n_planes == 1:
        return moments_of_bits(np.packbits(counts, axis=1), n_bins, spare)
    planes = [
        _words(np.packbits(counts & np.uint8(1 << plane), axis=1)) for plane in range(n_planes)
    ]
    gram = _matrix_for((2**n_planes - 1) ** 2 * n_bins, n_nodes, spare)
    count_coincidences(planes, gram)
    total = sum(
        np.bitwise_count(plane).sum(axis=0, dtype=np.int64) << power
        for power, plane in enumerate(planes)
    )
    return Moments(n_bins=n_bins, gram=gram[:, :n_nodes], total=total)


def _matrix_for(largest: int, n_nodes: int, spare: NDArray[Any] | None) -> NDArray[Any]:
    """Find room for sums up to a value, in rows of whole words."""
    dtype = np.dtype(np.uint16 if largest < _UINT16_LIMIT else np.int32)
    if spare is not None and spare.dtype == dtype and spare.base is not None:
        return spare.base
    return np.empty((n_nodes, -(-n_nodes // 4) * 4), dtype=dtype)


def _words(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Join bytes to words, node last: neighbours in memory are compared together."""
    n_nodes, n_bytes = bits.shape
    words = np.zeros((n_nodes, -(-n_bytes // 8) * 8), dtype=np.uint8)
    words[:, :n_bytes] = bits
    return np.ascontiguousarray(words.view(np.uint64).T)


def moments_of_trace(values: NDArray[Any], offset: NDArray[np.float64]) -> Moments:
    """
    Sum traces and their products over a stretch of bins, in double precision.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n_nodes, n_bins)
        The traces.
    offset : numpy.ndarray of float64, shape (n_nodes,)
        Subtracted beforehand, the same in all stretches: a trace far from zero would lose its
        variance to rounding.

    Returns
    -------
    Moments
        Gram matrix as ``float64``, with the extremes of each node.
    """
    centred: NDArray[Any] = values - offset[:, np.newaxis]
    # A product that overflows is found later, where its window is summed, and computed anew.
    with np.errstate(over="ignore", invalid="ignore"):
        gram = centred @ centred.T
    return Moments(
        n_bins=values.shape[1],
        gram=gram,
        total=centred.sum(axis=1),
        lowest=values.min(axis=1),
        highest=values.max(axis=1),
    )
