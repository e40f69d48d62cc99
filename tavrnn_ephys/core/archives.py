"""Plain NumPy archives of a named kind and version, without pickled objects."""

from __future__ import annotations

import errno
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.core.output import check_output, whole_file

__all__ = ["read_archive", "write_archive"]

# The last record of a zip archive without a comment: its signature, and how many members it has.
_END = struct.Struct("<4s6xH10x")

# What zipfile, zlib, NumPy and json raise at altered bytes.
_ALTERED = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, EOFError, SyntaxError,
    ValueError, TypeError, AttributeError, LookupError, RuntimeError, MemoryError, RecursionError,
)  # fmt: skip


def write_archive(
    path: str | Path,
    *,
    kind: str,
    version: int,
    arrays: Mapping[str, NDArray[Any]],
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """
    Write arrays, and what is known about them, in one file that appears whole or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; the name is taken as it is.
    kind : str
        What the file holds, such as ``"tavrnn_ephys.GraphSequence"``.
    version : int
        Version of the layout.
    arrays : mapping of str to numpy.ndarray
        Arrays of numbers or text.
    about : mapping of str to object, optional
        What JSON can hold; numbers keep every digit.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.
    """
    target = check_output(path, overwrite=overwrite)
    header = {"format": np.array(kind), "version": np.array(version)}
    if about is not None:
        header["about"] = np.array(json.dumps(dict(about)))
    with whole_file(target) as temporary, temporary.open("wb") as stream:
        # A stream, not a name: NumPy would append .npz to names without it.
        np.savez_compressed(stream, allow_pickle=False, **header, **arrays)


def read_archive(
    path: str | Path, *, kind: str, version: int, noun: str
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """
    Read what :func:`write_archive` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    kind : str
        What the file has to hold.
    version : int
        Newest layout that can be read.
    noun : str
        What the file holds, for messages, such as ``"saved graphs"``.

    Returns
    -------
    tuple of dict
        What is known about the arrays (empty where nothing was written), and the arrays.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, newer, or holds something else.
    """
    if not Path(path).is_file():
        raise FileFormatError(f"The file '{path}' does not exist.")
    try:
        # NumPy leaves a file that it cannot read open.
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            _check_directory(stream, len(file.files))
            arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop("about", "{}")))
            found, newest = str(arrays.pop("format", "")), int(arrays.pop("version", 0))
    except (OSError, *_ALTERED) as error:
        raise FileFormatError(
            f"'{path}' holds no {noun}, or is damaged: {_reason(path, error)}. Name the file that "
            "was saved, or save it again."
        ) from None
    if found != kind:
        raise FileFormatError(f"'{path}' holds NumPy arrays, but no {noun}.")
    if newest > version:
        raise FileFormatError(
            f"'{path}' was saved by a newer version of tavrnn_ephys. Update the package."
        )
    return about, arrays


def _check_directory(stream: BinaryIO, n_members: int) -> None:
    """Refuse a directory whose end says that it had other members: what it lost is not missed."""
    stream.seek(-_END.size, os.SEEK_END)
    signature, n_written = _END.unpack(stream.read(_END.size))
    if signature != b"PK\x05\x06" or n_written != n_members:
        raise zipfile.BadZipFile


def _reason(path: str | Path, error: BaseException) -> str:
    """Say in a clause why a file cannot be read: what libraries say is no advice for it."""
    if isinstance(error, OSError) and error.strerror and error.errno != errno.EINVAL:
        return error.strerror.lower()
    with Path(path).open("rb") as stream:
        if stream.read(2) != b"PK" or not zipfile.is_zipfile(stream):
            return "it is no whole NumPy archive (.npz)"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if "Object arrays" in str(error):
        return "it holds Python objects, which are not read since they can run code"
    return "its bytes are not as they were written"
