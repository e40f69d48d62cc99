"""``tavrnn-ephys reproduce``: a stored run computed again."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import path
from tavrnn_ephys.cli.reports import Report, plain

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``reproduce`` to the commands.

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
        "reproduce",
        help="compute a stored run again, and say whether it comes out equal",
        description="Computes a run again from its stored configuration and the recording in the "
        "same file, which is not changed. Says that it is equal to the last bit, with exit status "
        "0, or what differs and why, with exit status 1.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys reproduce culture_tavrnn.nwb\n"
        "  tavrnn-ephys reproduce culture_tavrnn.nwb --run threshold_06 --json",
    )
    command.add_argument(
        "file", type=path, metavar="FILE.nwb", help="NWB file with a recording and results"
    )
    command.add_argument(
        "--run",
        metavar="NAME",
        dest="run_name",
        help="which run (default: the only one, or the one named default)",
    )
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.reproduction import reproduce_run

    found = reproduce_run(options.file, options.run_name, verbose=True)
    facts = {"file": options.file, "is_equal": found.is_equal, **plain(found)}
    return Report(text=str(found), facts=facts, status=0 if found.is_equal else 1)
