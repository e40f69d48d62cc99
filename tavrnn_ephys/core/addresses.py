"""Recordings that lie elsewhere: addresses in place of paths."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, overload
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from tavrnn_ephys.core.errors import InputError

__all__ = ["Address", "OpenFile", "is_address", "is_file_object", "place_of"]

# One slash too: a path made of an address has lost the other.
_SCHEME = re.compile(r"(https?):/{1,2}(?=[^/])", re.IGNORECASE)


class Address(str):
    """
    The address of a recording, with the parts of a path that messages and outputs need.

    It is text, such as ``https://api.dandiarchive.org/api/assets/…/download/``.

    Examples
    --------
    >>> Address("https://host/a/sub%201.nwb?version=2").name
    'sub 1.nwb'
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """Last part of the path, or the host where there is none."""
        parts = urlsplit(self)
        # Behind '#' stands what an archive calls a file whose own address says nothing.
        path = parts.fragment or parts.path
        return unquote(PurePosixPath(path).name) or parts.netloc

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """Ending of the name."""
        return PurePosixPath(self.name).suffix


class OpenFile:
    """
    A binary file that somebody else has opened, with the parts of a path that messages need.

    Parameters
    ----------
    stream : binary file object
        Can be read and sought in: of ``open``, ``io.BytesIO`` or fsspec.

    Raises
    ------
    InputError
        If it cannot.

    Examples
    --------
    >>> import io
    >>> OpenFile(io.BytesIO(b"content")).name
    'file object'
    """

    def __init__(self, stream: Any) -> None:
        if not hasattr(stream, "seek") or stream.read(0) != b"":
            raise InputError(
                "A recording is read from a binary file object that can seek. Open the file with "
                "open(path, 'rb')."
            )
        self.stream = stream
        told = getattr(stream, "name", None) or getattr(stream, "path", None)
        self.name = Path(told).name if isinstance(told, str | Path) else "file object"
        self._token = f"{_TOKEN}{id(self)}"
        _OPENED[self._token] = self

    def __str__(self) -> str:
        # What h5py takes for the name of the file, by which its parts are found again.
        return self._token

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        """Ending of the name."""
        return Path(self.name).suffix


_TOKEN = "file-object:"
_OPENED: WeakValueDictionary[str, OpenFile] = WeakValueDictionary()


def is_file_object(place: Any) -> bool:
    """
    Say whether something is a file that is open, in place of the name of one.

    Parameters
    ----------
    place : object
        What a person gave.

    Returns
    -------
    bool
        True for what can be read from.

    Examples
    --------
    >>> import io
    >>> is_file_object(io.BytesIO()), is_file_object("a.nwb")
    (True, False)
    """
    return isinstance(place, OpenFile) or hasattr(place, "read")


def is_address(place: Any) -> bool:
    """
    Say whether something names a file by the address of a server.

    Parameters
    ----------
    place : object
        A path, or text.

    Returns
    -------
    bool
        True for ``http://…`` and ``https://…``.

    Examples
    --------
    >>> is_address("https://host/a.nwb"), is_address("a.nwb")
    (True, False)
    """
    return isinstance(place, str | Path) and _SCHEME.match(str(place)) is not None


@overload
def place_of(place: str | Path) -> Path | Address: ...


@overload
def place_of(place: Any) -> Path | Address | OpenFile: ...


def place_of(place: Any) -> Path | Address | OpenFile:
    """
    Take a path as a path, an address as an address, and an open file as one.

    Parameters
    ----------
    place : str, pathlib.Path or binary file object
        What a person named.

    Returns
    -------
    pathlib.Path, Address or OpenFile
        The place.

    Examples
    --------
    >>> place_of(Path("https://host/a.nwb"))
    'https://host/a.nwb'
    """
    if is_file_object(place):
        return place if isinstance(place, OpenFile) else OpenFile(place)
    if str(place) in _OPENED:
        return _OPENED[str(place)]
    found = _SCHEME.match(str(place)) if is_address(place) else None
    if found is None:
        return Path(place)
    return Address(f"{found[1].lower()}://{str(place)[found.end() :]}")
