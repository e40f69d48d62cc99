"""Versions of the NWB schema: which can be read, and which can be added to."""

from __future__ import annotations

import re
from typing import Any

from tavrnn_ephys.adapters._hdf5 import holds
from tavrnn_ephys.adapters.nwb._pynwb import load_pynwb
from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["release_of", "require_known_schema", "require_second_major", "schema_version"]


def schema_version(root: Any) -> str | None:
    """
    Say by which version of the NWB schema a file calls itself written.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        An open file.

    Returns
    -------
    str or None
        Such as ``"2.11.0"``; None if the file names none.
    """
    stated = root.attrs.get("nwb_version")
    # Files of NWB 1 hold it as a dataset.
    if stated is None and _holds_version(root) and hasattr(root["nwb_version"], "shape"):
        stated = root["nwb_version"][()]
    if stated is None:
        return None
    return stated.decode(errors="replace") if isinstance(stated, bytes) else str(stated)


def _holds_version(root: Any) -> bool:
    import h5py

    # A Zarr group has no links.
    return holds(root, "nwb_version") if isinstance(root, h5py.Group) else "nwb_version" in root


def require_second_major(file_name: str, version: str) -> None:
    """
    Refuse files of other generations of NWB.

    Parameters
    ----------
    file_name : str
        Name of the file, for the message.
    version : str
        What it calls its version.

    Raises
    ------
    FileFormatError
        If it is a version, but none of NWB 2.
    """
    if release_of(version)[:1] not in ((), (2,)):
        raise FileFormatError(
            f"'{file_name}' is of NWB {version.removeprefix('NWB-')}, but only NWB 2 can be read. "
            "Convert it to NWB 2 with a tool of its time, or look for a newer tavrnn_ephys."
        )


def release_of(version: str) -> tuple[int, ...]:
    """
    Take the numbers of a version.

    Parameters
    ----------
    version : str
        A version of the NWB schema.

    Returns
    -------
    tuple of int
        Its leading numbers; empty if it has none.

    Examples
    --------
    >>> release_of("2.11.0"), release_of("NWB-1.0.6"), release_of("2.0b"), release_of("new")
    ((2, 11, 0), (1, 0, 6), (2, 0), ())
    """
    found = re.match(r"(?:NWB-)?(\d+(?:\.\d+)*)", version)
    return tuple(int(number) for number in found[1].split(".")) if found else ()


def require_known_schema(root: Any, file_name: str) -> None:
    """
    Refuse to add to a file of a newer schema than the installed PyNWB knows.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        An open file.
    file_name : str
        Its name, for the message.

    Raises
    ------
    FileFormatError
        If the file was written by a newer version of the NWB schema, or by none.
    """
    pynwb = load_pynwb()
    version = schema_version(root) or "none"
    known = str(pynwb.get_type_map().namespace_catalog.get_namespace("core")["version"])
    if not release_of(version):
        raise FileFormatError(
            f"'{file_name}' names '{version}' as its version of the NWB schema, which is none. "
            "Write it again with a current PyNWB."
        )
    if release_of(version) > release_of(known):
        raise FileFormatError(
            f"'{file_name}' was written by NWB schema {version}, newer than the {known} that PyNWB "
            f"{pynwb.__version__} knows, so that nothing can safely be added to it. Update PyNWB: "
            "pip install -U pynwb."
        )
