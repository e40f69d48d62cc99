"""Files that appear whole or not at all, and never in place of an input."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.core.links import behind_links
from tavrnn_ephys.core.ownership import as_new, made_from, take_over

__all__ = [
    "check_folder",
    "check_output",
    "make_folder",
    "one_writer",
    "reserve_room",
    "temporary_beside",
    "whole_file",
    "whole_folder",
]


def check_output(
    path: str | Path,
    *,
    inputs: tuple[str | Path, ...] = (),
    overwrite: bool,
    suffix: str = "",
) -> Path:
    """
    Say before any work whether a file may be written.

    Parameters
    ----------
    path : str or pathlib.Path
        The file to be written.
    inputs : tuple of path
        Files that must never be overwritten.
    overwrite : bool
        Whether an existing file may be replaced.
    suffix : str
        Ending that the name must have.

    Returns
    -------
    pathlib.Path
        The path; of a link, the file that it leads to, which is what will be written.

    Raises
    ------
    OutputError
        If the file is an input, exists, or its folder is missing or not writable; if it is a
        device, or a link that leads nowhere.
    """
    target = Path(path)
    if suffix and target.suffix.lower() != suffix:
        raise OutputError(f"The output '{target}' must end in '{suffix}'. Name it so.")
    target = behind_links(target)
    for source in inputs:
        if target.exists() and Path(source).exists() and target.samefile(source):
            raise OutputError(
                f"The output '{target}' is the input itself, which is never changed. "
                "Choose another name."
            )
    if target.is_dir():
        raise OutputError(f"The output '{target}' is a folder. Name a file in it.")
    if target.exists() and not target.is_file():
        raise OutputError(f"The output '{target}' is a device, and not a file. Name a file.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"The output '{target}' exists. Choose another name, or replace it: overwrite=True, "
            "on the command line --overwrite."
        )
    folder = target.parent
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"The output '{target}' cannot lie in '{folder}', which is a file.")
    if not folder.is_dir():
        raise OutputError(f"The folder '{folder}' of the output does not exist. Create it first.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"The folder '{folder}' of the output is not writable ({error.strerror}). "
            "Choose another place."
        ) from None
    return target


def check_folder(folder: str | Path, names: Iterable[str], *, overwrite: bool) -> Path:
    """
    Say before any work whether files may be written into a folder, which need not exist yet.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder.
    names : iterable of str
        Files that will be written in it.
    overwrite : bool
        Whether existing ones may be replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputError
        If the folder cannot be made, or a file exists or cannot be written.
    """
    out = Path(folder)
    if out.is_dir():
        for name in names:
            check_output(out / name, overwrite=overwrite)
        return out
    parent = next(item for item in (out, *out.absolute().parents) if item.exists())
    if not parent.is_dir():
        raise OutputError(f"The folder '{out}' cannot be made: '{parent}' is a file.")
    check_output(parent / f".{out.name}.check", overwrite=overwrite)
    return out


def make_folder(folder: Path) -> Path:
    """
    Create a folder with its parents.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; it may exist.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder '{folder}' cannot be made ({error.strerror}).") from None
    return folder


@contextmanager
def one_writer(path: str | Path) -> Iterator[None]:
    """
    Keep other writers of this package away from a file, and sweep up after those that died.

    A lock file beside the target says that it is being written.  The system frees the lock of
    a process that dies; what such a process left half-written beside the target is removed.

    Parameters
    ----------
    path : str or pathlib.Path
        The file that will be written.

    Yields
    ------
    None
        While no other process can enter for the same file.

    Raises
    ------
    OutputError
        If another process is writing it.
    """
    from filelock import FileLock, Timeout

    target = Path(path)
    lock_file = target.with_name(f".{target.name}.lock")
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(
            f"Another process is writing '{target.name}' at this moment. Wait until it has ended, "
            "or choose another name."
        ) from None
    try:
        _remove_leftovers(target)
        yield
    finally:
        # Removed while it is held: whoever locks a file that is gone tries again with a new one.
        lock_file.unlink(missing_ok=True)
        lock.release()


def _remove_leftovers(target: Path) -> None:
    previous = _previous(target)
    if previous.exists():
        # Its successor was about to take its place.
        if target.exists():
            shutil.rmtree(previous)
        else:
            os.rename(previous, target)
    pattern = re.compile(
        rf"\.{re.escape(target.stem)}\.[a-z0-9_]{{8}}\.partial{re.escape(target.suffix)}"
    )
    for name in os.listdir(target.parent):
        if pattern.fullmatch(name):
            leftover = target.parent / name
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


@contextmanager
def whole_file(path: str | Path, *, mode: int | None = None) -> Iterator[Path]:
    """
    Write a file beside its final place and move it there once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The final place.
    mode : int, optional
        Permissions; by default those of the file that is replaced, or of any new file, and
        never more than :func:`~tavrnn_ephys.core.ownership.as_private_as` allows.

    Yields
    ------
    pathlib.Path
        A temporary file of the same ending in the same folder; it is flushed to the disk and
        renamed when the block ends, and removed when the block fails.

    Raises
    ------
    OutputError
        If the place is a link that leads nowhere.

    Warns
    -----
    DataLossWarning
        If the file that is replaced belongs to another user, or has further names.
    """
    target = behind_links(Path(path))
    temporary = temporary_beside(target)
    try:
        yield temporary
        take_over(temporary, target)
        if mode is not None:
            os.chmod(temporary, mode)
        _flush(temporary)
        os.replace(temporary, target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """
    Fill a folder beside its final place and move it there once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The final place; a folder that stands there is replaced, behind a link that leads to it.

    Yields
    ------
    pathlib.Path
        A temporary folder beside it; it is flushed to the disk and takes its place when the
        block ends, and is removed when the block fails.

    Raises
    ------
    OutputError
        If the place is a link that leads nowhere.
    """
    target = behind_links(Path(path))
    temporary = Path(
        tempfile.mkdtemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=f".partial{target.suffix}"
        )
    )
    try:
        yield temporary
        for item in temporary.rglob("*") if made_from() else ():
            as_new(item)
        take_over(temporary, target)
        if hasattr(os, "sync"):
            os.sync()
        if not target.exists():
            os.rename(temporary, target)
        elif not _exchanged(temporary, target):
            previous = _previous(target)
            os.rename(target, previous)
            os.rename(temporary, target)
            shutil.rmtree(previous)
        _flush(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _previous(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _exchanged(first: Path, second: Path) -> bool:
    """Let two folders change places in one step, where the system can (Linux)."""
    import ctypes

    if os.name == "nt":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2
    return bool(rename(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0)


def temporary_beside(target: Path) -> Path:
    """
    Create an empty file beside another; :func:`one_writer` sweeps it up if its maker dies.

    Parameters
    ----------
    target : pathlib.Path
        The other file.

    Returns
    -------
    pathlib.Path
        A new file of the same ending in the same folder.
    """
    descriptor, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.stem}.", suffix=f".partial{target.suffix}"
    )
    os.close(descriptor)
    return Path(name)


def reserve_room(path: Path, n_bytes: int) -> None:
    """
    Take room on the disk behind the end of a file, so that what follows finds it.

    Libraries that run out of room amid their own work can abort the process.

    Parameters
    ----------
    path : pathlib.Path
        An existing file; it is longer by zeros afterwards.
    n_bytes : int
        How much.

    Raises
    ------
    OSError
        If there is less.
    """
    if n_bytes > 0 and hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), os.fstat(stream.fileno()).st_size, n_bytes)


def _flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows keeps no handles of folders.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
