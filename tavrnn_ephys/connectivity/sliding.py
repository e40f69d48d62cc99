"""
Pearson's r and covariance of many windows at once.

The limits of all windows cut time into stretches.  Each stretch is multiplied out once; a
window sums the stretches that it consists of.  With windows that slide by a step, a stretch is
one step long, and a window differs from the one before by the stretch that enters and the one
that leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity._kernels import normalize_gram
from tavrnn_ephys.connectivity.gram import (
    Moments,
    moments_of_bits,
    moments_of_counts,
    moments_of_trace,
    pack_raster,
)
from tavrnn_ephys.connectivity.measures import covariance, pearson
from tavrnn_ephys.connectivity.variation import is_constant, largest_values
from tavrnn_ephys.core.containers import BinnedActivity

__all__ = ["FAST_MEASURES", "WindowMoments", "iter_window_moments", "weights_from_moments"]

FAST_MEASURES = {"pearson": pearson, "covariance": covariance}

# Gram matrices of stretches that a window may hold at once; beyond it each window is
# multiplied out on its own.
_MOST_BYTES = 2**28
# A squared mean this many times the variance costs three of the sixteen digits.
_LARGEST_OFFSET = 1e3
# Below, products of deviations lose digits; the scale is taken out of them first.
_SMALLEST_SPREAD = 1e-280
_EXACT_FLOAT64 = 2.0**53


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowMoments:
    """
    Sums of one window.

    Parameters
    ----------
    n_bins : int
        Number of bins.
    gram : numpy.ndarray, shape (n_nodes, n_nodes)
        Sums of products, symmetric; overwritten when the next window comes.
    total : numpy.ndarray of float64, shape (n_nodes,)
        Sums of the values from which the offset is subtracted.
    spread : numpy.ndarray of float64, shape (n_nodes,)
        Sum of squared deviations from the mean of each node, times the number of bins.
    mean : numpy.ndarray of float64, shape (n_nodes,)
        Mean value of each node.
    silent : numpy.ndarray of bool, shape (n_nodes,)
        Whether a node does not vary.
    exact : bool
        Whether the sums hold enough digits of every variance.
    rest : numpy.ndarray or None, shape (n_nodes, n_nodes)
        More sums of products, to be added to ``gram``.
    """

    n_bins: int
    gram: NDArray[Any]
    total: NDArray[np.float64]
    spread: NDArray[np.float64]
    mean: NDArray[np.float64]
    silent: NDArray[np.bool_]
    exact: bool = True
    rest: Any = None


def iter_window_moments(
    activity: BinnedActivity,
    ranges: NDArray[np.int64],
    *,
    binary: bool = False,
    scale: NDArray[np.float64] | None = None,
) -> Iterator[WindowMoments]:
    """
    Sum the products of every window, each stretch that windows share only once.

    Parameters
    ----------
    activity : BinnedActivity
        The activity; read once, in order of time.
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        First bin and one past the last of each window, first bins ascending.
    binary : bool
        Whether counts above 1 are clipped to 1.
    scale : numpy.ndarray of float64, shape (n_nodes,), optional
        Largest absolute value of each node over the recording; found by a look at all of it
        where it is not given.

    Yields
    ------
    WindowMoments
        Sums of each window; its Gram matrix is only valid until the next one.
    """
    scale = largest_values(activity) if scale is None else scale
    source = _Stretches(activity, ranges, binary, scale)
    limits = source.limits
    first = np.searchsorted(limits, ranges[:, 0])
    last = np.searchsorted(limits, ranges[:, 1])
    shared = source.bytes_of(int(np.max(last - first))) <= _MOST_BYTES
    running = _RunningSum(source)
    for (begin, end), start, stop in zip(ranges, first, last, strict=True):
        if not shared or stop - start == 1:
            yield source.summary(source.moments(int(begin), int(end), keep=shared))
        elif source.counts:
            yield source.summary(running.advance(int(start), int(stop)))
        else:
            yield source.summary(_sum_of([source.stretch(k) for k in range(start, stop)]))
        source.forget_before(int(begin))


class _Stretches:
    """Moments of stretches of bins, kept while a window may still need them."""

    def __init__(
        self,
        activity: BinnedActivity,
        ranges: NDArray[np.int64],
        binary: bool,
        scale: NDArray[np.float64],
    ) -> None:
        self.activity = activity
        self.binary = binary
        self.scale = scale
        # Sums of squares of larger counts exceed the whole numbers of double precision.
        longest = int(np.max(ranges[:, 1] - ranges[:, 0]))
        highest = 1.0 if binary else float(scale.max())
        self.counts = activity.values.dtype.kind in "iub" and highest**2 * longest < _EXACT_FLOAT64
        # Of small counts no window needs a look at its sums.
        self._are_small = self.counts and (highest * longest) ** 2 < _EXACT_FLOAT64
        self.limits = np.unique(ranges)
        self._kept: dict[tuple[int, int], Moments] = {}
        self._spare: list[NDArray[Any]] = []
        first, last = int(ranges[0, 0]), int(ranges[0, 1])
        self.offset = np.zeros(activity.n_nodes)
        if not self.counts:
            self.offset = self._read(first, last).mean(axis=1, dtype=np.float64)
        self._bits = self._packed()

    def _packed(self) -> NDArray[np.uint8] | None:
        """Pack the whole raster where it lies in memory, holds 0 and 1, and is cut at bytes."""
        values, origin, end = self.activity.values, int(self.limits[0]), int(self.limits[-1])
        suits = self.activity.quantity == "spike_count" and values.dtype.kind in "ub"
        if not suits or values.dtype.itemsize > 1 or self.activity.is_file_backed:
            return None
        if np.any((self.limits - origin) % 8):
            return None
        return pack_raster(values[:, origin:end], binary=self.binary)

    def _read(self, first: int, last: int) -> NDArray[Any]:
        values = self.activity.read_bins(first, last)
        return (values > 0).view(np.uint8) if self.binary else values

    def bytes_of(self, n_stretches: int) -> int:
        """Memory of the Gram matrices of so many stretches."""
        return n_stretches * self.activity.n_nodes**2 * (4 if self.counts else 8)

    def stretch(self, index: int) -> Moments:
        """Moments between two neighbouring limits."""
        return self.moments(int(self.limits[index]), int(self.limits[index + 1]), keep=True)

    def moments(self, first: int, last: int, *, keep: bool) -> Moments:
        """Moments of any bins, from memory where they are kept."""
        key = (first, last)
        if key in self._kept:
            return self._kept[key]
        spare = self._spare.pop() if self._spare else None
        if self._bits is not None:
            origin = int(self.limits[0])
            cut = slice((first - origin) // 8, (last - origin) // 8)
            moments = moments_of_bits(self._bits[:, cut], last - first, spare)
        elif self.counts:
            moments = moments_of_counts(self._read(first, last), spare)
        else:
            moments = moments_of_trace(self._read(first, last), self.offset)
        if keep:
            self._kept[key] = moments
        return moments

    def forget_before(self, begin: int) -> None:
        """Drop the stretches that lie before the start of the present window."""
        for key in [key for key in self._kept if key[0] < begin]:
            gram = self._kept.pop(key).gram
            if gram.dtype.kind in "iu":
                self._spare.append(gram)

    def summary(self, moments: Moments) -> WindowMoments:
        """Tell what follows from the sums of a window."""
        total, square = np.asarray(moments.total, dtype=np.float64), moments.square
        n_bins = moments.n_bins
        if self.counts:
            # Sums of counts are exact, so that nothing overflows here.
            spread = n_bins * square - total * total
            largest = 0.0 if self._are_small else float(square.max(initial=0.0))
            exact = n_bins * largest < _EXACT_FLOAT64
            silent = spread == 0 if exact else _no_spread(n_bins, square, total)
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                spread = n_bins * square - total * total
            silent = is_constant(moments.lowest, moments.highest, self.scale)
            exact = bool(np.all(silent | _has_digits(spread, total)))
        mean = total / n_bins + self.offset
        return WindowMoments(
            n_bins=n_bins,
            gram=moments.gram,
            rest=moments.rest,
            total=total,
            spread=spread,
            mean=mean,
            silent=silent,
            exact=exact,
        )


def _no_spread(
    n_bins: int, square: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Compare exact sums of counts in whole numbers of any size."""
    return np.array(
        [n_bins * int(s) == int(t) ** 2 for s, t in zip(square, total, strict=True)], dtype=bool
    )


