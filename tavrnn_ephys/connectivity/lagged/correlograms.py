"""Cross-correlograms of many pairs, in a few groups of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged._loops import count_lags
from tavrnn_ephys.connectivity.lagged.events import Events
from tavrnn_ephys.core.containers import BinnedActivity

__all__ = ["asymmetries_of_events", "asymmetries_of_traces", "stretches_of"]


def stretches_of(ranges: NDArray[np.int64], n_groups: int) -> list[list[tuple[int, int]]]:
    """
    Cut what windows cover into groups of nearly equal length, in order of time.

    Parameters
    ----------
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        First bin of each window, and one past its last.
    n_groups : int
        Number of groups.

    Returns
    -------
    list of list of (int, int)
        Stretches of bins of each group, each bin once; no more groups than bins.

    Examples
    --------
    >>> stretches_of(np.array([[0, 6], [4, 8], [20, 22]]), 2)
    [[(0, 5)], [(5, 8), (20, 22)]]
    """
    joined: list[list[int]] = []
    for first, last in ranges[np.argsort(ranges[:, 0], kind="stable")].tolist():
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    total = sum(last - first for first, last in joined)
    limits = [total * group // n_groups for group in range(n_groups + 1)]
    groups: list[list[tuple[int, int]]] = []
    for low, high in zip(limits[:-1], limits[1:], strict=True):
        group, done = [], 0
        for first, last in joined:
            begin, end = first + max(low - done, 0), min(last, first + high - done)
            if begin < end:
                group.append((begin, end))
            done += last - first
        if group:
            groups.append(group)
    return groups


def asymmetries_of_events(
    events: Events, groups: list[list[tuple[int, int]]], nodes: NDArray[np.int64], n_lags: int
) -> NDArray[np.float64]:
    """
    Hold each cross-correlogram against its mirror image.

    Parameters
    ----------
    events : Events
        The spikes.
    groups : list of list of (int, int)
        Stretches of the activity's bins.
    nodes : numpy.ndarray of int
        Nodes to look at.
    n_lags : int
        Number of lags, from 1 bin on.

    Returns
    -------
    numpy.ndarray, shape (n_groups, n_pairs, n_lags)
        Covariance at positive lags less that at negative ones, in units of what independent
        trains have: slow fluctuations that nodes share are symmetric, and fall out.
    """
    place = np.full(events.n_nodes, -1)
    place[nodes] = np.arange(len(nodes))
    known = place[events.nodes] >= 0
    bins, owners = events.bins[known], place[events.nodes[known]]
    counts = events.counts[known]
    found = []
    for group in groups:
        lags = np.zeros((n_lags, len(nodes), len(nodes)))
        total = np.zeros(len(nodes))
        n_bins = 0
        for first, last in group:
            limits = np.searchsorted(bins, [first * events.per_bin, last * events.per_bin])
            count_lags(bins, owners, counts, *limits, lags)
            some = slice(*limits)
            total += np.bincount(owners[some], counts[some], minlength=len(nodes))
            n_bins += (last - first) * events.per_bin
        found.append(_asymmetry(lags, np.sqrt(total / n_bins), n_bins))
    return np.stack(found)


def asymmetries_of_traces(
    activity: BinnedActivity,
    groups: list[list[tuple[int, int]]],
    nodes: NDArray[np.int64],
    n_lags: int,
) -> NDArray[np.float64]:
    """
    Do the same for traces.

    Parameters
    ----------
    activity : BinnedActivity
        The traces.
    groups, nodes, n_lags : object
        As in :func:`asymmetries_of_events`.

    Returns
    -------
    numpy.ndarray, shape (n_groups, n_pairs, n_lags)
        As there.
    """
    found = []
    for group in groups:
        lags = np.zeros((n_lags, len(nodes), len(nodes)))
        square, n_bins = np.zeros(len(nodes)), 0
        for first, last in group:
            before = min(n_lags, first)
            values: Any = activity.read_bins(first - before, last)[nodes].astype(np.float64)
            values = values - values.mean(axis=1, keepdims=True)
            inside = values[:, before:]
            for lag in range(1, n_lags + 1):
                start = max(lag - before, 0)
                if (
                    start >= inside.shape[1]
                ):  # No bin of a window this short has a bin so far before.
                    break
                source = values[:, before - lag + start : values.shape[1] - lag]
                lags[lag - 1] += source @ inside[:, start:].T
            square += (inside**2).sum(axis=1)
            n_bins += last - first
        found.append(_asymmetry(lags, np.sqrt(square / n_bins), n_bins))
    return np.stack(found)


def _asymmetry(
    lags: NDArray[np.float64], deviation: NDArray[np.float64], n_bins: int
) -> NDArray[np.float64]:
    # What is expected by rates is the same on both sides, and falls out too.
    rows, columns = np.triu_indices(len(deviation), 1)
    difference = (lags - lags.swapaxes(1, 2))[:, rows, columns]
    scale = deviation[rows] * deviation[columns] * np.sqrt(2.0 * n_bins)
    # A node that is silent in a group may have fired just before it: in units of a deviation of
    # zero, one coincidence would outweigh all other pairs.
    scaled: NDArray[np.float64] = (difference / np.where(scale > 0, scale, np.inf)).T
    return scaled
