"""What sources hand over: counts of whole bins, or spikes with their times."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import InputError

__all__ = ["Counts", "Spikes", "as_chunk"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """
    Counts of one bin, or of consecutive bins.

    Parameters
    ----------
    counts : array_like of int, shape (n_nodes,) or (n_nodes, n_bins)
        Spike counts.
    t_start_s : float, optional
        Start of the first bin on the clock of the source; right behind the bins before by default.
    lost : int
        Number of messages that the source knows to have lost before this one.
    restarts : bool
        Whether the source began a new acquisition, with a clock of its own.
    notes : tuple of str
        What the source has to say, one sentence each.
    received_s : float
        When it came, in seconds of :func:`time.perf_counter`; now by default.
    """

    counts: Any
    t_start_s: float | None = None
    lost: int = 0
    restarts: bool = False
    notes: tuple[str, ...] = ()
    received_s: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spikes:
    """
    Spikes with their times, and the stretch of time that they are all spikes of.

    Parameters
    ----------
    times_s : array_like of float, shape (n_spikes,)
        Times on the clock of the source.
    node_ids : array_like of str or int, shape (n_spikes,)
        Node of each spike: its name, or its position in the order of the fit.
    until_s : float, optional
        Time up to which no further spikes are to come; the last spike by default.
    t_start_s : float, optional
        Time from which on spikes are known; right behind those before by default.  A later time
        says that the stretch between was lost.
    lost : int
        Number of messages that the source knows to have lost before this one.
    restarts : bool
        Whether the source began a new acquisition, with a clock of its own.
    notes : tuple of str
        What the source has to say, one sentence each.
    received_s : float
        When it came, in seconds of :func:`time.perf_counter`; now by default.
    """

    times_s: Any
    node_ids: Any
    until_s: float | None = None
    t_start_s: float | None = None
    lost: int = 0
    restarts: bool = False
    notes: tuple[str, ...] = ()
    received_s: float = field(default_factory=time.perf_counter)


def as_chunk(item: Any) -> Counts | Spikes:
    """
    Take a chunk as it is, and an array as the counts of bins.

    Parameters
    ----------
    item : Counts, Spikes or array_like of int
        What an iterable gave.

    Returns
    -------
    Counts or Spikes
        The chunk.

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(item, Counts | Spikes):
        return item
    array = np.asarray(item)
    if array.dtype.kind in "biu":
        return Counts(counts=array)
    raise InputError(
        f"A source handed over a {type(item).__name__}; Counts, Spikes or an array of whole "
        "numbers are known."
    )
