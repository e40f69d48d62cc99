"""``tavrnn-ephys analyze``: a recording, window by window, into a copy of its file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tavrnn_ephys.cli.analyzed import facts_of, text_of
from tavrnn_ephys.cli.behaving import (
    BEHAVING,
    add_behavior,
    behavior_choices,
    refuse_without_behavior,
)
from tavrnn_ephys.cli.modelling import MODELLING, add_graphs, add_model, modelling_choices
from tavrnn_ephys.cli.options import Switch, number_of_states, path, suggest, whole_number
from tavrnn_ephys.cli.parsing import rarely_needed
from tavrnn_ephys.cli.parting import run_each
from tavrnn_ephys.cli.questions import (
    add_measure,
    add_reading,
    add_segment,
    add_windows,
    reading_options,
)
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.cli.selecting import (
    add_layout,
    add_selection,
    layout_choices,
    selection_of,
)
from tavrnn_ephys.core.addresses import place_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FIGURE_FORMS, FORMS, STATE_METHODS
from tavrnn_ephys.core.output import check_output
from tavrnn_ephys.core.spec import StateSpec

__all__ = ["add_command"]

# Most analyses are asked for without these.
_RARELY = (
    "sidecar", "replace", "module", "connectivity", "measure", "measure_option", "profile",
    "segment", "adapter", "option", "session_start", "figure_format", "behavior_nulls",
    "states_method", "most_states", "state_surrogates", "threshold", "print_config", *BEHAVING,
    *MODELLING,
)  # fmt: skip
_SUGGESTED = "what suits the recording, with the reason"


def add_command(commands: Any) -> Any:
    """
    Add ``analyze`` to the commands.

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
        "analyze",
        help="embed the network of a recording, window by window, into a copy of its NWB file",
        description="Bins the recording, computes the functional connectivity of each window, "
        "trains TAVRNN on the sequence of graphs, and writes the embedding of every unit, channel "
        "or cell into a processing module of a copy of the file. The recording is not changed. "
        "Bins and windows that are left open are chosen to suit the recording, with reasons.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys analyze culture.nwb\n"
        "  tavrnn-ephys analyze culture.nwb --bin-size 50ms --window 20s \\\n"
        "      --step 10s --out culture_tavrnn.nwb\n"
        "  tavrnn-ephys analyze culture_tavrnn.nwb --in-place --run threshold_06 \\\n"
        "      --bin-size 50ms --window 2min --step 1min --threshold 0.6\n"
        "  tavrnn-ephys analyze session.nwb --windows trials --exclude artefacts \\\n"
        "      --nodes \"quality == 'good' and region == 'CA1'\"\n"
        "  tavrnn-ephys analyze --config run.yaml --seed 1\n\n"
        "Durations are numbers with a unit: us, ms, s, min or h.",
    )
    command.add_argument(
        "file", type=path, metavar="FILE", help="recording, of any format that is known"
    )
    needed = command.add_argument_group("bins, windows, and what is written")
    add_windows(needed, defaults=dict.fromkeys(("bin-size", "window", "step"), _SUGGESTED))
    needed.add_argument(
        "--out",
        type=path,
        metavar="FILE.nwb",
        help="NWB file to write (default: the name of FILE with _tavrnn.nwb, in this folder)",
    )
    asked = command.add_argument_group("the question")
    _add_link(asked)
    _add_states(asked)
    written = command.add_argument_group("what else is written")
    _add_pictures(written)
    add_layout(command)
    add_selection(command)
    _add_placement(command)
    network = command.add_argument_group("network and model")
    add_graphs(network)
    add_measure(network)
    add_model(network)
    reading = command.add_argument_group("how the file is read")
    add_segment(reading)
    add_reading(reading)
    reading.add_argument(
        "--session-start",
        metavar="ISO-DATE",
        help="start of the recording, for formats that do not know it, such as 2024-05-01T10:00",
    )
    rarely_needed(command, *_RARELY)
    command.set_defaults(run=_run)
    return command


def _add_pictures(command: Any) -> None:
    command.add_argument("--figures", type=path, metavar="DIR", help="folder for figures")
    form = command.add_argument(
        "--figure-format", default="png", metavar="FORM", help="png, svg or pdf (default: png)"
    )
    suggest(form, lambda: FIGURE_FORMS)
    command.add_argument("--report", type=path, metavar="FILE.html", help="page that shows the run")
    command.add_argument(
        "--tables",
        type=path,
        metavar="DIR",
        help="folder for the tables of the answer, the behaviour and the states (CSV)",
    )
    command.add_argument("--overwrite", action=Switch, help="replace existing output")


