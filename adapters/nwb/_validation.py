"""
Validation of NWB files by the schemas that they hold.

To understand a schema takes longer than to hold a file against it, and most files hold the same:
what was understood last is kept.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import h5py

__all__ = ["errors_by_own_schemas", "validation_errors"]

#: Attribute of the root that leads to the schemas, as HDMF names it.
_PLACE = ".specloc"
#: Sets of schemas that are kept.
_MOST = 4


class _Schemas(NamedTuple):
    """Schemas of a file, and what holds a file against them."""

    catalog: Any
    validators: list[Any]


_KNOWN: dict[str, _Schemas] = {}


def validation_errors(path: Path) -> list[Any]:
    """
    List what is wrong with a file by its own schemas, or else by the installed one.

    Parameters
    ----------
    path : pathlib.Path
        An NWB file of HDF5, or a store of Zarr; closed.

    Returns
    -------
    list of hdmf.validate.errors.Error
        What the schemas object to.
    """
    import pynwb

    try:
        return errors_by_own_schemas(path)
    except KeyError:
        if path.is_dir():
            raise
        # MatNWB 2.4 caches schemas that lack a file; the installed schema serves as well.
        return list(pynwb.validate(path=str(path), use_cached_namespaces=False))


def errors_by_own_schemas(path: Path) -> list[Any]:
    """
    List what ``pynwb.validate`` finds in a file.

    Parameters
    ----------
    path : pathlib.Path
        An NWB file of HDF5, or a store of Zarr; closed.

    Returns
    -------
    list of hdmf.validate.errors.Error
        What the schemas object to.

    Raises
    ------
    KeyError
        If the file holds a part of its schemas only.
    """
    from hdmf.build import BuildManager, TypeMap

    schemas = _schemas_of(path)
    # The manager remembers what it reads: each file has its own.
    manager = BuildManager(TypeMap(namespaces=schemas.catalog))
    with _backend_of(path)(str(path), mode="r", manager=manager) as io:
        builder = io.read_builder()
        return [error for each in schemas.validators for error in each.validate(builder)]


def _backend_of(path: Path) -> Any:
    if path.is_dir():
        from hdmf_zarr.nwb import NWBZarrIO

        return NWBZarrIO
    from pynwb import NWBHDF5IO

    return NWBHDF5IO


def _schemas_of(path: Path) -> _Schemas:
    key = _digest_of_schemas(path)
    # What was used last stands last; the first has to go.
    _KNOWN[key] = _KNOWN.pop(key) if key in _KNOWN else _understood(path)
    while len(_KNOWN) > _MOST:
        del _KNOWN[next(iter(_KNOWN))]
    return _KNOWN[key]


def _understood(path: Path) -> _Schemas:
    """Load the schemas of a file, and choose as ``pynwb.validate`` does."""
    import pynwb
    from hdmf.validate import ValidatorMap
    from pynwb.validation import get_cached_namespaces_to_validate

    if path.is_dir():
        # A store is held against the schemas that it is read by.
        with _backend_of(path)(str(path), mode="r") as io:
            names, _, _ = get_cached_namespaces_to_validate(io=io)
            catalog = io.manager.namespace_catalog
    else:
        names, manager, _ = get_cached_namespaces_to_validate(path=str(path))
        catalog = (manager or pynwb.get_manager()).namespace_catalog
    namespaces = [catalog.get_namespace(name=name) for name in names or [pynwb.CORE_NAMESPACE]]
    return _Schemas(catalog, [ValidatorMap(namespace) for namespace in namespaces])


def _digest_of_schemas(path: Path) -> str:
    """Give a checksum of everything that a file says of schemas."""
    digest = hashlib.sha256(b"store" if path.is_dir() else b"file")

    def add(name: str, item: Any) -> None:
        text = item[()] if hasattr(item, "shape") else ""
        digest.update(repr((name, getattr(text, "tolist", lambda: text)())).encode())

    if path.is_dir():
        import zarr

        _visit(zarr.open_group(str(path), mode="r"), add)
        return digest.hexdigest()
    with h5py.File(path, "r") as file:
        _visit(file, add)
    return digest.hexdigest()


def _visit(root: Any, add: Any) -> None:
    if _PLACE in root.attrs:
        root[root.attrs[_PLACE]].visititems(add)
