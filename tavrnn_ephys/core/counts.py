"""The one rule for spike counts: whole numbers of a size that a recording can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError

__all__ = ["BIN_TOLERANCE", "MOST_SPIKES", "MOST_SPIKES_PER_BIN", "check_counts", "check_total"]

#: A unit at 1000 spikes/s fills a bin of 16 min; beyond, a count is an overflow or a fill value.
MOST_SPIKES_PER_BIN = 1_000_000
#: Spike times take 8 bytes each: 2 GiB.
MOST_SPIKES = 2**28
#: A spike this part of a bin before a limit lies behind it, as in Elephant: times are rounded.
BIN_TOLERANCE = 1e-8

# No count of these types exceeds the largest.
_SMALL = ("bool", "uint8", "int8", "uint16", "int16")


def check_counts(counts: NDArray[Any], node_ids: Any, *, first_bin: int = 0) -> None:
    """
    Refuse counts of a size that no bin holds.

    Parameters
    ----------
    counts : numpy.ndarray, shape (n_nodes, n_bins)
        Counts of any real type, finite.
    node_ids : sequence of str, shape (n_nodes,)
        Names of the rows, for the message.
    first_bin : int
        Number of the first bin, for the message.

    Raises
    ------
    InputError
        If a count exceeds :data:`MOST_SPIKES_PER_BIN`, or lies as far below zero.

    Examples
    --------
    >>> check_counts(np.array([[0, 3], [1, 2]]), ["a", "b"])
    """
    if counts.size == 0 or counts.dtype.name in _SMALL:
        return
    low, high = counts.min(), counts.max()
    if high <= MOST_SPIKES_PER_BIN and low >= -MOST_SPIKES_PER_BIN:
        return
    flat = counts.argmax() if high > MOST_SPIKES_PER_BIN else counts.argmin()
    node, index = np.unravel_index(int(flat), counts.shape)
    raise InputError(
        f"Bin {index + first_bin} of node '{node_ids[node]}' holds "
        f"{_short(counts[node, index])} spikes; a bin holds at most {MOST_SPIKES_PER_BIN:,}. "
        "Look for an overflow or a fill value in the counts; anything but counts is a trace: "
        "quantity='trace' of BinnedActivity, traces= of block_from_arrays."
    )


def check_total(counts: NDArray[Any]) -> None:
    """
    Refuse counts whose spikes, one by one, do not fit into memory.

    Parameters
    ----------
    counts : numpy.ndarray, shape (n_nodes, n_bins)
        Counts that :func:`check_counts` lets pass.

    Raises
    ------
    InputError
        If there are more than :data:`MOST_SPIKES` spikes.
    """
    total = float(counts.sum(dtype=np.float64))
    if total > MOST_SPIKES:
        raise InputError(
            f"These counts hold {total:.3g} spikes, whose times take {8 * total / 2**30:.3g} GiB; "
            f"at most {MOST_SPIKES:.3g} are laid out. Keep the counts as they are: "
            "tavrnn_ephys.BinnedActivity(values=counts, …)."
        )


def _short(value: Any) -> str:
    return str(int(value)) if abs(float(value)) < 1e7 else f"{float(value):.2g}"
