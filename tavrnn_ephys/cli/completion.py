"""Completion for shells, through shtab."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

__all__ = ["SHELLS", "PrintCompletion"]

SHELLS = ("bash", "zsh", "tcsh")


class PrintCompletion(argparse.Action):
    """
    Prints a script that completes the command in a shell, and ends.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.Action`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """
        Print the script.

        Parameters
        ----------
        parser : argparse.ArgumentParser
            The parser of all commands.
        namespace : argparse.Namespace
            Is not changed.
        values : str
            The shell.
        option_string : str, optional
            The option as it was written.
        """
        import shtab

        for action in _actions(parser):
            names = getattr(action, "suggested", None)
            kind = str(action.metavar).partition(".")[0]
            if names is not None:
                action.choices = list(names())
            elif kind in ("FILE", "GROUPS"):
                action.complete = shtab.FILE
            elif kind == "DIR":
                action.complete = shtab.DIRECTORY
        print(shtab.complete(parser, values))
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
