"""The nearest known word to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]

# Below this share of common letters, a word is another word rather than a slip.
_LEAST_LIKENESS = 0.75


def nearest(word: str, known: Iterable[str]) -> str | None:
    """
    Find the known word that a slip of spelling may have meant.

    Parameters
    ----------
    word : str
        What was written; dashes in front, case, and dashes for underscores do not count.
    known : iterable of str
        The words that are known.

    Returns
    -------
    str or None
        One of them as it is known; None where none is near by spelling.

    Examples
    --------
    >>> nearest("--behaviour", ["--behavior", "--out"])
    '--behavior'
    >>> nearest("--colour", ["--out", "--behavior"]) is None
    True
    """
    plain = {_plain(item): item for item in known}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=_LEAST_LIKENESS)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().lstrip("-").replace("_", "-")
