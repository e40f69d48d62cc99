"""``tavrnn-ephys runs``: the runs that a file holds."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """
    Add ``runs`` to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.
    """
    command = commands.add_parser(
        "runs",
        allow_abbrev=False,
        help="list, compare or delete the runs in an NWB file",
        description="Lists the runs that an NWB file holds; compares two of them, or deletes "
        "some and gives their room back.",
        epilog="Example: tavrnn-ephys runs culture_tavrnn.nwb --compare default threshold_06",
    )
    command.add_argument("file", metavar="FILE.nwb", help="NWB file with results")
    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="say in what two runs differ"
    )
    either.add_argument("--delete", nargs="+", metavar="NAME", help="delete these runs")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from tavrnn_ephys.results import compare_runs, delete_runs, list_runs

    if options.compare:
        print(compare_runs(options.file, *options.compare))
        return
    if options.delete:
        delete_runs(options.file, *options.delete)
    runs = list_runs(options.file)
    print("\n".join(map(str, runs)) or "No runs.")
