"""``tavrnn-ephys inspect``: what is in a recording."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import add_reading

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """
    Add ``inspect`` to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.
    """
    command = commands.add_parser(
        "inspect",
        allow_abbrev=False,
        help="say what is in a recording",
        description="Says which adapter reads a file, and which units, channels or cells, "
        "behaviours and subregions it holds, over which time.",
    )
    command.add_argument("file", metavar="FILE", help="recording, of any format that is known")
    add_reading(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from tavrnn_ephys.adapter_options import parse_options
    from tavrnn_ephys.inspection import describe_file

    reading = parse_options(options.option)
    print(describe_file(options.file, adapter=options.adapter, options=reading))
