"""``tavrnn-ephys convert``: any recording as NWB."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tavrnn_ephys.cli.options import Switch, path
from tavrnn_ephys.cli.questions import add_reading, add_segment, reading_options
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.core.addresses import place_of

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``convert`` to the commands.

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
        "convert",
        help="write a recording of any known format as an NWB file",
        description="Reads a recording and writes it as NWB. What NWB demands and the recording "
        "does not say is asked for by name, and never invented.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys convert spikes.h5 --metadata mouse.yaml --out mouse.nwb\n"
        "  tavrnn-ephys convert F.npy --option sampling_rate=30Hz \\\n"
        "      --metadata mouse.yaml --out mouse.nwb",
    )
    command.add_argument(
        "file", type=path, metavar="FILE", help="recording, of any format that is known"
    )
    command.add_argument(
        "--out", type=path, required=True, metavar="FILE.nwb", help="NWB file to write"
    )
    command.add_argument(
        "--metadata",
        type=path,
        metavar="FILE.yaml",
        help="session start, subject, species, … in YAML",
    )
    add_segment(command)
    add_reading(command)
    command.add_argument("--overwrite", action=Switch, help="replace existing output")
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.conversion import convert_file

    written = convert_file(
        place_of(options.file),
        Path(options.out),
        adapter=options.adapter,
        metadata=options.metadata,
        segment=options.segment,
        options=reading_options(options),
        overwrite=options.overwrite,
    )
    return Report(
        text=f"Written to {written}", facts={"recording": options.file, "written": written}
    )
