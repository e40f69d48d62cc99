"""Options made from the specifications: recording, windows, connectivity."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from tavrnn_ephys.cli.options import Gather, duration, suggest, whole_number
from tavrnn_ephys.core.names import MEASURES
from tavrnn_ephys.core.spec import ConnectivitySpec

__all__ = [
    "add_measure",
    "add_reading",
    "add_segment",
    "add_windows",
    "measure_options",
    "reading_options",
]

_WINDOWS = {
    "bin-size": "width of a bin in which spikes are counted or traces averaged, such as 50ms",
    "window": "length of a window, a whole number of bins, such as 2min",
    "step": "time from the start of one window to the next, such as 1min",
}


def add_windows(
    command: Any, *, required: bool = False, defaults: Mapping[str, str] | None = None
) -> None:
    """
    Add bins and windows to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    required : bool
        Whether they must be given.
    defaults : mapping of str to str, optional
        What is taken where one is left out, by the name of the option.
    """
    for name, text in _WINDOWS.items():
        default = (defaults or {}).get(name)
        command.add_argument(
            f"--{name}",
            required=required,
            type=duration,
            metavar="TIME",
            help=text if default is None else f"{text} (default: {default})",
        )


def add_segment(command: Any) -> None:
    """
    Add the choice of a segment to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    command.add_argument(
        "--segment",
        type=whole_number,
        metavar="N",
        help="which segment, counted from 0, where there are several",
    )


def add_reading(command: Any) -> None:
    """
    Add how a recording is read to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    adapter = command.add_argument(
        "--adapter", metavar="NAME", help="adapter that reads FILE (default: found by content)"
    )
    suggest(adapter, lambda: entry_points(group="tavrnn_ephys.adapters").names)
    command.add_argument(
        "--option",
        action=Gather,
        default=[],
        metavar="NAME=VALUE",
        help="option of the adapter, numbers with their unit, such as sampling_rate=30Hz; can be "
        "given several times",
    )


def reading_options(options: argparse.Namespace) -> dict[str, Any]:
    """
    Read the options of the adapter.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    dict of str to object
        Values by name.
    """
    from tavrnn_ephys.core.adapter_options import parse_options

    return parse_options(options.option)


def add_measure(command: Any, *, defaults: str = "") -> None:
    """
    Add the choice of a connectivity measure and its parameters to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    defaults : str
        What is taken where none is named, in words, where that depends on other options; the
        option is empty then.
    """
    default = "" if defaults else ConnectivitySpec().measure
    known = ", ".join(map(_with_needs, MEASURES))
    measure = command.add_argument(
        "--measure",
        default=default,
        metavar="NAME",
        help=f"connectivity measure: {known} (default: {defaults or default})",
    )
    suggest(measure, lambda: MEASURES)
    command.add_argument(
        "--measure-option",
        action=Gather,
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the measure, such as max_lag=50ms; can be given several times",
    )


def _with_needs(measure: str) -> str:
    needed = [name for name, must in MEASURES[measure].items() if must]
    return f"{measure} (needs {', '.join(needed)})" if needed else measure


def measure_options(options: argparse.Namespace) -> dict[str, Any]:
    """
    Read the parameters of the measure.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    dict of str to object
        Values by name.
    """
    from tavrnn_ephys.core.adapter_options import parse_options

    return parse_options(options.measure_option, example="max_lag=50ms")
