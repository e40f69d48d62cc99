"""``tavrnn-ephys compare``: several recordings, each culture counting once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tavrnn_ephys.cli.options import Switch, number, number_of_states, path, suggest, whole_number
from tavrnn_ephys.cli.questions import add_reading, add_segment, add_windows, reading_options
from tavrnn_ephys.cli.reports import Report

__all__ = ["add_command"]


def add_command(commands: Any) -> Any:
    """
    Add ``compare`` to the commands.

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
        "compare",
        help="compare the networks of several recordings, each culture counting once",
        description="Computes network measures of each recording and compares groups of cultures, "
        "or conditions within cultures, by permutation over cultures, with bootstrap intervals and "
        "Benjamini-Hochberg over measures. Files with results of analyze bring their own windows.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys compare a.nwb b.nwb c.nwb d.nwb --group-by genotype \\\n"
        "      --out comparison\n"
        "  tavrnn-ephys compare week1.nwb week2.nwb week3.nwb --bin-size 50ms \\\n"
        "      --window 10s --trend age --json",
    )
    command.add_argument(
        "files", type=path, metavar="FILE", nargs="+", help="recordings of any known format"
    )
    of_results = "that of the results in the files"
    add_windows(
        command,
        defaults={"bin-size": of_results, "window": of_results, "step": "the length of a window"},
    )
    add_reading(command)
    add_segment(command)
    _add_groups(command)
    _add_edges(command)
    command.add_argument(
        "--states",
        type=number_of_states,
        metavar="N",
        help="compare network states too, their number, share of time and dwell time: auto, or "
        "their number",
    )
    command.add_argument(
        "--trend", metavar="KEY", help="a number that measures may follow, such as age"
    )
    command.add_argument(
        "--threshold",
        type=number,
        metavar="R",
        help="smallest weight of an edge in all recordings, no unit (default: that of 15 %% of "
        "all pairs)",
    )
    command.add_argument(
        "--out", type=path, metavar="DIR", help="folder for tables (CSV) and figures (PNG)"
    )
    command.add_argument(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of permutations (default: 0)",
    )
    command.add_argument("--overwrite", action=Switch, help="replace existing output")
    command.set_defaults(run=_run)
    return command


def _add_groups(command: Any) -> None:
    command.add_argument(
        "--group-by",
        metavar="KEY",
        help="what names the group of a recording, such as genotype; several between commas, such "
        "as genotype,drug, are factors of a mixed model",
    )
    command.add_argument(
        "--culture-by",
        metavar="KEY",
        help="what names the culture or animal (default: subject_id, else the file)",
    )
    command.add_argument("--paired", action=Switch, help="compare conditions within each culture")
    command.add_argument(
        "--mixed",
        action=Switch,
        help="fit a mixed model with cultures as random effects (needs statsmodels)",
    )


def _add_edges(command: Any) -> None:
    command.add_argument(
        "--nbs",
        action=Switch,
        help="compare groups or conditions edge by edge, by the network-based statistic; "
        "recordings need the same nodes",
    )
    command.add_argument(
        "--nbs-threshold",
        type=number,
        metavar="T",
        help="absolute t of an edge, for more than two groups F, beyond which it counts (default: "
        "that of p = 0.001)",
    )
    size = command.add_argument(
        "--nbs-size",
        default="extent",
        metavar="NAME",
        help="what sets of edges are measured by: extent, their number (default), or intensity",
    )
    suggest(size, lambda: ("extent", "intensity"))


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.recordings import ComparisonConfig, compare_files

    config = ComparisonConfig(
        bin_size_s=options.bin_size,
        window_length_s=options.window,
        step_s=options.step,
        group_by=options.group_by,
        culture_by=options.culture_by,
        is_paired=options.paired,
        threshold=options.threshold,
        trend=options.trend,
        is_mixed=options.mixed,
        states=options.states,
        compares_edges=options.nbs,
        nbs_threshold=options.nbs_threshold,
        nbs_size=options.nbs_size,
        seed=options.seed,
        segment_index=options.segment,
        adapter=options.adapter,
        options=reading_options(options),
    )
    found = compare_files(
        [Path(file) for file in options.files],
        config,
        out=options.out,
        overwrite=options.overwrite,
        verbose=True,
    )
    facts = {
        "recordings": found.recordings,
        "effects": found.effects,
        "trends": found.trends,
        "omnibus": found.omnibus,
        "mixed": found.mixed,
        "nbs": None
        if found.edges is None
        else {"components": found.edges.components, "edges": found.edges.edges},
        "missing": found.missing,
        "missing_p_value": found.missing_p_value,
        "out": options.out,
    }
    return Report(text=str(found), facts=facts, status=1 if found.n_missing else 0)
