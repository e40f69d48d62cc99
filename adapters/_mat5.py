"""The elements of MATLAB files up to version 7, looked through before SciPy unfolds them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

__all__ = ["require_intact"]

_MATRIX, _COMPRESSED = 14, 15
# Cells, structures, objects and functions hold matrices in their turn.
_NESTING = (1, 2, 3, 16, 17)
# Nobody nests deeper; SciPy and NumPy recurse, and end the process where the stack ends.
_DEEPEST = 200
_PIECE = 2**16


def require_intact(path: Path) -> None:
    """
    Refuse a file that ends inside a variable, or whose cells are nested without measure.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If it is so; of a file that ends early, SciPy reads the variables before.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(128)
        if header[:8] != b"MATLAB 5" or header[126:128] not in (b"IM", b"MI"):
            return
        order: Any = "little" if header[126:128] == b"IM" else "big"
        at = 128
        while at < size:
            file.seek(at)
            tag = file.read(8)
            kind, length = (int.from_bytes(part, order) for part in (tag[:4], tag[4:]))
            if kind in (_MATRIX, _COMPRESSED) and at + 8 + length <= size:
                _Variable(file, order, length, kind == _COMPRESSED).require_shallow()
            at += 8 + length
    if at != size:
        raise ValueError("it ends inside a variable")


class _Variable:
    """The elements of one variable, of which only those that nest are entered."""

    def __init__(self, file: Any, order: Any, length: int, compressed: bool) -> None:
        self._file, self._order, self._left = file, order, length
        self._unfolding = zlib.decompressobj() if compressed else None
        self._at = 0
        # Where the matrices end that are open; the tag of a compressed one is still to come.
        self._ends = [] if compressed else [length]
        self._is_new = not compressed

    def require_shallow(self) -> None:
        """Refuse cells in cells in cells without measure."""
        while tag := self._read(8):
            kind, length = (int.from_bytes(part, self._order) for part in (tag[:4], tag[4:]))
            if kind == _MATRIX:
                self._ends.append(self._at + length)
                self._is_new = True
                if len(self._ends) > _DEEPEST:
                    raise ValueError(f"its cells are nested more than {_DEEPEST} deep")
            elif self._is_new:
                self._is_new = False
                flags = int.from_bytes(self._read(8)[:4], self._order)
                if flags & 0xFF not in _NESTING:
                    self._skip(self._ends[-1] - self._at if len(self._ends) > 1 else -1)
            elif kind < 2**16:  # A small element holds its data in its tag.
                self._skip(length + -length % 8)
            while self._ends and self._at >= self._ends[-1]:
                self._ends.pop()
            if not self._ends:
                return

    def _skip(self, length: int) -> None:
        """Pass over bytes; over all that are left, if the length is negative."""
        if length < 0:
            self._ends.clear()
        elif self._unfolding is None:
            self._file.seek(length, 1)
            self._at += length
        else:
            while length > 0 and (passed := len(self._read(min(length, _PIECE)))):
                length -= passed

    def _read(self, wanted: int) -> bytes:
        if self._unfolding is None:
            found = bytes(self._file.read(wanted))
        else:
            found = b""
            while len(found) < wanted and (packed := self._packed()):
                found += self._unfolding.decompress(packed, wanted - len(found))
        self._at += len(found)
        return found

    def _packed(self) -> bytes:
        tail = self._unfolding.unconsumed_tail if self._unfolding else b""
        if tail:
            return tail
        packed = bytes(self._file.read(min(self._left, _PIECE)))
        self._left -= len(packed)
        return packed
