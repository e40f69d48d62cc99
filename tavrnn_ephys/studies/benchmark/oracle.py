"""What the true couplings of a simulated network tell of each window: the ceiling of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import logsumexp

from tavrnn_ephys.core.containers import Windows

if TYPE_CHECKING:
    import neo

__all__ = ["filtered", "smoothed", "with_oracle", "with_oracle_of_path"]

_Lags = tuple[NDArray[np.float64], NDArray[np.float64]]
_BIN_S, _DELAY_S = 0.001, 0.004
_LEAST_HZ = 1e-3
_N_SHARES, _DRIFT = 21, 0.08
# Beyond these odds, one certain window would weigh more than all others in a decoder.
_CERTAIN = (-20.0, 20.0)


def with_oracle(
    windows: Windows,
    block: neo.Block,
    coupling: NDArray[np.float64],
    rates_hz: NDArray[np.float64],
    *,
    stay: float,
    lags_s: _Lags | None = None,
) -> Windows:
    """
    Add to each window the probability of every coupling, given its spikes.

    Parameters
    ----------
    windows : Windows
        The windows.
    block : neo.Block
        Spike trains.
    coupling : numpy.ndarray, shape (n_states, n_nodes, n_nodes)
        True couplings, target first.
    rates_hz : numpy.ndarray, shape (n_nodes,)
        Mean rates.
    stay : float
        Probability that a window has the state of the window before.
    lags_s : pair of numpy.ndarray, each of shape (n_nodes, n_nodes), optional
        Shortest delay and time constant of every pair; exponential delays of 4 ms by default.

    Returns
    -------
    Windows
        With columns of log odds of the second of two states, or of log probabilities of each of
        more, within ± 20.
    """
    gains = _log_likelihoods(windows, block, coupling, rates_hz, lags_s)
    n_states = len(coupling)
    moves = np.full((n_states, n_states), (1 - stay) / max(n_states - 1, 1))
    np.fill_diagonal(moves, stay)
    columns = {}
    for reading, found in _readings(gains, moves).items():
        if n_states == 2:
            columns[f"oracle_{reading}_0"] = np.clip(found[:, 1] - found[:, 0], *_CERTAIN)
            continue
        for state in range(n_states):
            columns[f"oracle_{reading}_{state}"] = np.clip(found[:, state], *_CERTAIN)
    return replace(windows, columns={**windows.columns, **columns})


def with_oracle_of_path(
    windows: Windows, block: neo.Block, ends: NDArray[np.float64], rates_hz: NDArray[np.float64]
) -> Windows:
    """
    Add to each window the mean share of the second coupling, given its spikes.

    Parameters
    ----------
    windows : Windows
        The windows.
    block : neo.Block
        Spike trains.
    ends : numpy.ndarray, shape (2, n_nodes, n_nodes)
        Couplings at both ends of the mixture, target first.
    rates_hz : numpy.ndarray, shape (n_nodes,)
        Mean rates.

    Returns
    -------
    Windows
        With a column per reading.
    """
    shares = np.linspace(0, 1, _N_SHARES)
    mixed = np.stack([(1 - share) * ends[0] + share * ends[1] for share in shares])
    gains = _log_likelihoods(windows, block, mixed, rates_hz, None)
    moves = np.exp(-0.5 * np.square((shares[:, np.newaxis] - shares) / _DRIFT))
    moves /= moves.sum(axis=1, keepdims=True)
    columns = {
        f"oracle_{reading}_0": np.exp(found) @ shares
        for reading, found in _readings(gains, moves).items()
    }
    return replace(windows, columns={**windows.columns, **columns})


def _readings(
    gains: NDArray[np.float64], moves: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    alone = gains - logsumexp(gains, axis=1, keepdims=True)
    return {
        "window": alone,
        "filtered": filtered(gains, moves),
        "smoothed": smoothed(gains, moves),
    }


def filtered(gains: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Give log probabilities of states from all windows so far.

    Parameters
    ----------
    gains : numpy.ndarray, shape (n_windows, n_states)
        Log likelihood of each window.
    moves : numpy.ndarray, shape (n_states, n_states)
        Transition probabilities.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_states)
        Log probabilities.

    Examples
    --------
    >>> moves = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> np.exp(filtered(np.log([[0.9, 0.1], [0.5, 0.5]]), moves)).round(2)
    array([[0.9 , 0.1 ],
           [0.82, 0.18]])
    """
    found, steps = np.empty_like(gains), np.log(moves)
    before = np.zeros(gains.shape[1])
    for window, row in enumerate(gains):
        joint = before + row
        found[window] = joint - logsumexp(joint)
        before = logsumexp(found[window][:, np.newaxis] + steps, axis=0)
    return found


