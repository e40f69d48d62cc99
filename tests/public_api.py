"""What the documented names and the command line offer, as lines that can be compared."""

import argparse
import inspect
from importlib import import_module
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("public_api.txt")


def parameters(thing):
    """Name, kind and default of each parameter, without annotations."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return []
    return [
        f"{parameter.name}:{parameter.kind.name}"
        + ("" if parameter.default is parameter.empty else f"={parameter.default!r}")
        for parameter in signature.parameters.values()
    ]


def _lines_of(name, thing):
    yield f"{name} {' | '.join(parameters(thing))}".rstrip()
    if inspect.isclass(thing):
        for member in sorted(dir(thing)):
            if member.startswith("_"):
                continue
            owner = next(base for base in thing.__mro__ if member in vars(base))
            if not owner.__module__.startswith("tavrnn_ephys"):
                continue
            found = inspect.getattr_static(thing, member)
            kind = type(found).__name__ if isinstance(found, property) else ""
            given = getattr(thing, member)
            text = " | ".join(parameters(given)) if callable(given) else kind
            yield f"{name}.{member} {text}".rstrip()


def documented(pages):
    """Module and name of everything that the pages of the reference list."""
    for page in sorted(pages.glob("*.rst")):
        module = None
        listing = False
        for line in page.read_text().splitlines():
            if line.startswith(".. currentmodule::"):
                module = line.split("::")[1].strip()
            elif line.startswith(".. autosummary::"):
                listing = True
            elif line and not line.startswith(" "):
                listing = False
            elif listing and line.strip() and not line.strip().startswith(":"):
                yield module, line.strip()


def api_lines(pairs):
    """One line per name, and one per member of a class."""
    for module, name in pairs:
        yield from _lines_of(f"{module}:{name}", getattr(import_module(module), name))


def command_lines():
    """One line per option of each command."""
    from tavrnn_ephys.cli import build_parser

    parser = build_parser()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, sub in sorted(action.choices.items()):
                for option in sub._actions:
                    yield f"$ {command} {' '.join(option.option_strings) or option.dest}"
