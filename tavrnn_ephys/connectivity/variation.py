"""
Whether the activity of a node varies: one rule for all measures.

Counts vary where two of them differ.  A trace has a scale, its largest absolute value; what lies a
trillion times below it is rounding, and its square vanishes or is noise.  Averages of a constant
differ in their last bits, and a noise-free decay falls below every variance that can be computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import BinnedActivity

__all__ = [
    "correlation",
    "in_units_of_scale",
    "is_constant",
    "largest_values",
    "plain",
    "scales_of",
]

# Rounding of a mean of ten thousand samples, relative to their size.
_FLOOR = 1e-12
_VALUES_AT_ONCE = 2**22


def plain(values: Any) -> NDArray[Any]:
    """
    Bring activity to a type that every measure computes with.

    Parameters
    ----------
    values : array_like, shape (n_nodes, n_bins)
        Counts, a raster of truth values, or traces.

    Returns
    -------
    numpy.ndarray
        Truth values as ``uint8``, floating-point numbers as ``float64``, whole numbers as given.

    Examples
    --------
    >>> plain(np.array([[True, False]]))
    array([[1, 0]], dtype=uint8)
    """
    array = np.asarray(values)
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array


def scales_of(values: NDArray[Any]) -> NDArray[np.float64]:
    """
    Return the largest absolute value of each node.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Activity.

    Returns
    -------
    numpy.ndarray
        Shape (n_nodes,).
    """
    if values.shape[1] == 0:
        return np.zeros(len(values))
    high = values.max(axis=1).astype(np.float64)
    return np.maximum(high, -values.min(axis=1).astype(np.float64))


def largest_values(activity: BinnedActivity) -> NDArray[np.float64]:
    """
    Return the largest absolute value of each node over a whole recording.

    Parameters
    ----------
    activity : BinnedActivity
        In memory or in a file, which is read once.

    Returns
    -------
    numpy.ndarray
        Shape (n_nodes,); for counts of one byte the largest that it holds.
    """
    dtype = activity.values.dtype
    if dtype.kind in "iub" and dtype.itemsize == 1:
        return np.full(activity.n_nodes, 255.0)
    step = max(1, _VALUES_AT_ONCE // activity.n_nodes)
    scales = np.zeros(activity.n_nodes)
    for first in range(0, activity.n_bins, step):
        last = min(first + step, activity.n_bins)
        values = plain(activity.values[:, first:last])
        if values.dtype.kind == "f" and activity.is_file_backed:
            # What is not finite is told of when its window is read.
            values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        scales = np.maximum(scales, scales_of(values))
    return scales


def is_constant(
    lowest: NDArray[Any], highest: NDArray[Any], scale: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """
    Say which nodes do not vary.

    Parameters
    ----------
    lowest, highest : numpy.ndarray, shape (n_nodes,)
        Extremes of each node.
    scale : numpy.ndarray, shape (n_nodes,)
        Largest absolute value of each node over the recording.

    Returns
    -------
    numpy.ndarray of bool
        Shape (n_nodes,).

    Examples
    --------
    >>> is_constant(np.array([0.1, 0.0]), np.array([0.1 + 1e-16, 1e-9]), np.array([0.1, 1.0]))
    array([ True, False])
    """
    low, high = np.asarray(lowest), np.asarray(highest)
    if low.dtype.kind != "f":
        return np.asarray(low == high)
    # Half of each, so that traces near the largest number do not overflow.
    return np.asarray(0.5 * high - 0.5 * low <= 0.5 * _FLOOR * scale)


def in_units_of_scale(values: NDArray[Any], constant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """
    Centre traces and bring each to deviations of at most 1, whose squares neither vanish nor grow.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Activity.
    constant : numpy.ndarray of bool, shape (n_nodes,)
        Nodes that do not vary; their rows become zero.

    Returns
    -------
    numpy.ndarray of float64
        Same shape.

    Examples
    --------
    >>> in_units_of_scale(np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([False, True]))
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    scale = scales_of(values)[:, np.newaxis]
    samples = values / np.where(scale > 0, scale, 1.0)
    samples -= samples.mean(axis=1, keepdims=True)
    largest = scales_of(samples)[:, np.newaxis]
    samples /= np.where(largest > 0, largest, 1.0)
    samples[constant] = 0.0
    return np.asarray(samples, dtype=np.float64)


def correlation(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Correlate rows whose mean is zero.

    Parameters
    ----------
    samples : numpy.ndarray of float64, shape (n_nodes, n_bins)
        As :func:`in_units_of_scale` gives them.

    Returns
    -------
    numpy.ndarray of float64
        Shape (n_nodes, n_nodes), symmetric, ones on the diagonal; zero for rows of zeros.

    Examples
    --------
    >>> correlation(np.array([[-1.0, 1.0], [1.0, -1.0]])).round(3)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    length = np.sqrt((samples * samples).sum(axis=1, keepdims=True))
    samples = samples / np.where(length > 0, length, 1.0)
    matrix = samples @ samples.T
    np.fill_diagonal(matrix, 1.0)
    # The product of two orders may differ in the last bits.
    return np.asarray(0.5 * (matrix + matrix.T))
