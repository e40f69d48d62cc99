"""Columns of NWB tables as plain arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "compressed",
    "make_column",
    "plain_column",
    "ragged_column",
    "ragged_texts",
    "scalar_columns",
]


def plain_column(column: Any) -> NDArray[Any] | None:
    """
    Load a column of numbers or text.

    Parameters
    ----------
    column : hdmf.common.VectorData
        Any column of a table.

    Returns
    -------
    numpy.ndarray or None
        The values, text as ``str``; None for ragged columns, references and labels by code.
    """
    from hdmf.common import DynamicTableRegion, EnumData, VectorIndex

    if isinstance(column, VectorIndex | DynamicTableRegion | EnumData):
        return None
    values = column.data[:]
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.dtype.kind in "OSU":
        return _texts(array)
    return array if array.dtype.kind in "biuf" else None


def _texts(array: NDArray[Any]) -> NDArray[np.str_] | None:
    if not all(isinstance(value, str | bytes) for value in array.ravel()):
        return None
    texts = [value.decode() if isinstance(value, bytes) else value for value in array.ravel()]
    return np.array(texts, dtype=str).reshape(array.shape)


def scalar_columns(table: Any, *, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
    """
    Load all columns that hold one number or text per row.

    Parameters
    ----------
    table : hdmf.common.DynamicTable
        The table.
    without : tuple of str
        Columns that are left out.

    Returns
    -------
    dict of str to numpy.ndarray
        Values by name of the column, shape (n_rows,).
    """
    columns = {}
    for name in table.colnames:
        values = None if name in without else plain_column(table[name])
        if values is not None and values.ndim == 1:
            columns[name] = values
    return columns


def ragged_column(column: Any) -> tuple[Any, NDArray[np.int64]]:
    """
    Split a column that may be ragged into its flat values and the end of each row.

    Parameters
    ----------
    column : hdmf.common.VectorIndex or hdmf.common.VectorData
        The column.

    Returns
    -------
    values : hdmf.common.VectorData
        Flat values.
    stops : numpy.ndarray, shape (n_rows,)
        One past the last value of each row.
    """
    from hdmf.common import VectorIndex

    if isinstance(column, VectorIndex):
        return column.target, np.asarray(column.data[:], dtype=np.int64)
    return column, np.arange(1, len(column.data) + 1)


def ragged_texts(column: Any) -> list[str] | None:
    """
    Join the texts of each row of a ragged column.

    Parameters
    ----------
    column : hdmf.common.VectorIndex or hdmf.common.VectorData
        The column.

    Returns
    -------
    list of str or None
        One text per row, parts joined by a comma; None if the column holds no text.
    """
    target, stops = ragged_column(column)
    values = plain_column(target)
    if values is None or values.dtype.kind != "U":
        return None
    return [", ".join(part) for part in np.split(values, stops[:-1])]


def make_column(name: str, description: str, values: Any) -> Any:
    """
    Build a column of numbers or text.

    Parameters
    ----------
    name : str
        Name of the column.
    description : str
        What a value means.
    values : array_like, shape (n_rows, …)
        The values.

    Returns
    -------
    hdmf.common.VectorData
        The column; numbers that are all 0 or 1 take one byte each.
    """
    from hdmf.common import VectorData

    array = np.asarray(values)
    if array.dtype.kind in "iuf" and array.size and np.isin(array, (0, 1)).all():
        array = array.astype(np.int8)
    data = array.tolist() if array.dtype.kind in "OSU" else array
    return VectorData(name=name, description=description, data=data)


def compressed(data: NDArray[Any], chunks: tuple[int, ...] | None = None) -> Any:
    """
    Mark an array for compression in the file.

    Parameters
    ----------
    data : numpy.ndarray
        The array.
    chunks : tuple of int, optional
        Shape of what is compressed, and later read, as one; HDF5 chooses it by default.

    Returns
    -------
    hdmf.backends.hdf5.H5DataIO
        The array with gzip 4 and byte shuffling.
    """
    from hdmf.backends.hdf5 import H5DataIO

    return H5DataIO(data, chunks=chunks, compression="gzip", compression_opts=4, shuffle=True)
