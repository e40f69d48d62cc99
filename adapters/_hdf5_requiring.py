"""Files that an HDF5 file needs beside it, checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from tavrnn_ephys.adapters._hdf5_faults import faults_told
from tavrnn_ephys.adapters._hdf5_neighbours import Neighbour, neighbours_of
from tavrnn_ephys.core.errors import FileFormatError, TavrnnEphysError
from tavrnn_ephys.core.heaps import refuse_endless_heap

__all__ = ["require_neighbours"]

# The number of a block of a virtual data set, in the name of its file.
_BLOCK = "%b"


def require_neighbours(path: Path, *, outside: bool = False) -> None:
    """
    Refuse a file that takes content from files that are missing, or that it has no business with.

    HDF5 itself gives zeros for what is missing from a virtual data set, and waits for ever on a
    pipe.  What a neighbour takes from its own neighbours is looked for too.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    outside : bool
        Whether data sets may keep their values in files outside its folder.

    Raises
    ------
    FileFormatError
        If a neighbour is missing, is no regular file or too short, lacks what is taken from it,
        or lies outside the folder.
    """
    try:
        waiting, seen = _needed_by(path), {path.resolve()}
    except TavrnnEphysError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError):
        return  # Whatever else is wrong is told by who reads it.
    objects = []
    while waiting:
        need = waiting.pop(0)
        objects.append(need)
        for place in need.require_places(outside):
            if place.resolve() not in seen:
                seen.add(place.resolve())
                waiting += need.opened(place)
    # Last, when every file that a link may lead through is known to be a regular one.
    for need in objects:
        need.require_object()


@dataclass(frozen=True)
class _Need:
    """What one file takes from another."""

    path: Path
    about: Neighbour

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent

    @property
    def said(self) -> str:
        if self.about.kind == "link":
            return f"'{self.path.name}' links to '{self.about.named}'"
        named = self.path.name if self.about.named == "." else self.about.named
        return f"'{self.path.name}' takes '{self.about.item}' from '{named}'"

    def require_places(self, outside: bool) -> list[Path]:
        """Find the HDF5 files that this one leads to; one of plain bytes is looked at alone."""
        about, place = self.about, self.folder / self.about.named
        if about.named == ".":
            return []
        blocks = self._blocks() if about.kind == "virtual" else []
        if not blocks and not place.exists():
            raise FileFormatError(
                f"{self.said}, which is not there. Put the recording back beside it; the results "
                "themselves can be read without."
                if about.kind == "link"
                else f"{self.said}, which is not there: copy that file too, into the same folder."
            )
        for item in blocks or [place]:
            if not item.is_file():
                raise FileFormatError(
                    f"{self.said}, which is no file but a folder, pipe or device. Put the file "
                    "that it means in its place."
                )
        if about.kind == "external":
            self._require_bytes(place, outside)
            return []
        return blocks or [place]

    def _blocks(self) -> list[Path]:
        """List numbered files up to the last; HDF5 fills a gap between two with zeros."""
        pattern = self.folder / self.about.named
        if pattern.exists() or _BLOCK not in pattern.name or not pattern.parent.is_dir():
            return []
        wanted = re.compile(re.escape(pattern.name).replace(re.escape(_BLOCK), r"(0|[1-9]\d*)", 1))
        there = {
            int(match[1]): item
            for item in pattern.parent.iterdir()
            if (match := wanted.fullmatch(item.name))
        }
        missing = set(range(max(there, default=-1))) - set(there)
        if missing:
            name = self.about.named.replace(_BLOCK, str(min(missing)))
            raise FileFormatError(
                f"'{self.path.name}' takes '{self.about.item}' from numbered files, of which "
                f"'{name}' is not there: copy that file too, into the same folder."
            )
        return list(there.values())

    def _require_bytes(self, place: Path, outside: bool) -> None:
        """Bytes of a data set can be those of any file of the system."""
        about, folder = self.about, self.folder
        if not outside and not place.resolve().is_relative_to(folder):
            raise FileFormatError(
                f"{self.said}, outside the folder of the file, and so could show any file of this "
                "machine. If you trust it, read it with outside_files=True, on the command line "
                "--option outside_files=true."
            )
        if place.stat().st_size < about.n_bytes:
            raise FileFormatError(
                f"{self.said}, which holds {place.stat().st_size} bytes where {about.n_bytes} are "
                "needed. Copy that file again."
            )
        # HDF5 looks for it from the working directory, not from the folder of the file.
        seen = Path(about.named)
        if not seen.exists() or not seen.samefile(place):
            raise FileFormatError(
                f"{self.said}, which HDF5 looks for in the working directory. Change to the folder "
                f"'{folder}' first."
            )

    def opened(self, place: Path) -> list[_Need]:
        """List what a neighbour needs in its turn."""
        refuse_endless_heap(place)
        if not h5py.is_hdf5(place):
            raise FileFormatError(
                f"{self.said}, which is not an HDF5 file. Put the file that it means in its place."
            )
        with faults_told(place):
            return _needed_by(place)

    def require_object(self) -> None:
        """Demand that what is meant inside the neighbour is there, and large enough."""
        about = self.about
        if about.kind == "external" or _BLOCK in about.named + about.within:
            return
        place = self.path if about.named == "." else self.folder / about.named
        found = _found(place, about.within)
        if found is None:
            raise FileFormatError(
                f"{self.said}, which holds no '{about.within}'. Put the file that it means in its "
                "place."
            )
        short = len(found) == len(about.shape) and any(
            there < needed for there, needed in zip(found, about.shape, strict=True)
        )
        if short:
            raise FileFormatError(
                f"{self.said}, where '{about.within}' has the shape {found} and {about.shape} is "
                "needed. Copy that file again from its source."
            )


def _needed_by(path: Path) -> list[_Need]:
    with h5py.File(path, "r") as file:
        return [_Need(path, about) for about in dict.fromkeys(neighbours_of(file))]


def _found(place: Path, within: str) -> tuple[int, ...] | None:
    """Give the shape of an object, () for a group; None if it is not there."""
    with h5py.File(place, "r") as file:
        try:
            item: Any = file[within]
        except (KeyError, OSError, RuntimeError, ValueError):
            return None
        return tuple(item.shape or ()) if isinstance(item, h5py.Dataset) else ()
