"""
Runs in NWB files of Zarr's format.

Objects are stored as JSON: the default of HDMF-Zarr is pickles, which current versions of
numcodecs refuse to read, as they can execute code.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.adapters._hdf5_faults import one_line
from tavrnn_ephys.adapters.nwb._files import is_zarr, open_nwb, read_nwbfile
from tavrnn_ephys.adapters.nwb._moving import moved_path
from tavrnn_ephys.adapters.nwb._run_build import add_run
from tavrnn_ephys.adapters.nwb._run_index import RunEntry, find_runs
from tavrnn_ephys.core.errors import InputError, MissingDependencyError, OutputError
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["add_run_to_zarr", "check_zarr_output", "copy_to_zarr", "remove_zarr_runs"]


def check_zarr_output(target: Path, placement: Placement) -> None:
    """
    Say before any work whether a Zarr store may be written.

    Parameters
    ----------
    target : pathlib.Path
        The store.
    placement : Placement
        The way of writing.

    Raises
    ------
    MissingDependencyError
        If HDMF-Zarr is not installed.
    OutputError
        If the store exists, or something else stands there.
    """
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


def copy_to_zarr(source: Path, temporary: Path) -> dict[str, Any]:
    """
    Copy a recording into an empty Zarr store.

    Parameters
    ----------
    source, temporary : pathlib.Path
        The recording, of HDF5 or Zarr, and the store.

    Returns
    -------
    dict of str to object
        What is known of the source, by dotted key.
    """
    if source.is_dir():
        shutil.copytree(source, temporary, dirs_exist_ok=True)
    else:
        _export(source, temporary)
    _move_images(temporary, source.parent)
    return {"source.file": source.name, "source.sha256": None, "way": "zarr"}


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

    with open_nwb(source) as nwbfile, _quiet():
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


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def add_run_to_zarr(
    path: Path,
    results: Results,
    placement: Placement,
    facts: dict[str, Any],
    source_name: str,
) -> None:
    """
    Add a run to a store, and validate what was added.

    Parameters
    ----------
    path : pathlib.Path
        The store, which no one else sees.
    results : Results
        The results.
    placement : Placement
        Name of the run.
    facts : dict of str to object
        What is known of the source.
    source_name : str
        Name of the recording, for messages.

    Raises
    ------
    OutputError
        If there is a run of that name and that is not to be replaced, or the schema objects.
    """
    import zarr

    existing = find_runs(zarr.open_group(str(path), mode="r")).get(placement.run)
    if existing is not None:
        if not placement.replace:
            raise OutputError(
                f"'{source_name}' already holds a run '{placement.run}'. Give this one another "
                'name: run="…", on the command line --run NAME; or replace it: replace=True, '
                "--replace."
            )
        remove_zarr_runs(path, [existing], source_name)
    with _quiet(), _writer(path) as io:
        nwbfile = read_nwbfile(io, source_name)
        known = {**facts, "source.object_id": str(nwbfile.object_id),
                 "source.identifier": str(nwbfile.identifier)}  # fmt: skip
        names = add_run(
            nwbfile, results, placement, facts=known, source_name=source_name, wrap=_wrap
        )
        io.write(nwbfile)
    _validate(path, names)


def _writer(path: Path) -> Any:
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


def _wrap(data: Any, chunks: tuple[int, ...], compress: bool) -> Any:
    from hdmf_zarr import ZarrDataIO

    return ZarrDataIO(data=data, chunks=chunks, compressor=None if compress else False)


def _validate(path: Path, names: list[str]) -> None:
    import pynwb
    from hdmf_zarr.nwb import NWBZarrIO

    with _quiet(), NWBZarrIO(str(path), mode="r") as io:
        errors = pynwb.validate(io=io)
    ours: list[Any] = [error for error in errors if any(name in str(error) for name in names)]
    if ours:
        raise OutputError(
            f"The results break the NWB schema and were not written: "
            f"{' '.join(str(ours[0]).split())}."
        )


def remove_zarr_runs(path: Path, entries: Sequence[RunEntry], file_name: str) -> None:
    """
    Remove runs from a store.

    Parameters
    ----------
    path : pathlib.Path
        The store, which no one else sees.
    entries : sequence of RunEntry
        The runs.
    file_name : str
        Name of the store, for messages.

    Raises
    ------
    InputError
        If something else in the store points to one.
    """
    import zarr

    root = zarr.open_group(str(path), mode="r+")
    for entry in entries:
        module = root["processing"][entry.module]
        ours = [module[name].name for name in entry.tables.values() if name in module]
        outside = _pointing_in(root, ours)
        if outside:
            raise InputError(
                f"The run '{entry.name}' of '{file_name}' cannot be removed: '{outside}' points "
                "to it, and the file would no longer open. Remove that first."
            )
        for name in entry.tables.values():
            if name in module:
                del module[name]
        if entry.options.get("module_created") and len(module) == 0:
            del root["processing"][entry.module]
    zarr.consolidate_metadata(str(path))


def _pointing_in(root: Any, ours: list[str]) -> str:
    found: list[str] = []

    def inside(name: str) -> bool:
        return any(name == own or name.startswith(f"{own}/") for own in ours)

    def look(_: str, item: Any) -> None:
        if inside(item.name):
            return
        for value in item.attrs.values():
            target = value.get("value", {}) if isinstance(value, dict) else {}
            place = str(target.get("path", "")) if isinstance(target, dict) else ""
            if place and inside(f"/{place.lstrip('/')}"):
                found.append(item.name)

    root.visititems(look)
    return found[0] if found else ""
