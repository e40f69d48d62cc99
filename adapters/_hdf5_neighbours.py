"""Files that an HDF5 file takes part of its content from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["Neighbour", "neighbours_of", "stored_elsewhere"]

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
    within : str
        Path of the object that is meant inside the other file; empty for plain bytes.
    shape : tuple of int
        Least size of that object along each axis; empty where that is not known.
    """

    kind: str
    item: str
    named: str
    n_bytes: int = 0
    within: str = ""
    shape: tuple[int, ...] = ()


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
    return [item for item in _sources(dataset) if item.named != "."]


def _sources(dataset: Any) -> list[Neighbour]:
    """List where the values of a data set lie; "." is its own file."""
    plan, name = dataset.id.get_create_plist(), str(dataset.name)
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        return _virtual_sources(plan, name)
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


def _virtual_sources(plan: Any, name: str) -> list[Neighbour]:
    """List the data sets that a virtual one is put together from, and what it takes of each."""
    needed: dict[tuple[str, str], tuple[int, ...]] = {}
    for index in range(plan.get_virtual_count()):
        source = plan.get_virtual_filename(index), plan.get_virtual_dsetname(index)
        shape = _reach(plan.get_virtual_srcspace(index), plan.get_virtual_vspace(index))
        known = needed.setdefault(source, shape)
        if len(known) == len(shape):
            needed[source] = tuple(map(max, known, shape))
    return [
        Neighbour(
            kind="virtual", item=name, named=named, within=within, shape=needed[named, within]
        )
        for named, within in sorted(needed)
    ]


def _reach(source: Any, laid: Any) -> tuple[int, ...]:
    """Give the size that a selection asks of its data set; nothing for one without an end."""
    try:
        if source.get_select_type() == h5py.h5s.SEL_ALL:
            # A whole data set fills the place that it is laid into.
            first, last = (np.array(limit, dtype=object) for limit in laid.get_select_bounds())
            return source.get_simple_extent_dims() or tuple(last - first + 1)
        return tuple(int(end) + 1 for end in source.get_select_bounds()[1])
    except (ValueError, RuntimeError):
        return ()


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
        Every reference to another file; ``"."`` names the file itself, as the source of virtual
        data sets.

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
            yield Neighbour(
                kind="link",
                item=f"{group.name.rstrip('/')}/{name}",
                named=link.filename,
                within=link.path,
            )
        elif isinstance(link, h5py.HardLink):
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Dataset):
                yield from _sources(item)
            yield address, item if isinstance(item, h5py.Group) else None


def _endless(file: Any, what: str) -> FileFormatError:
    return FileFormatError(
        f"The links of '{Path(file.filename).name}' {what}, so that reading it would not end. "
        "Write it again with the program that made it."
    )
