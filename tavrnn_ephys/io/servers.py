"""What a server says of a file before any of it is read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["PATIENCE_S", "RemoteFile", "ask_server", "refusal"]

#: Seconds that a server may take to answer.
PATIENCE_S = 60
_TRIES = 4
_PAUSE_S = 0.3
_NOT_FOR_US = {
    401: "asks for a login",
    403: "refuses it (403); the address may have expired",
    404: "has no such file (404)",
    410: "has removed it (410)",
}


@dataclass(frozen=True)
class RemoteFile:
    """
    What the first answer of a server says of a file.

    Parameters
    ----------
    size : int
        Bytes.
    version : str or None
        The server's own mark of this content (ETag), which another content does not have.
    begin : bytes
        The first eight bytes.
    """

    size: int
    version: str | None
    begin: bytes


def ask_server(address: Address) -> RemoteFile:
    """
    Ask for the first bytes of a file, and so whether the server answers and serves parts.

    Parameters
    ----------
    address : Address
        Where the file is.

    Returns
    -------
    RemoteFile
        Its size, its mark, and its first bytes.

    Raises
    ------
    FileFormatError
        If the server does not answer, refuses, or serves whole files alone.
    """
    response = _asked(address)
    told = refusal(response.status_code)
    if told is not None:
        raise FileFormatError(f"The server of '{address.name}' {told}. Check the address.")
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code != 206 or not total.isdecimal():
        raise FileFormatError(
            f"The server of '{address.name}' does not serve parts of a file. Download it first, "
            "and read the copy."
        )
    return RemoteFile(int(total), response.headers.get("ETag"), response.content[:8])


def refusal(status: int) -> str | None:
    """
    Say what a status of HTTP means, where trying again is of no use.

    Parameters
    ----------
    status : int
        The status.

    Returns
    -------
    str or None
        What the server does; None where it answers, or may do so later.

    Examples
    --------
    >>> refusal(404), refusal(206)
    ('has no such file (404)', None)
    """
    if status in _NOT_FOR_US:
        return _NOT_FOR_US[status]
    return f"answers {status}" if 400 <= status < 500 and status != 429 else None


def _asked(address: Address) -> Any:
    import requests

    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_S * 2**attempt)
        try:
            # No more than is asked for is taken, should the server send the whole file.
            with requests.get(
                address, headers={"Range": "bytes=0-7"}, timeout=PATIENCE_S, stream=True
            ) as response:
                if response.status_code < 500 and response.status_code != 429:
                    response._content = response.raw.read(8)
                    return response
                reason = f"it answers {response.status_code}"
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            reason = type(error).__name__
            break
        except requests.RequestException as error:
            reason = type(error).__name__
    raise FileFormatError(
        f"The server of '{address.name}' does not answer ({reason}). Check the address and the "
        "network, or try later."
    )
