"""Files that an HDF5 file takes part of its content from, checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from tavrnn_ephys.core.errors import FileFormatError, TavrnnEphysError

__all__ = ["Neighbour", "neighbours_of", "require_neighbours", "stored_elsewhere"]

# Hard links that lead to one group by many ways are walked once per way by every reader.
_MOST_WAYS_PER_OBJECT, _SOME_WAYS, _DEEPEST = 20, 10_000, 200


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """
    A file that part of an HDF5 file lies in.

    Parameters
    ----------
    kind : {"link", "virtual", "external"}
        Link to an object, source of a virtual data set, or bytes of a data set.
    item : str
        The object that lies there.
    named : str
        How the file names the other.
    n_bytes : int
        Bytes that it must hold at least; 0 where that is not known.
    """

    kind: str
    item: str
    named: str
    n_bytes: int = 0


def stored_elsewhere(dataset: Any) -> list[Neighbour]:
    """
    List the files that a data set keeps its values in.

    Parameters
    ----------
    dataset : h5py.Dataset
        The data set.

    Returns
    -------
    list of Neighbour
        Empty for one that lies in its own file.
    """
    plan, name = dataset.id.get_create_plist(), str(dataset.name)
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        sources = {plan.get_virtual_filename(index) for index in range(plan.get_virtual_count())}
        return [
            Neighbour(kind="virtual", item=name, named=source)
            for source in sorted(sources)
            if source != "."
        ]
    found = []
    for index in range(plan.get_external_count()):
        named, offset, n_bytes = plan.get_external(index)
        most = dataset.size * dataset.dtype.itemsize
        # A size of all ones means "as much as is needed".
        needed = offset + (n_bytes if n_bytes < 2**63 else most)
        found.append(
            Neighbour(kind="external", item=name, named=os.fsdecode(named), n_bytes=int(needed))
        )
    return found


def neighbours_of(file: Any) -> Iterator[Neighbour]:
    """
    Walk through a file once, and refuse one whose links have no end.

    Parameters
    ----------
    file : h5py.File
        An open file.

    Yields
    ------
    Neighbour
        Every reference to another file.

    Raises
    ------
    FileFormatError
        If groups hold themselves, or hard links lead to the same groups by very many ways.
    """
    ways: dict[int, int] = {}
    root = h5py.h5o.get_info(file.id).addr
    stack: list[tuple[int, Any, list[int]]] = [(root, _children(file), [])]
    open_groups = {root}
    while stack:
        address, children, below = stack[-1]
        found = next(children, None)
        if found is None:
            stack.pop()
            open_groups.discard(address)
            ways[address] = 1 + sum(ways[item] for item in below)
            if ways[address] > _MOST_WAYS_PER_OBJECT * len(ways) + _SOME_WAYS:
                raise _endless(file, "lead to the same groups by very many ways")
            continue
        if isinstance(found, Neighbour):
            yield found
            continue
        child, group = found
        if child in open_groups or len(stack) > _DEEPEST:
            raise _endless(file, "lead from a group into itself, or very deep")
        below.append(child)
        if child in ways:
            continue
        if group is None:
            ways[child] = 1
        else:
            open_groups.add(child)
            stack.append((child, _children(group), []))


def _children(group: Any) -> Iterator[Any]:
    """Give what a group refers to elsewhere, and the address of each object that it holds."""
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield Neighbour(kind="link", item=f"{group.name}/{name}", named=link.filename)
        elif isinstance(link, h5py.HardLink):
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Dataset):
                yield from stored_elsewhere(item)
            yield address, item if isinstance(item, h5py.Group) else None


def _endless(file: Any, what: str) -> FileFormatError:
    return FileFormatError(
        f"The links of '{Path(file.filename).name}' {what}, so that reading it would not end. "
        "Write it again with the program that made it."
    )


def require_neighbours(path: Path, *, outside: bool = False) -> None:
    """
    Refuse a file that takes content from files that are missing, or that it has no business with.

    HDF5 itself gives zeros for what is missing from a virtual data set, and waits for ever on a
    pipe.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    outside : bool
        Whether data sets may keep their values in files outside its folder.

    Raises
    ------
    FileFormatError
        If a neighbour is missing, is no regular file or too short, or lies outside the folder.
    """
    try:
        with h5py.File(path, "r") as file:
            neighbours = list(dict.fromkeys(neighbours_of(file)))
    except TavrnnEphysError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError):
        return  # Whatever else is wrong is told by who reads it.
    for neighbour in neighbours:
        _require(path, neighbour, outside)


def _require(path: Path, neighbour: Neighbour, outside: bool) -> None:
    folder = path.resolve().parent
    place = folder / neighbour.named
    said = f"'{path.name}' takes '{neighbour.item}' from '{neighbour.named}'"
    if neighbour.kind == "link":
        said = f"'{path.name}' links to '{neighbour.named}'"
    if neighbour.kind == "virtual" and "%b" in neighbour.named:
        if any(folder.glob(neighbour.named.replace("%b", "*"))):
            return
    if not place.exists():
        raise FileFormatError(
            f"{said}, which is not there. Put the recording back beside it; the results "
            "themselves can be read without."
            if neighbour.kind == "link"
            else f"{said}, which is not there: copy that file too, into the same folder."
        )
    if not place.is_file():
        raise FileFormatError(
            f"{said}, which is no file but a folder, pipe or device. Put the file that it means "
            "in its place."
        )
    if neighbour.kind == "external":
        _require_bytes(path, neighbour, place, said, outside)


def _require_bytes(path: Path, neighbour: Neighbour, place: Path, said: str, outside: bool) -> None:
    """Bytes of a data set can be those of any file of the system."""
    folder = path.resolve().parent
    if not outside and not place.resolve().is_relative_to(folder):
        raise FileFormatError(
            f"{said}, outside the folder of the file, and so could show any file of this "
            "machine. If you trust it, read it with outside_files=True, on the command line "
            "--option outside_files=true."
        )
    if place.stat().st_size < neighbour.n_bytes:
        raise FileFormatError(
            f"{said}, which holds {place.stat().st_size} bytes where {neighbour.n_bytes} are "
            "needed. Copy that file again."
        )
    # HDF5 looks for it from the working directory, not from the folder of the file.
    seen = Path(neighbour.named)
    if not seen.exists() or not seen.samefile(place):
        raise FileFormatError(
            f"{said}, which HDF5 looks for in the working directory. Change to the folder "
            f"'{folder}' first."
        )
