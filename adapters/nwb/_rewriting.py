"""Copies of HDF5 files: without the gaps that deletions leave, or with links for large data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tavrnn_ephys.adapters._hdf5_neighbours import stored_elsewhere
from tavrnn_ephys.adapters.nwb._attributes import read_attribute, write_attribute
from tavrnn_ephys.adapters.nwb._moving import copy_values
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "copy_bytes",
    "copy_objects",
    "digest_of",
    "has_references",
    "same_content",
]

_PIECE = 2**23
# Smaller data are copied into a sidecar rather than linked.
_LINKED_BYTES = 2**16


def copy_bytes(source: Path, target: Path) -> str:
    """
    Copy a file byte for byte.

    Parameters
    ----------
    source, target : pathlib.Path
        The file, and an existing file that takes its content.

    Returns
    -------
    str
        SHA-256 of the content.
    """
    state = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while piece := reader.read(_PIECE):
            state.update(piece)
            writer.write(piece)
    return state.hexdigest()


def digest_of(path: Path) -> str:
    """
    Give the checksum of a file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        SHA-256 of the content.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_objects(
    source: h5py.File, target: h5py.File, *, link_large: str = "", gather: bool = False
) -> None:
    """
    Copy every object of a file into an empty one, references and links included.

    Parameters
    ----------
    source, target : h5py.File
        The files.
    link_large : str
        Name by which the target finds the source; with one, large data of series are linked
        instead of copied.
    gather : bool
        Whether values that lie in other files are copied into the target.
    """
    copies = _Copies(source, target, link_large, gather)
    copies.group(source, target)
    copies.references()


