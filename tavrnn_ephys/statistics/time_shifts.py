"""Nulls for series that are slow in time: circular shifts and surrogates of equal spectrum."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "LEAST_SHIFTS",
    "circular_shifts",
    "correlation_time",
    "correlation_windows",
    "draw_shifts",
    "phase_surrogates",
    "shift_surrogates",
    "swapped_neighbours",
    "time_null",
]

NULLS = ("shift", "phase", "swap")
# Fewer null values than these cannot give a p-value of 0.05.
LEAST_SHIFTS = 19


def correlation_time(values: NDArray[Any]) -> int:
    """
    Estimate after how many windows a behaviour resembles itself no more.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        Finite numbers as floating point; anything else, whole numbers too, is taken as labels.

    Returns
    -------
    int
        First lag at which the autocorrelation falls below 1/e, at least 1; for labels the mean
        over their indicators, weighed by variance.

    Notes
    -----
    This is the package's only rule, and it has no upper limit.  A limit, such as a quarter of
    the windows, would admit shifts across which a slow behaviour still resembles itself.  The
    autocorrelations of a series sum to zero once its mean is out, so that the lag seldom exceeds
    that quarter; where it does, too few shifts remain and the null is refused.

    Examples
    --------
    >>> correlation_time(np.repeat([0, 1, 0, 1], 10))
    4
    """
    array = np.asarray(values)
    if array.dtype.kind == "f":
        columns = array[:, np.newaxis]
    else:
        # Codes of labels have no order: a correlation of codes would depend on their numbering.
        columns = (array[:, np.newaxis] == np.unique(array)).astype(np.float64)
    centred = columns - columns.mean(axis=0)
    power = float(np.square(centred).sum())
    if power == 0:
        return 1
    for lag in range(1, len(array)):
        # Divided by the same power at all lags: few pairs at long lags do not count for more.
        if float((centred[lag:] * centred[:-lag]).sum()) < power / np.e:
            return lag
    return len(array)


def correlation_windows(values: NDArray[Any]) -> int:
    """
    Estimate the correlation time of numbers, whatever their type.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        One finite number per window.

    Returns
    -------
    int
        :func:`correlation_time` of the values as numbers, never as labels.

    Examples
    --------
    >>> correlation_windows(np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0], 4))
    2
    """
    return correlation_time(np.asarray(values, dtype=np.float64))


def draw_shifts(
    n_windows: int, *, min_shift: int, n_shifts: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """
    Draw distinct circular shifts.

    Parameters
    ----------
    n_windows : int
        Length of the series.
    min_shift : int
        Smallest shift in either direction, in windows.
    n_shifts : int
        How many; all possible ones where there are fewer.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    numpy.ndarray of int
        Shifts, ascending, each at most once.

    Raises
    ------
    InputError
        If fewer than 19 shifts are possible: no p-value of 0.05 could be reached.

    Examples
    --------
    >>> draw_shifts(25, min_shift=3, n_shifts=199, rng=np.random.default_rng(0))
    array([ 3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
           20, 21, 22])
    """
    positive_int(n_shifts, "n_shifts")
    # A shift of 0 would be the observation itself.
    possible = np.arange(positive_int(min_shift, "min_shift"), n_windows - min_shift + 1)
    if len(possible) < LEAST_SHIFTS:
        raise InputError(
            f"{n_windows} windows with a known behaviour are too few to shift it by at least "
            f"{min_shift} windows: {len(possible) or 'no'} distinct shifts exist, and "
            f"{LEAST_SHIFTS} are needed for a p-value of 0.05. Record longer, or use a shorter "
            "step."
        )
    # Repeated draws of few shifts would count as further evidence: small p-values come too often.
    if len(possible) <= n_shifts:
        return possible
    return np.sort(rng.choice(possible, n_shifts, replace=False))


def circular_shifts(
    n_windows: int, *, min_shift: int, n_shifts: int, seed: int = 0
) -> NDArray[np.int64]:
    """
    Draw by how many windows a label is rotated in time: :func:`draw_shifts` with a seed.

    Parameters
    ----------
    n_windows : int
        Length of the recording.
    min_shift : int
        Smallest shift in either direction: the correlation time of the label in windows.
    n_shifts : int
        How many; all possible ones where there are fewer.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray of int
        Shifts, ascending, each at most once.

    Raises
    ------
    InputError
        If fewer than 19 shifts are possible: no p-value of 0.05 could be reached.

    Examples
    --------
    >>> circular_shifts(22, min_shift=2, n_shifts=199)
    array([ 2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
           19, 20])
    """
    rng = np.random.default_rng(seed)
    return draw_shifts(n_windows, min_shift=min_shift, n_shifts=n_shifts, rng=rng)


def shift_surrogates(values: NDArray[Any], shifts: NDArray[np.int64]) -> NDArray[Any]:
    """
    Give surrogates by circular shift.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        The series: numbers or codes of labels.
    shifts : numpy.ndarray of int, shape (n_shifts,)
        By how many windows.

    Returns
    -------
    numpy.ndarray
        Shape (n_shifts, n_windows), of the type of the values.

    Examples
    --------
    >>> shift_surrogates(np.array([1, 2, 3]), np.array([1]))
    array([[3, 1, 2]])
    """
    places = np.arange(len(values))
    return np.asarray(values)[(places - np.asarray(shifts)[:, np.newaxis]) % len(values)]


def phase_surrogates(
    values: NDArray[Any], *, n_surrogates: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """
    Draw series of the same values and nearly the same autocorrelation [1]_.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        One finite number per window.
    n_surrogates : int
        How many.
    rng : numpy.random.Generator
        Draws the phases.

    Returns
    -------
    numpy.ndarray
        Shape (n_surrogates, n_windows); every row is a permutation of ``values``.

    Notes
    -----
    Amplitude-adjusted Fourier transform: the values are replaced by normal ones of the same
    ranks, their Fourier phases by random ones, and the ranks of the result by the values.

    References
    ----------
    .. [1] Theiler et al. (1992), Physica D 58, 77-94.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> np.sort(phase_surrogates(np.array([3.0, 1.0, 2.0]), n_surrogates=1, rng=rng))
    array([[1., 2., 3.]])
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    normal = np.sort(rng.normal(size=(n_surrogates, n)), axis=1)[:, rank]
    spectrum = np.fft.rfft(normal, axis=1)
    phases = rng.uniform(0, 2 * np.pi, spectrum.shape)
    phases[:, 0] = 0.0
    if n % 2 == 0:
        phases[:, -1] = 0.0
    shuffled = np.fft.irfft(np.abs(spectrum) * np.exp(1j * phases), n=n, axis=1)
    order = np.argsort(np.argsort(shuffled, axis=1), axis=1)
    return np.sort(values)[order]


