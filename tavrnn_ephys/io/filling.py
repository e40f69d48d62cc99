"""
Samples that were never recorded: a filling value in their place, as event-based files have it.

A stretch that repeats one value for two milliseconds is filling, as is a value that occurs far
more often than those beside it.  The counts of noise, whatever its size against the steps of the
converter, are log-concave around their peak; a filling value breaks that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bridged", "filling_values", "unrecorded"]

_SHORTEST_RUN_S = 2e-3
_LEAST_SHARE = 0.05
# Twice what log-concave counts allow: the rest is the scatter of counts.
_EXCESS = 2.0


def filling_values(samples: NDArray[Any]) -> NDArray[np.float64]:
    """
    Find the value that stands for samples that were not recorded.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_channels)
        Raw voltage.

    Returns
    -------
    numpy.ndarray of float64
        Shape (n_channels,); NaN for a channel without such a value.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(1000, 2))
    >>> noise[::3, 1] = 0.0
    >>> filling_values(noise)
    array([nan,  0.])
    """
    return np.array([_filling_value(column) for column in samples.T], dtype=np.float64)


def _filling_value(column: NDArray[Any]) -> float:
    values, counts = np.unique(column, return_counts=True)
    peak = int(counts.argmax())
    if len(values) < 4 or counts[peak] < _LEAST_SHARE * len(column):
        return float("nan")
    sides = []
    for step in (-1, 1):
        if 0 <= peak + 2 * step < len(values):
            beside, beyond = float(counts[peak + step]), float(counts[peak + 2 * step])
            sides.append(counts[peak] * beyond > _EXCESS * beside**2)
    return float(values[peak]) if sides and all(sides) else float("nan")


def unrecorded(
    samples: NDArray[Any], filling: NDArray[np.float64], rate_hz: float
) -> NDArray[np.bool_]:
    """
    Say which samples were not recorded.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_channels)
        Raw voltage.
    filling : numpy.ndarray, shape (n_channels,)
        As :func:`filling_values` gives it.
    rate_hz : float
        Samples per second.

    Returns
    -------
    numpy.ndarray of bool
        Shape (n_samples, n_channels).

    Examples
    --------
    >>> unrecorded(np.array([[1.0], [0.0], [2.0]]), np.array([0.0]), 10.0).ravel().tolist()
    [False, True, False]
    """
    mask = np.asarray(samples == filling)
    shortest = max(8, round(_SHORTEST_RUN_S * rate_hz))
    if len(samples) <= shortest:
        return mask
    same = samples[1:] == samples[:-1]
    # A long run shows in every sparse look at it.
    suspects = np.flatnonzero(same[:: max(shortest // 2, 1)].any(axis=0))
    for channel in suspects:
        starts = np.concatenate([[0], np.flatnonzero(~same[:, channel]) + 1])
        lengths = np.diff(np.append(starts, len(samples)))
        for start, length in zip(
            starts[lengths >= shortest], lengths[lengths >= shortest], strict=True
        ):
            mask[start : start + length, channel] = True
    return mask


def bridged(samples: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """
    Draw a straight line over samples that were not recorded, so that no step is filtered.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_channels)
        Raw voltage.
    mask : numpy.ndarray of bool, shape (n_samples, n_channels)
        Which of them were not recorded.

    Returns
    -------
    numpy.ndarray
        The samples themselves where all were recorded, else a copy of ``float64``.

    Examples
    --------
    >>> gap = np.array([[False], [True], [False]])
    >>> bridged(np.array([[1.0], [0.0], [3.0]]), gap).ravel()
    array([1., 2., 3.])
    """
    touched = np.flatnonzero(mask.any(axis=0) & ~mask.all(axis=0))
    if len(touched) == 0:
        return samples
    result = samples.astype(np.float64)
    index = np.arange(len(samples))
    for channel in touched:
        lost = mask[:, channel]
        result[lost, channel] = np.interp(index[lost], index[~lost], result[~lost, channel])
    return result
