"""Codes: whole numbers of a signal that stand for labels rather than amounts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["code_labels"]

# Share of the windows that hold one code throughout, and how many codes there are at most.
_LEAST_WHOLE, _MOST_CODES = 0.9, 8
# The mean of equal numbers differs from them in its last bits.
_ROUNDING = 1e-9


def code_labels(values: Any, how: str) -> NDArray[np.str_] | None:
    """
    Give the labels of windows, also where a signal holds codes rather than amounts.

    Parameters
    ----------
    values : array_like, shape (n_windows,)
        Numbers, NaN where unknown; or labels, empty where unknown.
    how : str
        How a window is summed up; only a mean can be one of codes.

    Returns
    -------
    numpy.ndarray of str, shape (n_windows,), or None
        Labels, empty where unknown or where a window holds two codes; None for amounts.

    Examples
    --------
    >>> code_labels([70.0, 70.0, 71.0 + 1e-13, np.nan], "mean")
    array(['70', '70', '71', ''], dtype='<U2')
    >>> code_labels([0.2, 0.7], "mean") is None
    True
    """
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        return given.astype(np.str_)
    numbers = given.astype(np.float64)
    known = np.isfinite(numbers)
    nearest = np.rint(np.where(known, numbers, 0.0))
    whole = known & (np.abs(numbers - nearest) <= _ROUNDING * np.maximum(np.abs(nearest), 1.0))
    # The mean of a window is a whole number where the signal keeps one code throughout.
    if how != "mean" or not whole.sum() >= _LEAST_WHOLE * known.sum() > 0:
        return None
    if len(np.unique(nearest[whole])) > _MOST_CODES:
        return None
    return np.array([f"{nearest[i]:.0f}" if whole[i] else "" for i in range(len(numbers))])
