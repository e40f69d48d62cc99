"""Sliding windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tavrnn_ephys.activity.windows.stretches import bins_of_stretches
from tavrnn_ephys.core.checks import duration_s, whole_bins
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import InputError

__all__ = ["sliding_windows"]


def sliding_windows(
    activity: BinnedActivity, *, window_length: Any, step: Any, within: Any = None
) -> Windows:
    """
    Lay windows of one length over a segment, each a step after the one before.

    Parameters
    ----------
    activity : BinnedActivity
        The segment, whose bins the windows consist of.
    window_length, step : quantities.Quantity
        Scalars with a unit of time, each a whole number of bins.
    within : neo.Epoch or array_like, shape (n_stretches, 2), optional
        Stretches of time, in seconds where they have no unit, inside which windows lie; they
        start anew in each.  By default the whole segment.

    Returns
    -------
    Windows
        All windows that lie in the segment as a whole; a remainder at its end, and at that of
        each stretch, is left out.

    Raises
    ------
    InputError
        If a duration is not a whole number of bins, or a window exceeds the segment, or every
        stretch of it.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.zeros((2, 10), dtype=int), bin_size_s=0.5, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
    Windows: 4 from 0 s to 5 s, each 2 s, step 1 s
    """
    length = duration_s(window_length, "window_length")
    n_window = whole_bins(length, activity.bin_size_s, "window_length")
    n_step = whole_bins(duration_s(step, "step"), activity.bin_size_s, "step")
    if n_window > activity.n_bins:
        total = activity.n_bins * activity.bin_size_s
        raise InputError(
            f"window_length of {length:g} s exceeds the recording, which lasts {total:g} s. "
            "Choose a shorter window."
        )
    stretches = bins_of_stretches(within, activity)
    longest = int(np.diff(stretches, axis=1).max(initial=0))
    if n_window > longest:
        raise InputError(
            f"window_length of {length:g} s exceeds the longest of {len(stretches)} stretches of "
            f"the recording, which lasts {longest * activity.bin_size_s:g} s. Choose a shorter "
            "window, or leave out less."
        )
    parts = [np.arange(begin, end - n_window + 1, n_step) for begin, end in stretches]
    first = np.concatenate(parts)
    start = activity.t_start_s + first * activity.bin_size_s
    stop = activity.t_start_s + (first + n_window) * activity.bin_size_s
    return Windows(
        start_s=start,
        stop_s=stop,
        segment_index=np.full(len(first), activity.segment_index),
    )
