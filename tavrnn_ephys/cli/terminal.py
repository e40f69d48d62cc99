"""Messages on the standard error stream, coloured on terminals only."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["is_coloured", "say"]

_COLOURS = {"error": "1;31", "warning": "1;33"}


def is_coloured(stream: Any) -> bool:
    """
    Whether a stream takes colour.

    Parameters
    ----------
    stream : file
        Where text goes.

    Returns
    -------
    bool
        False if ``NO_COLOR`` is set; else true if ``FORCE_COLOR`` is; else whether the stream is
        a terminal that is not ``dumb``.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def say(sentence: str, kind: str) -> None:
    """
    Say a sentence on the standard error stream, in one line.

    Parameters
    ----------
    sentence : str
        What is said.
    kind : {"error", "warning"}
        What it is.
    """
    prefix = "tavrnn-ephys: warning:" if kind == "warning" else "tavrnn-ephys:"
    if is_coloured(sys.stderr):
        prefix = f"\033[{_COLOURS[kind]}m{prefix}\033[0m"
    print(f"{prefix} {' '.join(sentence.split())}", file=sys.stderr)
