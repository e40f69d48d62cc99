"""A directive that writes out the help of every command of the command line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from tavrnn_ephys import cli


def literal(text: str) -> str:
    """Make options and values stand out, and keep what is special to reStructuredText."""
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("|", "\\|").replace("`", "\\`")


def option_lines(action: argparse.Action, formatter: argparse.HelpFormatter) -> Iterator[str]:
    """Yield an entry of a definition list."""
    shown = formatter._format_action_invocation(action)
    yield f"``{shown}``"
    text = formatter._expand_help(action) if action.help else ""
    yield from (f"   {line}" for line in [literal(text), ""])


def command_lines(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the section of one command."""
    formatter = parser._get_formatter()
    label = name.replace(" ", "-")
    yield from ["", f".. _command-{label}:", "", name, "-" * len(name), ""]
    yield from [literal(parser.description or ""), ""]
    usage = textwrap.indent(parser.format_usage().removeprefix("usage: ").rstrip(), "   ")
    yield from [".. code-block:: text", "", *usage.splitlines(), ""]
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        if not actions:
            continue
        yield from [f".. rubric:: {literal((group.title or '').capitalize())}", ""]
        if group.description:
            yield from [literal(group.description), ""]
        for action in actions:
            yield from option_lines(action, formatter)
    lead, _, examples = (parser.epilog or "").partition("Examples:\n")
    if lead.strip():
        yield from [literal(lead.strip()), ""]
    if examples:
        lines = textwrap.dedent(examples).strip().splitlines()
        yield from [".. code-block:: bash", "", *(f"   {line}" for line in lines), ""]


def subparsers_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give the commands by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


class CommandHelp(SphinxDirective):
    """Sections for all commands, from the parser itself."""

    def run(self) -> list[nodes.Node]:
        """Write the sections as reStructuredText and parse them."""
        lines: list[str] = []
        for name, parser in subparsers_of(cli.build_parser()).items():
            lines.extend(command_lines(name, parser))
            for stage, part in subparsers_of(parser).items():
                lines.extend(command_lines(f"{name} {stage}", part))
        container = nodes.Element()
        nested_parse_with_titles(self.state, StringList(lines, source="cli"), container)
        return container.children


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
