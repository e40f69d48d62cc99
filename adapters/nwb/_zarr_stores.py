"""What a Zarr store needs beside its metadata: linked stores, and every chunk of its arrays."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tavrnn_ephys.adapters.nwb._moving import moved_path
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError

__all__ = ["move_links", "require_whole_store"]

# Where HDMF-Zarr notes the links of a group.
_LINKS = "zarr_link"


def require_whole_store(store: Path) -> None:
    """
    Refuse a store that links to one that is missing, and tell of chunks that are not there.

    Parameters
    ----------
    store : pathlib.Path
        Folder of the store.

    Raises
    ------
    FileFormatError
        If a linked store is missing, or a chunk is a link, pipe or device.

    Warns
    -----
    DataLossWarning
        If arrays lack chunks, which Zarr reads as a filling value.
    """
    lacking: dict[str, str] = {}
    for name, about in _metadata(store):
        if isinstance(about.get(_LINKS), list):
            _require_linked(store, about[_LINKS])
        elif "chunks" in about and "shape" in about:
            missing, n_chunks = _missing_chunks(store / name, store, about)
            if missing:
                lacking[name] = f"{missing} of {n_chunks}"
    if lacking:
        first = next(iter(lacking))
        warnings.warn(
            f"{len(lacking)} arrays of '{store.name}' lack chunks ({some(lacking)}; of the first "
            f"{lacking[first]}), and read as a filling value there. If the store was copied, copy "
            "it again.",
            DataLossWarning,
            stacklevel=4,
        )


def _metadata(store: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the metadata of every group and array, from the list of all of them if there is one."""
    together = _json(store / ".zmetadata").get("metadata")
    if isinstance(together, dict):
        for key, about in together.items():
            if isinstance(about, dict):
                yield key.rpartition("/")[0], about
        return
    for folder, _, files in os.walk(store):
        for file in {".zattrs", ".zarray"} & set(files):
            yield os.path.relpath(folder, store), _json(Path(folder, file))


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # What is wrong with it is told by who reads the store.
    return content if isinstance(content, dict) else {}


def _sources(links: list[Any]) -> Iterator[dict[str, Any]]:
    """Give the links that lead to other stores by a path."""
    for link in links:
        source = link.get("source") if isinstance(link, dict) else None
        if isinstance(source, str) and source not in ("", ".") and "://" not in source:
            yield link


def _require_linked(store: Path, links: list[Any]) -> None:
    for link in _sources(links):
        if not (store.resolve() / link["source"]).exists():
            raise FileFormatError(
                f"'{store.name}' links to '{link['source']}', which is not there. Copy that store "
                "too, to the same place beside it."
            )


def _missing_chunks(array: Path, store: Path, about: dict[str, Any]) -> tuple[int, int]:
    try:
        sizes = zip(about["shape"], about["chunks"], strict=True)
        n_chunks = math.prod(-(-int(length) // int(chunk)) for length, chunk in sizes)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0, 0
    there = sum(not Path(item).name.startswith(".") for item in _files_of(array, store))
    return max(n_chunks - there, 0), n_chunks


def _files_of(folder: Path, store: Path) -> Iterator[str]:
    """Give the regular files of an array; anything else could be waited for, or be private."""
    try:
        items = list(os.scandir(folder))
    except OSError:
        return
    for item in items:
        if item.is_dir(follow_symlinks=False):
            yield from _files_of(Path(item.path), store)
        elif item.is_file(follow_symlinks=False):
            yield item.path
        else:
            raise FileFormatError(
                f"'{os.path.relpath(item.path, store)}' of '{store.name}' is no file but a link, "
                "pipe or device. Copy the store with what its links lead to: cp -rL."
            )


def move_links(store: Path, old_store: Path) -> None:
    """
    Keep links to other stores right in a copy that lies elsewhere.

    Parameters
    ----------
    store : pathlib.Path
        The copy.
    old_store : pathlib.Path
        The store that it was copied from.
    """
    import zarr

    if store.resolve().parent == old_store.resolve().parent:
        return
    root = zarr.open_group(str(store), mode="r+")
    changed = False
    for name, about in list(_metadata(store)):
        links = about.get(_LINKS)
        if not isinstance(links, list):
            continue
        for link in _sources(links):
            link["source"] = moved_path(link["source"], old_store, store)
            changed = True
        (root[name] if name else root).attrs[_LINKS] = links
    if changed and (store / ".zmetadata").exists():
        zarr.consolidate_metadata(str(store))
