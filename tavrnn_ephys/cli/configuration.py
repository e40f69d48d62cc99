"""Options of a command in a file: read from YAML or TOML, and written as YAML."""

from __future__ import annotations

import argparse
import datetime
import reprlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tavrnn_ephys._version import __version__
from tavrnn_ephys.cli.options import Gather, duration, rate, time
from tavrnn_ephys.cli.options import path as file_path
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.spelling import nearest
from tavrnn_ephys.core.yaml_text import YamlFault, load_yaml, refuse_hostile_yaml, short_text

__all__ = ["config_text", "read_config"]

# What says how the command is run belongs to the command line alone.
_NOT_IN_FILES = ("help", "config", "print_config")


def read_config(path: str | Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """
    Read the options of a command from a file.

    Parameters
    ----------
    path : str or pathlib.Path
        YAML or TOML, by its ending; its keys are the options, with dashes or underscores, and
        the names of what stands without a dash, such as ``file``.
    parser : argparse.ArgumentParser
        The command.

    Returns
    -------
    dict of str to object
        Values by the names under which the parser keeps them; what is null is left out.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If a key is not known or stands twice, or a value is of the wrong type.
    """
    path = Path(path)
    actions, seen = dict(_keys(parser)), dict[str, Any]()
    values: dict[str, Any] = {}
    for given, value in _content(path).items():
        key = str(given).replace("_", "-")
        if key not in actions:
            raise InputError(f"In '{path.name}', {_unknown(str(given), actions, parser)}")
        if key in seen:
            raise InputError(f"In '{path.name}', '{given}' and '{seen[key]}' are the same option.")
        seen[key] = given
        if value is not None:
            try:
                values[actions[key].dest] = _value(actions[key], value)
            except (InputError, argparse.ArgumentTypeError) as error:
                raise InputError(f"In '{path.name}', '{given}': {error}") from None
    _refuse_rivals(parser, values, path)
    return values


def config_text(
    parser: argparse.ArgumentParser, values: Mapping[str, Any], *, ascii_only: bool = False
) -> str:
    """
    Write every option of a command so that :func:`read_config` reads the same.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command.
    values : mapping of str to object
        Values by the names under which the parser keeps them.
    ascii_only : bool
        Whether other characters are written as escapes.

    Returns
    -------
    str
        YAML, one key per option; null where nothing is set.
    """
    import yaml

    content = {key: _plain(action, values.get(action.dest)) for key, action in _keys(parser)}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    # PyYAML reads its own separators of lines as spaces, unless they are escaped.
    if (ascii_only and not text.isascii()) or any(mark in text for mark in "\x85\u2028\u2029"):
        text = yaml.safe_dump(content, sort_keys=False)
    return f"# {parser.prog}, version {__version__}\n{text}"


def _keys(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if action.dest not in _NOT_IN_FILES:
            long = next((text for text in action.option_strings if text.startswith("--")), None)
            yield (long or action.dest).removeprefix("--").replace("_", "-"), action


def _unknown(key: str, actions: Mapping[str, Any], parser: argparse.ArgumentParser) -> str:
    if key.replace("-", "_") in _NOT_IN_FILES:
        return f"'{key}' stands, which belongs on the command line. Leave it out."
    near = nearest(key, actions)
    way_out = f"Did you mean '{near}'?" if near else f"Use {', '.join(actions)}."
    return f"'{_short(key)}' is no option of '{parser.prog}'. {way_out}"


def _content(path: Path) -> dict[Any, Any]:
    readers = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"The configuration '{path.name}' must end in .yaml, .yml or .toml.")
    if not path.exists():
        raise FileFormatError(f"There is no configuration '{path}'. Check the path.")
    if not path.is_file():
        raise FileFormatError(f"The configuration '{path}' is not a file.")
    try:
        content = reader(short_text(path, "utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise FileFormatError(f"The configuration '{path.name}' is no UTF-8 text.") from None
    except OSError as error:
        raise FileFormatError(f"'{path}' cannot be read: {error.strerror or error}.") from None
    except _Fault as error:
        reason = " ".join(str(error).split())[:200]
        kind = "TOML" if reader is _toml else "YAML"
        raise FileFormatError(f"'{path.name}' is no {kind} ({reason}). Correct it.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise FileFormatError(f"'{path.name}' must hold keys and values, such as 'seed: 1'.")
    return content


class _Fault(Exception):
    """What a reader found wrong with the text of a file."""


def _toml(text: str, _: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise _Fault(error) from None


def _yaml(text: str, file_name: str) -> Any:
    try:
        refuse_hostile_yaml(text, file_name)
        return load_yaml(text)
    except YamlFault as error:
        raise _Fault(error) from None


def _value(action: argparse.Action, value: Any) -> Any:
    if isinstance(action, argparse.BooleanOptionalAction):
        if not isinstance(value, bool):
            raise InputError(f"must be true or false, got {_short(value)}.")
        return value
    if not _is_list(action):
        return _single(action, value)
    items = [_single(action, item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(action.nargs, int) and len(items) != action.nargs:
        raise InputError(f"needs a list of {action.nargs}, got {len(items)}.")
    if action.nargs == "+" and not items:
        raise InputError("needs a list of at least one.")
    return items


def _is_list(action: argparse.Action) -> bool:
    return isinstance(action, Gather) or isinstance(action.nargs, int) or action.nargs == "+"


def _single(action: argparse.Action, value: Any) -> Any:
    """Take a value as the command line would take its text."""
    convert: Any = action.type or str
    is_text = convert in (str, file_path)
    if isinstance(value, datetime.date):
        value = value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"must be {'text' if is_text else 'one value'}, got {_short(value)}.")
    if is_text and not isinstance(value, str):
        raise InputError(f"must be text, got {_short(value)}. Write it in quotes.")
    text = value if isinstance(value, str) else repr(value)
    if "\0" in text:
        raise InputError("holds a character that no argument can hold.")
    return convert(text)


def _refuse_rivals(parser: argparse.ArgumentParser, values: Mapping[str, Any], path: Path) -> None:
    for group in parser._mutually_exclusive_groups:
        both = [action.dest for action in group._group_actions if action.dest in values]
        if len(both) > 1:
            raise InputError(f"In '{path.name}', '{both[0]}' and '{both[1]}' exclude each other.")


def _plain(action: argparse.Action, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_plain(action, item) for item in value]
    if action.type is rate:
        return f"{value!r}Hz"
    return f"{value!r}s" if action.type in (duration, time) else value


def _short(value: Any) -> str:
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value) if not isinstance(value, str) else short.repr(value)[1:-1]