def smoothed(gains: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Give log probabilities of states from all windows.

    Parameters
    ----------
    gains, moves : numpy.ndarray
        As in :func:`filtered`.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_states)
        Log probabilities.
    """
    forward, steps = filtered(gains, moves), np.log(moves)
    behind = np.zeros(gains.shape[1])
    found = np.empty_like(gains)
    for window in range(len(gains) - 1, -1, -1):
        joint = forward[window] + behind
        found[window] = joint - logsumexp(joint)
        behind = logsumexp(steps + (gains[window] + behind), axis=1)
    return found


def _log_likelihoods(
    windows: Windows,
    block: neo.Block,
    coupling: NDArray[np.float64],
    rates_hz: NDArray[np.float64],
    lags_s: _Lags | None,
) -> NDArray[np.float64]:
    """Log likelihood of the spikes of each window under each coupling, a point process at 1 ms."""
    counts = _counts(block, float(windows.stop_s[-1]))
    drives_of = _drives(counts, lags_s)
    limits = np.round(np.stack([windows.start_s, windows.stop_s]) / _BIN_S).astype(np.int64)
    gains = np.zeros((len(windows), len(coupling)))
    for target in range(len(counts)):
        parents = np.flatnonzero(coupling[:, target].any(axis=0))
        drives = drives_of(target, parents)
        for state, weights in enumerate(coupling[:, target]):
            base = rates_hz[target] - weights @ rates_hz
            rate = np.maximum(base + weights[parents] @ drives, _LEAST_HZ) * _BIN_S
            summed = np.cumsum(np.concatenate([[0.0], counts[target] * np.log(rate) - rate]))
            gains[:, state] += summed[limits[1]] - summed[limits[0]]
    return gains


def _drives(
    counts: NDArray[np.float64], lags_s: _Lags | None
) -> Callable[[int, NDArray[np.intp]], NDArray[np.float64]]:
    """Say what the parents of a target do to its rate, shape (n_parents, n_bins)."""
    if lags_s is None:
        alike = _decaying(counts, _DELAY_S)
        return lambda target, parents: alike[parents]
    delays_s, constants_s = lags_s

    def drives(target: int, parents: NDArray[np.intp]) -> NDArray[np.float64]:
        found = [_decaying(counts[j], constants_s[target, j], delays_s[target, j]) for j in parents]
        return np.reshape(found, (len(parents), counts.shape[1]))

    return drives


def _counts(block: neo.Block, stop_s: float) -> NDArray[np.float64]:
    n_bins = int(np.ceil(stop_s / _BIN_S))
    trains: list[Any] = list(block.segments[0].spiketrains)
    found = np.zeros((len(trains), n_bins))
    for row, train in zip(found, trains, strict=True):
        place = np.floor(np.asarray(train.rescale("s").magnitude) / _BIN_S).astype(np.int64)
        np.add.at(row, place[place < n_bins], 1.0)
    return found


def _decaying(
    counts: NDArray[np.float64], time_constant_s: float, delay_s: float = 0.0
) -> NDArray[np.float64]:
    """Rate that one spike causes, per second: a density that sums to 1 behind its delay."""
    kept = np.exp(-_BIN_S / time_constant_s)
    late = 1 + round(delay_s / _BIN_S)
    moved = np.zeros_like(counts)
    moved[..., late:] = counts[..., :-late]
    found: NDArray[np.float64] = lfilter([(1 - kept) / _BIN_S], [1.0, -kept], moved, axis=-1)
    return found
