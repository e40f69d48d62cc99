"""Text of YAML held to a size before it is read: hostile text can grow without end."""

from __future__ import annotations

from pathlib import Path

from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["refuse_hostile_yaml", "short_text"]

# Configurations and metadata take a few kilobytes.
_MOST_BYTES = 2**17
# Far beyond what options need; the readers recurse at each.
_DEEPEST = 50
# Each can stand for all parts before it, so that few of them can multiply what is read little.
_MOST_ALIASES = 10


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
    """
    import yaml

    depth = n_aliases = 0
    opening = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
               yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)  # fmt: skip
    closing = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
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
