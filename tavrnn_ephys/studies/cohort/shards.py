"""Where the result of each recording of a cohort stands: named by content, whole or not there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.io.dandi import checksum_of
from tavrnn_ephys.io.servers import ask_server

__all__ = [
    "RESULTS_EPOCH",
    "digest_of",
    "finished",
    "model_files",
    "read_mark",
    "shard_files",
    "shard_key",
    "state_of",
    "write_json",
    "read_json",
]

#: Raised when equal recordings and choices give other results than before.
RESULTS_EPOCH = 1
_PIECE = 2**22


def digest_of(path: Path | Address) -> str:
    """
    Sum up the content of a recording.

    Parameters
    ----------
    path : pathlib.Path or Address
        A file, a folder such as a Zarr store, or a file of a server.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits; of a folder over names and contents of its files. A file of
        DANDI has that of the archive.  Any other file of a server has one over its size and the
        server's mark of its content, as ``etag:…``.

    Raises
    ------
    FileFormatError
        If there is no such file, or the server does not serve it.
    InputError
        If the server does not mark the content of its files.
    """
    if isinstance(path, Address):
        checksum = checksum_of(path)
        if checksum is not None:
            return checksum
        known = ask_server(path)
        if known.version is None:
            raise InputError(
                f"The server of '{path.name}' does not mark the content of its files (ETag), so "
                "that a change would go unseen. Download it first."
            )
        text = f"{known.version} {known.size}"
        return f"etag:{hashlib.sha256(text.encode()).hexdigest()}"
    if not path.exists():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    digest = hashlib.sha256()
    if path.is_dir():
        for item in sorted(path.rglob("*")):
            if item.is_file():
                digest.update(f"{item.relative_to(path).as_posix()}\0".encode())
                _add(digest, item)
    else:
        _add(digest, path)
    return digest.hexdigest()


def state_of(path: Path | Address) -> tuple[float, ...]:
    """
    Say by what a file is known to be unchanged without reading it.

    Parameters
    ----------
    path : pathlib.Path or Address
        The recording.

    Returns
    -------
    tuple of float
        Size and time of change of a file; nothing of a folder, which can change inside, or of a
        file of a server.
    """
    if isinstance(path, Address) or not path.is_file():
        return ()
    status = path.stat()
    return float(status.st_size), float(status.st_mtime_ns)


def _add(digest: Any, path: Path) -> None:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)


def shard_key(digest: str, choices: str) -> str:
    """
    Name a result by what it follows from; the path of the recording plays no part.

    Parameters
    ----------
    digest : str
        That of the recording.
    choices : str
        How it is analysed, as one text.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.

    Examples
    --------
    >>> shard_key("ab", "{}") == shard_key("ab", "{}"), len(shard_key("ab", "{}"))
    (True, 64)
    """
    text = json.dumps({"recording": digest, "choices": choices, "epoch": RESULTS_EPOCH})
    return hashlib.sha256(text.encode()).hexdigest()


def shard_files(study: Path, key: str) -> tuple[Path, Path]:
    """
    Say where a shard stands.

    Parameters
    ----------
    study : pathlib.Path
        Folder of the study.
    key : str
        Key of the shard.

    Returns
    -------
    results, mark : pathlib.Path
        The NWB file, and the file that is written after it: without it the shard is not there.
    """
    folder = study / "shards" / key[:2]
    return folder / f"{key}.nwb", folder / f"{key}.json"


def read_mark(study: Path, key: str) -> dict[str, Any] | None:
    """
    Read what is known of a finished shard.

    Parameters
    ----------
    study : pathlib.Path
        Folder of the study.
    key : str
        Key of the shard.

    Returns
    -------
    dict or None
        None where it is not finished, or its file is gone.
    """
    return finished(*shard_files(study, key))


def model_files(study: Path, key: str) -> tuple[Path, Path]:
    """
    Say where a model stands that was trained over recordings.

    Parameters
    ----------
    study : pathlib.Path
        Folder of the study.
    key : str
        Key of the model.

    Returns
    -------
    model, mark : pathlib.Path
        The model, and the file that is written after it.
    """
    folder = study / "models"
    return folder / f"{key}.npz", folder / f"{key}.json"


def finished(results: Path, mark: Path) -> dict[str, Any] | None:
    """
    Read the mark of a file that a task writes.

    Parameters
    ----------
    results, mark : pathlib.Path
        The file, and its mark.

    Returns
    -------
    dict or None
        None where one of them is not there.
    """
    if not mark.is_file() or not results.exists():
        return None
    return read_json(mark)


def read_json(path: Path) -> dict[str, Any]:
    """
    Read a file that :func:`write_json` wrote.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{path}' cannot be read ({error}). Delete it, and it is made again."
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"'{path}' is not what a study writes. Delete it, and it is made again.")
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """
    Write facts so that the file is whole or as it was.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder is made.
    content : mapping
        The facts.

    Raises
    ------
    OutputError
        If the folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder '{path.parent}' cannot be made ({error.strerror})."
        ) from None
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
