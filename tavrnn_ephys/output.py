"""Files that appear whole or not at all, and never in place of an input."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.errors import OutputError

__all__ = ["check_output", "whole_file"]


def check_output(path: str | Path, *, inputs: tuple[str | Path, ...] = (), overwrite: bool) -> Path:
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

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    OutputError
        If the file is an input, exists, or its folder is missing or not writable.
    """
    target = Path(path)
    for source in inputs:
        if target.exists() and Path(source).exists() and target.samefile(source):
            raise OutputError(
                f"The output '{target}' is the input itself, which is never changed. "
                "Choose another name."
            )
    if target.is_dir():
        raise OutputError(f"The output '{target}' is a folder. Name a file in it.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"The output '{target}' exists. Choose another name, or replace it: overwrite=True, "
            "on the command line --overwrite."
        )
    folder = target.parent
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


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """
    Write a file beside its final place and move it there once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The final place.

    Yields
    ------
    pathlib.Path
        A temporary file of the same ending in the same folder; it is flushed to the disk and
        renamed when the block ends, and removed when the block fails.
    """
    target = Path(path)
    descriptor, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.stem}.", suffix=f".partial{target.suffix}"
    )
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
