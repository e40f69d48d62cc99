"""The folder for temporary files, also on machines that seem to have none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.core.errors import OutputError

__all__ = ["some_temporary_folder", "temporary_folder"]

#: Writable in containers whose disk is not; what lies there takes memory.
_IN_MEMORY = Path("/dev/shm")


def temporary_folder(*, in_memory: bool = True) -> Path:
    """
    Give the folder for temporary files.

    Parameters
    ----------
    in_memory : bool
        Whether a folder that takes memory will do where no other can be written.

    Returns
    -------
    pathlib.Path
        The folder that Python uses, or else a file system in memory.

    Raises
    ------
    OutputError
        If there is neither.

    Examples
    --------
    >>> temporary_folder().is_dir()
    True
    """
    found: Path | None
    try:
        found = Path(tempfile.gettempdir())
    except FileNotFoundError:
        found = _IN_MEMORY if _is_writable(_IN_MEMORY) else None
    if found is None or (found == _IN_MEMORY and not in_memory):
        raise OutputError("No folder for temporary files can be written. Name one: TMPDIR=FOLDER.")
    return found


@contextmanager
def some_temporary_folder() -> Iterator[None]:
    """
    Let libraries, and the processes that are started, find a folder for temporary files.

    PyTorch does not train without one.  It belongs around a whole program: the folder that Python
    uses is set for the process.

    Yields
    ------
    None
        Where no other folder can be written, Python and ``TMPDIR`` name one in memory, if there
        is one; otherwise nothing is changed.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        if _is_writable(_IN_MEMORY):
            with _set_for_the_process(str(_IN_MEMORY)):
                yield
            return
    yield


@contextmanager
def _set_for_the_process(folder: str) -> Iterator[None]:
    before = os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        tempfile.tempdir = None
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
