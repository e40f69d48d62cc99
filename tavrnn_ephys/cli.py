"""The command line: ``tavrnn-ephys`` and its commands."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tavrnn_ephys._version import __version__
from tavrnn_ephys.durations import parse_duration_s
from tavrnn_ephys.errors import ChanceLossWarning, DataLossWarning, InputError, TavrnnEphysError
from tavrnn_ephys.reporting.command import add_report

__all__ = ["main"]


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        sentence = f"{message[:1].upper()}{message[1:]}".rstrip(".")
        raise InputError(f"{sentence}. See '{self.prog} --help'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status: 0, 1 if a run was not reproduced, or 2 after one sentence on the standard
        error stream.
    """
    status = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in (DataLossWarning, ChanceLossWarning):
            warnings.simplefilter("always", category)
        try:
            with _stop_on_terminate():
                options = _parser().parse_args(arguments)
                status = options.run(options) or 0
        except TavrnnEphysError as error:
            return _refuse(str(error))
        except MemoryError:
            return _refuse(
                "This analysis needs more memory than there is. Use larger bins, a larger step, "
                "or fewer nodes."
            )
        except OSError as error:
            where = f" '{error.filename}'" if error.filename else ""
            return _refuse(
                f"The system refused to read or write{where}: {error.strerror or error}."
            )
        except KeyboardInterrupt:
            return _refuse("Stopped on request; every file that is there is whole.", status=130)
        except Exception as error:
            kind = type(error).__name__
            return _refuse(
                f"An unexpected {kind} stopped this command ({error}). Nothing half-written is "
                "left; please report it with the command and the file."
            )
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"tavrnn-ephys: warning: {message}", file=sys.stderr)
    return status


