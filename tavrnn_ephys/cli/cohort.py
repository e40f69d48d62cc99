"""``tavrnn-ephys cohort``: many recordings planned, analysed anywhere, and compared."""

from __future__ import annotations

import argparse
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.cli.options import Gather, Switch, add_running, number, path, whole_number
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.ownership import as_private_as

if TYPE_CHECKING:
    from tavrnn_ephys.studies.cohort import Cohort, Status

__all__ = ["add_command"]

_ENGINES = "serial, local, dask, slurm, or the address of a scheduler of Dask"
_BYTES = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def add_command(commands: Any) -> None:
    """
    Add ``cohort`` and its stages to the commands.

    Parameters
    ----------
    commands : argparse action
        What :meth:`argparse.ArgumentParser.add_subparsers` gave.
    """
    cohort = commands.add_parser(
        "cohort",
        help="analyse and compare many recordings, on one machine or a cluster",
        description="Plans the analysis of many recordings, runs it, goes on where it was "
        "stopped, and compares recordings over cultures. One that fails stops no other.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys cohort plan cohort.yaml --out study\n"
        "  tavrnn-ephys cohort run study --workers 4\n"
        "  tavrnn-ephys cohort report study --group-by genotype --out tables",
    )
    stages = cohort.add_subparsers(
        required=True, dest="stage", metavar="STAGE", title="stages", parser_class=type(cohort)
    )
    for add in (_add_plan, _add_run, _add_status, _add_report):
        add_running(add(stages))


def _add_plan(stages: Any) -> Any:
    command = stages.add_parser(
        "plan",
        help="find out what the analysis of each recording takes",
        description="Reads each recording once: its nodes, windows, memory and time, and what "
        "cannot be analysed. Results that stand in the folder are kept.",
        epilog="A manifest is a YAML file with 'defaults' and 'recordings', or a CSV file with "
        "the column 'file'. Further columns, such as culture, group or age, are facts for the "
        "report.\n\n"
        "Examples:\n\n"
        "  tavrnn-ephys cohort plan 'data/*.nwb' --bin-size 50ms --window 2min \\\n"
        "      --step 1min --out study",
    )
    command.add_argument(
        "manifest", type=path, metavar="MANIFEST", help="YAML or CSV file, pattern, or folder"
    )
    command.add_argument(
        "--out", type=path, required=True, metavar="DIR", help="folder of the study"
    )
    for name, text in (
        ("bin-size", "width of a bin, such as 50ms"),
        ("window", "length of a window, such as 2min"),
        ("step", "time from one window to the next, such as 1min"),
    ):
        command.add_argument(
            f"--{name}", metavar="TIME", help=f"{text} (default: what the manifest says)"
        )
    command.add_argument(
        "--set",
        action=Gather,
        default=[],
        metavar="KEY=VALUE",
        help="any other key of a manifest for all recordings, such as seed=1; can be given "
        "several times",
    )
    command.set_defaults(run=_plan)
    return command


def _add_run(stages: Any) -> Any:
    command = stages.add_parser(
        "run",
        help="analyse what is not done yet",
        description="Analyses every recording of the plan that is not done. Results are named by "
        "content, so a stopped run goes on where it was, and two runs do not disturb each other.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys cohort run study --workers 4 --memory 4GB\n"
        "  tavrnn-ephys cohort run study --engine tcp://10.0.0.1:8786\n"
        "  tavrnn-ephys cohort run study --engine slurm --workers 20 --slurm queue=short\n"
        "  tavrnn-ephys cohort run study --part 3/20",
    )
    _add_study(command)
    command.add_argument(
        "--workers", type=whole_number, metavar="N", help="processes, or jobs of a queue"
    )
    command.add_argument(
        "--engine",
        metavar="NAME",
        help=f"where: {_ENGINES} (default: local with --workers, else serial)",
    )
    command.add_argument(
        "--memory", metavar="SIZE", help="memory that a process may take, such as 4GB"
    )
    command.add_argument(
        "--slurm",
        action=Gather,
        default=[],
        metavar="KEY=VALUE",
        help="choice of the queue, such as queue=short or walltime=02:00:00; can be given several "
        "times",
    )
    command.add_argument("--part", metavar="I/N", help="the I-th of N parts, for job arrays")
    command.add_argument(
        "--shared-model",
        action=Switch,
        help="train one model over the recordings, in place of one for each; results stand in "
        "the folder 'shared' of the study, which is a study too",
    )
    command.add_argument(
        "--hold-out",
        action=Gather,
        default=[],
        metavar="KEY=VALUE",
        help="recordings that a shared model is adapted to without being trained on them, such as "
        "culture=c4; can be given several times",
    )
    command.add_argument(
        "--retry", action=Switch, help="try again what failed or was refused in a former run"
    )
    command.set_defaults(run=_run)
    return command


def _add_status(stages: Any) -> Any:
    command = stages.add_parser(
        "status",
        help="say what is done",
        description="Counts what is done, refused, failed, or waiting, with the reasons.",
        epilog="Examples:\n\n  tavrnn-ephys cohort status study --json",
    )
    _add_study(command)
    command.set_defaults(run=_status)
    return command


