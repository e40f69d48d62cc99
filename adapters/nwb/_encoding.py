"""
Arrays and options in forms that NWB tables hold without loss and without a complaint.

nwbinspector asks for booleans where a column of wider numbers holds only 0 and 1 or a column
of text only a pair such as "yes" and "no", and for nothing at all where every value is NaN.
Such columns are stored as small codes, or left out, and provenance says how to undo it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = [
    "BINARY_TEXTS",
    "FIRST_ROWS",
    "Row",
    "as_utf8",
    "decode_array",
    "encode_array",
    "option_rows",
    "read_options",
]

# Key, value and type of one row of provenance.
Row = tuple[str, str, str]

# The rows of a column that nwbinspector looks at.
FIRST_ROWS = 200
BINARY_TEXTS = (
    {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"hit", "miss"},
)  # fmt: skip
_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: text == "True",
}
_SEQUENCES: dict[str, Callable[[Iterable[Any]], Any]] = {"list": list, "tuple": tuple}


def encode_array(values: NDArray[Any]) -> tuple[NDArray[Any] | None, dict[str, Any]]:
    """
    Choose how an array is stored.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers, booleans or text.

    Returns
    -------
    stored : numpy.ndarray or None
        What enters the table; None for an array of NaN alone.
    note : dict of str to object
        What :func:`decode_array` needs: ``dtype``, and ``labels`` or ``shape`` where needed.

    Raises
    ------
    InputError
        If the array holds anything else.

    Examples
    --------
    >>> encode_array(np.array(["hit", "miss", "hit"]))
    (array([0, 1, 0], dtype=int8), {'dtype': 'text', 'labels': ['hit', 'miss']})
    """
    kind = values.dtype.kind
    if kind == "U":
        return _encode_text(values)
    if kind not in "biuf" or (kind == "f" and values.dtype.itemsize > 8):
        raise InputError(
            f"Results hold values of type {values.dtype}, which NWB cannot store. "
            "Convert them to numbers or text."
        )
    note = {"dtype": values.dtype.name}
    if kind == "f" and values.size and _is_all_nan(values):
        return None, {**note, "shape": list(values.shape)}
    if kind != "b" and _looks_binary(values[:FIRST_ROWS]) and _fits_in_a_byte(values):
        return values.astype(np.int8), note
    return values.astype(np.float32) if values.dtype == np.float16 else values, note


def _is_all_nan(values: NDArray[Any]) -> bool:
    # Most arrays show it by their beginning; the whole may have gigabytes.
    return bool(np.isnan(values[:1]).all() and np.isnan(values).all())


def _looks_binary(head: NDArray[Any]) -> bool:
    if not np.isin(head[:1], (0, 1)).all():
        return False
    unique = np.unique(head)
    return len(unique) == 2 and set(unique.tolist()) == {0, 1}


def _fits_in_a_byte(values: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.array_equal(values, values.astype(np.int8)))


def _encode_text(values: NDArray[np.str_]) -> tuple[NDArray[Any], dict[str, Any]]:
    texts, codes = np.unique(values, return_inverse=True)
    head = np.unique(values[:FIRST_ROWS])
    binary = len(head) == 2 and {str(text).lower() for text in head} in BINARY_TEXTS
    if binary and len(texts) < 128:
        labels = [str(text) for text in texts]
        return codes.reshape(values.shape).astype(np.int8), {"dtype": "text", "labels": labels}
    return values, {"dtype": "text"}


def decode_array(stored: NDArray[Any] | None, note: Mapping[str, Any]) -> NDArray[Any]:
    """
    Restore an array.

    Parameters
    ----------
    stored : numpy.ndarray or None
        What the table holds.
    note : mapping of str to object
        The note of :func:`encode_array`.

    Returns
    -------
    numpy.ndarray
        The array as it was.

    Raises
    ------
    FileFormatError
        If the column is missing.
    """
    if stored is None:
        if "shape" not in note:
            raise FileFormatError("A column of these results is missing. Run the analysis again.")
        return np.full(tuple(note["shape"]), np.nan, dtype=note["dtype"])
    if "labels" in note:
        return np.array(note["labels"], dtype=str)[np.asarray(stored, dtype=np.int64)]
    return np.asarray(stored, dtype=str if note["dtype"] == "text" else note["dtype"])


def option_rows(key: str, value: Any) -> list[Row]:
    """
    Flatten an option into rows of text.

    Parameters
    ----------
    key : str
        Dotted key.
    value : str, bool, int, float, None, or list or tuple of such
        The value.

    Returns
    -------
    list of Row
        One row, or for a sequence its length and a row per entry under ``key.0``, ``key.1``, ….

    Raises
    ------
    InputError
        If the value is of another type.

    Examples
    --------
    >>> option_rows("config.segments", [0, 2])
    [('config.segments', '2', 'list'), ('config.segments.0', '0', 'int'), \
('config.segments.1', '2', 'int')]
    """
    value = value.item() if isinstance(value, np.generic) else value
    if value is None:
        return [(key, "", "none")]
    name = type(value).__name__
    if name in _SEQUENCES:
        entries = [option_rows(f"{key}.{index}", part) for index, part in enumerate(value)]
        return [(key, str(len(value)), name), *(row for rows in entries for row in rows)]
    if name not in _SCALARS:
        raise InputError(
            f"Option '{key}' is of type {name}; only text, numbers, booleans, None and lists of "
            "them can be saved with the results. Convert it."
        )
    return [(key, repr(value) if name == "float" else as_utf8(str(value)), name)]


def as_utf8(text: str) -> str:
    r"""
    Write what is no Unicode by its codes, as in names of files of another encoding.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Text that HDF5 can hold.

    Examples
    --------
    >>> as_utf8("caf\udce9.nwb")
    'caf\\udce9.nwb'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def read_options(rows: list[Row]) -> dict[str, Any]:
    """
    Restore options from their rows.

    Parameters
    ----------
    rows : list of Row
        Rows of :func:`option_rows`, in their order.

    Returns
    -------
    dict of str to object
        Values by key.

    Raises
    ------
    FileFormatError
        If a row is of an unknown type.

    Examples
    --------
    >>> read_options(option_rows("a", [1.5, None]) + option_rows("b", "text"))
    {'a': [1.5, None], 'b': 'text'}
    """
    remaining = iter(rows)
    options = {}
    for row in remaining:
        options[row[0]] = _read_option(row, remaining)
    return options


def _read_option(row: Row, remaining: Iterator[Row]) -> Any:
    key, text, kind = row
    if kind == "none":
        return None
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_read_option(next(remaining), remaining) for _ in range(int(text)))
    if kind not in _SCALARS:
        raise FileFormatError(
            f"Option '{key}' of these results is of the unknown type '{kind}'. "
            "Read the file with the version that wrote it."
        )
    return _SCALARS[kind](text)
