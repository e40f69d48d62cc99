"""A place for the caches of libraries on machines where the home folder cannot be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.core.temporary import temporary_folder

__all__ = ["writable_caches"]

#: What libraries ask for the place of their caches, and where it is if it is not set.
_PLACES = {"XDG_CACHE_HOME": ".cache", "MPLCONFIGDIR": ".config/matplotlib"}


@contextmanager
def writable_caches() -> Iterator[None]:
    """
    Give libraries a folder for their caches, where the usual one cannot be written.

    PyNWB does not load without one; Matplotlib complains.  A container, a batch job or a service
    often has no home folder.

    Yields
    ------
    None
        The environment names a private temporary folder, which goes with the block; where the
        usual folders can be written, or no other can be either, nothing is changed.
    """
    lacking = [name for name, place in _PLACES.items() if not _is_writable(name, place)]
    try:
        room = temporary_folder() if lacking and os.name != "nt" else None
    except OutputError:
        room = None
    if room is None:
        yield
        return
    before = {name: os.environ.get(name) for name in lacking}
    # Other users must not be able to write here: PyNWB keeps pickles, which can run code.
    with tempfile.TemporaryDirectory(
        prefix="tavrnn-cache-", dir=room, ignore_cleanup_errors=True
    ) as folder:
        for name in lacking:
            (Path(folder) / name).mkdir()
            os.environ[name] = str(Path(folder) / name)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _is_writable(name: str, place: str) -> bool:
    given = os.environ.get(name)
    try:
        folder = Path(given) if given else Path.home() / place
        # What exists must be writable; what does not must be makable.
        nearest = next(item for item in (folder, *folder.absolute().parents) if item.exists())
        with tempfile.TemporaryDirectory(dir=nearest):
            return True
    except (OSError, RuntimeError):
        return False
