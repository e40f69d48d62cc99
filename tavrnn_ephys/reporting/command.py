"""The command that writes a report."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_report"]


def add_report(commands: Any) -> None:
    """
    Add ``report`` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where it is added.
    """
    command = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="write a run as one page that a browser shows without network",
        description="Writes one page that holds all it needs: what was analysed, activity and "
        "behaviour, a slider through the windows that moves connectivity, embedding and map "
        "together, attention, the link to behaviour, provenance, and warnings in plain words.",
        epilog="Example: tavrnn-ephys report culture_tavrnn.nwb --out report.html",
    )
    command.add_argument("file", metavar="FILE.nwb", help="NWB file with results")
    command.add_argument("--out", required=True, metavar="FILE.html", help="page to write")
    command.add_argument("--run", metavar="NAME", dest="run_name", help="which run")
    command.add_argument("--overwrite", action="store_true", help="replace an existing page")
    command.set_defaults(run=_run_report)


def _run_report(options: argparse.Namespace) -> None:
    from tavrnn_ephys.reporting.writing import report

    page = report(options.file, out=options.out, run=options.run_name, overwrite=options.overwrite)
    print(f"Written to {page}")