def _has_digits(spread: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say whether a variance is neither cancelled, nor vanished, nor overflowed."""
    whole = np.isfinite(spread) & (spread > _SMALLEST_SPREAD)
    with np.errstate(over="ignore", invalid="ignore"):
        return whole & (total * total <= _LARGEST_OFFSET * spread)


class _RunningSum:
    """
    The sum over a window of whole numbers: what enters is added, what leaves subtracted.

    Two stretches are left for the normalisation to add, which saves a pass over memory.
    """

    def __init__(self, source: _Stretches) -> None:
        self._source = source
        self._start = self._stop = 0
        self._gram: NDArray[Any] = np.zeros(0)
        self._total: NDArray[Any] = np.zeros(0)

    def advance(self, start: int, stop: int) -> Moments:
        """Move to the stretches from ``start`` to ``stop``."""
        if stop - start == 2:
            self._start = self._stop = start
            return _sum_of_two(self._source.stretch(start), self._source.stretch(start + 1))
        entering = [*range(self._stop, stop)] if stop > self._stop else []
        leaving = [*range(self._start, start), *range(stop, self._stop)]
        source = self._source
        if start >= self._stop or len(entering) + len(leaving) >= stop - start:
            self._reset(range(start, stop))
        else:
            for index in entering:
                self._add(source.stretch(index), 1)
            for index in leaving:
                self._add(source.stretch(index), -1)
        self._start, self._stop = start, stop
        n_bins = int(source.limits[stop] - source.limits[start])
        return Moments(n_bins=n_bins, gram=self._gram, total=self._total)

    def _reset(self, indices: range) -> None:
        parts = [self._source.stretch(index) for index in indices]
        # Whole numbers below 2^53 stay whole in double precision.
        small = all(part.gram.dtype.kind in "iu" for part in parts)
        bound = sum(float(np.diagonal(part.gram).max()) for part in parts)
        dtype = np.int32 if small and bound < 2**30 else np.float64
        if self._gram.dtype != dtype or self._gram.shape != parts[0].gram.shape:
            self._gram = np.empty(parts[0].gram.shape, dtype)
        np.copyto(self._gram, parts[0].gram)
        self._total = parts[0].total.copy()
        for part in parts[1:]:
            self._add(part, 1)

    def _add(self, part: Moments, sign: int) -> None:
        if self._gram.dtype == np.int32:
            bound = float(np.diagonal(self._gram).max()) + float(np.diagonal(part.gram).max())
            if part.gram.dtype.kind == "f" or bound >= 2**31:
                self._gram = self._gram.astype(np.float64)
        combine = np.add if sign > 0 else np.subtract
        combine(self._gram, part.gram, out=self._gram)
        combine(self._total, part.total, out=self._total)


def _sum_of_two(first: Moments, second: Moments) -> Moments:
    """Sum counts of two stretches, Gram matrices of one whole-number type side by side."""
    same = first.gram.dtype == second.gram.dtype and first.gram.dtype.kind in "iu"
    return Moments(
        n_bins=first.n_bins + second.n_bins,
        gram=first.gram if same else np.add(first.gram, second.gram, dtype=np.float64),
        rest=second.gram if same else None,
        total=first.total + second.total,
    )


def _sum_of(parts: list[Moments]) -> Moments:
    """Sum traces afresh: a running sum would keep the rounding of what has left the window."""
    gram, total = parts[0].gram.copy(), parts[0].total.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for part in parts[1:]:
            gram += part.gram
            total += part.total
    return Moments(
        n_bins=sum(part.n_bins for part in parts),
        gram=gram,
        total=total,
        lowest=np.min([part.lowest for part in parts], axis=0),
        highest=np.max([part.highest for part in parts], axis=0),
    )


def weights_from_moments(
    moments: WindowMoments, measure: str, out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Turn the sums of a window into Pearson's r or the covariance.

    Parameters
    ----------
    moments : WindowMoments
        The sums.
    measure : {"pearson", "covariance"}
        Which.
    out : numpy.ndarray of float64, shape (n_nodes, n_nodes)
        Filled in place; rows and columns of silent nodes with zero.

    Returns
    -------
    numpy.ndarray
        The same array.

    Notes
    -----
    With sums ``s`` and sums of products ``g`` over ``T`` bins, the covariance is
    ``(T g_ij - s_i s_j) / (T (T - 1))``, and r divides by the geometric mean of
    ``T g_ii - s_i²`` and ``T g_jj - s_j²``.
    """
    n_bins, spread, varies = moments.n_bins, moments.spread, ~moments.silent
    scale = np.zeros(len(spread))
    if measure == "pearson":
        scale[varies] = 1.0 / np.sqrt(spread[varies])
    elif n_bins > 1:
        scale[varies] = 1.0 / np.sqrt(n_bins * (n_bins - 1.0))
    limit = 1.0 if measure == "pearson" else np.inf
    normalize_gram(moments.gram, moments.total, scale, n_bins, limit, out, moments.rest)
    if measure == "pearson":
        np.fill_diagonal(out, varies)
    return out
