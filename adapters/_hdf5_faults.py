"""What is wrong with an HDF5 file, said truly: damage only where HDF5 itself proves it."""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.core.errors import (
    FileFormatError,
    InputError,
    MissingDependencyError,
    TavrnnEphysError,
)

__all__ = ["faults_told", "load_filters", "one_line", "raised_by"]

# What HDF5, NumPy and our own checks raise over content.  AttributeError and TypeError are faults
# of a program, and memory that runs out is no fault of a file: none of them is listed.
_FAULTS = (OSError, RuntimeError, LookupError, ValueError, ArithmeticError)
_FILTER = re.compile(r"required filter '([^']*)' is not registered|(can't open directory)")
# Filters of the package hdf5plugin, and that of MaxWell, which no package holds.
_OF_HDF5PLUGIN = {307, 32000, 32001, 32004, 32008, 32013, 32015, 32017, 32018, 32024, 32026, 32028}
_OF_MAXWELL = 401


def load_filters() -> None:
    """Let HDF5 find the compression filters of hdf5plugin, where that package is installed."""
    try:
        import hdf5plugin  # noqa: F401
    except ImportError:
        return


@contextmanager
def faults_told(path: Path) -> Iterator[None]:
    """
    Say in one true sentence why a file cannot be read.

    Parameters
    ----------
    path : pathlib.Path
        The file that is being read.

    Yields
    ------
    None
        While parts of the file are read.

    Raises
    ------
    FileFormatError
        If HDF5 finds the file damaged, another program has it open, or its content contradicts
        its format.
    MissingDependencyError
        If its compression needs a filter that is not installed.
    InputError
        If it needs more memory than there is.
    """
    try:
        yield
    except TavrnnEphysError:
        raise
    except MemoryError as error:
        raise InputError(
            f"Reading '{path.name}' needs more memory than there is ({one_line(error)}). Read a "
            "part of it, where its adapter has t_start and t_stop, or use a larger machine."
        ) from error
    except _FAULTS as error:
        raise _told(path, error) from error


def _told(path: Path, error: Exception) -> TavrnnEphysError:
    reason = one_line(error)
    missing = _FILTER.search(str(error))
    if missing:
        return _filter_missing(path, missing[1] or "")
    number = getattr(error, "errno", None)
    if isinstance(error, BlockingIOError) or number == errno.EAGAIN or "lock file" in str(error):
        return FileFormatError(
            f"'{path.name}' is open for writing in another program. Close it there first."
        )
    if isinstance(error, PermissionError):
        return FileFormatError(
            f"The system does not let you read '{path.name}'. Ask its owner for permission."
        )
    if number in (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT):
        return FileFormatError(
            f"The disk or network that holds '{path.name}' failed ({reason}). Try again, or copy "
            "the file to another disk."
        )
    if _is_of_hdf5(error):
        return FileFormatError(
            f"'{path.name}' is damaged or cut short: HDF5 cannot read it ({reason}). "
            "Copy it again from its source."
        )
    return FileFormatError(
        f"'{path.name}' holds something that does not fit its format ({reason}). Check it with "
        "the program that wrote it, or export it again."
    )


def _filter_missing(path: Path, name: str) -> MissingDependencyError:
    code, known = _absent_filter(path)
    if code == _OF_MAXWELL or str(_OF_MAXWELL) in name:
        return MissingDependencyError(
            f"Samples of '{path.name}' need MaxWell's HDF5 filter ({_OF_MAXWELL}). Set the "
            "environment variable HDF5_PLUGIN_PATH to the folder of its library."
        )
    name = name or known
    what = f"the HDF5 filter '{name}'" if name else "an HDF5 filter"
    what += f" ({code})" if code else ""
    if code and code not in _OF_HDF5PLUGIN:
        return MissingDependencyError(
            f"'{path.name}' is compressed with {what}, which is not installed. Ask the maker of "
            "the program that wrote it for the filter, and set the environment variable "
            "HDF5_PLUGIN_PATH to its folder."
        )
    return MissingDependencyError(
        f"'{path.name}' is compressed with {what}, which is not installed. Install it: "
        "pip install hdf5plugin."
    )


def _absent_filter(path: Path) -> tuple[int, str]:
    """Find number and name of the first filter of a file that HDF5 does not have."""
    import h5py

    found: list[tuple[int, str]] = []

    def look(_: str, item: object) -> bool | None:
        if isinstance(item, h5py.Dataset):
            plan = item.id.get_create_plist()
            for index in range(plan.get_nfilters()):
                code, _, _, name = plan.get_filter(index)
                if not h5py.h5z.filter_avail(code):
                    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
                    # A filter can note its settings behind its name.
                    found.append((int(code), text.split(";")[0].split(" (")[0].strip()))
                    return True
        return None

    try:
        with h5py.File(path, "r") as file:
            file.visititems(look)
    except (OSError, RuntimeError, LookupError, ValueError):
        return 0, ""
    return found[0] if found else (0, "")


def _is_of_hdf5(error: BaseException) -> bool:
    """Say whether the HDF5 library itself, and not code above it, found the fault."""
    return "doesn't exist" not in str(error) and raised_by(error, "h5py")


def raised_by(error: BaseException, package: str) -> bool:
    """
    Say whether an exception was raised inside a package.

    Parameters
    ----------
    error : BaseException
        The exception.
    package : str
        Name of the package, such as ``"scipy"``.

    Returns
    -------
    bool
        True if the innermost line of its traceback is one of the package's.
    """
    frames = traceback.extract_tb(error.__traceback__)
    parts = frames[-1].filename.replace("\\", "/").split("/") if frames else []
    # Compiled modules name their source by a path inside the package.
    return package in parts or any(part.startswith(f"{package}.") for part in parts)


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
