"""Hits and misses of a game, in whatever way events and epochs mark them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import DataLossWarning

if TYPE_CHECKING:
    import neo

__all__ = ["Marks", "find_marks"]

# What laboratories and the DishBrain server call them, in small letters, single spaces.
_WORDS = {
    "hit": {"hit", "hits", "ball hit", "ball hits", "ball return", "ball returns", "ball returned"},
    "miss": {"miss", "misses", "missed", "ball miss", "ball misses", "ball missed"},
}
_PLURAL = {"hit": "hits", "miss": "misses"}
# Times that went through a file may differ by a rounding.
_SAME_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class Marks:
    """
    All hits, or all misses, of a segment.

    Parameters
    ----------
    kind : {"hit", "miss"}
        What they mark.
    times_s : numpy.ndarray, shape (n_marks,)
        Times in seconds, ascending; an epoch counts when it begins.
    where : str
        The event or epoch that holds them, in words.
    """

    kind: str
    times_s: NDArray[np.float64]
    where: str

    def __str__(self) -> str:
        n_marks = len(self.times_s)
        return f"{n_marks} {self.kind if n_marks == 1 else _PLURAL[self.kind]} of {self.where}"


def find_marks(segment: neo.Segment, kind: str) -> Marks | None:
    """
    Find the hits or the misses of a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    kind : {"hit", "miss"}
        Which of them.

    Returns
    -------
    Marks or None
        Those of the first event, else of the first epoch, that marks any by its labels or by its
        name; None if none does.

    Warns
    -----
    DataLossWarning
        If a second one marks other times.
    """
    found = list(_marks(segment, kind))
    if not found:
        return None
    chosen = found[0]
    others = [marks for marks in found[1:] if not _same(marks, chosen)]
    if others:
        warnings.warn(
            f"{_PLURAL[kind].capitalize()} stand in more than one place: {chosen}, "
            f"{', '.join(map(str, others))}. The first counts; remove it to count another.",
            DataLossWarning,
            stacklevel=3,
        )
    return chosen


def _marks(segment: neo.Segment, kind: str) -> Iterator[Marks]:
    for what, items in (("event", segment.events), ("epoch", segment.epochs)):
        for item in items:
            chosen = _chosen(item, kind)
            if chosen.any():
                times_s = np.asarray(item.times.rescale("s").magnitude, dtype=np.float64)
                where = f"the {what} '{item.name}'" if item.name else f"an {what} without name"
                yield Marks(kind=kind, times_s=np.sort(times_s[chosen]), where=where)


def _chosen(item: Any, kind: str) -> NDArray[np.bool_]:
    """Which entries are of the kind: labels decide; the name where no label is of any kind."""
    labels = np.asarray(item.labels, dtype=str)
    if len(labels) == len(item):
        kinds = np.array([_kind(label) for label in labels], dtype=str)
        if (kinds != "").any():
            return np.asarray(kinds == kind, dtype=bool)
    return np.full(len(item), _kind(str(item.name or "")) == kind, dtype=bool)


def _kind(text: str) -> str:
    words = re.sub(r"[\s_-]+", " ", text).strip().lower()
    return next((kind for kind, known in _WORDS.items() if words in known), "")


def _same(one: Marks, other: Marks) -> bool:
    return len(one.times_s) == len(other.times_s) and bool(
        np.all(np.abs(one.times_s - other.times_s) <= _SAME_S)
    )
