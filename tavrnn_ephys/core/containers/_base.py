"""What the containers share: equality by content, frozen arrays, checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.frozen import FrozenMapping
from tavrnn_ephys.core.plain_arrays import is_plain, plain_array

# Rows compared at once where a whole matrix would not fit into the cache.
STRIPE = 32
# Values looked at at once where a whole recording would not fit into memory.
VALUES_AT_ONCE = 2**22
# Beyond, a thumbnail would keep a notebook waiting.
MOST_DRAWN = 2**27
# Sums in single precision, in two orders, agree to a few of its last bits.
_ROUNDING_OF_SINGLE = 32 * float(np.finfo(np.float32).eps)


class Container:
    """Equality by content for the frozen containers."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            equal(getattr(self, item.name), getattr(other, item.name))
            for item in fields(self)  # type: ignore[arg-type]
            if item.compare
        )

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        for name, value in vars(self).items():
            if is_file_backed(value) and not isinstance(value, np.ndarray):
                raise InputError(
                    f"{type(self).__name__}.{name} lies in an open file, which cannot be copied or "
                    "sent to another process. Open the file there, or read it into memory first: "
                    f"{name}=numpy.asarray({name})."
                )
        return dict(vars(self))

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        freeze(self, **{name: _frozen_again(value) for name, value in state.items()})


def equal(a: Any, b: Any) -> bool:
    if is_file_backed(a) or is_file_backed(b):
        return a is b or _equal_part_by_part(a, b)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return bool(a == b)


def _equal_part_by_part(a: Any, b: Any) -> bool:
    """Compare what need not fit into memory along its first axis."""
    if getattr(a, "shape", None) != getattr(b, "shape", None) or a.dtype.kind != b.dtype.kind:
        return False
    return all(equal(np.asarray(one), np.asarray(two)) for one, two in zip(a, b, strict=True))


def require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def frozen_array(value: Any, dtype: Any = None) -> NDArray[Any]:
    """View an array read-only, without copying and without touching the caller's flags."""
    value = plain_array(value, "an array")
    _require_castable(value, dtype)
    try:
        array = np.asarray(value, dtype=dtype).view()
    except (TypeError, ValueError, OverflowError):
        wanted = "numbers" if dtype is None or np.dtype(dtype).kind in "iuf" else "values"
        raise InputError(
            f"An array of {wanted} is needed, got {type(value).__name__} that is none."
        ) from None
    array.flags.writeable = False
    return array


def _require_castable(value: Any, dtype: Any) -> None:
    """Refuse what NumPy would cast by throwing part of each number away."""
    kind = "" if dtype is None else np.dtype(dtype).kind
    if not kind or not isinstance(value, np.ndarray | list | tuple):
        return
    try:
        given = np.asarray(value)
    except ValueError:
        return  # Rows of different lengths are told by who casts them.
    require(
        given.dtype.kind != "c" or kind == "c",
        "Real numbers are needed, got complex ones. Take their real part or their magnitude.",
    )
    require(
        not (kind in "iu" and given.dtype.kind == "f") or bool(np.all(given == np.round(given))),
        "Whole numbers are needed, got fractions. Round them, or leave out what is missing.",
    )


def in_double(array: NDArray[Any]) -> NDArray[Any]:
    """
    Bring a wider floating-point type to double precision, other types stay.

    Neither the compiled loops nor the files know ``longdouble``.
    """
    if array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(np.float64).itemsize:
        return frozen_array(array.astype(np.float64))
    return array


def is_file_backed(value: Any) -> bool:
    """Tell whether an array lies in a file: memory-mapped, or a dataset of HDF5 or Zarr."""
    if isinstance(value, np.ndarray):
        return isinstance(value, np.memmap)
    if not is_plain(value):
        return False
    return all(hasattr(value, name) for name in ("shape", "dtype", "ndim", "__getitem__"))


def is_symmetric(matrix: NDArray[Any]) -> bool:
    """Compare stripes with their mirror images: far fewer cache misses than the whole at once."""
    for first in range(0, len(matrix), STRIPE):
        last = first + STRIPE
        if not np.array_equal(matrix[first:last, first:], matrix[first:, first:last].T):
            # Matrices of single precision, such as those of numpy.corrcoef, differ in last bits.
            largest = np.abs(matrix).max(initial=0.0, where=np.isfinite(matrix))
            within = max(1e-9, _ROUNDING_OF_SINGLE * float(largest))
            return bool(np.allclose(matrix, matrix.T, rtol=0, atol=within, equal_nan=True))
    return True


def without_diagonal(matrix: NDArray[Any]) -> NDArray[np.float64]:
    copied = np.array(matrix, dtype=np.float64)
    np.fill_diagonal(copied, np.nan)
    return copied


def text_array(values: Any) -> NDArray[np.str_]:
    try:
        return frozen_array([str(value) for value in values], dtype=str)
    except TypeError:
        raise InputError(
            f"A sequence of names is needed, got {type(values).__name__}, which is none."
        ) from None


def _frozen_again(value: Any) -> Any:
    """Make read-only what pickle and deepcopy have made writeable."""
    if isinstance(value, FrozenMapping):
        return FrozenMapping({key: _frozen_again(item) for key, item in value.items()})
    return frozen_array(value) if type(value) is np.ndarray else value


def freeze(instance: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)
