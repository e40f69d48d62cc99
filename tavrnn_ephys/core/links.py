"""Links as places to write to: what a link says is never replaced."""

from __future__ import annotations

import os
from pathlib import Path

from tavrnn_ephys.core.errors import OutputError

__all__ = ["behind_links"]


def behind_links(target: Path) -> Path:
    """
    Follow a link to the file or folder that stands for it; the link itself is never replaced.

    Parameters
    ----------
    target : pathlib.Path
        A place to write to.

    Returns
    -------
    pathlib.Path
        The place itself, or what it leads to.

    Raises
    ------
    OutputError
        If it is a link that leads nowhere.
    """
    if not target.is_symlink():
        return target
    try:
        return target.resolve(strict=True)
    except (OSError, RuntimeError):
        raise OutputError(
            f"The output '{target}' is a link to '{os.readlink(target)}', which is not there. "
            "Remove the link, or name another file."
        ) from None