def _add_placement(command: Any) -> None:
    group = command.add_argument_group("where the results go")
    group.add_argument(
        "--in-place",
        action=Switch,
        help="instead of --out: into FILE itself, through a copy beside it that takes its place",
    )
    group.add_argument(
        "--sidecar",
        action=Switch,
        help="make --out a small file that links to the large data of FILE",
    )
    group.add_argument(
        "--run",
        dest="run_name",
        default="default",
        metavar="NAME",
        help="name of the run (default: default)",
    )
    group.add_argument("--replace", action=Switch, help="replace a run of the same name")
    group.add_argument(
        "--module", metavar="NAME", help="processing module (default: ecephys, for cells ophys)"
    )
    form = group.add_argument(
        "--connectivity",
        default="triangle",
        metavar="FORM",
        help="how connectivity is stored: triangle, full, or edges, not beyond those of the graphs",
    )
    suggest(form, lambda: FORMS)


def _add_link(command: Any) -> None:
    add_behavior(command, "a behaviour that the network is linked to")
    command.add_argument(
        "--behavior-nulls",
        type=whole_number,
        metavar="N",
        help="how many shifts in time chance is told from, of behaviours and of states (default: "
        "199 for each behaviour)",
    )
    command.add_argument(
        "--groups",
        metavar="GROUPS",
        help="groups of nodes that are aligned, the reference first, such as sensory,L_up,R_up; or "
        "a CSV file with the columns node_id and group",
    )


def _add_states(command: Any) -> None:
    command.add_argument(
        "--states",
        type=number_of_states,
        metavar="N",
        help="find discrete states of the network: auto, where surrogates and held-out likelihood "
        "say how many, or their number",
    )
    method = command.add_argument(
        "--states-method",
        metavar="NAME",
        help="hmm, a hidden Markov model, or kmeans, which knows no time (default: hmm)",
    )
    suggest(method, lambda: STATE_METHODS)
    command.add_argument(
        "--most-states",
        type=whole_number,
        metavar="N",
        help="most states that are tried (default: 6)",
    )
    command.add_argument(
        "--state-surrogates",
        type=whole_number,
        metavar="N",
        help="how many surrogate recordings states are held against (default: 19)",
    )


def _run(options: argparse.Namespace) -> Report:
    if options.out is None and not options.in_place:
        options.out = f"{_stem(options.file)}_tavrnn.nwb"
    return _once(options) if options.each is None else run_each(options, _once)


def _once(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.files import analyze_file

    placement = _placement(options)
    if options.save_model is not None:
        check_output(options.save_model, overwrite=options.overwrite)
    result = analyze_file(
        place_of(options.file),
        None if options.out is None else Path(options.out),
        _choices(options),
        placement=placement,
        adapter=options.adapter,
        session_start=options.session_start,
        options=reading_options(options),
        figures=options.figures,
        figure_format=options.figure_format,
        report=options.report,
        overwrite=options.overwrite,
        verbose=True,
        states=_states(options),
        **_behavior_options(options),
    )
    if options.save_model is not None:
        result.model.save(options.save_model, overwrite=options.overwrite)
    return Report(text=text_of(result, options), facts=facts_of(result, options))


def _states(options: argparse.Namespace) -> StateSpec | None:
    if options.states is None:
        for flag in ("states_method", "most_states", "state_surrogates"):
            if getattr(options, flag) is not None:
                raise InputError(
                    f"--{flag.replace('_', '-')} says more about states: ask for --states."
                )
        return None
    given = {
        "method": options.states_method,
        "max_states": options.most_states,
        "n_surrogates": options.state_surrogates,
        **_nulls(options),
    }
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return StateSpec(n_states=options.states, seed=options.seed, **known)


def _stem(file: str) -> str:
    """Take the name of a file without its ending, also of what was compressed."""
    name = Path(file).name.removesuffix(".gz")
    return Path(name).stem.removesuffix(".raw") or name


def _choices(options: argparse.Namespace) -> dict[str, Any]:
    """Collect what was chosen; open durations are left to the recording."""
    return {
        "bin_size_s": options.bin_size,
        "window_length_s": options.window,
        "step_s": options.step,
        **modelling_choices(options),
        "segment_index": options.segment,
        "selection": selection_of(options),
        **layout_choices(options),
    }


def _placement(options: argparse.Namespace) -> Any:
    from tavrnn_ephys.core.runs import Placement

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


def _behavior_options(options: argparse.Namespace) -> dict[str, Any]:
    """Say which behaviour is meant, and what stands in a file of groups."""
    from tavrnn_ephys.studies.behavior.config import each_behavior
    from tavrnn_ephys.studies.groups import read_groups

    refuse_without_behavior(options)
    if not options.behavior:
        for flag, value, also in (
            ("--groups", options.groups, ""),
            ("--tables", options.tables if options.states is None else None,
             ", or ask for --states"),
        ):  # fmt: skip
            if value is not None:
                raise InputError(
                    f"{flag} says more about a behaviour: name it with --behavior{also}."
                )
        return {"tables": options.tables}
    named, groups = read_groups(options.groups) if options.groups is not None else (None, ())
    return {
        "behavior": each_behavior(
            **behavior_choices(options), groups=groups, seed=options.seed, **_nulls(options)
        ),
        "node_groups": named,
        "tables": options.tables,
    }


def _nulls(options: argparse.Namespace) -> dict[str, Any]:
    return {} if options.behavior_nulls is None else {"n_nulls": options.behavior_nulls}
