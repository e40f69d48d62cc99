"""What the options of several commands share: their texts, and the types of their values."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.durations import parse_duration_s
from tavrnn_ephys.errors import InputError

__all__ = ["add_reading", "add_segment", "duration", "number", "whole_number"]


def add_segment(command: Any) -> None:
    """
    Add the choice of a segment to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    command.add_argument(
        "--segment", type=whole_number, metavar="N", help="which segment, where there are several"
    )


def add_reading(command: Any) -> None:
    """
    Add how a recording is read to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    command.add_argument("--adapter", help="adapter that reads FILE (default: found by content)")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the adapter, such as sampling_rate=30Hz; can be given several times",
    )


def duration(text: str) -> float:
    """
    Read a duration.

    Parameters
    ----------
    text : str
        Such as ``"50ms"``.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.

    Examples
    --------
    >>> duration("50ms")
    0.05
    """
    return _converted(parse_duration_s, text)


def whole_number(text: str) -> int:
    """
    Read a whole number.

    Parameters
    ----------
    text : str
        Its digits.

    Returns
    -------
    int
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.

    Examples
    --------
    >>> whole_number("3")
    3
    """
    return _converted(int, text, "a whole number")


def number(text: str) -> float:
    """
    Read a number.

    Parameters
    ----------
    text : str
        Such as ``"0.6"``.

    Returns
    -------
    float
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.

    Examples
    --------
    >>> number("0.6")
    0.6
    """
    return _converted(float, text, "a number")


def _converted(convert: Any, text: str, what: str = "") -> Any:
    try:
        return convert(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}.") from None