def _add_report(stages: Any) -> Any:
    command = stages.add_parser(
        "report",
        help="compare the recordings, each culture counting once",
        description="Measures the network of each recording at a threshold that all share, and "
        "compares groups of cultures, or conditions within cultures. Says what is missing.",
        epilog="Examples:\n\n  tavrnn-ephys cohort report study --trend age --out tables",
    )
    _add_study(command)
    command.add_argument(
        "--group-by", metavar="KEY", help="names the group (default: group, where all have it)"
    )
    command.add_argument(
        "--culture-by",
        metavar="KEY",
        help="names the culture (default: culture, where all have it, else the recording)",
    )
    command.add_argument("--paired", action=Switch, help="compare conditions within each culture")
    command.add_argument("--trend", metavar="KEY", help="a number that measures may follow")
    command.add_argument(
        "--threshold",
        type=number,
        metavar="R",
        help="smallest weight of an edge (default: that of 15 %% of all pairs)",
    )
    command.add_argument(
        "--seed", type=whole_number, default=0, metavar="N", help="seed of permutations"
    )
    command.add_argument(
        "--workers", type=whole_number, default=1, metavar="N",
        help="processes that measure networks (default: 1)",
    )  # fmt: skip
    command.add_argument(
        "--out", type=path, metavar="DIR", help="folder for tables, forest plot and page"
    )
    command.add_argument(
        "--pages", action=Switch, help="draw a page for each recording too, some seconds each"
    )
    command.add_argument("--overwrite", action=Switch, help="replace existing output")
    command.set_defaults(run=_report)
    return command


def _add_study(command: Any) -> None:
    command.add_argument("study", type=path, metavar="DIR", help="folder of the study")


def _plan(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.cohort import Cohort

    given = {"bin_size": options.bin_size, "window": options.window, "step": options.step}
    defaults: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    for name, value in _pairs(options.set, "--set").items():
        defaults[name.replace("-", "_")] = value
    cohort = Cohort.from_manifest(options.manifest, options.out, verbose=True, **defaults)
    refused = [item for item in cohort.plan.recordings if item.refusal]
    facts = {"study": options.out, "recordings": cohort.plan.recordings}
    return Report(text=str(cohort.plan), facts=facts, status=1 if refused else 0)


def _run(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.cohort import connected

    cohort = _asked_cohort(options)
    engine = options.engine or ("serial" if options.workers is None else "local")
    workers = positive_int(1 if options.workers is None else options.workers, "--workers")
    memory = None if options.memory is None else _n_bytes(options.memory)
    chosen: dict[str, Any] = {"part": _part(options.part), "memory": memory}
    with ExitStack() as stack:
        if engine == "local":
            chosen["n_workers"] = workers
        elif engine in ("dask", "slurm") or "://" in engine:
            queue = _pairs(options.slurm, "--slurm")
            chosen["client"] = stack.enter_context(
                connected(engine, workers, memory=options.memory, slurm=queue)
            )
        elif engine != "serial":
            raise InputError(f"There is no engine '{engine}'. Known are {_ENGINES}.")
        found = cohort.run(**chosen, retry=options.retry, verbose=True)
    return _said(str(cohort.study), found)


def _asked_cohort(options: argparse.Namespace) -> Cohort:
    from tavrnn_ephys.studies.cohort import Cohort

    cohort = Cohort.open(options.study)
    held: dict[str, list[str]] = {}
    for text in options.hold_out:
        for name, value in _pairs([text], "--hold-out").items():
            held.setdefault(name, []).append(value)
    if held and not options.shared_model:
        raise InputError("--hold-out is for one model over recordings: --shared-model.")
    return cohort.shared(held) if options.shared_model else cohort


def _status(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.cohort import Cohort

    return _said(options.study, Cohort.open(options.study).status)


def _said(study: str, found: Status) -> Report:
    facts = {"study": study, "states": found.states, "reasons": found.reasons}
    return Report(text=str(found), facts=facts, status=0 if found.is_complete else 1)


def _report(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.cohort import Cohort
    from tavrnn_ephys.studies.cohort.writing import check_tables, write_tables

    cohort = Cohort.open(options.study)
    if options.pages and not options.out:
        raise InputError("--pages needs a folder for them: --out DIR.")
    folder = check_tables(options.out, overwrite=options.overwrite) if options.out else None
    found = cohort.report(
        group_by=options.group_by,
        culture_by=options.culture_by,
        trend=options.trend,
        is_paired=options.paired,
        threshold=options.threshold,
        seed=options.seed,
        n_workers=positive_int(options.workers, "--workers"),
        verbose=True,
    )
    if folder is not None:
        with as_private_as(*(item.file for item in cohort.plan.recordings)):
            write_tables(cohort, found, folder, pages=options.pages, verbose=True)
    facts = {
        "study": options.study,
        "threshold": found.threshold,
        "recordings": found.recordings,
        "answers": found.answers,
        "missing": found.missing,
        "missing_p_value": found.missing_p_value,
        "effects": found.effects,
        "trends": found.trends,
        "out": options.out,
    }
    return Report(text=str(found), facts=facts)


def _pairs(texts: list[str], flag: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"{flag} takes KEY=VALUE, got '{text}'.")
        pairs[name.strip()] = value.strip()
    return pairs


def _part(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if found is None:
        raise InputError(f"--part takes I/N, such as 3/20, got '{text}'.")
    return int(found[1]), int(found[2])


def _n_bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _BYTES or float(found[1]) == 0:
        raise InputError(f"--memory takes a size such as 4GB, got '{text}'.")
    return int(float(found[1]) * _BYTES[found[2].upper()])
