"""``tavrnn-ephys runs``: the runs that a file holds."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import path
from tavrnn_ephys.cli.reports import Report, plain

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``runs`` to the commands.

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
        "runs",
        help="list, compare or delete the runs in an NWB file",
        description="Lists the runs that an NWB file holds; compares two of them, or deletes "
        "some and gives their room back.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys runs culture_tavrnn.nwb\n"
        "  tavrnn-ephys runs culture_tavrnn.nwb --compare default threshold_06\n"
        "  tavrnn-ephys runs culture_tavrnn.nwb --delete threshold_06",
    )
    command.add_argument("file", type=path, metavar="FILE.nwb", help="NWB file with results")
    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="say in what two runs differ"
    )
    either.add_argument("--delete", nargs="+", metavar="NAME", help="delete these runs")
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.results import compare_runs, delete_runs, list_runs

    if options.compare:
        found = compare_runs(options.file, *options.compare)
        return Report(text=str(found), facts={"file": options.file, **plain(found)})
    if options.delete:
        delete_runs(options.file, *options.delete)
    runs = list_runs(options.file)
    facts = {"file": options.file, "runs": runs, "deleted": options.delete or []}
    return Report(text="\n".join(map(str, runs)) or "No runs.", facts=facts)
