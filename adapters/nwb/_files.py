"""Opening NWB files, with one sentence for whatever is wrong with them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.adapters.nwb._pynwb import load_pynwb
from tavrnn_ephys.adapters.nwb._schema import require_second_major, schema_version
from tavrnn_ephys.core.errors import FileFormatError, MissingDependencyError, TavrnnEphysError

if TYPE_CHECKING:
    import pynwb

__all__ = [
    "damage_told",
    "is_zarr",
    "looks_like_nwb",
    "one_line",
    "open_nwb",
    "open_root",
    "read_nwbfile",
    "require_nwb",
]

# What HDF5, PyNWB and NumPy raise when parts of a file are missing or make no sense.
_DAMAGE = (
    OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError,
    MemoryError,
)  # fmt: skip


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
    try:
        with h5py.File(path, "r") as file:
            is_nwb, version = _is_nwb(file), schema_version(file)
    except BlockingIOError as error:
        raise FileFormatError(
            f"'{path.name}' is open for writing in another program. Close it there first."
        ) from error
    except OSError as error:
        raise FileFormatError(
            f"'{path.name}' is damaged or cut short: HDF5 cannot open it ({one_line(error)}). "
            "Copy it again from its source."
        ) from error
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
def open_nwb(path: Path) -> Iterator[pynwb.NWBFile]:
    """
    Open an NWB file read-only and close it afterwards.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Yields
    ------
    pynwb.NWBFile
        Its content; data are loaded when they are indexed.

    Raises
    ------
    FileFormatError
        If the file is not an intact NWB file, or PyNWB cannot make sense of it.
    """
    path = Path(path)
    require_nwb(path)
    if path.is_file():
        _require_linked_files(path)
    with ExitStack() as stack:
        try:
            # PyNWB speaks about every departure from its newest schema; old files are full of them.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                nwbfile = stack.enter_context(_reading(path)).read()
        except Exception as error:
            raise FileFormatError(
                f"PyNWB cannot read '{path.name}': {one_line(error)}. "
                "Check the file with nwbinspector, or write it again with a current version."
            ) from error
        with damage_told(path.name):
            yield nwbfile


def _require_linked_files(path: Path) -> None:
    import h5py

    def missing(group: Any) -> str:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                if not (path.parent / link.filename).exists():
                    return str(link.filename)
            elif isinstance(link, h5py.HardLink) and group.get(name, getclass=True) is h5py.Group:
                found = missing(group[name])
                if found:
                    return found
        return ""

    try:
        with h5py.File(path, "r") as file:
            gone = missing(file)
    except (OSError, RuntimeError, LookupError):
        return  # Whatever else is wrong is told by who reads it.
    if gone:
        raise FileFormatError(
            f"'{path.name}' links to '{gone}', which is not there. Put the recording back beside "
            "it; the results themselves can be read without."
        )


def _reading(path: Path) -> Any:
    pynwb = load_pynwb()
    if path.is_dir():
        from hdmf_zarr.nwb import NWBZarrIO

        return NWBZarrIO(str(path), mode="r")
    return pynwb.NWBHDF5IO(str(path), mode="r")


@contextmanager
def damage_told(file_name: str) -> Iterator[None]:
    """
    Say of whatever fails inside that the file is damaged.

    Parameters
    ----------
    file_name : str
        Name of the file that is being read.

    Yields
    ------
    None
        While parts of the file are read.

    Raises
    ------
    FileFormatError
        If parts are missing or make no sense.
    """
    try:
        yield
    except TavrnnEphysError:
        raise
    except _DAMAGE as error:
        raise FileFormatError(
            f"'{file_name}' is damaged: part of its data cannot be read ({one_line(error)}). "
            "Copy it again from its source."
        ) from error


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
        raise FileFormatError(
            f"PyNWB cannot read '{file_name}': {one_line(error)}. "
            "Check the file with nwbinspector, or write it again with a current version."
        ) from error


def one_line(error: BaseException, limit: int = 160) -> str:
    """
    Shorten the message of somebody else's exception to one line.

    Parameters
    ----------
    error : BaseException
        The exception.
    limit : int
        Largest number of characters.

    Returns
    -------
    str
        The message without line breaks and without a full stop at its end.
    """
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
