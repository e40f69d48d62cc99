"""Matrices that lie in a temporary file, one per window, and are read when they are asked for."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.core.temporary import temporary_folder
from tavrnn_ephys.core.triangles import from_triangle, triangle

__all__ = ["MatrixFile", "MatrixSequence"]


class MatrixSequence:
    """
    Matrices that stand for an array of three dimensions, and are made one at a time.

    Indexing, iteration and :func:`numpy.asarray` give arrays, as an array in memory would.

    Parameters
    ----------
    shape : tuple of int
        (n_windows, n_rows, n_columns).
    dtype : numpy.dtype
        Type of the entries.
    """

    ndim = 3

    def __init__(self, shape: tuple[int, int, int], dtype: Any) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def matrix(self, index: int) -> NDArray[Any]:
        """
        Give the matrix of a window.

        Parameters
        ----------
        index : int
            Which window, from 0.

        Returns
        -------
        numpy.ndarray
            Shape (n_rows, n_columns); its own copy.
        """
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Bytes of the array that the matrices stand for."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return map(self.matrix, range(len(self)))

    def __getitem__(self, index: Any) -> NDArray[Any]:
        first, *others = index if isinstance(index, tuple) else (index,)
        if isinstance(first, int | np.integer):
            matrix = self.matrix(range(len(self))[int(first)])
            return matrix[tuple(others)] if others else matrix
        chosen = np.arange(len(self))[first]
        if not others or chosen.ndim != 1:
            return self._stacked(chosen)[(slice(None), *others)]
        if not all(isinstance(item, slice | int | np.integer) for item in others):
            # Arrays beside each other are paired; all windows are needed to say how.
            return np.asarray(self)[index]
        return np.stack([self.matrix(int(item))[tuple(others)] for item in chosen])

    def _stacked(self, chosen: NDArray[np.intp]) -> NDArray[Any]:
        stacked = np.empty((len(chosen), *self.shape[1:]), dtype=self.dtype)
        for place, item in zip(stacked, chosen, strict=True):
            place[...] = self.matrix(int(item))
        return stacked

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("These matrices do not lie in memory; they must be copied there.")
        array = self._stacked(np.arange(len(self)))
        return array if dtype is None else array.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process gets what the matrices say, not the file of this one.
        return np.asarray, (np.asarray(self),)


class MatrixFile(MatrixSequence):
    """
    Square matrices in a temporary file that vanishes with this object or its process.

    The file is read and not mapped, so that what was read once does not stay in memory.

    Parameters
    ----------
    shape : tuple of int
        (n_windows, n_nodes, n_nodes).
    symmetric : bool
        Whether every matrix equals its mirror image to the last bit; then half of it is kept.
    folder : str or path, optional
        Where the file lies; the system's folder for temporary files by default.

    Raises
    ------
    OutputError
        If the file cannot be made.

    Examples
    --------
    >>> matrices = MatrixFile((2, 2, 2), symmetric=True)
    >>> for matrix in ([[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.5], [-0.5, 1.0]]):
    ...     matrices.append(np.array(matrix))
    >>> matrices[1]
    array([[ 1. , -0.5],
           [-0.5,  1. ]])
    """

    def __init__(self, shape: tuple[int, int, int], *, symmetric: bool, folder: Any = None) -> None:
        super().__init__(shape, np.float64)
        self.symmetric = symmetric
        n_nodes = shape[1]
        self._row = n_nodes * (n_nodes + 1) // 2 if symmetric else n_nodes * n_nodes
        self._n_written = 0
        self._lock = threading.Lock()
        # In memory would be no help: it is what these matrices are too large for.
        self._folder = folder or temporary_folder(in_memory=False)
        try:
            self._stream = tempfile.TemporaryFile(dir=self._folder, prefix="tavrnn-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise OutputError(
                f"Connectivity that is too large for memory needs a temporary file, which cannot "
                f"be made ({error.strerror}). Name a folder with room: TMPDIR=FOLDER."
            ) from None
        # The file is closed, and with that gone, as soon as nobody holds the matrices.
        weakref.finalize(self, self._stream.close)

    def append(self, matrix: NDArray[np.float64]) -> None:
        """
        Write the matrix of the next window.

        Parameters
        ----------
        matrix : numpy.ndarray of float64, shape (n_nodes, n_nodes)
            The matrix; symmetric if the file keeps halves.

        Raises
        ------
        OutputError
            If there is no room for it.
        """
        row = triangle(matrix[np.newaxis])[0] if self.symmetric else np.ascontiguousarray(matrix)
        data = memoryview(row.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        try:
            with self._lock:
                self._stream.seek(self._n_written * len(data))
                while data:
                    data = data[self._stream.write(data) :]
        except OSError as error:
            raise OutputError(
                f"There is no room for the connectivity in '{self._folder}' "
                f"({error.strerror}). Name a folder with room: TMPDIR=FOLDER."
            ) from None
        self._n_written += 1

    def matrix(self, index: int) -> NDArray[np.float64]:
        """
        Read the matrix of a window.

        Parameters
        ----------
        index : int
            Which window, from 0.

        Returns
        -------
        numpy.ndarray of float64
            Shape (n_nodes, n_nodes).

        Raises
        ------
        OutputError
            If the file is shorter than that.
        """
        row = np.empty(self._row)
        data = memoryview(row.view(np.uint8))  # type: ignore[arg-type]
        with self._lock:
            self._stream.seek(index * len(data))
            while data:
                n_read = self._stream.readinto(data)
                if not n_read:
                    raise OutputError("The temporary file of the connectivity was cut short.")
                data = data[n_read:]
        n_nodes = self.shape[1]
        if self.symmetric:
            return from_triangle(row[np.newaxis], n_nodes)[0]
        return row.reshape(n_nodes, n_nodes)

    def __deepcopy__(self, _: Any) -> MatrixFile:
        # Nothing writes to it once it is complete.
        return self
