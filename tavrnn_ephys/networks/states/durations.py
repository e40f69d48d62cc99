"""How much of the time each state holds, how long it lasts, and what follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, gamma

from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.networks.states.stretches import stay_starts, stretch_lengths

if TYPE_CHECKING:
    import pandas

__all__ = ["Durations", "durations_of"]

_LEVELS = (0.025, 0.975)


@dataclass(frozen=True, kw_only=True, eq=False)
class Durations:
    """
    Occupancy, dwell times and transitions of states.

    Parameters
    ----------
    stays : pandas.DataFrame
        One row per stay: ``start_s``, ``stop_s``, ``state``, ``n_windows``.
    table : pandas.DataFrame
        One row per state: ``state``, ``occupancy`` (share of the time), ``n_stays``, ``dwell_s``
        (mean dwell time) and its 95 % interval ``dwell_low_s``, ``dwell_high_s``.
    transitions : numpy.ndarray, shape (n_states, n_states)
        Share of the ends of each state after which another begins; zero on the diagonal, and in the
        row of a state that never ended.
    transition_limits : numpy.ndarray, shape (2, n_states, n_states)
        Limits of the 95 % interval of each share.
    """

    stays: pandas.DataFrame
    table: pandas.DataFrame
    transitions: NDArray[np.float64]
    transition_limits: NDArray[np.float64]


def durations_of(labels: NDArray[np.int64], n_states: int, windows: Windows) -> Durations:
    """
    Measure how long states last and what follows them.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (n_windows,)
        State of each window, in order of time.
    n_states : int
        Number of states.
    windows : Windows
        The windows.

    Returns
    -------
    Durations
        The measures.

    Notes
    -----
    Stays at the ends of a recording, and on both sides of a gap, are cut.  The mean dwell time is
    therefore the time in a state over the number of its ends, the maximum-likelihood estimate for
    exponential stays under censoring, with a gamma interval; transition shares have Jeffreys
    intervals.  What follows across a gap is not counted.
    """
    import pandas as pd

    lengths = stretch_lengths(windows)
    starts = stay_starts(labels, lengths)
    stops = np.append(starts[1:], len(labels))
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    is_followed = ~np.isin(stops, np.append(first, len(labels)))
    limits = _limits(windows, first)
    stays = pd.DataFrame(
        {
            "start_s": limits[0, starts],
            "stop_s": limits[1, stops - 1],
            "state": labels[starts],
            "n_windows": stops - starts,
        }
    )
    transitions, transition_limits = _transitions(labels[starts], is_followed, n_states)
    return Durations(
        stays=stays,
        table=pd.DataFrame([_row(stays, is_followed, state) for state in range(n_states)]),
        transitions=transitions,
        transition_limits=transition_limits,
    )


def _limits(windows: Windows, first: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share time among windows: each reaches half way to its neighbours of the same stretch."""
    start_s, stop_s = np.asarray(windows.start_s), np.asarray(windows.stop_s)
    middle = (start_s + stop_s) / 2
    borders = (middle[:-1] + middle[1:]) / 2
    limits = np.stack([np.append(start_s[0], borders), np.append(borders, stop_s[-1])])
    limits[0, first] = start_s[first]
    limits[1, first[1:] - 1] = stop_s[first[1:] - 1]
    return limits


def _row(stays: pandas.DataFrame, is_followed: NDArray[np.bool_], state: int) -> dict[str, float]:
    is_mine = (stays["state"] == state).to_numpy()
    lasted = (stays["stop_s"] - stays["start_s"]).to_numpy()
    time_s, n_ends = float(lasted[is_mine].sum()), int((is_mine & is_followed).sum())
    low, high = (
        # Jeffreys' prior adds half an end: a state that never ended has a lower limit all the same.
        time_s / gamma.ppf(1 - level, n_ends + 0.5) if time_s else np.nan
        for level in _LEVELS
    )
    return {
        "state": state,
        "occupancy": time_s / float(lasted.sum()),
        "n_stays": int(is_mine.sum()),
        "dwell_s": time_s / n_ends if n_ends else np.nan,
        "dwell_low_s": low,
        "dwell_high_s": high if n_ends else np.inf,
    }


def _transitions(
    order: NDArray[np.int64], is_followed: NDArray[np.bool_], n_states: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts = np.zeros((n_states, n_states))
    known = is_followed[:-1]
    np.add.at(counts, (order[:-1][known], order[1:][known]), 1.0)
    ends = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, ends, out=np.zeros_like(counts), where=ends > 0)
    limits = np.stack([beta.ppf(level, counts + 0.5, ends - counts + 0.5) for level in _LEVELS])
    off = ~np.eye(n_states, dtype=bool)
    return shares, np.where(off & (ends > 0), limits, 0.0)
