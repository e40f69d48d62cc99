"""``tavrnn-ephys demo``: a simulated culture, and how well its states are recovered."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import whole_number

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """
    Add ``demo`` to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.
    """
    command = commands.add_parser(
        "demo",
        allow_abbrev=False,
        help="simulate a culture whose network states are known, and recover them",
        description="Simulates a culture on an array whose coupling switches between two states "
        "at equal firing rates, writes it as NWB, analyses it, and says how well the states are "
        "recovered beside chance, beside mean rates, and beside a control without coincidences.",
    )
    command.add_argument(
        "--out", required=True, metavar="DIR", help="folder for the NWB files and the figures"
    )
    command.add_argument("--seed", type=whole_number, default=0, help="seed (default: 0)")
    command.add_argument("--overwrite", action="store_true", help="replace an earlier demo")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from tavrnn_ephys.demo import run_demo

    print(run_demo(options.out, seed=options.seed, overwrite=options.overwrite))
