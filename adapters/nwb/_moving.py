"""References of an NWB file to its neighbours, kept right in a copy that lies elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import h5py
import numpy as np

from tavrnn_ephys.adapters._hdf5_neighbours import neighbours_of

__all__ = ["copy_values", "has_values_elsewhere", "move_references", "moved_path"]

_PIECE_BYTES = 2**23
# The data set of image series that names the files of the images.
_IMAGES = "external_file"


def has_values_elsewhere(file: h5py.File) -> bool:
    """
    Say whether data sets of a file keep their values in other files.

    Parameters
    ----------
    file : h5py.File
        An open file.

    Returns
    -------
    bool
        True for virtual data sets and external storage; links to whole objects do not count.
    """
    return any(item.kind != "link" and item.named != "." for item in neighbours_of(file))


def copy_values(dataset: h5py.Dataset, parent: h5py.Group, name: str) -> None:
    """
    Copy a data set whose values lie in other files into a plain one.

    Parameters
    ----------
    dataset : h5py.Dataset
        The data set.
    parent : h5py.Group
        Where the copy goes.
    name : str
        Its name there.
    """
    made = parent.create_dataset(name, shape=dataset.shape, dtype=dataset.dtype)
    if not dataset.shape:
        made[()] = dataset[()]
        return
    row_bytes = max(int(np.prod(dataset.shape[1:])) * dataset.dtype.itemsize, 1)
    n_rows = max(1, _PIECE_BYTES // row_bytes)
    for start in range(0, dataset.shape[0], n_rows):
        made[start : start + n_rows] = dataset[start : start + n_rows]


def move_references(file: h5py.File, old_folder: Path, new_folder: Path) -> None:
    """
    Keep relative references to other files right in a copy that lies elsewhere.

    Parameters
    ----------
    file : h5py.File
        The copy.
    old_folder, new_folder : pathlib.Path
        Folders of the original and of the copy.
    """
    if old_folder.resolve() == new_folder.resolve():
        return
    links, images = [], []
    for group in _groups(file):
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                links.append((group, name, link))
            elif name == _IMAGES and isinstance(link, h5py.HardLink):
                images.append(group[name])
    for group, name, link in links:
        moved = moved_path(link.filename, old_folder, new_folder)
        if moved != link.filename:
            del group[name]
            group[name] = h5py.ExternalLink(moved, link.path)
    for dataset in images:
        if dataset.shape and h5py.check_string_dtype(dataset.dtype) is not None:
            names = [str(item) for item in dataset.asstr()[()].ravel()]
            moved_names = [moved_path(item, old_folder, new_folder) for item in names]
            if moved_names != names:
                dataset[...] = np.array(moved_names, dtype=object).reshape(dataset.shape)


def _groups(file: h5py.File) -> Iterator[Any]:
    """Visit every group once, whatever hard links lead to it."""
    seen: set[int] = set()
    waiting: list[Any] = [file]
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        yield group
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                if group.get(name, getclass=True) is h5py.Group:
                    waiting.append(group[name])


def moved_path(name: str, old_folder: Path, new_folder: Path) -> str:
    """
    Write a path as it must stand in a file of another folder.

    Parameters
    ----------
    name : str
        The path as it stands in a file of the old folder.
    old_folder, new_folder : pathlib.Path
        Folders of the two files.

    Returns
    -------
    str
        The path itself if it is absolute or an address of the web; else relative to the new
        folder.
    """
    is_absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
    if not name or is_absolute or "://" in name:
        return name
    there = old_folder.resolve() / name
    return os.path.relpath(there, new_folder.resolve())