class _Copies:
    def __init__(self, source: h5py.File, target: h5py.File, link_large: str, gather: bool) -> None:
        self.source, self.target, self.link_large = source, target, link_large
        self.gather = gather
        self.names: dict[int, str] = {}
        self.waiting: list[tuple[Any, str, str | None]] = []

    def group(self, old: Any, new: Any) -> None:
        self._attributes(old, new)
        for name in old:
            link = old.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
                new[name] = link
                continue
            item = old[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in self.names:
                new[name] = self.target[self.names[address]]
                continue
            self.names[address] = item.name
            self._item(item, new, name)

    def _item(self, item: Any, parent: Any, name: str) -> None:
        if isinstance(item, h5py.Group):
            plist = item.id.get_create_plist()
            made = h5py.h5g.create(parent.id, name.encode(), gcpl=plist)
            self.group(item, h5py.Group(made))
        elif self._is_linked(item):
            parent[name] = h5py.ExternalLink(self.link_large, item.name)
        elif self.gather and isinstance(item, h5py.Dataset) and stored_elsewhere(item):
            copy_values(item, parent, name)
            self._attributes(item, parent[name])
        else:
            h5py.h5o.copy(item.parent.id, name.encode(), parent.id, name.encode())
            if isinstance(item, h5py.Dataset):
                self._attributes(item, parent[name])
                if has_references(item.dtype):
                    self.waiting.append((item, item.name, None))

    def _is_linked(self, item: Any) -> bool:
        """Plain arrays of series; a column of a table can be referred to, and must stand here."""
        return (
            bool(self.link_large)
            and isinstance(item, h5py.Dataset)
            and item.nbytes >= _LINKED_BYTES
            and "neurodata_type" not in item.attrs
            and not item.name.startswith("/specifications")
        )

    def _attributes(self, old: Any, new: Any) -> None:
        for key in old.attrs:
            if has_references(old.attrs.get_id(key).dtype):
                self.waiting.append((old, old.name, key))
            elif key not in new.attrs:
                write_attribute(new, key, read_attribute(old, key))

    def references(self) -> None:
        """Point each reference to the copy of what it pointed to."""
        for old, name, key in self.waiting:
            new = self.target[name]
            if key is None:
                values = old[()]
                new[()] = self._moved(values)
                continue
            value = old.attrs[key]
            if key in new.attrs:
                del new.attrs[key]
            if isinstance(value, h5py.Reference):
                moved = self._reference(value) or self._target_by_name(name)
                new.attrs.create(key, moved, dtype=h5py.ref_dtype)
            else:
                new.attrs.create(key, self._moved(value), dtype=old.attrs.get_id(key).dtype)

    def _target_by_name(self, name: str) -> Any:
        """Find what an index refers to by name, where its reference leads nowhere."""
        target = self.target.get(name.removesuffix("_index"))
        return h5py.Reference() if target is None else target.ref

    def _moved(self, values: Any) -> Any:
        if isinstance(values, h5py.Reference):
            return self._reference(values)
        moved = np.array(values, copy=True)
        if moved.dtype.names:
            for field in moved.dtype.names:
                if moved.dtype[field].hasobject:
                    flat = moved[field].reshape(-1)
                    moved[field] = np.array(
                        [self._moved_value(value) for value in flat], dtype=object
                    ).reshape(moved[field].shape)
            return moved
        flat = np.array([self._moved_value(value) for value in moved.reshape(-1)], dtype=object)
        return flat.reshape(moved.shape).astype(h5py.ref_dtype)

    def _moved_value(self, value: Any) -> Any:
        return self._reference(value) if isinstance(value, h5py.Reference) else value

    def _reference(self, reference: Any) -> Any:
        if isinstance(reference, h5py.RegionReference):
            raise InputError(
                "This file holds references to regions of data, which cannot be copied. Write the "
                "results into a copy of it instead."
            )
        if not reference:
            return h5py.Reference()
        # The object of a reference can be gone; whoever reads the copy finds none either.
        name = self.source[reference].name
        return h5py.Reference() if name is None else self.target[name].ref


def has_references(dtype: np.dtype[Any]) -> bool:
    """
    Say whether data of a type hold references.

    Parameters
    ----------
    dtype : numpy.dtype
        The type, which may have fields.

    Returns
    -------
    bool
        True if it is one, or one of its fields is.
    """
    if dtype.names:
        return any(has_references(dtype[name]) for name in dtype.names)
    return h5py.check_ref_dtype(dtype) is not None


def same_content(first: Path, second: Path) -> bool:
    """
    Say whether two files hold the same objects.

    Parameters
    ----------
    first, second : pathlib.Path
        The files.

    Returns
    -------
    bool
        True if groups, links, attributes, types, shapes and values are equal, and references
        point to objects of the same name.
    """
    with h5py.File(first, "r") as one, h5py.File(second, "r") as two:
        return _same_group(one, two)


def _same_group(one: Any, two: Any) -> bool:
    if set(one) != set(two) or not _same_attributes(one, two):
        return False
    return all(_same_member(one, two, name) for name in one)


def _same_member(one: Any, two: Any, name: str) -> bool:
    links = [item.get(name, getlink=True) for item in (one, two)]
    if type(links[0]) is not type(links[1]):
        return False
    if isinstance(links[0], h5py.SoftLink):
        return bool(links[0].path == links[1].path)
    if isinstance(links[0], h5py.ExternalLink):
        return bool((links[0].filename, links[0].path) == (links[1].filename, links[1].path))
    a, b = one[name], two[name]
    if type(a) is not type(b):
        return False
    if isinstance(a, h5py.Group):
        return _same_group(a, b)
    return _same_dataset(a, b) if isinstance(a, h5py.Dataset) else bool(a.dtype == b.dtype)


def _same_dataset(one: Any, two: Any) -> bool:
    if (one.shape, one.dtype, one.chunks) != (two.shape, two.dtype, two.chunks):
        return False
    if not _same_attributes(one, two):
        return False
    if one.shape is None or one.shape == ():
        return one.shape is None or _same_values(one[()], two[()], one.file, two.file)
    rows = max(1, _PIECE // max(int(np.prod(one.shape[1:])) * one.dtype.itemsize, 1))
    return all(
        _same_values(one[start : start + rows], two[start : start + rows], one.file, two.file)
        for start in range(0, one.shape[0], rows)
    )


def _same_attributes(one: Any, two: Any) -> bool:
    if set(one.attrs) != set(two.attrs):
        return False
    return all(
        _same_values(one.attrs[key], two.attrs[key], one.file, two.file) for key in one.attrs
    )


def _same_values(one: Any, two: Any, first: Any, second: Any) -> bool:
    a, b = np.asarray(one), np.asarray(two)
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.names:
        return all(_same_values(a[name], b[name], first, second) for name in a.dtype.names)
    if a.dtype.kind == "O":
        pairs = zip(a.reshape(-1), b.reshape(-1), strict=True)
        return all(_same_object(x, y, first, second) for x, y in pairs)
    return a.tobytes() == b.tobytes()


def _same_object(one: Any, two: Any, first: Any, second: Any) -> bool:
    if isinstance(one, h5py.Reference) and isinstance(two, h5py.Reference):
        return bool(_place(one, first) == _place(two, second))
    if isinstance(one, np.ndarray):
        return _same_values(one, two, first, second)
    return type(one) is type(two) and bool(one == two)


def _place(reference: Any, file: Any) -> str | None:
    return file[reference].name if reference else None
