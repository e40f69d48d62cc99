"""PyNWB, which needs a folder for its cache before it can be imported."""

from __future__ import annotations

from typing import Any

from tavrnn_ephys.core.caches import writable_caches
from tavrnn_ephys.core.errors import OutputError

__all__ = ["load_pynwb"]


def load_pynwb() -> Any:
    """
    Import PyNWB, also where the home folder cannot be written.

    Returns
    -------
    module
        The package.

    Raises
    ------
    OutputError
        If neither the home folder nor one for temporary files can be written.
    """
    try:
        with writable_caches():
            import pynwb
    except OSError as error:
        raise OutputError(
            f"PyNWB needs a folder for its cache, which cannot be made ({error.strerror}). "
            "Name one that can be written: TMPDIR=FOLDER."
        ) from None
    return pynwb
