"""Sums over windows from which lagged correlations follow, moved along instead of made anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged._loops import advance
from tavrnn_ephys.connectivity.lagged.events import Events

__all__ = ["LagSums", "SlidingLagSums", "correlation_of", "standard_errors_of"]

_NONE = np.empty((0, 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class LagSums:
    """
    Sums over the bins of one window.

    Parameters
    ----------
    n_bins : int
        Number of bins.
    gram : numpy.ndarray, shape (n_nodes, n_nodes)
        Sum of the target's count times the source's past, target first.
    squares : numpy.ndarray, shape (n_nodes, n_nodes) or (0, 0)
        The same with the square of the past, where standard errors are asked for.
    totals : numpy.ndarray, shape (4, n_nodes)
        Sums of counts, of their squares, of the past, and of its squares.
    """

    n_bins: int
    gram: NDArray[np.float64]
    squares: NDArray[np.float64]
    totals: NDArray[np.float64]

    @property
    def spread(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``n_bins²`` times the variance of counts and of the past; 0 where constant."""
        count, count_square, past, past_square = self.totals
        counts = self.n_bins * count_square - count * count
        pasts = self.n_bins * past_square - past * past
        # Sums are exact, these differences of products nearly so.
        floor = 1e-12 * self.n_bins * np.maximum(past_square, 0.0)
        return np.maximum(counts, 0.0), np.where(pasts > floor, pasts, 0.0)


class Cursor:
    """
    A place in time, and the past of every source there.

    Parameters
    ----------
    events : Events
        The spikes.
    kernel : numpy.ndarray, shape (n_lags,)
        Weights at lags of 1, 2, … bins.
    first : int
        Bin to stand at.
    """

    def __init__(self, events: Events, kernel: NDArray[np.float64], first: int) -> None:
        self.events, self.kernel = events, kernel
        self.bin = max(first - len(kernel), 0)
        self.event = int(np.searchsorted(events.bins, self.bin))
        self.ring = np.zeros((len(kernel) + 1, events.n_nodes))
        self.move(first, 0.0, _NONE, _NONE, _NONE)

    def copy(self) -> Cursor:
        """
        Copy where the cursor stands.

        Returns
        -------
        Cursor
            One of its own, at the same place.
        """
        other = object.__new__(Cursor)
        other.events, other.kernel = self.events, self.kernel
        other.bin, other.event, other.ring = self.bin, self.event, self.ring.copy()
        return other

    def move(
        self,
        last: int,
        sign: float,
        gram: NDArray[np.float64],
        squares: NDArray[np.float64],
        totals: NDArray[np.float64],
    ) -> None:
        """
        Go to a later bin, and add to the sums, or take off, what lies between.

        Parameters
        ----------
        last : int
            The bin to go to.
        sign : float
            1 to add, -1 to take off, 0 to do neither.
        gram, squares : numpy.ndarray, shape (n_nodes, n_nodes)
            Sums of products and of their squares, changed in place; squares may be empty.
        totals : numpy.ndarray, shape (4, n_nodes)
            Sums of counts, of the past, and of their squares, changed in place.
        """
        self.event = advance(
            self.events.bins, self.events.nodes, self.events.counts, self.event, self.bin, last,
            self.kernel, self.ring, sign, gram, squares, totals, squares.size > 0,
        )  # fmt: skip
        self.bin = last


class SlidingLagSums:
    """
    Sums of one window after the other, in memory of one.

    Parameters
    ----------
    events : Events
        The spikes.
    kernel : numpy.ndarray, shape (n_lags,)
        Weights at lags of 1, 2, … bins, multiples of 2⁻¹⁶.
    with_squares : bool
        Whether standard errors will be asked for.
    """

    def __init__(
        self, events: Events, kernel: NDArray[np.float64], *, with_squares: bool = False
    ) -> None:
        self.events, self.kernel = events, kernel
        shape = (events.n_nodes, events.n_nodes)
        self.gram = np.zeros(shape)
        self.squares = np.zeros(shape if with_squares else (0, 0))
        self.totals = np.zeros((4, events.n_nodes))
        self.head = self.tail = Cursor(events, kernel, 0)

    def move_to(self, first: int, last: int) -> LagSums:
        """
        Sum over a window.

        Parameters
        ----------
        first, last : int
            Its first bin, and one past its last.

        Returns
        -------
        LagSums
            Which the next call overwrites.
        """
        sums = (self.gram, self.squares, self.totals)
        overlaps = self.tail.bin <= first < self.head.bin <= last
        slid = first - self.tail.bin + last - self.head.bin
        if overlaps and slid < last - first:
            self.tail.move(first, -1.0, *sums)
        else:
            for item in sums:
                item[:] = 0.0
            self.tail = Cursor(self.events, self.kernel, first)
            self.head = self.tail.copy()
        self.head.move(last, 1.0, *sums)
        return LagSums(
            n_bins=last - first, gram=self.gram, squares=self.squares, totals=self.totals
        )


def correlation_of(sums: LagSums, out: NDArray[np.float64]) -> NDArray[np.bool_]:
    """
    Turn sums into correlations.

    Parameters
    ----------
    sums : LagSums
        Sums over a window.
    out : numpy.ndarray, shape (n_nodes, n_nodes)
        Filled in place, source first: NaN where counts or past do not vary.

    Returns
    -------
    numpy.ndarray of bool, shape (n_nodes,)
        Which nodes do not vary.
    """
    counts, pasts = sums.spread
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sums.n_bins * sums.gram - np.outer(sums.totals[0], sums.totals[2])
        found *= (1.0 / np.sqrt(counts))[:, np.newaxis]
        found *= 1.0 / np.sqrt(pasts)
    np.clip(found.T, -1.0, 1.0, out=out)
    out[pasts == 0] = np.nan
    out[:, counts == 0] = np.nan
    return (counts == 0) | (pasts == 0)


def standard_errors_of(sums: LagSums) -> NDArray[np.float64]:
    """
    Say how far chance moves each correlation.

    Parameters
    ----------
    sums : LagSums
        Sums over a window, with squares.

    Returns
    -------
    numpy.ndarray, shape (n_nodes, n_nodes)
        Standard errors, source first; NaN where the correlation is.

    Notes
    -----
    The sum over a target's spikes of the source's past has the variance ``Σ_spikes (f - ⟨f⟩)²``
    of a compound Poisson process; with few spikes together that is nearly 0 by chance, so that
    it counts for no less than what independent trains of the same counts have, ``n var(x)
    var(f)``.
    """
    n_bins, count, past = sums.n_bins, sums.totals[0], sums.totals[2] / sums.n_bins
    counts, pasts = sums.spread
    observed = sums.squares - 2 * past * sums.gram + np.outer(count, past * past)
    expected = np.outer(counts, pasts) / n_bins**3
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = n_bins / np.sqrt(np.outer(counts, pasts))
        errors: NDArray[np.float64] = (np.sqrt(np.maximum(observed, expected)) * scale).T
    errors[pasts == 0] = np.nan
    errors[:, counts == 0] = np.nan
    return errors
