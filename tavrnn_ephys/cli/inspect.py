"""``tavrnn-ephys inspect``: what is in a recording."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import path
from tavrnn_ephys.cli.questions import add_reading, reading_options
from tavrnn_ephys.cli.reports import Report, plain

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``inspect`` to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.

    Returns
    -------
    argparse.ArgumentParser
        The command.
    """
    command = commands.add_parser(
        "inspect",
        help="say what is in a recording",
        description="Says which adapter reads a file, and which units, channels or cells, "
        "behaviours and subregions it holds, over which time.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys inspect culture.nwb\n"
        "  tavrnn-ephys inspect F.npy --option sampling_rate=30Hz\n"
        "  tavrnn-ephys inspect culture.nwb --json",
    )
    command.add_argument(
        "file", type=path, metavar="FILE", help="recording, of any format that is known"
    )
    add_reading(command)
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.inspection import inspect_file

    reading = reading_options(options)
    found = inspect_file(options.file, adapter=options.adapter, options=reading)
    return Report(text=str(found), facts=plain(found))
