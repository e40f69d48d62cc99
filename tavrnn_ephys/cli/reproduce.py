"""``tavrnn-ephys reproduce``: a stored run computed again."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """
    Add ``reproduce`` to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.
    """
    command = commands.add_parser(
        "reproduce",
        allow_abbrev=False,
        help="compute a stored run again, and say whether it comes out equal",
        description="Computes a run again from its stored configuration and the recording in the "
        "same file, which is not changed. Says that it is equal to the last bit, with exit status "
        "0, or what differs and why, with exit status 1.",
    )
    command.add_argument("file", metavar="FILE.nwb", help="NWB file with a recording and results")
    command.add_argument("--run", metavar="NAME", dest="run_name", help="which run")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from tavrnn_ephys.reproduction import reproduce_run

    found = reproduce_run(options.file, options.run_name, verbose=True)
    print(found)
    return 0 if found.is_equal else 1
