"""The one reader of YAML: of bounded size, strict about keys, without hidden numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["YamlFault", "load_yaml", "refuse_hostile_yaml", "short_text"]

# Configurations and metadata take a few kilobytes.
_MOST_BYTES = 2**17
# Far beyond what options need; the readers recurse at each.
_DEEPEST = 50
# Each can stand for all parts before it, so that few of them can multiply what is read little.
_MOST_ALIASES = 10

# Beyond YAMLError, PyYAML lets through what its constructors meet in text such as "!!bool maybe".
_FAULTS = (ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError)


class YamlFault(ValueError):
    """What is wrong with a text that should be YAML."""


def short_text(path: Path, encoding: str = "utf-8") -> str:
    """
    Read text that a person wrote.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    encoding : str
        Its encoding.

    Returns
    -------
    str
        The text.

    Raises
    ------
    FileFormatError
        If it is longer than anybody writes.
    """
    n_bytes = path.stat().st_size
    if n_bytes > _MOST_BYTES:
        raise FileFormatError(
            f"'{path.name}' holds {n_bytes} bytes; at most {_MOST_BYTES} are read, which is more "
            "than options and metadata need. Check that it is the right file."
        )
    return path.read_text(encoding=encoding)


def refuse_hostile_yaml(text: str, file_name: str) -> None:
    """
    Refuse text that would take a reader minutes, gigabytes or its whole stack.

    Parameters
    ----------
    text : str
        YAML.
    file_name : str
        Name of its file, for the message.

    Raises
    ------
    FileFormatError
        If it is nested deeply, or often repeats parts of itself by reference, each of which can
        double what is read.
    YamlFault
        If it is no YAML.
    """
    import yaml

    depth = n_aliases = 0
    opening = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
               yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)  # fmt: skip
    closing = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
    for token in _tokens(text):
        depth += isinstance(token, opening) - isinstance(token, closing)
        if depth > _DEEPEST:
            raise FileFormatError(
                f"'{file_name}' is no YAML of options: it is nested more than {_DEEPEST} deep. "
                "Correct it."
            )
        n_aliases += isinstance(token, yaml.AliasToken)
        if n_aliases > _MOST_ALIASES:
            raise FileFormatError(
                f"'{file_name}' repeats parts of itself more than {_MOST_ALIASES} times, last by "
                f"'*{token.value}'. Write them out."
            )


def _tokens(text: str) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.scan(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, *_FAULTS) as error:
        raise YamlFault(" ".join(str(error).split())) from None


def load_yaml(text: str) -> Any:
    r"""
    Read a text as YAML.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    object
        What it holds.

    Raises
    ------
    YamlFault
        If it is no YAML, or a key of its uppermost level stands twice.

    Examples
    --------
    >>> load_yaml("subject_id: 0123\nlights_on: 7:30\nage: 12")
    {'subject_id': '0123', 'lights_on': '7:30', 'age': 12}
    """
    import yaml

    loader = _loader()
    try:
        _refuse_repeated_keys(yaml.compose(text, Loader=loader))
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, *_FAULTS) as error:
        raise YamlFault(" ".join(str(error).split())) from None


@cache
def _loader() -> Any:
    """PyYAML's safe loader, in which ``0123`` and ``7:30`` stay text."""
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.1 takes such text for numbers to the base of 8 and 60: a wrong subject or time."""

    number = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0b[01_]+|0x[0-9a-fA-F_]+)$")
    fraction = re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
        r"|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
    )
    replaced = {"tag:yaml.org,2002:int": number, "tag:yaml.org,2002:float": fraction}
    Loader.yaml_implicit_resolvers = {
        first: [(tag, replaced.get(tag, pattern)) for tag, pattern in known]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _refuse_repeated_keys(root: Any) -> None:
    """Refuse a key that stands twice, of which the reader would take the last without a word."""
    pairs = root.value if getattr(root, "id", "") == "mapping" else []
    seen: set[str] = set()
    for key, _ in pairs:
        name = str(key.value)
        if name in seen:
            raise ValueError(f"the key '{name[:60]}' stands twice")
        seen.add(name)
