"""Messages on the standard error stream, coloured on terminals only."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import Any

__all__ = ["is_coloured", "open_standard_streams", "printable", "say"]

# Marks that let the text behind them run from right to left.
_REVERSING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
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
    return stream is not None and bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


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
    if sys.stderr is not None:
        print(f"{prefix} {' '.join(printable(sentence).split())}", file=sys.stderr)


def printable(text: str) -> str:
    r"""
    Write control characters by their codes, so that a name cannot steer the terminal.

    Parameters
    ----------
    text : str
        Text with names that come from files.

    Returns
    -------
    str
        The text; line feeds and tabs stay what they are.

    Examples
    --------
    >>> printable("unit \x1b[2J")
    'unit \\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(f"\\x{ord(mark):02x}" if _steers(mark) else mark for mark in text)


def _steers(mark: str) -> bool:
    """Control characters, and those that reverse the direction of what follows."""
    category = unicodedata.category(mark)
    # Separators of lines and paragraphs end a line where nobody expects it.
    breaks = category in ("Cc", "Zl", "Zp") and mark not in "\n\t"
    return breaks or mark in _REVERSING


def open_standard_streams() -> None:
    """
    Give a process that was started with closed streams streams to nowhere.

    Without them the first file that is opened takes the number of the closed stream, and what a
    library says there would be written into a result.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, which is this one.
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
