"""``tavrnn-ephys demo``: a simulated culture, and how well its states are recovered."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import Switch, path, whole_number
from tavrnn_ephys.cli.reports import Report

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``demo`` to the commands.

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
        "demo",
        help="simulate a culture whose network states are known, and recover them",
        description="Simulates a culture on an array whose coupling switches between two states "
        "at equal firing rates, writes it as NWB, analyses it, and says how well the states are "
        "recovered beside chance, beside mean rates, and beside a control without coincidences.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys demo --out demo\n"
        "  tavrnn-ephys demo --out demo --seed 3 --overwrite --json",
    )
    command.add_argument(
        "--out",
        type=path,
        required=True,
        metavar="DIR",
        help="folder for the NWB files and the figures",
    )
    command.add_argument(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of culture and model (default: 0)",
    )
    command.add_argument("--overwrite", action=Switch, help="replace an earlier demo")
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.demo import run_demo

    found = run_demo(options.out, seed=options.seed, overwrite=options.overwrite)
    scores = [
        {
            "name": score.name,
            "balanced_accuracy": score.balanced_accuracy,
            "chance_low": score.chance_interval[0],
            "chance_high": score.chance_interval[1],
            "p_value": score.p_value,
        }
        for score in found.scores
    ]
    facts = {
        "n_nodes": found.result.activity.n_nodes,
        "n_windows": len(found.result.windows),
        "n_switches": len(found.truth.states) - 1,
        "scores": scores,
        "files": found.files,
    }
    return Report(text=str(found), facts=facts)
