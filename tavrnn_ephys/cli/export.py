"""``tavrnn-ephys export``: a run as files that other programs open."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tavrnn_ephys.cli.options import Switch, path, suggest
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.core.names import EXPORTS

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``export`` to the commands.

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
        "export",
        help="write a run as CSV, Parquet, MATLAB or GraphML",
        description="Writes what a run holds as files that other programs open: windows, nodes, "
        "connectivity, edges, embedding, and the tables of the link to a behaviour. The NWB file "
        "is not changed.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys export culture_tavrnn.nwb --to csv --out tables\n"
        "  tavrnn-ephys export culture_tavrnn.nwb --to mat --out culture.mat\n"
        "  tavrnn-ephys export culture_tavrnn.nwb --run sparse --to graphml --out graphs",
    )
    command.add_argument("file", type=path, metavar="FILE.nwb", help="NWB file with results")
    form = command.add_argument(
        "--to",
        dest="form",
        required=True,
        metavar="FORM",
        help="csv or parquet, a table for each part; mat, one MATLAB file; graphml, a graph for "
        "each window",
    )
    suggest(form, lambda: EXPORTS)
    command.add_argument(
        "--out",
        type=path,
        required=True,
        metavar="PATH",
        help="folder to write; for mat, a file that ends in .mat",
    )
    command.add_argument("--run", metavar="NAME", dest="run_name", help="which run")
    command.add_argument("--overwrite", action=Switch, help="replace an earlier export")
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.results import export_results

    written = export_results(
        options.file,
        options.out,
        form=options.form,
        run=options.run_name,
        overwrite=options.overwrite,
    )
    names = sorted(item.name for item in written.iterdir()) if written.is_dir() else [written.name]
    shown = ", ".join(names) if len(names) <= 12 else f"{len(names)} files"
    return Report(
        text=f"Written to {options.out}: {shown}",
        facts={
            "file": options.file,
            "written": str(Path(written)),
            "form": options.form,
            "files": names,
        },
    )
