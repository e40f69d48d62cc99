"""What the options of several commands share: their texts, and the types of their values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import Any

from tavrnn_ephys.core.durations import parse_duration_s, parse_time_s
from tavrnn_ephys.core.errors import InputError

__all__ = [
    "Gather",
    "Switch",
    "add_running",
    "duration",
    "number",
    "number_of_states",
    "path",
    "rate",
    "suggest",
    "time",
    "whole_number",
]


class Gather(argparse.Action):
    """
    Gathers what an option is given several times, in place of its default.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.Action`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """
        Add a value.

        Parameters
        ----------
        parser : argparse.ArgumentParser
            The parser.
        namespace : argparse.Namespace
            Takes the values.
        values : object
            The value.
        option_string : str, optional
            The option as it was written.
        """
        before = getattr(namespace, self.dest, None)
        before = [] if before is None or before is self.default else before
        setattr(namespace, self.dest, [*before, values])


class Switch(argparse.BooleanOptionalAction):
    """
    An option that is on or off: ``--overwrite``, and ``--no-overwrite`` against a file.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.BooleanOptionalAction`.
    """

    def __init__(self, **options: Any) -> None:
        # With a text for help, argparse would add the default to it.
        text = options.pop("help", None)
        super().__init__(**{"default": False, **options})
        self.help = text


def suggest(action: Any, names: Callable[[], Iterable[str]]) -> None:
    """
    Let a shell complete the values of an option, which takes others too.

    Parameters
    ----------
    action : argparse.Action
        The option.
    names : callable
        Gives the values; called when the completion is printed.
    """
    action.suggested = names


def add_running(command: Any) -> None:
    """
    Add to a command what all have: options from a file, and a report for machines.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    group = command.add_argument_group("how the command is run")
    group.add_argument(
        "--config",
        type=path,
        metavar="FILE.yaml",
        help="take options from a YAML or TOML file with the same names; what stands on the "
        "command line wins",
    )
    group.add_argument(
        "--print-config",
        action="store_true",
        help="print every option as YAML for --config, and end",
    )
    group.add_argument("--json", action=Switch, help="print one JSON document in place of the text")


def path(text: str) -> str:
    """
    Take the path of a file or a folder.

    Parameters
    ----------
    text : str
        The path.

    Returns
    -------
    str
        The same.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is empty, for which the current folder would be taken.

    Examples
    --------
    >>> path("culture.nwb")
    'culture.nwb'
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("An empty text names no file and no folder.")
    return text


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


def time(text: str) -> float:
    """
    Read a point in time, or how far something reaches, which may be zero or negative.

    Parameters
    ----------
    text : str
        Such as ``"90s"``, ``"0s"``, ``"-500ms"``.

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
    >>> time("-500ms"), time("0s")
    (-0.5, 0.0)
    """
    return _converted(parse_time_s, text)


def rate(text: str) -> float:
    """
    Read a rate.

    Parameters
    ----------
    text : str
        Such as ``"0.1Hz"``.

    Returns
    -------
    float
        Per second.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.

    Examples
    --------
    >>> rate("0.1Hz")
    0.1
    """
    match = re.fullmatch(r"\s*(.*?)\s*Hz\s*", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no rate. Write a number and Hz: 0.1Hz.")
    return number(match[1])


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


def number_of_states(text: str) -> int | str:
    """
    Read a number of network states.

    Parameters
    ----------
    text : str
        Its digits, or ``"auto"``.

    Returns
    -------
    int or str
        The number, or ``"auto"``.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither.

    Examples
    --------
    >>> number_of_states("3"), number_of_states("auto")
    (3, 'auto')
    """
    return text if text == "auto" else _converted(int, text, "a whole number, or auto")


def _converted(convert: Any, text: str, what: str = "") -> Any:
    try:
        return convert(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}.") from None
