"""The one reader of YAML: strict about keys, and without the numbers that nobody means."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

__all__ = ["YamlFault", "load_yaml"]

# Beyond YAMLError, PyYAML lets through what its constructors meet in text such as "!!bool maybe".
_FAULTS = (ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError)


class YamlFault(ValueError):
    """What is wrong with a text that should be YAML."""


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
    names = [str(key.value) for key, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the key '{name[:60]}' stands twice")
