"""Logs of other packages, kept from writing where what they say is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["only_errors"]


@contextmanager
def only_errors(name: str) -> Iterator[None]:
    """
    Keep a log from writing anything below an error.

    Parameters
    ----------
    name : str
        Name of the log, such as that of its package.

    Yields
    ------
    None
        Nothing; the level is put back afterwards.
    """
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
