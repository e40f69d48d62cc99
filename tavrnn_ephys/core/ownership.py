"""Who may read a file that is written: whoever could read what it is made from or replaces."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from tavrnn_ephys.core.errors import DataLossWarning

__all__ = ["as_new", "as_private_as", "made_from", "take_over"]

_MADE_FROM: ContextVar[tuple[Path, ...]] = ContextVar("_MADE_FROM", default=())


@contextmanager
def as_private_as(*sources: str | Path) -> Iterator[None]:
    """
    Let nobody read what is written inside who cannot read what it is made from.

    Parameters
    ----------
    *sources : path
        Files or folders; those that do not exist say nothing.

    Yields
    ------
    None
        Files that :func:`~tavrnn_ephys.core.output.whole_file` writes inside are as private as
        the most private of the sources.
    """
    token = _MADE_FROM.set((*_MADE_FROM.get(), *map(Path, sources)))
    try:
        yield
    finally:
        _MADE_FROM.reset(token)


def made_from() -> tuple[Path, ...]:
    """
    List what the files that are written now are made from, for another process to be told.

    Returns
    -------
    tuple of pathlib.Path
        The sources of :func:`as_private_as`.
    """
    return _MADE_FROM.get()


def as_new(path: Path) -> None:
    """
    Give a file that was just made the permissions of any new one, less those of its sources.

    Parameters
    ----------
    path : pathlib.Path
        The file or folder.
    """
    _give_group(path)
    os.chmod(path, _permissions(path, 0o777 if path.is_dir() else 0o666))


def take_over(temporary: Path, target: Path) -> None:
    """
    Give a new file or folder the owner and the permissions that it needs in its place.

    A file that takes the place of another keeps that one's owner, group, permissions, access
    list and extended attributes.  A new one gets the permissions of any new file, less those
    that a file it is made from withholds.

    Parameters
    ----------
    temporary : pathlib.Path
        The new file, which only its owner can read so far.
    target : pathlib.Path
        Its place.

    Warns
    -----
    DataLossWarning
        If the file that is replaced belongs to another user, or has further names.
    """
    is_folder = temporary.is_dir()
    try:
        replaced = target.stat()
    except OSError:
        as_new(temporary)
        return
    _keep_owner(temporary, target, replaced)
    _keep_attributes(temporary, target)
    os.chmod(temporary, _permissions(temporary, stat.S_IMODE(replaced.st_mode), is_new=False))
    if replaced.st_nlink > 1 and not is_folder:
        warnings.warn(
            f"'{target}' has {replaced.st_nlink} names on this disk (hard links). The others keep "
            "the old content.",
            DataLossWarning,
            stacklevel=4,
        )


def _permissions(path: Path, wanted: int, *, is_new: bool = True) -> int:
    mode = wanted & ~_umask() if is_new else wanted
    own_group = path.stat().st_gid
    for source in _MADE_FROM.get():
        try:
            about = source.stat()
        except OSError:
            continue
        if not about.st_mode & stat.S_IRGRP or (
            is_new and about.st_gid != own_group and not about.st_mode & stat.S_IROTH
        ):
            mode &= ~stat.S_IRWXG
        if not about.st_mode & stat.S_IROTH:
            mode &= ~stat.S_IRWXO
    return mode


def _give_group(path: Path) -> None:
    """Let the group that can read the source read the result, where this user may say so."""
    for source in _MADE_FROM.get():
        with suppress(OSError, AttributeError):
            about = source.stat()
            if about.st_mode & stat.S_IRGRP and not about.st_mode & stat.S_IROTH:
                os.chown(path, -1, about.st_gid)


def _keep_owner(temporary: Path, target: Path, replaced: os.stat_result) -> None:
    if not hasattr(os, "chown"):
        return
    with suppress(OSError):
        os.chown(temporary, -1, replaced.st_gid)
    if temporary.stat().st_uid == replaced.st_uid:
        return
    try:
        os.chown(temporary, replaced.st_uid, -1)
    except OSError:
        warnings.warn(
            f"'{target}' belonged to another user (number {replaced.st_uid}), and now belongs to "
            "you: this system lets nobody give files away.",
            DataLossWarning,
            stacklevel=5,
        )


def _keep_attributes(temporary: Path, target: Path) -> None:
    """Copy access lists and extended attributes, where the file system has them."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(target):
            with suppress(OSError):
                os.setxattr(temporary, name, os.getxattr(target, name))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
