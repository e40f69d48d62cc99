"""Text of YAML held to a size before it is read: hostile text can grow without end."""

from __future__ import annotations

__all__ = ["MOST_YAML_BYTES", "refuse_hostile_yaml"]

#: Configurations and metadata take a few kilobytes.
MOST_YAML_BYTES = 2**17
# Far beyond what options need; the readers recurse at each.
_DEEPEST = 50
# Each can stand for all parts before it, so that few of them can multiply what is read little.
_MOST_ALIASES = 10


def refuse_hostile_yaml(text: str) -> None:
    """
    Refuse text that would take a reader minutes, gigabytes or its whole stack.

    Parameters
    ----------
    text : str
        YAML.

    Raises
    ------
    ValueError
        If it is large, is nested deeply, or often repeats parts of itself by reference, each of
        which can double what is read.  The text of the error fits into a sentence.
    """
    import yaml

    if len(text) > MOST_YAML_BYTES:
        raise ValueError(f"it holds {len(text)} characters, more than {MOST_YAML_BYTES}")
    depth = n_aliases = 0
    opening = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
               yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)  # fmt: skip
    closing = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, opening) - isinstance(token, closing)
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
        n_aliases += isinstance(token, yaml.AliasToken)
        if n_aliases > _MOST_ALIASES:
            raise ValueError(
                f"it repeats parts of itself more than {_MOST_ALIASES} times, last "
                f"'*{token.value}'; write them out"
            )
