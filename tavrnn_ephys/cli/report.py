"""``tavrnn-ephys report``: a run as one page."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import Switch, path
from tavrnn_ephys.cli.reports import Report

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``report`` to the commands.

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
        "report",
        help="write a run as one page that a browser shows without network",
        description="Writes one page that holds all it needs: what was analysed, activity and "
        "behaviour, a slider through the windows that moves connectivity, embedding and map "
        "together, attention, the link to behaviour, provenance, and warnings in plain words.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys report culture_tavrnn.nwb --out report.html\n"
        "  tavrnn-ephys report culture_tavrnn.nwb --run threshold_06 --out sparse.html",
    )
    command.add_argument("file", type=path, metavar="FILE.nwb", help="NWB file with results")
    command.add_argument(
        "--out", type=path, required=True, metavar="FILE.html", help="page to write"
    )
    command.add_argument("--run", metavar="NAME", dest="run_name", help="which run")
    command.add_argument("--overwrite", action=Switch, help="replace an existing page")
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.figures.page.writing import report

    page = report(options.file, out=options.out, run=options.run_name, overwrite=options.overwrite)
    return Report(text=f"Written to {page}", facts={"file": options.file, "written": page})
