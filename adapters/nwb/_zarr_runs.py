"""
Storage of runs in NWB files of Zarr's format.

Objects are stored as JSON: the default of HDMF-Zarr is pickles, which current versions of
numcodecs refuse to read, as they can execute code.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.adapters._hdf5_faults import one_line
from tavrnn_ephys.adapters.nwb._files import is_zarr, open_nwb
from tavrnn_ephys.adapters.nwb._moving import moved_path
from tavrnn_ephys.adapters.nwb._run_file import RunFile, silence
from tavrnn_ephys.adapters.nwb._zarr_stores import move_links
from tavrnn_ephys.core.errors import MissingDependencyError, OutputError
from tavrnn_ephys.core.links import behind_links
from tavrnn_ephys.core.output import whole_folder
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["ZarrRunFile", "writer"]


class ZarrRunFile(RunFile):
    """A copy of a recording in Zarr, with its runs."""

    @staticmethod
    def checked_target(source: Path, out: Path | None, placement: Placement) -> Path:
        """Say before any work whether a store may be written."""
        target = behind_links(source if out is None else out)
        _require_writable(target, placement)
        return target

    @classmethod
    @contextmanager
    def completed(cls, target: Path, source: Path, *, in_place: bool) -> Iterator[RunFile]:
        """Give a store that appears at its place, whole, when the block ends."""
        with whole_folder(target) as folder:
            yield cls(folder, target, source)

    def fill(self, placement: Placement) -> dict[str, Any]:
        """Copy a recording of HDF5 or Zarr."""
        if self.source.is_dir():
            shutil.copytree(self.source, self.path, dirs_exist_ok=True)
            move_links(self.path, self.source)
        else:
            _export(self.source, self.path)
        _move_images(self.path, self.source.parent)
        return {"source.file": self.source.name, "source.sha256": None, "way": "zarr"}

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the store for changes."""
        import zarr

        yield zarr.open_group(str(self.path), mode="r+")

    @contextmanager
    def written_through(self, root: Any) -> Iterator[Any]:
        """Open the store in PyNWB, by the schemas that it holds."""
        with silence():
            io = writer(self.path)
        with io:
            yield io

    def pointers(self, root: Any) -> Iterator[tuple[str, str]]:
        """Give every link, and every reference in attributes and data, as HDMF-Zarr writes them."""
        found: list[tuple[str, str]] = []

        def look(_: str, item: Any) -> None:
            values = [item.attrs[key] for key in item.attrs]
            values += _references(item)
            found.extend((item.name, path) for path in _paths(values))

        root.visititems(look)
        yield from found

    def reserve(self, results: Results) -> None:
        """Do nothing: a full disk is an ordinary error of any of the small files."""

    def note_removal(self) -> None:
        """Write anew the list of all objects, in which those that are gone still stand."""
        import zarr

        zarr.consolidate_metadata(str(self.path))

    def close_gaps(self) -> None:
        """Do nothing: what is deleted in a folder takes no room."""

    @staticmethod
    def wrap(data: Any, chunks: tuple[int, ...], compress: bool) -> Any:
        """Mark an array for storage in chunks."""
        from hdmf_zarr import ZarrDataIO

        return ZarrDataIO(data=data, chunks=chunks, compressor=None if compress else False)


def _require_writable(target: Path, placement: Placement) -> None:
    if find_spec("hdmf_zarr") is None:
        raise MissingDependencyError(
            "Writing Zarr needs hdmf-zarr. Install it: pip install 'tavrnn_ephys[zarr]'."
        )
    if placement.way == "sidecar":
        raise OutputError("A sidecar is an HDF5 file. Name it with the ending '.nwb'.")
    if placement.way == "copy" and target.exists():
        if not is_zarr(target):
            raise OutputError(f"'{target}' is there and no NWB file of Zarr. Choose another name.")
        if not placement.overwrite:
            raise OutputError(
                f"The output '{target}' exists. Choose another name, or replace it: "
                "overwrite=True, on the command line --overwrite."
            )
    if not target.parent.is_dir():
        raise OutputError(f"The folder '{target.parent}' of the output does not exist.")


def _move_images(store: Path, old_folder: Path) -> None:
    """Keep relative names of image files right in a store that lies elsewhere."""
    import zarr

    found: list[Any] = []

    def look(name: str, item: Any) -> None:
        if name.rpartition("/")[2] == "external_file" and hasattr(item, "shape"):
            found.append(item)

    zarr.open_group(str(store), mode="r+").visititems(look)
    for item in found:
        names = [str(value) for value in np.ravel(item[...])]
        moved = [moved_path(name, old_folder, store.parent) for name in names]
        if moved != names:
            item[...] = np.array(moved, dtype=object).reshape(item.shape)


def _export(source: Path, temporary: Path) -> None:
    import numcodecs
    from hdmf_zarr.backend import ZarrIO
    from pynwb import get_manager

    with open_nwb(source) as nwbfile, silence():
        reader = nwbfile.get_read_io()
        manager = reader.manager if reader is not None else get_manager()
        with ZarrIO(
            str(temporary), manager=manager, mode="w", object_codec_class=numcodecs.JSON
        ) as writer:
            try:
                writer.export(src_io=reader, container=nwbfile, write_args={"link_data": False})
            except OSError:
                raise
            except Exception as error:  # HDMF has no exception of its own for what it cannot map.
                raise OutputError(
                    f"'{source.name}' cannot be written as Zarr ({one_line(error)}); nothing was "
                    "left behind. Write HDF5: end the name of the output in '.nwb'."
                ) from error


def writer(path: Path) -> Any:
    """
    Open a store so that PyNWB adds to it by the schemas that it holds.

    Parameters
    ----------
    path : pathlib.Path
        The store.

    Returns
    -------
    hdmf_zarr.backend.ZarrIO
        The open store.
    """
    import numcodecs
    from hdmf.build import BuildManager
    from hdmf_zarr.backend import ZarrIO
    from pynwb import get_type_map

    types = get_type_map()
    ZarrIO.load_namespaces(namespace_catalog=types, path=str(path))
    return ZarrIO(
        str(path),
        manager=BuildManager(types),
        mode="r+",
        object_codec_class=numcodecs.JSON,
    )


def _references(item: Any) -> list[Any]:
    """Give the entries of an array of references, alone or as a field beside others."""
    if not hasattr(item, "dtype") or "object" not in str(item.attrs.get("zarr_dtype", "")):
        return []
    try:
        return [_plain(value) for value in item[...].ravel()]
    except Exception:  # Pickled references cannot be read, and lead nowhere for any reader.
        return []


def _plain(value: Any) -> Any:
    return list(value) if hasattr(value, "dtype") else value


def _paths(value: Any) -> Iterator[str]:
    """Paths in the entries that stand for references and links: a path beside its file."""
    if isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str) and "source" in value:
            yield f"/{path.lstrip('/')}"
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _paths(each)
