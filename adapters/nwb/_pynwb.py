"""PyNWB, which needs a folder for its cache before it can be imported."""

from __future__ import annotations

from typing import Any

from tavrnn_ephys.core.caches import writable_caches

__all__ = ["load_pynwb"]


def load_pynwb() -> Any:
    """
    Import PyNWB, also where the home folder cannot be written.

    Returns
    -------
    module
        The package.
    """
    with writable_caches():
        import pynwb
    return pynwb
