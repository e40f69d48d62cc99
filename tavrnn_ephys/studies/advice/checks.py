"""Checks of a choice of bins and windows: what is refused or warned of, with the way out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import ChoiceWarning, InputError
from tavrnn_ephys.core.names import MEASURES_OF_SPIKES, NODE_NAMES
from tavrnn_ephys.core.spec import ConnectivitySpec
from tavrnn_ephys.statistics.association.order import LEAST_APART

__all__ = ["FEW_WINDOWS", "check_choice", "spikes_per_window"]

# r of so few bins is large by chance whatever the nodes do; with the others it is doubtful.
_LEAST_BINS, _FEW_BINS = 10, 20
FEW_WINDOWS = 20
_FEW_SPIKES = 5.0
_MUCH_SILENCE = 0.5


def check_choice(
    activity: BinnedActivity, windows: Windows, connectivity: ConnectivitySpec
) -> None:
    """
    Refuse a choice that no answer can rest on, and warn of one on which it rests badly.

    Parameters
    ----------
    activity : BinnedActivity
        The binned activity.
    windows : Windows
        Its windows.
    connectivity : ConnectivitySpec
        Measure, and the least number of spikes.

    Raises
    ------
    InputError
        If windows hold fewer than 10 bins, or no two nodes fire often enough in any window.

    Warns
    -----
    ChoiceWarning
        If there are fewer than 20 bins per window or 20 windows, the median node fires fewer than
        5 times per window, or more than half of all node-windows are silent.
    """
    ranges = bin_ranges(windows, activity)
    n_bins = ranges[:, 1] - ranges[:, 0]
    said = []
    if connectivity.measure not in MEASURES_OF_SPIKES:
        said += list(_of_bins(int(n_bins.min()), activity.bin_size_s))
    said += list(_of_windows(len(windows)))
    if activity.quantity == "spike_count":
        counts = spikes_per_window(activity, ranges)
        least = max(connectivity.min_spikes or 0, 1)
        lengths_s = windows.stop_s - windows.start_s
        said += list(_of_spikes(counts, least, activity.node_kind, float(np.median(lengths_s))))
    for sentence in said:
        warnings.warn(sentence, ChoiceWarning, stacklevel=3)


def spikes_per_window(activity: BinnedActivity, ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Count the spikes of each node in each window.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts.
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        First bin of each window and one past the last.

    Returns
    -------
    numpy.ndarray of int, shape (n_windows, n_nodes)
        The counts.
    """
    counts = np.empty((len(ranges), activity.n_nodes), dtype=np.int64)
    for index, (first, last) in enumerate(ranges):
        counts[index] = activity.read_bins(int(first), int(last)).sum(axis=1, dtype=np.int64)
    return counts


def _of_bins(n_bins: int, bin_s: float) -> Iterator[str]:
    if n_bins >= _FEW_BINS:
        return
    error = 1 / math.sqrt(max(n_bins - 1, 1))
    number = (
        f"A window holds {n_bins} bins of {bin_s:g} s, of which r has a standard error of "
        f"{error:.2f} by chance alone"
    )
    if n_bins < _LEAST_BINS:
        raise InputError(
            f"{number}; at least {_LEAST_BINS} are needed. Lengthen windows to "
            f"{_LEAST_BINS * bin_s:g} s, or shorten bins to {n_bins * bin_s / _LEAST_BINS:.3g} s."
        )
    yield (
        f"{number}; {_FEW_BINS} or more are better. Lengthen windows to {_FEW_BINS * bin_s:g} s, "
        f"or shorten bins to {n_bins * bin_s / _FEW_BINS:.3g} s."
    )


def _of_windows(n_windows: int) -> Iterator[str]:
    if n_windows < LEAST_APART:
        yield (
            f"There are only {n_windows} windows. No p-value is given: {LEAST_APART} that share no "
            f"time are needed to tell a change from chance, and {FEW_WINDOWS} or more are better. "
            "Shorten the window or the step, or record longer."
        )
    elif n_windows < FEW_WINDOWS:
        yield (
            f"There are only {n_windows} windows. Associations and predictions over so few are "
            f"hardly distinguishable from chance; {FEW_WINDOWS} or more are better. Shorten the "
            "window or the step, or record longer."
        )


def _of_spikes(counts: NDArray[np.int64], least: int, kind: str, window_s: float) -> Iterator[str]:
    kind, enough = NODE_NAMES[kind], counts >= least
    if enough.sum(axis=1).max() < 2:
        raise InputError(
            f"No two {kind}s fire {least} spikes in the same window, so that no connectivity can "
            f"be known: the most that a {kind} fires in a window is {counts.max()}. Lengthen the "
            "windows, or record longer."
        )
    firing = counts.any(axis=0)
    median = float(np.median(counts[:, firing].mean(axis=0)))
    if median < _FEW_SPIKES:
        longer_s = window_s * _FEW_SPIKES / median
        yield (
            f"The median {kind} fires {median:.2g} spikes per window, on which r is mostly chance; "
            f"{_FEW_SPIKES:g} or more are better. Lengthen windows to about {longer_s:.3g} s, or "
            f"leave out {kind}s that hardly fire: min_rate_hz, --min-rate on the command line."
        )
    silent = float((~enough).mean())
    if silent > _MUCH_SILENCE:
        yield (
            f"In {silent:.0%} of all pairs of {kind} and window there are fewer than {least} "
            f"spikes, and the weights there say nothing. Lengthen the windows, or leave out "
            f"{kind}s that hardly fire: min_rate_hz, --min-rate on the command line."
        )
