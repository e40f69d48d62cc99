"""Behaviour that is sampled more slowly than windows follow, and how much of a window is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows.holding import (
    covered_s,
    held_until_s,
    in_order_of_time,
    merged_intervals,
    usual_interval_s,
)
from tavrnn_ephys.core.containers import Windows

__all__ = ["known_shares", "sampled_at_middles", "shares_covered"]

# Between samples that lie further apart, in usual distances, the signal was lost.
_PAUSE = 1.5


def sampled_at_middles(
    windows: Windows,
    times_s: NDArray[Any],
    values: NDArray[Any],
    *,
    interpolate: bool,
    period: float | None = None,
) -> NDArray[np.float64]:
    """
    Take a signal at the middle of each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Sample times in seconds, in any order.
    values : numpy.ndarray, shape (n_samples,)
        One value per sample; NaN values are left out.
    interpolate : bool
        Whether the value lies on the line between both neighbours; else it is that of the nearest
        sample, of two the earlier.
    period : float, optional
        Full turn of an angle: the line is then the shorter arc, and values lie in [0, period).

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,); NaN where the nearest sample is further away than half the usual
        distance of samples, or the middle lies between no two that are at most 1.5 usual distances
        apart.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 2.0, 4.0], stop_s=[2.0, 4.0, 6.0])
    >>> samples = np.array([0.0, 4.0]), np.array([10.0, 30.0])
    >>> sampled_at_middles(windows, *samples, interpolate=False)
    array([10., 30., 30.])
    >>> sampled_at_middles(windows, *samples, interpolate=True)
    array([15., 25., nan])
    """
    times, samples = in_order_of_time(times_s, np.asarray(values, dtype=np.float64))
    usual = usual_interval_s(times)
    known = np.isfinite(samples)
    times, samples = times[known], samples[known]
    found = np.full(len(windows), np.nan)
    if len(times) == 0:
        return found
    middle = 0.5 * (windows.start_s + windows.stop_s)
    behind = np.clip(np.searchsorted(times, middle), 1, max(len(times) - 1, 1))
    after, before = np.minimum(behind, len(times) - 1), behind - 1
    slack_s = 1e-9 * max(1.0, float(np.abs(middle).max()))
    if interpolate:
        span = times[after] - times[before]
        inside = (middle >= times[before] - slack_s) & (middle <= times[after] + slack_s)
        inside &= (span > 0) & (span <= _PAUSE * usual + slack_s)
        share = (middle - times[before])[inside] / span[inside]
        step = samples[after] - samples[before]
        if period is not None:
            step = np.mod(step + period / 2, period) - period / 2
        found[inside] = (samples[before])[inside] + share * step[inside]
    else:
        late = times[after] - middle < middle - times[before] - slack_s
        nearest = np.where(late, after, before)
        near = np.abs(times[nearest] - middle) <= usual / 2 + slack_s
        found[near] = samples[nearest][near]
    return found if period is None else _in_turn(found, period)


def _in_turn(angles: NDArray[np.float64], period: float) -> NDArray[np.float64]:
    turned = np.mod(angles, period)
    # A rounding below zero is zero, not a full turn.
    return np.where(turned >= period * (1 - 1e-12), 0.0, turned)


def known_shares(
    windows: Windows, times_s: NDArray[Any], values: NDArray[Any]
) -> NDArray[np.float64]:
    """
    Say in what share of each window a signal is known.

    Parameters
    ----------
    windows : Windows
        The windows.
    times_s : numpy.ndarray, shape (n_samples,)
        Sample times in seconds, in any order.
    values : numpy.ndarray, shape (n_samples,)
        One value per sample; NaN is unknown.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in [0, 1].  A sample holds until the next one, at most 1.5 usual
        distances.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    >>> known_shares(windows, np.arange(4.0), np.array([1.0, 1.0, np.nan, 1.0]))
    array([1. , 0.5])
    """
    times, samples = in_order_of_time(times_s, np.asarray(values, dtype=np.float64))
    if len(times) == 0:
        return np.zeros(len(windows))
    known = np.isfinite(samples)
    return shares_covered(windows, times[known], held_until_s(times)[known])


def shares_covered(windows: Windows, start_s: Any, stop_s: Any) -> NDArray[np.float64]:
    """
    Say what share of each window intervals cover.

    Parameters
    ----------
    windows : Windows
        The windows.
    start_s, stop_s : array_like, shape (n_intervals,)
        Limits in seconds; intervals that overlap count once.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), in [0, 1].

    Examples
    --------
    >>> shares_covered(Windows(start_s=[0.0], stop_s=[4.0]), [0.0, 1.0], [2.0, 3.0])
    array([0.75])
    """
    covered = covered_s(windows, *merged_intervals(np.asarray(start_s), np.asarray(stop_s)))
    return np.asarray(covered / (windows.stop_s - windows.start_s))
