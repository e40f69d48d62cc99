"""Recordings that lie elsewhere: addresses in place of paths."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["Address", "is_address", "place_of"]

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


def place_of(place: str | Path) -> Path | Address:
    """
    Take a path as a path, and an address as an address.

    Parameters
    ----------
    place : str or pathlib.Path
        What a person named.

    Returns
    -------
    pathlib.Path or Address
        The place.

    Examples
    --------
    >>> place_of(Path("https://host/a.nwb"))
    'https://host/a.nwb'
    """
    found = _SCHEME.match(str(place)) if is_address(place) else None
    if found is None:
        return Path(place)
    return Address(f"{found[1].lower()}://{str(place)[found.end() :]}")
