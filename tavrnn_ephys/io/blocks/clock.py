"""Whether spike times can be seconds, or look like another unit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import DataLossWarning

__all__ = ["doubt_of_spike_times", "warn_of_doubtful_times"]

# Fewer spikes prove nothing; a test of three spikes may well stand at whole seconds.
_LEAST_SPIKES = 20
_LEAST_END_S = 100.0
# Ten seconds in milliseconds look like nearly three hours, at a thousandth of the rate.
_LONG_S = 10_000.0
_SLOW_HZ = 0.1


def doubt_of_spike_times(trains_s: Sequence[NDArray[Any]]) -> str:
    """
    Say why spike times are hardly seconds.

    Parameters
    ----------
    trains_s : sequence of numpy.ndarray
        Spike times of each node, taken as seconds.

    Returns
    -------
    str
        A sentence; empty where they may well be seconds.

    Examples
    --------
    >>> times = np.arange(1, 50) * 20011
    >>> doubt_of_spike_times([times])
    'All 49 spike times are whole numbers up to 980539, as samples or milliseconds are.'
    >>> doubt_of_spike_times([times / 20000])
    ''
    """
    known = [np.asarray(times, dtype=np.float64) for times in trains_s if len(times)]
    n_spikes = sum(map(len, known))
    if n_spikes < _LEAST_SPIKES:
        return ""
    first, last = min(times.min() for times in known), max(times.max() for times in known)
    if last >= _LEAST_END_S and all(np.array_equal(times, np.floor(times)) for times in known):
        return (
            f"All {n_spikes} spike times are whole numbers up to {last:.0f}, as samples or "
            "milliseconds are."
        )
    rate_hz = n_spikes / (len(known) * max(last - first, 1e-9))
    if last - first >= _LONG_S and rate_hz < _SLOW_HZ:
        return (
            f"The spike times span {(last - first) / 3600:.3g} h at {rate_hz:.2g} spikes/s per "
            "node, as if they were milliseconds or samples."
        )
    return ""


def warn_of_doubtful_times(trains_s: Sequence[NDArray[Any]], *, stacklevel: int = 3) -> None:
    """
    Draw a word where spike times are hardly seconds.

    Parameters
    ----------
    trains_s : sequence of numpy.ndarray
        Spike times of each node, taken as seconds.
    stacklevel : int
        As in :func:`warnings.warn`.

    Warns
    -----
    DataLossWarning
        With the reason, and what to do.
    """
    doubt = doubt_of_spike_times(trains_s)
    if doubt:
        warnings.warn(
            f"{doubt} They are taken as seconds. If they are not, give them a unit: times * "
            "quantities.ms, or divide by the sampling rate.",
            DataLossWarning,
            stacklevel=stacklevel,
        )
