"""Nulls for series that are slow in time: circular shifts and surrogates of equal spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "correlation_windows",
    "draw_shifts",
    "phase_surrogates",
    "swapped_neighbours",
    "tail_p_values",
    "time_null",
]

NULLS = ("shift", "phase", "swap")


def correlation_windows(values: NDArray[Any]) -> int:
    """
    Estimate after how many windows a series has forgotten itself.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        One finite number per window.

    Returns
    -------
    int
        Smallest lag whose autocorrelation lies below 1/e, at least 1 and at most a quarter of
        the windows.

    Examples
    --------
    >>> correlation_windows(np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0], 4))
    2
    """
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    most = max(1, len(centred) // 4)
    power = float(centred @ centred)
    if power == 0.0:
        return 1
    for lag in range(1, most):
        if float(centred[:-lag] @ centred[lag:]) / power < np.exp(-1):
            return lag
    return most


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
        Shifts, ascending.

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
    possible = np.arange(min_shift, n_windows - min_shift + 1)
    if len(possible) < 19:
        raise InputError(
            f"{n_windows} windows with a known behaviour can be shifted in {max(len(possible), 0)} "
            f"ways by at least {min_shift} windows; 19 are needed for a p-value of 0.05. Record "
            "longer, or use a shorter step."
        )
    if len(possible) <= n_shifts:
        return possible
    return np.sort(rng.choice(possible, n_shifts, replace=False))


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
        Shape (n_swaps, n_windows).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> swapped_neighbours(np.array([1.0, 2.0, 3.0, 4.0]), n_swaps=1, rng=rng)
    array([[1., 2., 4., 3.]])
    """
    values = np.asarray(values, dtype=np.float64)
    swapped = np.tile(values, (positive_int(n_swaps, "n_swaps"), 1))
    for row in swapped:
        first = np.arange(int(rng.integers(2)), len(values) - 1, 2)
        first = first[rng.random(len(first)) < 0.5]
        row[first], row[first + 1] = row[first + 1], row[first].copy()
    return swapped


def time_null(
    values: NDArray[Any],
    *,
    null: str = "shift",
    min_shift: int | None = None,
    n_nulls: int = 199,
    seed: int = 0,
) -> NDArray[np.float64]:
    """
    Give series that a slow behaviour could as well have been.

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
    least = min_shift if min_shift is not None else correlation_windows(values)
    shifts = draw_shifts(len(values), min_shift=least, n_shifts=n_nulls, rng=rng)
    return np.stack([np.roll(values, shift) for shift in shifts])


def tail_p_values(
    observed: NDArray[Any], null: NDArray[Any], *, tail: str = "both"
) -> NDArray[np.float64]:
    """
    Count how often the null does at least as well, the observation counted among it.

    Parameters
    ----------
    observed : numpy.ndarray, shape (n_features,)
        Statistics.
    null : numpy.ndarray, shape (n_nulls, n_features)
        The same statistics under the null.
    tail : {"both", "upper"}
        Whether the absolute value counts, or the value.

    Returns
    -------
    numpy.ndarray
        P-values, shape (n_features,); NaN where the observation is.

    Examples
    --------
    >>> tail_p_values(np.array([2.0]), np.array([[-3.0], [1.0], [0.0]]))
    array([0.5])
    """
    one_of(tail, ("both", "upper"), "tail")
    if tail == "both":
        observed, null = np.abs(observed), np.abs(null)
    n_better = np.sum(null >= observed - 1e-12, axis=0)
    return np.where(np.isnan(observed), np.nan, (n_better + 1) / (len(null) + 1))
