"""The DANDI archive through its REST interface: files of a dandiset and their checksums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = ["DANDI_API", "DandiAsset", "answer_of", "checksum_of", "dandi_assets", "is_dandiset"]

DANDI_API = "https://api.dandiarchive.org/api"
_TIMEOUT_S = 20
_NAME = re.compile(r"dandi:(\d{6})(?:/([\w.-]+))?", re.IGNORECASE)
_OWN_ASSET = re.compile(r"(.*/assets/[0-9a-f-]{36}/)download/")
_PER_PAGE = "1000"


@dataclass(frozen=True)
class DandiAsset:
    """
    A file of a dandiset.

    Parameters
    ----------
    path : str
        Its path in the dandiset, such as ``sub-1/sub-1_ecephys.nwb``.
    address : Address
        Where it is loaded from; its name is that of the path.
    """

    path: str
    address: Address


def is_dandiset(place: Any) -> bool:
    """
    Say whether something names a dandiset.

    Parameters
    ----------
    place : object
        Text.

    Returns
    -------
    bool
        True for ``dandi:000003`` and ``dandi:000003/0.230629.1955``.

    Examples
    --------
    >>> is_dandiset("dandi:000003/draft"), is_dandiset("000003")
    (True, False)
    """
    return isinstance(place, str) and _NAME.fullmatch(place.strip()) is not None


def dandi_assets(name: str) -> tuple[DandiAsset, ...]:
    """
    List the NWB files of a dandiset.

    Parameters
    ----------
    name : str
        ``dandi:ID/VERSION``; without a version the draft is taken.

    Returns
    -------
    tuple of DandiAsset
        In the order of their paths.

    Raises
    ------
    FileFormatError
        If the archive does not answer, or has no such dandiset.
    InputError
        If the name is none of a dandiset, or it holds no NWB file.
    """
    found = _NAME.fullmatch(name.strip())
    if found is None:
        raise InputError(f"'{name}' names no dandiset. Write dandi:000003/draft.")
    listing = f"{DANDI_API}/dandisets/{found[1]}/versions/{found[2] or 'draft'}/assets/"
    assets = [
        DandiAsset(
            str(item["path"]),
            Address(f"{DANDI_API}/assets/{item['asset_id']}/download/#{item['path']}"),
        )
        for item in _pages(listing, name)
        if str(item["path"]).lower().endswith(".nwb")
    ]
    if not assets:
        raise InputError(f"'{name}' holds no NWB file.")
    return tuple(sorted(assets, key=lambda asset: asset.path))


def checksum_of(address: Address) -> str | None:
    """
    Ask the archive for the checksum of one of its files.

    Parameters
    ----------
    address : Address
        Address of a file.

    Returns
    -------
    str or None
        SHA-256 in hexadecimal digits; None where the file is not the archive's, or it states none.

    Raises
    ------
    FileFormatError
        If the archive does not answer.
    """
    own = _OWN_ASSET.match(address)
    if own is None or not address.startswith(DANDI_API):
        return None
    said = _asked(own[1], {}, address.name).get("digest", {})
    return str(said["dandi:sha2-256"]) if said.get("dandi:sha2-256") else None


def answer_of(url: str, query: Mapping[str, str]) -> dict[str, Any]:
    """
    Ask for a document.

    Parameters
    ----------
    url : str
        Where.
    query : mapping of str to str
        What is asked for.

    Returns
    -------
    dict
        The document.

    Raises
    ------
    requests.exceptions.RequestException
        If there is no such answer.
    """
    import requests

    answer = requests.get(url, params=query, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _pages(listing: str, name: str) -> Iterator[Mapping[str, Any]]:
    page = _asked(listing, {"page_size": _PER_PAGE}, name)
    while True:
        yield from page.get("results", ())
        following = page.get("next")
        if not following:
            return
        page = _asked(str(following), {}, name)


def _asked(url: str, query: Mapping[str, str], name: str) -> dict[str, Any]:
    import requests

    try:
        return answer_of(url, query)
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code
        if status == requests.codes.not_found:
            raise FileFormatError(
                f"The DANDI archive has no '{name}'. Check number and version."
            ) from None
        raise FileFormatError(
            f"The DANDI archive refuses '{name}' ({status}). It may be under embargo; or try later."
        ) from None
    except (requests.exceptions.RequestException, OSError) as error:
        raise FileFormatError(
            f"The DANDI archive does not answer for '{name}' ({type(error).__name__}). Check the "
            "network, or try later."
        ) from None
