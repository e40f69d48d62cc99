"""Opening HDF5 files of array vendors and archives, with one sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tavrnn_ephys.errors import FileFormatError

if TYPE_CHECKING:
    import h5py

__all__ = ["has_items", "open_hdf5"]


def has_items(path: Path, names: tuple[str, ...]) -> bool:
    """
    Say whether a file is HDF5 and holds all of these items; never raise.

    Parameters
    ----------
    path : pathlib.Path
        Any path.
    names : tuple of str
        Paths inside the file.

    Returns
    -------
    bool
        True if all are there.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return all(name in file for name in names)
    except Exception:
        return False


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """
    Open an HDF5 file read-only and close it afterwards.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Yields
    ------
    h5py.File
        The open file.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, not HDF5, or damaged.
    """
    import h5py

    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    if path.stat().st_size == 0:
        raise FileFormatError(f"'{path.name}' is empty. Copy it again from its source.")
    if not h5py.is_hdf5(path):
        raise FileFormatError(
            f"'{path.name}' is not an HDF5 file. Name the adapter of its format, or convert it."
        )
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        reason = " ".join(str(error).split())
        raise FileFormatError(
            f"'{path.name}' is damaged or cut short: HDF5 cannot read it ({reason}). "
            "Copy it again from its source."
        ) from error
