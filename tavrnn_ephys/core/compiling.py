"""Loops compiled by numba, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled"]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """
    Compile a loop on its first call, and keep the result on disk where that is possible.

    Parameters
    ----------
    function : callable
        Loops over arrays.

    Returns
    -------
    callable
        The same, compiled.
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile each time.
        return numba.njit(nogil=True, error_model="numpy")(function)
