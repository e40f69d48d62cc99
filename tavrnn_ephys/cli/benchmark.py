"""``tavrnn-ephys benchmark``: TAVRNN beside other methods."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.behaving import (
    BEHAVING,
    add_behavior,
    behavior_choices,
    refuse_without_behavior,
)
from tavrnn_ephys.cli.options import Switch, path, suggest, whole_number
from tavrnn_ephys.cli.questions import (
    add_measure,
    add_reading,
    add_segment,
    add_windows,
    measure_options,
    reading_options,
)
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import METHODS, ORACLE_METHODS, SCENARIOS
from tavrnn_ephys.core.spec import ConnectivitySpec

__all__ = ["add_command"]

_MEASURE = ConnectivitySpec().measure
# Simulated cultures bring spike times, of which directed graphs at 1 ms tell most.
_MEASURE_OF_SIMULATIONS = "lagged_correlation"


def add_command(commands: Any) -> Any:
    """
    Add ``benchmark`` to the commands.

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
        "benchmark",
        help="compare TAVRNN with other methods, on a recording or on simulated cultures",
        description="Fits every method inside blocks of time, decodes a behaviour from its "
        "embeddings, and puts each score beside chance, beside mean rates, and beside the same "
        "method on bins shuffled within windows. A run that was stopped goes on where it was.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys benchmark --simulated --methods all --seeds 3 --out benchmark\n"
        "  tavrnn-ephys benchmark rat.nwb --behavior position --bin-size 25ms \\\n"
        "      --window 2s --step 1s --methods uase,tavrnn --out benchmark",
    )
    command.add_argument(
        "file", type=path, nargs="?", metavar="FILE", help="recording of any known format"
    )
    command.add_argument("--simulated", action=Switch, help="simulated cultures instead")
    command.add_argument(
        "--out", type=path, required=True, metavar="DIR", help="folder for table and figures"
    )
    _add_methods(command)
    _add_numbers(command)
    scenarios = command.add_argument(
        "--scenarios", metavar="NAMES", help=f"which simulations: {','.join(SCENARIOS)}"
    )
    suggest(scenarios, lambda: SCENARIOS)
    add_behavior(command, "a behaviour to decode")
    add_windows(command)
    add_measure(command, defaults=f"{_MEASURE}; with --simulated {_MEASURE_OF_SIMULATIONS}")
    add_segment(command)
    add_reading(command)
    command.add_argument(
        "--overwrite", action=Switch, help="replace a benchmark with other settings"
    )
    command.set_defaults(run=_run)
    return command


def _add_methods(command: Any) -> None:
    methods = command.add_argument(
        "--methods",
        default="all",
        metavar="NAMES",
        help=f"all, or names with commas between them: {', '.join(METHODS)}; with --simulated "
        f"{', '.join(ORACLE_METHODS)} too, which know the couplings (default: all)",
    )
    suggest(methods, lambda: ("all", *METHODS, *ORACLE_METHODS))
    reference = command.add_argument(
        "--reference",
        default="",
        metavar="NAME",
        help="method that the others are compared with, session by session (default: tavrnn, where "
        "it takes part)",
    )
    suggest(reference, lambda: METHODS)


def _add_numbers(command: Any) -> None:
    for name, default, text in (
        ("--seeds", 10, "networks, or seeds of every method on a recording"),
        ("--steps", 100, "optimizer steps of every method that trains"),
        ("--latent-size", 8, "width of the embedding of a node"),
        ("--folds", 5, "blocks of time of a recording"),
        ("--classes", 0, "cut a behaviour signal into N classes of equal size; 0: regression"),
        ("--n-jobs", 1, "processes at work"),
    ):
        command.add_argument(
            name,
            type=whole_number,
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )


def _run(options: argparse.Namespace) -> Report:
    if bool(options.file) == options.simulated:
        raise InputError("Name either a recording or --simulated.")
    _refuse_idle(options)
    import numpy as np

    from tavrnn_ephys.methods import choose_methods
    from tavrnn_ephys.studies.benchmark import benchmark_file, benchmark_simulated

    methods = choose_methods(options.methods, oracles=options.simulated)
    measure = options.measure or (_MEASURE_OF_SIMULATIONS if options.simulated else _MEASURE)
    common: dict[str, Any] = {
        "n_seeds": options.seeds,
        "n_steps": options.steps,
        "latent_size": options.latent_size,
        "reference": options.reference,
        "n_jobs": options.n_jobs,
        "overwrite": options.overwrite,
        "verbose": True,
    }
    if options.simulated:
        names = options.scenarios.split(",") if options.scenarios else SCENARIOS
        found = benchmark_simulated(
            methods, options.out, scenarios=names, measure=measure, **common
        )
    else:
        sources = _benchmark_sources(options, measure)
        found = benchmark_file(sources, methods, options.out, **common)
    # A method that fails is told in its row; if none gives a score, the answer is no.
    failed = not np.isfinite(found.table["score"].to_numpy(dtype=float)).any()
    facts = {"measure": measure, "results": found.table, "files": found.files}
    return Report(text=f"Graphs: {measure}.\n{found}", facts=facts, status=int(failed))


def _refuse_idle(options: argparse.Namespace) -> None:
    """Refuse options that say nothing of what is decoded."""
    of_recordings = (
        "behavior", *BEHAVING, "bin_size", "window", "step",
        "measure_option", "segment", "adapter", "option",
    )  # fmt: skip
    for name in of_recordings if options.simulated else ("scenarios",):
        if getattr(options, name) not in (None, []):
            kind = "a recording" if options.simulated else "--simulated"
            raise InputError(f"--{name.replace('_', '-')} belongs to {kind}. Leave it out.")


def _benchmark_sources(options: argparse.Namespace, measure: str) -> list[Any]:
    from tavrnn_ephys.studies.behavior.config import each_behavior
    from tavrnn_ephys.studies.benchmark import FileSource

    refuse_without_behavior(options)
    for name in ("behavior", "bin_size", "window", "step"):
        if getattr(options, name) in (None, []):
            flag = name.replace("_", "-")
            raise InputError(f"To decode from a recording, --{flag} is needed.")
    chosen = {} if options.segment is None else {"segment_index": options.segment}
    return [
        FileSource(
            path=options.file,
            bin_size_s=options.bin_size,
            window_length_s=options.window,
            step_s=options.step,
            behavior=behavior.behavior,
            how=behavior.how,
            period=behavior.period,
            least_coverage=behavior.least_coverage,
            n_classes=options.classes,
            measure=measure,
            measure_options=tuple(measure_options(options).items()),
            n_folds=options.folds,
            adapter=options.adapter,
            options=tuple(reading_options(options).items()),
            **chosen,
        )
        for behavior in each_behavior(**behavior_choices(options))
    ]
