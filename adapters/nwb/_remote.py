"""NWB files that a server holds: read in parts, each fault in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tavrnn_ephys.core.addresses import Address, OpenFile
from tavrnn_ephys.core.errors import FileFormatError, MissingDependencyError
from tavrnn_ephys.io.servers import PATIENCE_S, RemoteFile, ask_server, refusal

__all__ = ["opened_remote"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class _Stop(BaseException):
    """A fault that trying again cannot mend; not an Exception, since those are tried again."""


@contextmanager
def opened_remote(address: Address | OpenFile) -> Iterator[Any]:
    """
    Open a file of a server for reading; only the parts that are read are loaded.

    Parameters
    ----------
    address : Address or OpenFile
        Its address; or a file that is open, which stays so.

    Yields
    ------
    h5py.File
        The file.

    Raises
    ------
    FileFormatError
        If the server does not answer, refuses, serves no parts, sends too little, or the file
        changes while it is read.
    MissingDependencyError
        If remfile is not installed.
    """
    if isinstance(address, OpenFile):
        with _opened_again(address) as file:
            yield file
        return
    try:
        import remfile
    except ImportError:
        raise MissingDependencyError(
            "Reading from an address needs remfile. Install it: pip install 'tavrnn_ephys[remote]'."
        ) from None
    import h5py

    known = ask_server(address)
    if known.begin != _SIGNATURE:
        raise FileFormatError(
            f"'{address.name}' at its server is no NWB file: its content is not HDF5. Only NWB "
            "files are read from an address; download other formats first."
        )
    source = remfile.File(str(address), _size=known.size)
    faults: list[str] = []
    source.session.hooks["response"].append(_watch(known, faults))
    source.session.request = _patient(source.session.request)
    try:
        with source.session, h5py.File(_Reading(source, known.size, address), "r") as file:
            yield file
    except (_Stop, Exception) as error:
        told = _told(faults, error)
        if told is None:
            raise
        raise FileFormatError(f"'{address.name}' cannot be read from its server: {told}") from None


@contextmanager
def _opened_again(file: OpenFile) -> Iterator[Any]:
    import h5py

    file.stream.seek(0)
    if file.stream.read(len(_SIGNATURE)) != _SIGNATURE:
        raise FileFormatError(
            f"'{file.name}' is no NWB file: its content is not HDF5. Only NWB files are read from "
            "an open file; give the path of other formats."
        )
    size = file.stream.seek(0, 2)
    try:
        content = h5py.File(_Reading(file.stream, size, file), "r")
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        raise FileFormatError(
            f"'{file.name}' is damaged or not complete ({reason}). Copy it again."
        ) from None
    with content:
        yield content


def _told(faults: list[str], error: BaseException) -> str | None:
    """Say what a server did wrong; None where it did nothing wrong."""
    import requests

    if faults:
        return faults[-1]
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, requests.RequestException) or "nexpected number of bytes" in str(seen):
            return "it breaks off again and again. Try later, or download the file first."
        seen = seen.__cause__ or seen.__context__
    return None


def _watch(known: RemoteFile, faults: list[str]) -> Any:
    """Hold every further answer against the first one."""

    def hold(response: Any, **_: Any) -> None:
        told = refusal(response.status_code) if response.status_code != 429 else None
        if told is not None:
            told = f"it {told} in the middle of the file."
        elif response.status_code == 200:
            told = "it no longer serves parts of the file. Download it first."
        elif response.status_code == 206 and response.headers.get("ETag") != known.version:
            told = "the file has changed meanwhile. Read it again."
        if told is not None:
            faults.append(told)
            response.close()
            raise _Stop(told)

    return hold


def _patient(request: Any) -> Any:
    def asked(*arguments: Any, **options: Any) -> Any:
        return request(*arguments, **{"timeout": PATIENCE_S, **options})

    return asked


class _Reading:
    """
    A file object that never gives fewer bytes than were asked for without saying so.

    Parameters
    ----------
    source : remfile.File or binary file object
        What reads from the server.
    size : int
        Bytes of the file.
    address : Address or OpenFile
        Where it is.
    """

    def __init__(self, source: Any, size: int, address: Address | OpenFile) -> None:
        self._source, self._size, self._address = source, size, address

    def __repr__(self) -> str:
        # What h5py takes for the name of the file, by which its parts are found again.
        return str(self._address)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position, and say which."""
        self._source.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Say the position."""
        return int(self._source.tell())

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes as the buffer holds."""
        wanted = min(len(buffer), self._size - self.tell())
        if wanted <= 0:
            return 0
        got = self._source.read(wanted)
        buffer[: len(got)] = got
        return len(got)

    def read(self, size: int) -> bytes:
        """Read bytes."""
        return bytes(self._source.read(size))
