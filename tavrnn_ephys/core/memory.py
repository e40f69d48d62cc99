"""How much memory and disk a computation may take."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_memory", "bytes_text", "free_room"]

_MEMINFO = Path("/proc/meminfo")
# Folder, limit, and use of both versions of control groups.
_CONTAINERS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def available_memory() -> int:
    """
    Say how many more bytes this process can take before the system refuses or kills it.

    Returns
    -------
    int
        The least of what the machine has free, what a container leaves, and what the process's
        own limit leaves; the largest whole number of this machine where none of it is known.
    """
    return max(0, min([*_machine(), *_container(), *_own_limit()], default=sys.maxsize))


def _machine() -> Iterator[int]:
    try:
        for line in _MEMINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
                return
    except (OSError, ValueError, IndexError):
        pass
    try:
        # macOS and others do not say what is free; what there is bounds it.
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return


def _container() -> Iterator[int]:
    for name, limit, used in _CONTAINERS:
        folder = Path(name)
        try:
            most, taken = int((folder / limit).read_bytes()), int((folder / used).read_bytes())
        except (OSError, ValueError):
            continue  # No such container, or one without a limit, which reads "max".
        yield most - taken + _cached(folder)


def _cached(folder: Path) -> int:
    """Bytes that count as used, and are copies of files that the system drops when asked."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
        facts = dict(line.split(None, 1) for line in lines)
        return int(facts.get("inactive_file", 0))
    except (OSError, ValueError):
        return 0


def _own_limit() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return
    try:
        used = int(Path("/proc/self/statm").read_bytes().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        used = 0
    yield soft - used


def free_room(folder: str | Path) -> int:
    """
    Say how many bytes fit on the disk of a folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        An existing folder.

    Returns
    -------
    int
        Bytes that this user can still write.
    """
    return shutil.disk_usage(folder).free


def bytes_text(n_bytes: float) -> str:
    """
    Write a number of bytes for a message.

    Parameters
    ----------
    n_bytes : float
        The number.

    Returns
    -------
    str
        Three digits and a unit, in steps of 1000.

    Examples
    --------
    >>> bytes_text(91_000_000_000)
    '91 GB'
    """
    units = ("bytes", "kB", "MB", "GB", "TB", "PB")
    step = 0
    while n_bytes >= 999.5 and step < len(units) - 1:
        n_bytes, step = n_bytes / 1000, step + 1
    return f"{n_bytes:.3g} {units[step]}"
