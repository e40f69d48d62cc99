"""Attributes of an HDF5 file, kept while PyNWB adds to it: it writes those of old schemas anew."""

from __future__ import annotations

from typing import Any, NamedTuple

import h5py
import numpy as np

__all__ = ["Attribute", "attributes_of", "read_attribute", "restore_attributes", "write_attribute"]

# PyNWB notes there where the schemas lie that it adds.
_SCHEMAS = "specifications"


class Attribute(NamedTuple):
    """
    An attribute as it lies in the file.

    Parameters
    ----------
    space : h5py.h5s.SpaceID
        Its shape.
    kind : h5py.h5t.TypeID
        Its type.
    values : numpy.ndarray or None
        Its values; None if it is empty.
    """

    space: Any
    kind: Any
    values: Any

    def equals(self, other: Attribute) -> bool:
        """
        Say whether another attribute is the same to the last bit.

        Parameters
        ----------
        other : Attribute
            The other.

        Returns
        -------
        bool
            True if type, shape and values are equal.
        """
        if self.kind != other.kind or self.space.shape != other.space.shape:
            return False
        if self.values is None or other.values is None:
            return self.values is other.values
        if self.values.dtype.kind == "O":
            return bool(np.array_equal(self.values, other.values))
        return bool(self.values.tobytes() == other.values.tobytes())


def read_attribute(item: Any, key: str) -> Attribute:
    """
    Take an attribute as it lies in the file.

    Parameters
    ----------
    item : h5py.Group or h5py.Dataset
        The object that bears it.
    key : str
        Its name.

    Returns
    -------
    Attribute
        Type, shape and values.
    """
    found = h5py.h5a.open(item.id, key.encode())
    space, kind = found.get_space(), found.get_type()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return Attribute(space, kind, None)
    values = np.empty(found.shape, dtype=found.dtype)
    found.read(values)
    return Attribute(space, kind, values)


def write_attribute(item: Any, key: str, attribute: Attribute) -> None:
    """
    Write an attribute as it was.

    Parameters
    ----------
    item : h5py.Group or h5py.Dataset
        The object that bears it, without one of that name.
    key : str
        Its name.
    attribute : Attribute
        The attribute.
    """
    made = h5py.h5a.create(item.id, key.encode(), attribute.kind, attribute.space)
    if attribute.values is not None:
        made.write(attribute.values)


def attributes_of(file: h5py.File) -> dict[str, dict[str, Attribute]]:
    """
    Take the attributes of every object of a file but of its schemas.

    Parameters
    ----------
    file : h5py.File
        An open file.

    Returns
    -------
    dict of str to dict of str to Attribute
        By object and name; that an object has none is told too.
    """
    found = {"/": {key: read_attribute(file, key) for key in file.attrs}}

    def look(name: str, item: Any) -> None:
        if name.split("/", 1)[0] != _SCHEMAS:
            found[name] = {key: read_attribute(item, key) for key in item.attrs}

    file.visititems(look)
    # Where the schemas lie is PyNWB's to say.
    found["/"].pop(".specloc", None)
    return found


def restore_attributes(file: h5py.File, before: dict[str, dict[str, Attribute]]) -> None:
    """
    Give the objects of a file the attributes that they had.

    Parameters
    ----------
    file : h5py.File
        An open file.
    before : dict
        Of :func:`attributes_of`.  Objects that are gone are passed over.
    """
    for name, attributes in before.items():
        if name not in file:
            continue
        item = file[name]
        for key in set(item.attrs) - set(attributes) - {".specloc"}:
            del item.attrs[key]
        for key, attribute in attributes.items():
            if key in item.attrs:
                if attribute.equals(read_attribute(item, key)):
                    continue
                del item.attrs[key]
            write_attribute(item, key, attribute)
