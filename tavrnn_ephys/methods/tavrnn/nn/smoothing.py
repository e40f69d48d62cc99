"""Exponential smoothing of embeddings over windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["smooth"]


def smooth(
    values: NDArray[Any],
    factor: float,
    *,
    two_sided: bool = False,
    before: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """
    Smooth along the first axis: ``s_t = factor · s_{t-1} + (1 − factor) · v_t``.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows, …)
        One array per window, in chronological order.
    factor : float
        Share of the past in each step, in [0, 1).
    two_sided : bool
        Whether the mean of a forward and a backward pass is returned, which takes in later
        windows.
    before : numpy.ndarray, optional
        Smoothed value of the window before the first; by default the first starts from itself.

    Returns
    -------
    numpy.ndarray
        The shape of ``values``.

    Examples
    --------
    >>> smooth(np.array([0.0, 1.0, 1.0]), 0.5)
    array([0.  , 0.5 , 0.75])
    >>> smooth(np.array([0.0, 1.0, 1.0]), 0.5, two_sided=True)
    array([0.25 , 0.75 , 0.875])
    """
    forward = _forward(values, factor, before)
    if not two_sided:
        return forward
    # Averaged, not filtered twice: the two passes weigh alike at both ends.
    return 0.5 * (forward + _forward(values[::-1], factor, None)[::-1])


def _forward(values: NDArray[Any], factor: float, before: NDArray[Any] | None) -> NDArray[Any]:
    smoothed = np.array(values)
    for index, value in enumerate(values):
        last = before if index == 0 else smoothed[index - 1]
        if last is not None:
            smoothed[index] = factor * last + (1.0 - factor) * value
    return smoothed
