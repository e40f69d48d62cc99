"""The rules by which bin, window and step are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tavrnn_ephys.studies.advice.survey import Survey

__all__ = [
    "bin_and_window",
    "count_windows",
    "meetings",
    "standard_error",
    "suffices",
    "suitable_bin",
    "suitable_step",
]

_BINS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_WINDOWS_S = (
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0,
)  # fmt: skip
# A window holds so many spikes of the median node, and so many bins that tell something new:
# the standard error of r is then 1/√100 = 0.1.
_SPIKES, _ENOUGH_BINS = 20.0, 100.0
# Two independent nodes of the median rate meet so often in a window, as in a cell of a table.
_MEETINGS = 5.0
# As few windows still show change, and as many cost minutes.
_LEAST_WINDOWS, _MOST_WINDOWS = 20, 300
_FEWEST_BINS = 40
# Bins longer than this hide what traces do.
_LONGEST_TRACE_BIN_S = 1.0


def bin_and_window(known: Survey, given: Mapping[str, float | None]) -> tuple[float, float]:
    """
    Take the shortest window that holds enough, or else the longest of which 20 fit.

    Parameters
    ----------
    known : Survey
        The recording.
    given : mapping of str to float or None
        ``bin_size``, ``window_length`` and ``step`` in seconds where they are chosen already.

    Returns
    -------
    bin_size_s, window_length_s : float
        Seconds.
    """
    bin_s, window_s, step_s = (given[name] for name in ("bin_size", "window_length", "step"))
    most_s = _longest_window(known)
    candidates = [item for item in _WINDOWS_S if item <= most_s] or [_round_down(most_s)]
    if bin_s is not None:
        # Of a bin that goes into no round window, windows are whole numbers of it.
        whole = [item for item in candidates if _is_whole(item, bin_s)]
        candidates = whole or [bin_s * max(1, round(candidates[-1] / bin_s))]
    candidates = [window_s] if window_s else candidates
    # Shorter windows than these cost minutes and say the same, unless behaviour is as fast.
    least_s = float(known.lengths_s.sum()) / (_MOST_WINDOWS / 2)
    least_s = min(least_s, known.behavior_s or math.inf)
    for length in candidates:
        size = bin_s or suitable_bin(known, length, () if step_s is None else (step_s,))
        if length >= least_s and suffices(known, size, length):
            return size, length
    return size, length


def suitable_bin(known: Survey, window_s: float, also: tuple[float, ...] = ()) -> float:
    """
    Take the smallest bin in which two nodes meet often enough.

    Parameters
    ----------
    known : Survey
        The recording.
    window_s : float
        Length of a window in seconds.
    also : tuple of float
        Further durations in seconds that must be whole numbers of bins, such as the step; half a
        window by default, or a whole one.

    Returns
    -------
    float
        Seconds.
    """
    whole = [window_s, *(also or (window_s / 2,))]
    least_s = _BINS_S[0]
    if known.rate_hz is not None:
        least_s = max(least_s, _MEETINGS / (window_s * known.rate_hz**2))
    elif known.interval_s is not None:
        least_s = max(known.interval_s, min(known.activity_s / 2, _LONGEST_TRACE_BIN_S))
    floor_s = (known.interval_s or 0.0) * (1 - 1e-6)
    fitting = [
        size
        for size in _BINS_S
        if window_s / size >= _FEWEST_BINS
        and size >= floor_s
        and all(_is_whole(length, size) for length in whole)
    ]
    enough = [size for size in fitting if size >= least_s * (1 - 1e-9)]
    if enough or fitting:
        return enough[0] if enough else fitting[-1]
    return _any_bin(whole, max(floor_s, 1e-4))


def suitable_step(known: Survey, bin_s: float, window_s: float) -> float:
    """
    Overlap windows by half, unless there are many beside each other.

    Parameters
    ----------
    known : Survey
        The recording.
    bin_s, window_s : float
        Bin and window in seconds.

    Returns
    -------
    float
        Seconds.
    """
    beside = count_windows(known, window_s, window_s)
    if beside >= 3 * _LEAST_WINDOWS or not _is_whole(window_s / 2, bin_s):
        return window_s
    return window_s / 2


def count_windows(known: Survey, window_s: float, step_s: float) -> int:
    """
    Count the windows that fit into the stretches of a recording.

    Parameters
    ----------
    known : Survey
        The recording.
    window_s, step_s : float
        Length and step in seconds.

    Returns
    -------
    int
        Their number.
    """
    fitting = known.lengths_s[known.lengths_s >= window_s * (1 - 1e-9)]
    return int(np.sum(np.floor((fitting - window_s) / step_s + 1e-9) + 1))


def standard_error(known: Survey, bin_s: float, window_s: float) -> float:
    """
    Give the standard error of r in a window in which nodes are independent.

    Parameters
    ----------
    known : Survey
        The recording.
    bin_s, window_s : float
        Bin and window in seconds.

    Returns
    -------
    float
        1/√n, with n the number of bins that are as far apart as the activity remembers [1]_.

    References
    ----------
    .. [1] Bartlett (1946), J R Stat Soc Suppl 8, 27-41.
    """
    return 1.0 / math.sqrt(max(window_s / max(bin_s, known.activity_s), 1.0))


def meetings(known: Survey, bin_s: float, window_s: float) -> float:
    """
    Count the bins in which two independent nodes of the median rate both fire, in a window.

    Parameters
    ----------
    known : Survey
        The recording, of spikes.
    bin_s, window_s : float
        Bin and window in seconds.

    Returns
    -------
    float
        The expected number.
    """
    return window_s * bin_s * (known.rate_hz or 0.0) ** 2


def suffices(known: Survey, bin_s: float, window_s: float) -> bool:
    """
    Say whether a window holds enough spikes and bins.

    Parameters
    ----------
    known : Survey
        The recording.
    bin_s, window_s : float
        Bin and window in seconds.

    Returns
    -------
    bool
        Whether it does.
    """
    if window_s / max(bin_s, known.activity_s) < _ENOUGH_BINS:
        return False
    if known.rate_hz is None:
        return True
    enough = meetings(known, bin_s, window_s) >= _MEETINGS * (1 - 1e-9)
    return enough and known.rate_hz * window_s >= _SPIKES


def _longest_window(known: Survey) -> float:
    """Give the longest window of which 20 fit at half its length as the step."""
    low, high = 0.0, float(known.lengths_s.max())
    for _ in range(50):
        middle = (low + high) / 2
        enough = middle == 0 or count_windows(known, middle, middle / 2) >= _LEAST_WINDOWS
        low, high = (middle, high) if enough else (low, middle)
    return low


def _round_down(seconds: float) -> float:
    """Round to 1, 2 or 5 times a power of ten, not upward."""
    power = 10.0 ** math.floor(math.log10(max(seconds, 1e-3)))
    steps = [factor for factor in (1, 2, 5) if factor * power <= seconds * (1 + 1e-9)]
    return float(f"{max(steps or [1]) * power:.6g}")


def _any_bin(whole: list[float], least_s: float) -> float:
    """Cut durations into bins where no round one suits them."""
    shortest = min(whole)
    for n_bins in range(max(1, min(_FEWEST_BINS, math.floor(shortest / least_s + 1e-9))), 0, -1):
        size = float(f"{shortest / n_bins:.12g}")
        if all(_is_whole(length, size) for length in whole):
            return size
    return shortest


def _is_whole(length_s: float, bin_s: float) -> bool:
    ratio = length_s / bin_s
    return round(ratio) >= 1 and abs(ratio - round(ratio)) <= 1e-6 * max(1.0, ratio)
