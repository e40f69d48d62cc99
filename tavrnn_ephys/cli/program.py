"""The parser of all commands, and the one place where a command ends."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from tavrnn_ephys._version import __version__
from tavrnn_ephys.cli import (
    analyze,
    benchmark,
    cohort,
    compare,
    convert,
    demo,
    export,
    inspect,
    report,
    reproduce,
    runs,
    stream,
)
from tavrnn_ephys.cli.completion import SHELLS, PrintCompletion
from tavrnn_ephys.cli.options import add_running
from tavrnn_ephys.cli.parsing import CommandParser, OneLineParser
from tavrnn_ephys.cli.terminal import open_standard_streams, printable, say
from tavrnn_ephys.cli.wording import as_options
from tavrnn_ephys.core.caches import writable_caches
from tavrnn_ephys.core.errors import (
    ChanceLossWarning,
    ChoiceWarning,
    DataLossWarning,
    TavrnnEphysError,
)
from tavrnn_ephys.core.ownership import as_private_as
from tavrnn_ephys.core.temporary import some_temporary_folder
from tavrnn_ephys.core.waiting import wait_passively

__all__ = ["build_parser", "main"]

# In the order in which the help lists them.
_COMMANDS = (
    demo, analyze, runs, report, export, reproduce, inspect, convert, benchmark, compare,
)  # fmt: skip


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
        Exit status: 0 done, 1 if the result says no, 2 for bad input, 3 for a fault of this
        program and 130 if stopped, the last three after one sentence on the standard error
        stream.
    """
    wait_passively()
    open_standard_streams()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in (DataLossWarning, ChoiceWarning, ChanceLossWarning):
            warnings.simplefilter("always", category)
        try:
            with _stop_on_request(), some_temporary_folder(), writable_caches():
                return _run(arguments, caught)
        except TavrnnEphysError as error:
            sentence, status = as_options(str(error), _options_of(arguments)), 2
        except MemoryError:
            sentence, status = _NO_MEMORY, 2
        except BrokenPipeError:
            return _leave_quietly()
        except OSError as error:
            where = f" '{error.filename}'" if error.filename else ""
            reason = error.strerror or error
            sentence, status = f"The system refused to read or write{where}: {reason}.", 2
        except KeyboardInterrupt:
            sentence, status = "Stopped on request; every file that is there is whole.", 130
        except Exception as error:
            sentence, status = (
                (
                    f"An unexpected {type(error).__name__} stopped this command ({error}). Nothing "
                    "half-written is left; please report it with the command and the file."
                ),
                3,
            )
    say(sentence, "error")
    return status


_NO_MEMORY = (
    "This analysis needs more memory than there is. Use larger bins, a larger step, or fewer nodes."
)


def _run(arguments: Sequence[str] | None, caught: Sequence[warnings.WarningMessage]) -> int:
    """Run a command, and say what it found on the standard output stream, which is its alone."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the encoding of the terminal lacks is shown by its code.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = build_parser().parse_args(arguments)
    with redirect_stdout(sys.stderr), as_private_as(*_sources(options)):
        report = options.run(options)
    warned = list(dict.fromkeys(str(warning.message) for warning in caught))
    said = report.json(options.command, warned) if options.json else printable(report.text)
    print(said, flush=True)
    known = _options_of(arguments) if warned else ()
    for message in warned:
        say(as_options(message, known), "warning")
    return report.status


def _options_of(arguments: Sequence[str] | None) -> Collection[str]:
    """Give the options of the command that was typed; none of one that has subcommands."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    (commands,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    parser = commands.choices.get(next(iter(typed), ""))
    actions = [] if parser is None else parser._actions
    return {text for action in actions for text in action.option_strings}


# What commands call what they read.
_SOURCES = ("file", "files", "recordings", "what", "source", "manifest")


def _sources(options: argparse.Namespace) -> list[str]:
    """Name the recordings that a command reads, whatever it calls them."""
    given = [getattr(options, name, None) for name in _SOURCES]
    several = [item if isinstance(item, list | tuple) else [item] for item in given]
    named = [str(item) for items in several for item in items if item is not None]
    # A stream is named by its kind and what it is: file:culture.nwb.
    return named + [item.partition(":")[2] for item in named if ":" in item]


def _leave_quietly() -> int:
    """Take it that whoever read the report has read enough, as ``head`` does."""
    # What is still to be written at the end of the process goes nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + getattr(signal, "SIGPIPE", 13)


class _StopRequest(KeyboardInterrupt):
    """
    A signal asked this process to stop.

    CPython ends a process by the signal itself, whatever status it asks for, once a
    KeyboardInterrupt has left any ``exec`` of source text, as imports do; it looks for that very
    class, and leaves one derived from it alone.
    """


@contextmanager
def _stop_on_request() -> Iterator[None]:
    """
    Take the signal that batch systems end a job with as Ctrl-C, so that nothing is left.

    Python drops what is raised in a finalizer or a callback; a request that is lost there is made
    again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: Any) -> None:
        raise _StopRequest(number)

    def insist(dropped: Any) -> None:
        if isinstance(dropped.exc_value, _StopRequest):
            threading.Timer(0.05, signal.raise_signal, dropped.exc_value.args).start()
        else:
            hook(dropped)

    # A shell that starts a job in the background has it ignore Ctrl-C, and that is left so.
    handlers = {
        number: signal.signal(number, stop)
        for number in (signal.SIGTERM, signal.SIGINT)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    hook, sys.unraisablehook = sys.unraisablehook, insist
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)


def build_parser() -> argparse.ArgumentParser:
    """
    Build the parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
        Which raises :class:`~tavrnn_ephys.core.errors.InputError` with one sentence where argparse
        ends the process.

    Examples
    --------
    >>> build_parser().parse_args(["inspect", "culture.nwb"]).file
    'culture.nwb'
    """
    parser = OneLineParser(
        prog="tavrnn-ephys",
        description="How did this network reorganise, and what has that to do with behaviour?",
        epilog="Durations are written with their unit: 50ms, 2s, 2min. Exit status: 0 done, 1 the "
        "result says no, 2 bad input, 3 a fault of this program, 130 stopped. "
        "'tavrnn-ephys COMMAND --help' gives examples.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"tavrnn-ephys {__version__}",
        help="print the version, and end",
    )
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print a script that completes this command in a shell, and end",
    )
    commands = parser.add_subparsers(
        required=True,
        dest="command",
        metavar="COMMAND",
        title="commands",
        parser_class=CommandParser,
    )
    for module in (
        demo,
        analyze,
        runs,
        report,
        export,
        reproduce,
        inspect,
        convert,
        benchmark,
        compare,
        stream,
    ):
        add_running(module.add_command(commands))
    cohort.add_command(commands)
    return parser
