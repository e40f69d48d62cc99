"""Parsers of commands: one sentence for what is wrong, and options that a file can give."""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from tavrnn_ephys.cli.configuration import config_text, read_config
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spelling import nearest

__all__ = ["CommandParser", "HelpAll", "HelpFormatter", "OneLineParser", "rarely_needed"]


class HelpFormatter(argparse.HelpFormatter):
    """
    Wraps paragraphs, and leaves indented lines, such as examples, as they are.

    Parameters
    ----------
    prog : str
        Name of the program.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = [part.strip("\n") for part in text.split("\n\n")]
        return "\n\n".join(
            paragraph
            if paragraph.startswith("  ")
            else super(HelpFormatter, self)._fill_text(paragraph, width, indent)
            for paragraph in paragraphs
        )

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = super()._get_help_string(action)
        needed = action.required and action.option_strings and text
        return f"{text} (required)" if needed else text


class HelpAll(argparse.Action):
    """
    Prints the help with what is rarely needed, and ends.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.Action`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "nargs": 0})

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """
        Print, and end.

        Parameters
        ----------
        parser : argparse.ArgumentParser
            The parser.
        namespace : argparse.Namespace
            Not changed.
        values : object
            Not used.
        option_string : str, optional
            The option as it was written.
        """
        print(parser.format_whole_help(), end="")
        parser.exit()


def rarely_needed(parser: Any, *destinations: str) -> None:
    """
    Leave options out of the short help.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser; it gets the option ``--help-all``.
    *destinations : str
        Names of the options in the namespace.
    """
    parser.hidden = frozenset(destinations)
    parser.add_argument(
        "--help-all", dest="help", action=HelpAll, default=argparse.SUPPRESS,
        help="show every option, and end",
    )  # fmt: skip


class OneLineParser(argparse.ArgumentParser):
    """
    Says what is wrong in one sentence, without the usage.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.ArgumentParser`.
    """

    def __init__(self, **options: Any) -> None:
        options |= {"allow_abbrev": False, "formatter_class": HelpFormatter}
        super().__init__(**options)
        # "-5ms" is a value, and refused as one, rather than an option that is not known.
        self._negative_number_matcher = re.compile(r"-\.?\d.*")

    def error(self, message: str) -> NoReturn:
        """
        Refuse what was given.

        Parameters
        ----------
        message : str
            What is wrong with it.

        Raises
        ------
        InputError
            Always, with one sentence.
        """
        sentence = f"{message[:1].upper()}{message[1:]}".rstrip(".")
        stop = "" if sentence.endswith("?") else "."
        raise InputError(f"{sentence}{stop} See '{self.prog} --help'.")


class CommandParser(OneLineParser):
    """
    Parses one command, whose options can stand in a file too.

    What the command line gives wins over the file named by ``--config``, and the file over the
    defaults.  ``--print-config`` prints what follows from all three, and ends.

    Parameters
    ----------
    **options : object
        Those of :class:`argparse.ArgumentParser`.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """
        Parse the arguments of the command.

        Parameters
        ----------
        args : sequence of str, optional
            Arguments; those of the process by default.
        namespace : argparse.Namespace, optional
            Takes the values.

        Returns
        -------
        namespace : argparse.Namespace
            Every option.
        rest : list of str
            What is not known.

        Raises
        ------
        InputError
            If an argument or the file breaks a rule, or a needed option is given by neither.
        """
        if self._subparsers is not None:  # The options are those of its stages.
            return super().parse_known_args(args, namespace)
        given, rest = self._given(args)
        if rest:
            self.error(self._unknown(rest))
        known = {action.dest: action.default for action in self._actions if action.dest != "help"}
        if given.get("config") is not None:
            known |= self._without_rivals(read_config(given["config"], self), given)
        known |= given
        if known.get("print_config"):
            print(config_text(self, known, ascii_only=not _speaks_unicode()), end="")
            self.exit()
        self._require(known)
        namespace = argparse.Namespace() if namespace is None else namespace
        for name, value in known.items():
            setattr(namespace, name, value)
        return namespace, rest

    hidden: frozenset[str] = frozenset()

    def format_whole_help(self) -> str:
        """
        Write the help with every option.

        Returns
        -------
        str
            The help.
        """
        return super().format_help()

    def format_help(self) -> str:
        """
        Write the help without what is rarely needed.

        Returns
        -------
        str
            The help; where something is left out, its end says how to see it.
        """
        kept = {action: action.help for action in self._actions if action.dest in self.hidden}
        for action in kept:
            action.help = argparse.SUPPRESS
        try:
            text = super().format_help()
        finally:
            for action, help_text in kept.items():
                action.help = help_text
        more = f"\n{len(kept)} more options: {self.prog} --help-all\n" if kept else ""
        return text + more

    def _given(self, args: Sequence[str] | None) -> tuple[dict[str, Any], list[str]]:
        """Parse with a copy of this parser in which nothing is needed and nothing has a default."""
        twin = copy.deepcopy(self)
        for action in twin._actions:
            action.required, action.default = False, argparse.SUPPRESS
        twin.format_help = self.format_help  # type: ignore[method-assign]
        twin.format_whole_help = self.format_whole_help  # type: ignore[method-assign]
        given, rest = argparse.ArgumentParser.parse_known_args(twin, args)
        return vars(given), rest

    def _unknown(self, rest: Sequence[str]) -> str:
        """Name arguments that are not known, and the nearest option."""
        options = [text for action in self._actions for text in action.option_strings]
        near = nearest(rest[0].partition("=")[0], options)
        hint = f"; did you mean '{near}'?" if near else ""
        return f"unrecognized arguments: {' '.join(rest)}{hint}"

    def _without_rivals(self, filed: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """Drop from the file what excludes an option of the command line."""
        for group in self._mutually_exclusive_groups:
            names = [action.dest for action in group._group_actions]
            if any(name in given for name in names):
                filed = {key: value for key, value in filed.items() if key not in names}
        return filed

    def _require(self, known: dict[str, Any]) -> None:
        absent = [
            "/".join(action.option_strings) or str(action.metavar or action.dest)
            for action in self._actions
            if action.required and known[action.dest] in (None, [])
        ]
        if absent:
            self.error(f"the following arguments are required: {', '.join(absent)}")


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