@contextmanager
def _stop_on_terminate() -> Iterator[None]:
    """Take the signal that batch systems end a job with as Ctrl-C, so that nothing is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _refuse(sentence: str, status: int = 2) -> int:
    print(f"tavrnn-ephys: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="tavrnn-ephys",
        description="How did this network reorganise, and what has that to do with behaviour?",
        epilog="Durations are written with their unit: 50ms, 2s, 2min.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tavrnn-ephys {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _add_demo(commands)
    _add_analyze(commands)
    _add_runs(commands)
    add_report(commands)
    _add_reproduce(commands)
    _add_inspect(commands)
    _add_convert(commands)
    _add_benchmark(commands)
    _add_compare(commands)
    return parser


def _add_demo(commands: Any) -> None:
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
    command.add_argument("--seed", type=_whole_number, default=0, help="seed (default: 0)")
    command.add_argument("--overwrite", action="store_true", help="replace an earlier demo")
    command.set_defaults(run=_run_demo)


def _add_analyze(commands: Any) -> None:
    command = commands.add_parser(
        "analyze",
        allow_abbrev=False,
        help="embed the network of a recording, window by window, into a copy of its NWB file",
        description="Bins the recording, computes the functional connectivity of each window, "
        "trains TAVRNN on the sequence of graphs, and writes the embedding of every unit, channel "
        "or cell into a processing module of a copy of the file. The recording is not changed.",
        epilog="Example: tavrnn-ephys analyze culture.nwb --bin-size 50ms --window 2min "
        "--step 1min --out culture_tavrnn.nwb",
    )
    command.add_argument("file", metavar="FILE", help="recording, of any format that is known")
    for name, text in (
        ("--bin-size", "width of a bin in which spikes are counted or traces averaged"),
        ("--window", "length of a window, a whole number of bins"),
        ("--step", "time from the start of one window to the next"),
    ):
        command.add_argument(name, required=True, type=_duration, metavar="TIME", help=text)
    command.add_argument("--out", metavar="FILE.nwb", help="NWB file to write")
    _add_placement(command)
    command.add_argument(
        "--threshold",
        type=_number,
        default=0.0,
        metavar="R",
        help="smallest absolute connectivity that makes an edge (default: 0, keep all)",
    )
    command.add_argument(
        "--measure",
        default="pearson",
        help="connectivity measure: pearson, covariance, spearman, partial, cross_correlation "
        "(needs max_lag), spike_time_tiling_coefficient (needs dt)",
    )
    command.add_argument(
        "--measure-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the measure, such as max_lag=50ms; can be given several times",
    )
    command.add_argument(
        "--profile",
        default="default",
        help="default, the model that this project stands behind, or paper, the published network "
        "to the letter (its graphs want --threshold 0.6)",
    )
    command.add_argument(
        "--training-epochs",
        type=_whole_number,
        metavar="N",
        help="passes over the windows (default: the profile's)",
    )
    command.add_argument("--seed", type=_whole_number, default=0, help="seed (default: 0)")
    _add_segment(command)
    _add_reading(command)
    command.add_argument(
        "--session-start",
        metavar="ISO-DATE",
        help="start of the recording, for formats that do not know it, such as 2024-05-01T10:00",
    )
    command.add_argument("--figures", metavar="DIR", help="folder for PNG figures")
    command.add_argument("--report", metavar="FILE.html", help="page that shows the run")
    _add_behavior(command)
    command.add_argument("--overwrite", action="store_true", help="replace existing output")
    command.set_defaults(run=_run_analyze)


def _add_placement(command: Any) -> None:
    group = command.add_argument_group("where the results go")
    group.add_argument(
        "--in-place",
        action="store_true",
        help="instead of --out: into FILE itself, through a copy beside it that takes its place",
    )
    group.add_argument(
        "--sidecar",
        action="store_true",
        help="make --out a small file that links to the large data of FILE",
    )
    group.add_argument(
        "--run",
        dest="run_name",
        default="default",
        metavar="NAME",
        help="name of the run (default: default)",
    )
    group.add_argument("--replace", action="store_true", help="replace a run of the same name")
    group.add_argument(
        "--module", metavar="NAME", help="processing module (default: ecephys, for cells ophys)"
    )
    group.add_argument(
        "--connectivity",
        default="triangle",
        metavar="FORM",
        help="how connectivity is stored: triangle, full, or edges, not beyond those of the graphs",
    )


def _add_runs(commands: Any) -> None:
    command = commands.add_parser(
        "runs",
        allow_abbrev=False,
        help="list, compare or delete the runs in an NWB file",
        description="Lists the runs that an NWB file holds; compares two of them, or deletes "
        "some and gives their room back.",
        epilog="Example: tavrnn-ephys runs culture_tavrnn.nwb --compare default threshold_06",
    )
    command.add_argument("file", metavar="FILE.nwb", help="NWB file with results")
    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="say in what two runs differ"
    )
    either.add_argument("--delete", nargs="+", metavar="NAME", help="delete these runs")
    command.set_defaults(run=_run_runs)


def _add_reproduce(commands: Any) -> None:
    command = commands.add_parser(
        "reproduce",
        allow_abbrev=False,
        help="compute a stored run again, and say whether it comes out equal",
        description="Computes a run again from its stored configuration and the recording in the "
        "same file, which is not changed. Says that it is equal to the last bit, with exit status "
        "0, or what differs and why, with exit status 1.",
    )
    command.add_argument("file", metavar="FILE.nwb", help="NWB file with a recording and results")
    command.add_argument("--run", metavar="NAME", dest="run_name", help="which run")
    command.set_defaults(run=_run_reproduce)


def _add_behavior(command: Any) -> None:
    command.add_argument(
        "--behavior",
        metavar="NAME",
        help="a behaviour that the network is linked to: a signal, an epoch or an event of the "
        "recording, NAME:LABEL for one label, game:rally_length for a measure of a game",
    )
    command.add_argument(
        "--behavior-how",
        metavar="HOW",
        help="how a window is summed up: mean, majority, circular_mean (signals); majority, share, "
        "rate (epochs); rate, count (events)",
    )
    command.add_argument(
        "--groups",
        metavar="GROUPS",
        help="groups of nodes that are aligned, the reference first, such as sensory,L_up,R_up; or "
        "a CSV file with the columns node_id and group",
    )
    command.add_argument(
        "--tables", metavar="DIR", help="folder for the tables of the link to the behaviour (CSV)"
    )


def _add_inspect(commands: Any) -> None:
    command = commands.add_parser(
        "inspect",
        allow_abbrev=False,
        help="say what is in a recording",
        description="Says which adapter reads a file, and which units, channels or cells, "
        "behaviours and subregions it holds, over which time.",
    )
    command.add_argument("file", metavar="FILE", help="recording, of any format that is known")
    _add_reading(command)
    command.set_defaults(run=_run_inspect)


def _add_convert(commands: Any) -> None:
    command = commands.add_parser(
        "convert",
        allow_abbrev=False,
        help="write a recording of any known format as an NWB file",
        description="Reads a recording and writes it as NWB. What NWB demands and the recording "
        "does not say is asked for by name, and never invented.",
        epilog="Example: tavrnn-ephys convert F.npy --option sampling_rate=30Hz "
        "--metadata mouse.yaml --out mouse.nwb",
    )
    command.add_argument("file", metavar="FILE", help="recording, of any format that is known")
    command.add_argument("--out", required=True, metavar="FILE.nwb", help="NWB file to write")
    command.add_argument(
        "--metadata", metavar="FILE.yaml", help="session start, subject, species, … in YAML"
    )
    _add_segment(command)
    _add_reading(command)
    command.add_argument("--overwrite", action="store_true", help="replace existing output")
    command.set_defaults(run=_run_convert)


def _add_benchmark(commands: Any) -> None:
    command = commands.add_parser(
        "benchmark",
        allow_abbrev=False,
        help="compare TAVRNN with other methods, on a recording or on simulated cultures",
        description="Fits every method inside blocks of time, decodes a behaviour from its "
        "embeddings, and puts each score beside chance, beside mean rates, and beside the same "
        "method on bins shuffled within windows. A run that was stopped goes on where it was.",
        epilog="Example: tavrnn-ephys benchmark --simulated --methods all --seeds 3 --out DIR; "
        "or: tavrnn-ephys benchmark rat.nwb --behavior position --bin-size 25ms --window 2s "
        "--step 1s --methods uase,tavrnn --out DIR",
    )
    command.add_argument("file", nargs="?", metavar="FILE", help="recording of any known format")
    command.add_argument("--simulated", action="store_true", help="simulated cultures instead")
    command.add_argument("--out", required=True, metavar="DIR", help="folder for table and figures")
    command.add_argument(
        "--methods", default="all", help="all, or names with commas between them (default: all)"
    )
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
            type=_whole_number,
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )
    command.add_argument(
        "--scenarios", metavar="NAMES", help="which simulations: switching,drift,learning,calcium"
    )
    command.add_argument("--behavior", metavar="NAME", help="behaviour signal or epoch to decode")
    for name in ("--bin-size", "--window", "--step"):
        command.add_argument(name, type=_duration, metavar="TIME", help="as in analyze")
    command.add_argument("--measure", default="pearson", help="connectivity measure")
    _add_segment(command)
    _add_reading(command)
    command.add_argument(
        "--overwrite", action="store_true", help="replace a benchmark with other settings"
    )
    command.set_defaults(run=_run_benchmark)


def _add_compare(commands: Any) -> None:
    command = commands.add_parser(
        "compare",
        allow_abbrev=False,
        help="compare the networks of several recordings, each culture counting once",
        description="Computes network measures of each recording and compares groups of cultures, "
        "or conditions within cultures, by permutation over cultures, with bootstrap intervals and "
        "Benjamini-Hochberg over measures. Files with results of analyze bring their own windows.",
        epilog="Example: tavrnn-ephys compare a.nwb b.nwb c.nwb d.nwb --group-by genotype --out "
        "comparison",
    )
    command.add_argument("files", metavar="FILE", nargs="+", help="recordings of any known format")
    for name, text in (
        ("--bin-size", "width of a bin (default: that of the results in the files)"),
        ("--window", "length of a window (default: likewise)"),
        ("--step", "time between windows (default: the length of a window)"),
    ):
        command.add_argument(name, type=_duration, metavar="TIME", help=text)
    command.add_argument(
        "--group-by", metavar="KEY", help="what names the group of a recording, such as genotype"
    )
    command.add_argument(
        "--culture-by",
        metavar="KEY",
        help="what names the culture or animal (default: subject_id, else the file)",
    )
    command.add_argument(
        "--paired", action="store_true", help="compare conditions within each culture"
    )
    command.add_argument(
        "--trend", metavar="KEY", help="a number that measures may follow, such as age"
    )
    command.add_argument(
        "--threshold",
        type=_number,
        metavar="R",
        help="smallest weight of an edge in all recordings (default: that of 15 %% of all pairs)",
    )
    command.add_argument("--out", metavar="DIR", help="folder for tables (CSV) and figures (PNG)")
    command.add_argument("--seed", type=_whole_number, default=0, help="seed (default: 0)")
    command.add_argument("--overwrite", action="store_true", help="replace existing output")
    command.set_defaults(run=_run_compare)


def _add_segment(command: Any) -> None:
    command.add_argument(
        "--segment", type=_whole_number, metavar="N", help="which segment, where there are several"
    )


def _add_reading(command: Any) -> None:
    command.add_argument("--adapter", help="adapter that reads FILE (default: found by content)")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the adapter, such as sampling_rate=30Hz; can be given several times",
    )


def _duration(text: str) -> float:
    return _converted(parse_duration_s, text)


def _whole_number(text: str) -> int:
    return _converted(int, text, "a whole number")


def _number(text: str) -> float:
    return _converted(float, text, "a number")


def _converted(convert: Any, text: str, what: str = "") -> Any:
    try:
        return convert(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}.") from None


def _run_demo(options: argparse.Namespace) -> None:
    from tavrnn_ephys.demo import run_demo

    print(run_demo(options.out, seed=options.seed, overwrite=options.overwrite))


def _run_analyze(options: argparse.Namespace) -> None:
    from tavrnn_ephys.adapter_options import parse_options
    from tavrnn_ephys.analysis_files import analyze_file
    from tavrnn_ephys.pipeline import AnalysisConfig

    placement = _placement(options)
    config = AnalysisConfig(
        bin_size_s=options.bin_size,
        window_length_s=options.window,
        step_s=options.step,
        measure=options.measure,
        measure_options=parse_options(options.measure_option, example="max_lag=50ms"),
        threshold=options.threshold,
        profile=options.profile,
        training_epochs=options.training_epochs,
        seed=options.seed,
        segment_index=options.segment,
    )
    result = analyze_file(
        Path(options.file),
        None if options.out is None else Path(options.out),
        config,
        placement=placement,
        adapter=options.adapter,
        session_start=options.session_start,
        options=parse_options(options.option),
        figures=options.figures,
        report=options.report,
        overwrite=options.overwrite,
        verbose=True,
        **_behavior_options(options),
    )
    final = result.model.history_[-1]
    print(result.activity, result.connectivity, result.graphs, result.embedding, sep="\n")
    print(f"Reconstruction loss {final['reconstruction']:.4f}, KL {final['kl']:.4f}")
    if result.behavior is not None:
        print(result.behavior)
    print(f"Written to {options.out or options.file}")


def _placement(options: argparse.Namespace) -> Any:
    from tavrnn_ephys.runs import Placement

    if options.in_place and options.sidecar:
        raise InputError("Choose one of --in-place and --sidecar.")
    way = "in_place" if options.in_place else "sidecar" if options.sidecar else "copy"
    return Placement(
        run=options.run_name,
        way=way,
        module=options.module,
        connectivity=options.connectivity,
        replace=options.replace,
        overwrite=options.overwrite,
    )


def _run_runs(options: argparse.Namespace) -> None:
    from tavrnn_ephys.results import compare_runs, delete_runs, list_runs

    if options.compare:
        print(compare_runs(options.file, *options.compare))
        return
    if options.delete:
        delete_runs(options.file, *options.delete)
    runs = list_runs(options.file)
    print("\n".join(map(str, runs)) or "No runs.")


def _run_reproduce(options: argparse.Namespace) -> int:
    from tavrnn_ephys.reproduction import reproduce_run

    found = reproduce_run(options.file, options.run_name, verbose=True)
    print(found)
    return 0 if found.is_equal else 1


def _behavior_options(options: argparse.Namespace) -> dict[str, Any]:
    """Say which behaviour is meant, and what stands in a file of groups."""
    from tavrnn_ephys.behavior_analysis import BehaviorConfig
    from tavrnn_ephys.comparison import read_groups

    if options.behavior is None:
        for flag, value in (
            ("--behavior-how", options.behavior_how),
            ("--groups", options.groups),
            ("--tables", options.tables),
        ):
            if value is not None:
                raise InputError(f"{flag} says more about a behaviour: name it with --behavior.")
        return {}
    named, groups = read_groups(options.groups) if options.groups is not None else (None, ())
    return {
        "behavior": BehaviorConfig(
            behavior=options.behavior, how=options.behavior_how, groups=groups, seed=options.seed
        ),
        "node_groups": named,
        "tables": options.tables,
    }


def _run_compare(options: argparse.Namespace) -> None:
    from tavrnn_ephys.comparison import ComparisonConfig, compare_files

    config = ComparisonConfig(
        bin_size_s=options.bin_size,
        window_length_s=options.window,
        step_s=options.step,
        group_by=options.group_by,
        culture_by=options.culture_by,
        is_paired=options.paired,
        threshold=options.threshold,
        trend=options.trend,
        seed=options.seed,
    )
    found = compare_files(
        [Path(file) for file in options.files],
        config,
        out=options.out,
        overwrite=options.overwrite,
        verbose=True,
    )
    print(found)


def _run_inspect(options: argparse.Namespace) -> None:
    from tavrnn_ephys.adapter_options import parse_options
    from tavrnn_ephys.inspection import describe_file

    reading = parse_options(options.option)
    print(describe_file(options.file, adapter=options.adapter, options=reading))


def _run_convert(options: argparse.Namespace) -> None:
    from tavrnn_ephys.adapter_options import parse_options
    from tavrnn_ephys.conversion import convert_file

    written = convert_file(
        Path(options.file),
        Path(options.out),
        adapter=options.adapter,
        metadata=options.metadata,
        segment=options.segment,
        options=parse_options(options.option),
        overwrite=options.overwrite,
    )
    print(f"Written to {written}")


def _run_benchmark(options: argparse.Namespace) -> None:
    if bool(options.file) == options.simulated:
        raise InputError("Name either a recording or --simulated.")
    from tavrnn_ephys.baselines import choose_methods
    from tavrnn_ephys.benchmarking import SCENARIOS, benchmark_file, benchmark_simulated

    methods = choose_methods(options.methods)
    common: dict[str, Any] = {
        "n_seeds": options.seeds,
        "n_steps": options.steps,
        "latent_size": options.latent_size,
        "n_jobs": options.n_jobs,
        "overwrite": options.overwrite,
        "verbose": True,
    }
    if options.simulated:
        names = options.scenarios.split(",") if options.scenarios else SCENARIOS
        print(benchmark_simulated(methods, options.out, scenarios=names, **common))
    else:
        print(benchmark_file(_benchmark_source(options), methods, options.out, **common))


def _benchmark_source(options: argparse.Namespace) -> Any:
    from tavrnn_ephys.adapter_options import parse_options
    from tavrnn_ephys.benchmarking import FileSource

    for name in ("behavior", "bin_size", "window", "step"):
        if getattr(options, name) is None:
            flag = name.replace("_", "-")
            raise InputError(f"To decode from a recording, --{flag} is needed.")
    return FileSource(
        path=options.file,
        bin_size_s=options.bin_size,
        window_length_s=options.window,
        step_s=options.step,
        behavior=options.behavior,
        n_classes=options.classes,
        measure=options.measure,
        n_folds=options.folds,
        segment_index=options.segment or 0,
        adapter=options.adapter,
        options=tuple(parse_options(options.option).items()),
    )


if __name__ == "__main__":
    sys.exit(main())
