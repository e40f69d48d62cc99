"""Opening HDF5 files of array vendors and archives, with one sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5_faults import faults_told, load_filters
from tavrnn_ephys.adapters._hdf5_requiring import require_neighbours
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.core.heaps import has_endless_heap, refuse_endless_heap

if TYPE_CHECKING:
    import h5py

__all__ = [
    "attribute",
    "file_name",
    "has_items",
    "holds",
    "load",
    "load_columns",
    "open_hdf5",
    "scalar",
    "text",
]

# No compression of HDF5's own shrinks data more than deflate: 1032 to 1.
_LARGEST_RATIO = 1100


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
        if has_endless_heap(path):
            return False
        with h5py.File(path, "r") as file:
            return all(holds(file, name) for name in names)
    except Exception:
        return False


def holds(file: Any, name: str, n_links: int = 16) -> bool:
    """
    Say whether a file itself holds an item; no other file is opened to find out.

    Parameters
    ----------
    file : h5py.File
        An open file.
    name : str
        Path of the item.
    n_links : int
        Most soft links to follow.

    Returns
    -------
    bool
        False also for what lies behind a link to another file, which may be a pipe.
    """
    import h5py

    group, parts = file, [part for part in name.split("/") if part]
    for index, part in enumerate(parts):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if isinstance(link, h5py.SoftLink) and n_links:
            start = "" if link.path.startswith("/") else group.name
            path = "/".join((start, link.path, *parts[index + 1 :]))
            return holds(file, path, n_links - 1)
        if not isinstance(link, h5py.HardLink):
            return False
        group = group[part]
    return True


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
        If the file is missing, empty, not HDF5, damaged, or takes content from files that are
        missing.
    MissingDependencyError
        If its compression needs a filter that is not installed.
    """
    import h5py

    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    if path.stat().st_size == 0:
        raise FileFormatError(f"'{path.name}' is empty. Copy it again from its source.")
    refuse_endless_heap(path)
    if not h5py.is_hdf5(path):
        raise FileFormatError(
            f"'{path.name}' is not an HDF5 file. Name the adapter of its format, or convert it."
        )
    load_filters()
    require_neighbours(path)
    with faults_told(path), h5py.File(path, "r") as file:
        yield file


def load(group: Any, name: str, *, kinds: str = "iuf") -> NDArray[Any]:
    """
    Load a dataset that must be there and hold values of the right kind.

    Parameters
    ----------
    group : h5py.Group
        Where it lies.
    name : str
        Its path inside the group.
    kinds : str
        Kinds of NumPy types that will do.

    Returns
    -------
    numpy.ndarray
        Its values.

    Raises
    ------
    FileFormatError
        If it is missing, of another kind, or claims to be larger than the file can hold.
    """
    dataset = _dataset(group, name)
    if dataset.dtype.kind not in kinds:
        raise FileFormatError(
            f"'{name}' of '{file_name(group)}' has the type {dataset.dtype}, which is not that of "
            "this format. The file is damaged or was written by another program."
        )
    return np.asarray(dataset[()])


def load_columns(group: Any, name: str, columns: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """
    Load columns of a table, and only these.

    Parameters
    ----------
    group : h5py.Group
        Where the table lies.
    name : str
        Its path inside the group.
    columns : mapping of str to str
        Column names, and the kinds of NumPy types that will do.

    Returns
    -------
    dict of str to numpy.ndarray
        Values by column.

    Raises
    ------
    FileFormatError
        If the table or a column is missing or of another kind.
    """
    dataset = _dataset(group, name)
    present = dataset.dtype.names or ()
    lacking = [
        column
        for column, kinds in columns.items()
        if column not in present or dataset.dtype[column].kind not in kinds
    ]
    if lacking or dataset.ndim != 1:
        raise FileFormatError(
            f"The table '{name}' of '{file_name(group)}' lacks {some(lacking or columns)} in the "
            "form of this format. The file is damaged or was written by another program."
        )
    table = dataset.fields(list(columns))[()]
    return {column: np.ascontiguousarray(table[column]) for column in columns}


def _dataset(group: Any, name: str) -> Any:
    import h5py

    item = group.get(name)
    if not isinstance(item, h5py.Dataset):
        raise FileFormatError(
            f"'{file_name(group)}' lacks the dataset '{name}'. Copy the file again, or name the "
            "adapter of its format."
        )
    largest = _LARGEST_RATIO * Path(item.file.filename).stat().st_size
    if item.dtype.kind != "O" and item.size * item.dtype.itemsize > largest:
        raise FileFormatError(
            f"'{name}' of '{file_name(group)}' claims {item.size} entries, more than the file can "
            "hold. It is damaged; copy it again from its source."
        )
    return item


def file_name(group: Any) -> str:
    """
    Return the name of the file of an HDF5 object, for messages.

    Parameters
    ----------
    group : h5py.Group or h5py.Dataset
        The object.

    Returns
    -------
    str
        Name without folders.
    """
    return Path(group.file.filename).name


def scalar(group: Any, name: str, default: float | None = None) -> float:
    """
    Load one finite number.

    Parameters
    ----------
    group : h5py.Group
        Where it lies.
    name : str
        Its path inside the group.
    default : float, optional
        What stands for a dataset that is missing.

    Returns
    -------
    float
        The number.

    Raises
    ------
    FileFormatError
        If it is missing without a default, or not one finite number.
    """
    if default is not None and name not in group:
        return default
    values = np.ravel(load(group, name))
    if len(values) == 0 or not np.isfinite(values[0]):
        raise FileFormatError(
            f"'{name}' of '{file_name(group)}' must hold one finite number, got {values[:3]}. "
            "Correct the file."
        )
    return float(values[0])


def attribute(item: Any, name: str, default: Any = None) -> Any:
    """
    Read an attribute as plain text or number.

    Parameters
    ----------
    item : h5py.Group or h5py.Dataset
        Whose attribute it is.
    name : str
        Its name.
    default : object
        What stands for an attribute that is missing or empty.

    Returns
    -------
    object
        The value.
    """
    import h5py

    value = item.attrs.get(name, default)
    if isinstance(value, h5py.Empty):
        return default
    if isinstance(value, bytes | str):
        return text(value)
    return value.item() if isinstance(value, np.generic) else value


def text(value: Any) -> str:
    """
    Decode text of HDF5, without the blanks that pad it.

    Parameters
    ----------
    value : bytes or str
        Text as h5py returns it.

    Returns
    -------
    str
        The text.
    """
    decoded = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return decoded.strip().strip("\0")
