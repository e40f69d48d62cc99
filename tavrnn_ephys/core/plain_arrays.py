"""Arrays of other libraries as plain ones: what they hold beside their values is not lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import InputError

__all__ = ["in_unit", "is_plain", "plain_array"]

# A sparse matrix can claim any size; 2 GiB of doubles is the most that is laid out.
_MOST_VALUES = 2**28


def is_plain(value: Any) -> bool:
    """
    Say whether a value is no sparse matrix, tensor or masked array.

    Parameters
    ----------
    value : object
        What the caller passed.

    Returns
    -------
    bool
        False for those.

    Examples
    --------
    >>> is_plain(np.zeros(2)), is_plain(np.ma.zeros(2))
    (True, False)
    """
    others = ("tocsr", "detach")
    return not (isinstance(value, np.ma.MaskedArray) or any(hasattr(value, key) for key in others))


def plain_array(value: Any, name: str = "the array") -> Any:
    """
    Lay out a sparse matrix or a tensor, and refuse masked values.

    NumPy takes the numbers below a mask for data, and a sparse matrix for one object.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        What it is, for the message.

    Returns
    -------
    object
        The value itself, or a plain array in place of a sparse matrix, tensor or masked array.

    Raises
    ------
    InputError
        If values are masked, or a sparse matrix is too large to be laid out.

    Examples
    --------
    >>> plain_array(np.ma.masked_equal([1, 2], 2), "traces")
    Traceback (most recent call last):
    tavrnn_ephys.core.errors.InputError: 1 values of traces are masked. Fill ...
    """
    if isinstance(value, np.ma.MaskedArray):
        n_masked = int(np.ma.count_masked(value))
        if n_masked:
            raise InputError(
                f"{n_masked} values of {name} are masked. Fill them first: "
                "values.filled(…), or leave out the rows that hold them."
            )
        return np.asarray(value.data)
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if hasattr(value, "tocsr"):
        if int(np.prod(value.shape, dtype=object)) > _MOST_VALUES:
            raise InputError(
                f"The sparse matrix of {name} has shape {tuple(value.shape)}, too many values to "
                "lay out. Use larger bins, or a part of it."
            )
        return np.asarray(value.toarray())
    return value


def in_unit(value: Any, unit: str, name: str) -> Any:
    """
    Bring values that carry a unit of their own to the unit that is meant.

    Parameters
    ----------
    value : object
        Plain numbers, which are in the unit that is meant, or a quantity.
    unit : str
        That unit, such as ``"s"``.
    name : str
        What it is, for the message.

    Returns
    -------
    object
        The value itself, or its magnitude in the unit.

    Raises
    ------
    InputError
        If its unit is of another kind.

    Examples
    --------
    >>> import quantities as pq
    >>> in_unit([0.0, 500.0] * pq.ms, "s", "start_s")
    array([0. , 0.5])
    """
    if not hasattr(value, "rescale"):
        return value
    try:
        return value.rescale(unit).magnitude
    except ValueError:
        raise InputError(
            f"{name} must be in {unit}, or in a unit that can be turned into it, got "
            f"{value.dimensionality.string}."
        ) from None
