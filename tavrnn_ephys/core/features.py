"""Checks of what stands beside windows: features, series and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError

__all__ = ["known_labels", "number_matrix", "number_series"]


def number_matrix(values: Any, name: str) -> NDArray[np.float64]:
    """
    Return features as a matrix of finite numbers.

    Parameters
    ----------
    values : array_like, shape (n_windows, n_features)
        Features; a unit is taken off.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    numpy.ndarray of float64
        The features, at least one.

    Raises
    ------
    InputError
        If they are no numbers, not finite, or of another shape.

    Examples
    --------
    >>> number_matrix([[1, 2]], "features")
    array([[1., 2.]])
    """
    matrix = _numbers(values, name)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise InputError(
            f"{name} has shape {matrix.shape}; (n_windows, n_features) with at least one feature "
            "is needed."
        )
    bad = ~np.isfinite(matrix).all(axis=0)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} of {matrix.shape[1]} columns of {name} hold NaN or infinite values, "
            f"the first of them column {int(np.argmax(bad))}. Leave these columns or windows out."
        )
    return matrix


def number_series(values: Any, name: str) -> NDArray[np.float64]:
    """
    Return one number per window.

    Parameters
    ----------
    values : array_like, shape (n_windows,)
        The numbers; a unit is taken off, and NaN is unknown.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    numpy.ndarray of float64
        The numbers.

    Raises
    ------
    InputError
        If they are no numbers, infinite, or of another shape.
    """
    series = _numbers(values, name)
    if series.ndim != 1 or len(series) == 0:
        raise InputError(f"{name} has shape {series.shape}; one number per window is needed.")
    if np.isinf(series).any():
        raise InputError(f"{name} holds infinite values. Leave these windows out.")
    return series


def known_labels(labels: Any, name: str = "labels") -> NDArray[Any]:
    """
    Return labels that are all known.

    Parameters
    ----------
    labels : array_like, shape (n_windows,)
        One label per window.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    numpy.ndarray
        Texts, whole numbers or finite numbers.

    Raises
    ------
    InputError
        If a label is missing (None or NaN), or there is not one per window.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) == 0:
        raise InputError(f"{name} has shape {array.shape}; one label per window is needed.")
    if array.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in array])  # noqa: PLR0124
        plain = np.array([str(value) for value in array], dtype=str)
    else:
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(len(array), dtype=bool)
        plain = array
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} of {len(array)} {name} are missing, the first in window "
            f"{int(np.argmax(missing))}. Leave these windows out of features and labels."
        )
    return plain


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(getattr(values, "magnitude", values))
        if array.dtype.kind not in "biufO":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers, and is none.") from None
