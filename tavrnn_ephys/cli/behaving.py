"""Options that say which behaviours are meant, of every command alike."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import Gather, number, suggest
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import HOW

__all__ = [
    "BEHAVING",
    "add_behavior",
    "behavior_choices",
    "number_or_open",
    "refuse_without_behavior",
]

#: Options that say more of behaviours that are named.
BEHAVING = ("behavior_how", "behavior_period", "behavior_coverage")
# What leaves a choice to the kind of behaviour, where others of several are chosen.
_OPEN = "auto"


def add_behavior(command: Any, purpose: str) -> None:
    """
    Add the choice of behaviours to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    purpose : str
        What a behaviour is for, such as ``"a behaviour to decode"``.
    """
    command.add_argument(
        "--behavior",
        action=Gather,
        default=[],
        metavar="NAME",
        help=f"{purpose}: a signal, an epoch or an event of the recording, NAME:LABEL for one "
        "label, game:rally_length for a measure of a game; can be given several times",
    )
    how = command.add_argument(
        "--behavior-how",
        action=Gather,
        default=[],
        metavar="HOW",
        help="how a window is summed up: mean, majority, circular_mean, nearest, interpolated "
        "(signals); majority, share, rate (epochs); rate, count (events); once for all "
        "behaviours, or once for each, auto to leave one open",
    )
    suggest(how, lambda: (_OPEN, *HOW))
    command.add_argument(
        "--behavior-period",
        "--period",
        action=Gather,
        default=[],
        type=number_or_open,
        metavar="P",
        help="full turn of a signal that is an angle, in its unit, such as 360 for degrees; of "
        "several behaviours once for each, auto where there is none",
    )
    command.add_argument(
        "--behavior-coverage",
        action=Gather,
        default=[],
        type=number_or_open,
        metavar="SHARE",
        help="share of a window in which a signal or label must be known, such as 0.8; a window "
        "that knows less has no value",
    )


def number_or_open(text: str) -> float | str:
    """
    Read a number, or the word that leaves it open.

    Parameters
    ----------
    text : str
        What was written.

    Returns
    -------
    float or str
        The number, or ``"auto"``.
    """
    return text if text == _OPEN else number(text)


def refuse_without_behavior(options: argparse.Namespace) -> None:
    """
    Refuse options that say more of a behaviour where none is named.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Raises
    ------
    InputError
        With the option, and what is to be named.
    """
    for name in BEHAVING if not options.behavior else ():
        if getattr(options, name):
            raise InputError(
                f"--{name.replace('_', '-')} says more about a behaviour: name it with --behavior."
            )


def behavior_choices(options: argparse.Namespace) -> dict[str, Any]:
    """
    Read the behaviours that are named.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    dict of str to object
        As :func:`tavrnn_ephys.each_behavior` takes them.
    """
    given = {
        "how": options.behavior_how,
        "period": options.behavior_period,
        "least_coverage": options.behavior_coverage,
    }
    return {"names": options.behavior} | {
        name: [None if value == _OPEN else value for value in values]
        for name, values in given.items()
        if values
    }