def swapped_neighbours(
    values: NDArray[Any], *, n_swaps: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """
    Swap the values of neighbouring windows at random, and keep everything slower.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        One number per window.
    n_swaps : int
        How many series.
    rng : numpy.random.Generator
        Draws which pairs swap, and whether pairs begin with the first or the second window.

    Returns
    -------
    numpy.ndarray
        Shape (n_swaps, n_windows), each row another series, none of them the given one; all that
        exist where they are fewer.

    Raises
    ------
    InputError
        If 19 series or more are asked for and fewer exist: no p-value of 0.05 could be reached.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> swapped_neighbours(np.array([1.0, 2.0, 3.0, 4.0]), n_swaps=9, rng=rng)
    array([[1., 2., 4., 3.],
           [2., 1., 3., 4.],
           [2., 1., 4., 3.],
           [1., 3., 2., 4.]])
    """
    values = np.asarray(values, dtype=np.float64)
    positive_int(n_swaps, "n_swaps")
    # Neighbours of one value swap without a trace.
    pairs = [
        first[values[first] != values[first + 1]]
        for first in (np.arange(start, len(values) - 1, 2) for start in (0, 1))
    ]
    n_all = sum(2 ** len(first) - 1 for first in pairs)
    if n_all < LEAST_SHIFTS <= n_swaps:
        raise InputError(
            f"Neighbouring windows of this behaviour can swap in {n_all or 'no'} ways that change "
            f"it, and {LEAST_SHIFTS} are needed for a p-value of 0.05. Shift it in time instead, "
            "or record longer."
        )
    if n_all <= n_swaps:
        chosen = [
            first[list(moved)]
            for first in pairs
            for moved in itertools.product((False, True), repeat=len(first))
            if any(moved)
        ]
        return np.array([_swapped(values, first) for first in chosen]).reshape(-1, len(values))
    found: dict[bytes, NDArray[np.float64]] = {}
    while len(found) < n_swaps:
        first = pairs[int(rng.integers(2))]
        row = _swapped(values, first[rng.random(len(first)) < 0.5])
        if not np.array_equal(row, values):
            found.setdefault(row.tobytes(), row)
    return np.stack(list(found.values()))


def _swapped(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    row = values.copy()
    row[first], row[first + 1] = values[first + 1], values[first]
    return row


def time_null(
    values: NDArray[Any],
    *,
    null: str = "shift",
    min_shift: int | None = None,
    n_nulls: int = 199,
    seed: int = 0,
) -> NDArray[np.float64]:
    """
    Give surrogates of a behaviour: by circular shift, of equal spectrum, or by swapped neighbours.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        Behaviour per window, finite.
    null : {"shift", "phase", "swap"}
        Circular shifts in time, surrogates of equal spectrum, or neighbouring windows that swap
        their values at random: for behaviour that alternates from window to window, of which
        every second shift is the behaviour itself.
    min_shift : int, optional
        Smallest shift in windows; the correlation time of the values by default.
    n_nulls : int
        How many series; fewer where the recording does not allow as many shifts.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray
        Shape (n_nulls, n_windows).

    Raises
    ------
    InputError
        If ``null`` is unknown, or the recording is too short for shifts.
    """
    one_of(null, NULLS, "null")
    values = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    if null == "phase":
        return phase_surrogates(values, n_surrogates=positive_int(n_nulls, "n_nulls"), rng=rng)
    if null == "swap":
        return swapped_neighbours(values, n_swaps=n_nulls, rng=rng)
    least = min_shift if min_shift is not None else correlation_time(values)
    shifts = draw_shifts(len(values), min_shift=least, n_shifts=n_nulls, rng=rng)
    return shift_surrogates(values, shifts)
