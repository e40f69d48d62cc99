"""The parser of all commands, and the one place where a command ends."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from tavrnn_ephys._version import __version__
from tavrnn_ephys.cli import (
    analyze,
    benchmark,
    compare,
    convert,
    demo,
    inspect,
    reproduce,
    runs,
)
from tavrnn_ephys.errors import ChanceLossWarning, DataLossWarning, InputError, TavrnnEphysError

__all__ = ["build_parser", "main"]


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
                options = build_parser().parse_args(arguments)
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


def build_parser() -> argparse.ArgumentParser:
    """
    Build the parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
        Which raises :class:`~tavrnn_ephys.errors.InputError` with one sentence where argparse
        ends the process.

    Examples
    --------
    >>> build_parser().parse_args(["inspect", "culture.nwb"]).file
    'culture.nwb'
    """
    parser = _OneLineParser(
        prog="tavrnn-ephys",
        description="How did this network reorganise, and what has that to do with behaviour?",
        epilog="Durations are written with their unit: 50ms, 2s, 2min.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tavrnn-ephys {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for command in (demo, analyze, runs, reproduce, inspect, convert, benchmark, compare):
        command.add_command(commands)
    return parser
