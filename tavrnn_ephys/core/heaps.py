"""
A damage of HDF5 files on which the HDF5 library runs for ever.

Text of variable length lies in global heaps.  A wiped stretch of one reads as free space of no
length, and the library steps over it without ever moving on.  Nothing else tells such a file
before it is opened, so its heaps are looked through beforehand.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["has_endless_heap", "refuse_endless_heap"]

# Heaps of attributes lie among the structure of a file, at its beginning or, if they were
# written last, at its end; gigabytes of samples between need not be searched.
_REACH = 32 * 2**20
_SIGNATURE = b"GCOL\x01\0\0\0"
_HEADER, _SMALLEST = 16, 4096


def has_endless_heap(path: Path) -> bool:
    """
    Say whether a heap near the beginning or end of a file would hold the HDF5 library for ever.

    Parameters
    ----------
    path : pathlib.Path
        Any file.

    Returns
    -------
    bool
        True if a global heap has free space of no length; False also if the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return any(_is_endless(data, start) for start in _heaps(data))
    except (OSError, ValueError):
        return False


def refuse_endless_heap(path: Path) -> None:
    """
    Refuse a file on which the HDF5 library would run for ever.

    Parameters
    ----------
    path : pathlib.Path
        Any file.

    Raises
    ------
    FileFormatError
        If it has such a heap.
    """
    if has_endless_heap(path):
        raise FileFormatError(
            f"'{path.name}' is damaged: part of its text is wiped, and HDF5 would read it for "
            "ever. Copy it again from its source."
        )


def _heaps(data: mmap.mmap) -> Iterator[int]:
    parts = [(0, min(_REACH, len(data))), (max(_REACH, len(data) - _REACH), len(data))]
    for start, stop in parts:
        while start < stop and (start := data.find(_SIGNATURE, start, stop)) >= 0:
            yield start
            start += len(_SIGNATURE)


def _is_endless(data: mmap.mmap, start: int) -> bool:
    (size,) = struct.unpack_from("<Q", data, start + 8) if start + _HEADER <= len(data) else (0,)
    stop = start + size
    if size < _SMALLEST or stop > len(data):
        return False
    place = start + _HEADER
    # Free space counts its own header, so that no length means no step.
    while place + _HEADER <= stop:
        index, length = struct.unpack_from("<H6xQ", data, place)
        step = length if index == 0 else _HEADER + (length + 7) // 8 * 8
        if step == 0:
            return True
        place += step
    return False
