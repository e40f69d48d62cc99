"""``tavrnn-ephys stream``: a fitted model over a recording that is still being made."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from tavrnn_ephys.cli.options import Switch, duration, path
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.core.errors import InputError

__all__ = ["add_command"]

_SHOWN_EVERY_S = 0.5


def add_command(commands: Any) -> Any:
    """
    Add ``stream`` to the commands.

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
        "stream",
        help="embed a recording while it is being made, or played again",
        description="Takes bins in one by one, and says of every window at the fitted step what "
        "an analysis of the whole recording would say. Gaps, late spikes and skipped embeddings "
        "are counted. 'stream check MODEL' listens to a source and says whether it would hold; "
        "'stream sources' lists what there is.",
        epilog="Examples:\n\n"
        "  tavrnn-ephys stream model.npz --source replay:culture.nwb@10 --out log.nwb\n"
        "  tavrnn-ephys stream check model.npz --source lsl:NAME --seconds 60s\n"
        "  tavrnn-ephys stream sources",
    )
    command.add_argument(
        "what",
        nargs="+",
        metavar="MODEL",
        help="file of a fitted model; 'check MODEL' to try a source; or 'sources'",
    )
    command.add_argument(
        "--source",
        metavar="KIND:WHAT",
        help="lsl:NAME, openephys:tcp://HOST:PORT, replay:FILE@SPEED, pong:seed=1@SPEED (a culture "
        "that plays Pong, and is stimulated when --trigger fires), or another installed one",
    )
    _add_judging(command)
    _add_running(command)
    command.set_defaults(run=_run)
    return command


def _add_judging(command: Any) -> None:
    """Add what is embedded, judged and told."""
    command.add_argument("--out", type=path, metavar="FILE.nwb", help="log of the stream")
    command.add_argument("--markers", metavar="NAME", help="LSL stream of markers for triggers")
    command.add_argument(
        "--trigger", type=path, metavar="FILE.npz", help="decoder whose state triggers"
    )
    command.add_argument(
        "--provisional", action=Switch, help="embed the windows between fitted steps too"
    )
    command.add_argument(
        "--late",
        choices=("skip", "stop"),
        default="skip",
        help="when the stream falls behind: skip provisional embeddings, or stop (default: skip)",
    )
    command.add_argument(
        "--reference",
        type=path,
        metavar="FILE.nwb",
        help="results with the embedding of the fit: a minute beyond its 99 %% is an event",
    )
    command.add_argument(
        "--adapt",
        type=duration,
        metavar="TIME",
        help="let the score follow the mean embedding over this time, such as 10min; embeddings "
        "stay as they are",
    )


def _add_running(command: Any) -> None:
    """Add how the stream runs, is shown and goes on."""
    command.add_argument(
        "--state", type=path, metavar="FILE.npz", help="file in which the state is kept"
    )
    command.add_argument(
        "--priority",
        choices=("default", "realtime"),
        default="default",
        help="whether the system runs this process before others (default: default)",
    )
    command.add_argument(
        "--live",
        choices=("terminal", "page"),
        help="show the stream on the terminal while it runs, or on a page in a browser",
    )
    command.add_argument(
        "--seconds", type=duration, metavar="TIME", help="how long 'check' listens (default: 60s)"
    )
    command.add_argument("--resume", action=Switch, help="go on with a stream that was killed")
    command.add_argument("--overwrite", action=Switch, help="replace an existing log")


def _run(options: argparse.Namespace) -> Report:
    what = options.what
    if what == ["sources"]:
        return _list()
    is_check = what[0] == "check" and len(what) == 2
    if not is_check and len(what) != 1:
        raise InputError(
            f"'{' '.join(what)}' is no model. Write 'stream MODEL', 'stream check MODEL' or "
            "'stream sources'."
        )
    if options.source is None:
        raise InputError("A stream needs a source, such as --source replay:culture.nwb@1.")
    return _check(options) if is_check else _stream(options)


def _stream(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.streams import StreamPlan, run_plan

    plan = StreamPlan(
        model=options.what[0],
        source=options.source,
        out=options.out,
        markers=options.markers,
        decoder=options.trigger,
        provisional=options.provisional,
        late=options.late,
        state=options.state,
        priority=options.priority,
        overwrite=options.overwrite,
        resume=options.resume,
        reference=options.reference,
        adapt=options.adapt,
    )
    found = run_plan(
        plan,
        show=_Line() if options.live == "terminal" else None,
        page=_say_address if options.live == "page" else None,
    )
    facts = {
        "n_bins": found.n_bins,
        "n_committed": found.n_committed,
        "n_updates": found.n_updates,
        "n_triggers": found.n_triggers,
        "latency_median_ms": found.latency(50),
        "latency_p99_ms": found.latency(99),
        "losses": dict(found.losses),
        "out": options.out,
    }
    return Report(text=str(found), facts=facts)


def _check(options: argparse.Namespace) -> Report:
    from tavrnn_ephys.studies.streams import check_source

    seconds = 60.0 if options.seconds is None else options.seconds
    found = check_source(options.what[1], options.source, seconds=seconds)
    facts = {
        "is_ready": found.is_ready,
        "verdict": found.verdict,
        "n_bins": found.summary.n_bins,
        "mean_rate_hz": found.mean_rate_hz,
        "n_silent": found.n_silent,
        "clock_ppm": found.clock_ppm,
        "latency_median_ms": found.summary.latency(50),
        "latency_p99_ms": found.summary.latency(99),
        "losses": dict(found.summary.losses),
    }
    return Report(text=found.verdict, facts=facts, status=0 if found.is_ready else 1)


def _list() -> Report:
    from tavrnn_ephys.studies.streams import sources_there_are

    found = sources_there_are()
    lines = [f"{item['source']}: {item['about']}" for item in found]
    return Report(text="\n".join(lines), facts={"sources": found})


def _say_address(address: str) -> None:
    sys.stderr.write(f"Live page: {address}\n")
    sys.stderr.flush()


class _Line:
    """One line on the terminal, renewed twice a second; a terminal that is gone costs nothing."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, summary: Any, update: Any) -> None:
        """Show where the stream stands."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SHOWN_EVERY_S
        score = "" if update.score != update.score else f", score {update.score:.2f}"
        try:
            sys.stderr.write(f"\r\033[K{summary.t_s:.2f} s, {update.state}{score}: {summary}")
            sys.stderr.flush()
        except OSError:
            self._next = float("inf")
