"""Opening NWB files, with one sentence for whatever is wrong with them."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.adapters._hdf5_faults import faults_told, load_filters, one_line
from tavrnn_ephys.adapters._hdf5_requiring import require_neighbours
from tavrnn_ephys.adapters.nwb._pynwb import load_pynwb
from tavrnn_ephys.adapters.nwb._remote import opened_remote
from tavrnn_ephys.adapters.nwb._schema import require_second_major, schema_version
from tavrnn_ephys.adapters.nwb._zarr_stores import require_whole_store
from tavrnn_ephys.core.addresses import Address, OpenFile, place_of
from tavrnn_ephys.core.errors import FileFormatError, MissingDependencyError, TavrnnEphysError

if TYPE_CHECKING:
    import pynwb

__all__ = [
    "is_zarr",
    "looks_like_nwb",
    "open_nwb",
    "open_root",
    "read_nwbfile",
    "require_nwb",
]

# How HDMF says that the schema of an extension is nowhere.
_NO_NAMESPACE = re.compile(r"'([A-Za-z0-9_.-]+)' not a namespace")


def looks_like_nwb(path: Path) -> bool:
    """
    Say whether a file calls itself NWB; whatever is wrong with it, the answer is no.

    Parameters
    ----------
    path : pathlib.Path
        Any path.

    Returns
    -------
    bool
        True for an HDF5 file whose root is an ``NWBFile``.
    """
    import h5py

    if path.is_dir():
        return is_zarr(path)
    try:
        with h5py.File(path, "r") as file:
            return _is_nwb(file)
    except Exception:
        return False


def is_zarr(path: Path) -> bool:
    """
    Say whether a folder is an NWB file in Zarr's format; whatever is wrong, the answer is no.

    Parameters
    ----------
    path : pathlib.Path
        Any path.

    Returns
    -------
    bool
        True for a Zarr group that calls itself ``NWBFile``.
    """
    try:
        attributes = json.loads((path / ".zattrs").read_text(encoding="utf-8"))
        return (path / ".zgroup").is_file() and attributes.get("neurodata_type") == "NWBFile"
    except (OSError, ValueError, AttributeError):
        return False


def _is_nwb(file: Any) -> bool:
    kind = file.attrs.get("neurodata_type", "")
    kind = kind.decode() if isinstance(kind, bytes) else kind
    return kind == "NWBFile" or "nwb_version" in file.attrs


def require_nwb(path: Path) -> None:
    """
    Refuse what is not an intact NWB file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, not HDF5, damaged, or HDF5 of another format.
    """
    import h5py

    path = Path(path)
    if path.is_dir():
        _require_zarr(path)
        return
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    if path.stat().st_size == 0:
        raise FileFormatError(f"'{path.name}' is empty. Copy it again from its source.")
    if not h5py.is_hdf5(path):
        raise FileFormatError(
            f"'{path.name}' is not an NWB file: its content is not HDF5. "
            "Convert the recording to NWB, or name the adapter of its format."
        )
    load_filters()
    with faults_told(path), h5py.File(path, "r") as file:
        is_nwb, version = _is_nwb(file), schema_version(file)
    if version is not None:
        require_second_major(path.name, version)
    if not is_nwb:
        raise FileFormatError(
            f"'{path.name}' is an HDF5 file but not NWB: its root is no NWBFile. "
            "Convert the recording to NWB, or name the adapter of its format."
        )


def _require_zarr(path: Path) -> None:
    if not is_zarr(path):
        raise FileFormatError(
            f"'{path.name}' is a folder, but no NWB file in Zarr's format. Name the recording's "
            "own file."
        )
    if find_spec("hdmf_zarr") is None:
        raise MissingDependencyError(
            f"Reading '{path.name}' needs hdmf-zarr. Install it: pip install 'tavrnn_ephys[zarr]'."
        )


@contextmanager
def open_nwb(path: Path | Address | OpenFile, *, outside: bool = False) -> Iterator[pynwb.NWBFile]:
    """
    Open an NWB file read-only and close it afterwards.

    Parameters
    ----------
    path : pathlib.Path, Address or OpenFile
        The file, where a server holds it, or the open file.
    outside : bool
        Whether data sets may keep their values in files outside its folder.

    Yields
    ------
    pynwb.NWBFile
        Its content; data are loaded when they are indexed.

    Raises
    ------
    FileFormatError
        If the file is not an intact NWB file, or PyNWB cannot make sense of it.
    """
    place = place_of(path)
    if not isinstance(place, Path):
        with _open_remote(place) as nwbfile:
            yield nwbfile
        return
    path = place
    require_nwb(path)
    if path.is_file():
        require_neighbours(path, outside=outside)
    else:
        require_whole_store(path)
    with ExitStack() as stack:
        try:
            # PyNWB speaks about every departure from its newest schema; old files are full of them.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                nwbfile = _read_with_extensions(lambda: _reading(path), stack)
        except Exception as error:
            raise _not_understood(path, error) from error
        with faults_told(path):
            yield nwbfile


@contextmanager
def _open_remote(address: Address | OpenFile) -> Iterator[Any]:
    """Open an NWB file of a server, or one that is open."""
    pynwb = load_pynwb()
    with opened_remote(address) as file:
        if (version := schema_version(file)) is not None:
            require_second_major(address.name, version)
        if not _is_nwb(file):
            raise FileFormatError(
                f"'{address.name}' is an HDF5 file but not NWB: its root is no NWBFile. Download "
                "it, and name the adapter of its format."
            )
        load_filters()
        with ExitStack() as stack:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    nwbfile = _read_with_extensions(
                        lambda: pynwb.NWBHDF5IO(file=file, mode="r"), stack
                    )
            except Exception as error:
                raise _not_understood(Path(address.name), error) from error
            yield nwbfile


def _read_with_extensions(reading: Callable[[], Any], stack: ExitStack) -> Any:
    """Read a file, once more with the package of an extension whose schema the file lacks."""
    try:
        return stack.enter_context(reading()).read()
    except (KeyError, ValueError) as error:
        missing = _NO_NAMESPACE.search(str(error))
        name = missing[1].replace("-", "_") if missing else ""
        if not name or find_spec(name) is None:
            raise
        import_module(name)
    return stack.enter_context(reading()).read()


def _reading(path: Path) -> Any:
    pynwb = load_pynwb()
    if path.is_dir():
        from hdmf_zarr.nwb import NWBZarrIO

        return NWBZarrIO(str(path), mode="r")
    return pynwb.NWBHDF5IO(str(path), mode="r")


@contextmanager
def open_root(path: Path) -> Iterator[Any]:
    """
    Open an NWB file read-only, beneath PyNWB.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Yields
    ------
    h5py.File or zarr.Group
        The file.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file.
    """
    import h5py

    path = Path(path)
    require_nwb(path)
    if path.is_dir():
        import zarr

        yield zarr.open_group(str(path), mode="r")
        return
    with h5py.File(path, "r") as file:
        yield file


def read_nwbfile(io: Any, file_name: str) -> Any:
    """
    Read what an open file holds.

    Parameters
    ----------
    io : hdmf.backends.io.HDMFIO
        The open file.
    file_name : str
        Its name, for the message.

    Returns
    -------
    pynwb.NWBFile
        Its content.

    Raises
    ------
    FileFormatError
        If PyNWB cannot make sense of it.
    """
    try:
        # PyNWB speaks about every departure from its newest schema; old files are full of them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return io.read()
    except Exception as error:
        raise _not_understood(Path(file_name), error) from error


def _not_understood(path: Path, error: Exception) -> TavrnnEphysError:
    if isinstance(error, MemoryError | OSError):
        try:
            with faults_told(path):
                raise error
        except TavrnnEphysError as told:
            return told
    missing = _NO_NAMESPACE.search(str(error))
    if missing:
        return FileFormatError(
            f"'{path.name}' uses the extension '{missing[1]}' of NWB, and holds no copy of its "
            f"schema. Install the package of the extension: pip install {missing[1]}."
        )
    return FileFormatError(
        f"PyNWB cannot read '{path.name}': {one_line(error)}. "
        "Check the file with nwbinspector, or write it again with a current version."
    )
