"""Spikes of a network: spontaneous ones, those they cause, and those that are held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drive", "branch", "draw_drive", "held_back"]

_STEP_S = 0.01
_BURST_S, _BURST_GAIN = 0.1, 4.0
_UP_S = 0.5
_DRIFT_S = 40.0
# How long a spike that is held back takes to come, beyond the end of inhibition.
_REBOUND_S = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Drive:
    """
    Factors of the rates in steps of time.

    Parameters
    ----------
    shared : numpy.ndarray, shape (n_steps,)
        Of all units.
    own : numpy.ndarray, shape (n_nodes, n_steps)
        Of each unit.
    """

    shared: NDArray[np.float64]
    own: NDArray[np.float64]


def draw_drive(recipe: Any, rng: np.random.Generator) -> Drive:
    """
    Draw up-states, bursts and drifts, none of which knows the state.

    Parameters
    ----------
    recipe : NetworkRecipe
        What the network is like.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Drive
        Factors with a mean of 1.
    """
    n_steps = int(np.ceil(recipe.duration_s / _STEP_S))
    shared = np.ones(n_steps)
    if recipe.up_depth:
        changes = rng.random(n_steps) < _STEP_S / _UP_S
        up = (np.cumsum(changes) + rng.integers(2)) % 2
        shared *= 1 + recipe.up_depth * (2.0 * up - 1)
    if recipe.burst_rate_hz:
        begins = rng.random(n_steps) < recipe.burst_rate_hz * _STEP_S
        length = round(_BURST_S / _STEP_S)
        bursting = np.convolve(begins, np.ones(length))[:n_steps] > 0
        shared = np.where(bursting, _BURST_GAIN * shared, shared)
    own = np.ones((recipe.n_nodes, n_steps))
    if recipe.drift:
        kept = np.exp(-1.0 / _DRIFT_S)
        n_seconds = int(np.ceil(recipe.duration_s)) + 1
        slow = np.zeros((recipe.n_nodes, n_seconds))
        slow[:, 0] = rng.normal(size=recipe.n_nodes)
        for second in range(1, n_seconds):
            fresh = rng.normal(size=recipe.n_nodes)
            slow[:, second] = kept * slow[:, second - 1] + np.sqrt(1 - kept**2) * fresh
        grid = np.arange(n_steps) * _STEP_S
        own = np.exp([np.interp(grid, np.arange(n_seconds), recipe.drift * row) for row in slow])
        own /= own.mean(axis=1, keepdims=True)
    return Drive(shared=shared / shared.mean(), own=own)


def branch(
    truth: Any, drive: Drive, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """
    Sample excitation generation by generation.

    Parameters
    ----------
    truth : NetworkTruth
        Couplings, delays and stays.
    drive : Drive
        Factors of the rates.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    times : numpy.ndarray, shape (n_spikes,)
        Spike times in seconds.
    owners : numpy.ndarray of int, shape (n_spikes,)
        Who fires.
    """
    excitation = np.maximum(truth.coupling, 0.0)
    total_s = float(truth.switch_s[-1])
    times, owners = _spontaneous(truth, excitation, drive, rng)
    kept = times < total_s
    all_times, all_owners = [times[kept]], [owners[kept]]
    times, owners = all_times[0], all_owners[0]
    while len(times):
        mean = excitation[truth.state_at(times), :, owners]
        parent, child = np.nonzero(counts := rng.poisson(mean))
        repeats = counts[parent, child]
        parent, child = np.repeat(parent, repeats), np.repeat(child, repeats)
        source = owners[parent]
        late = truth.delays_s[child, source]
        late = late + rng.exponential(truth.time_constants_s[child, source])
        times = times[parent] + late
        inside = times < total_s
        times, owners = times[inside], child[inside]
        all_times.append(times)
        all_owners.append(owners)
    return np.concatenate(all_times), np.concatenate(all_owners)


def _spontaneous(
    truth: Any, excitation: NDArray[np.float64], drive: Drive, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Spikes at ``(I - W) r``, whatever the factors of ``r`` are at the time."""
    starts = np.arange(len(drive.shared)) * _STEP_S
    states = truth.state_at(starts)
    wanted = drive.own * truth.rates_hz[:, np.newaxis]
    base = np.empty_like(wanted)
    for state in np.unique(states):
        here = states == state
        base[:, here] = wanted[:, here] - excitation[state] @ wanted[:, here]
    counts = rng.poisson(np.maximum(base, 0.0) * drive.shared * _STEP_S)
    owners, steps = np.nonzero(counts)
    repeats = counts[owners, steps]
    begin = np.repeat(starts[steps], repeats)
    return begin + rng.uniform(0, _STEP_S, len(begin)), np.repeat(owners, repeats)


def held_back(
    truth: Any,
    times: NDArray[np.float64],
    owners: NDArray[np.int64],
    total_s: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """
    Let inhibition delay spikes, so that none is lost.

    Parameters
    ----------
    truth : NetworkTruth
        Couplings, delays and stays.
    times : numpy.ndarray, shape (n_spikes,)
        Spike times in seconds.
    owners : numpy.ndarray of int, shape (n_spikes,)
        Who fires.
    total_s : float
        End of the recording; a spike that would come later stays where it is.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray, shape (n_spikes,)
        Spike times.
    """
    moved = times.copy()
    sources = {
        int(source): np.sort(times[owners == source])
        for source in np.flatnonzero((truth.coupling < 0).any(axis=(0, 1)))
    }
    for target, source in np.argwhere((truth.coupling < 0).any(axis=0)):
        own = np.flatnonzero(owners == target)
        inhibitor = np.concatenate([[-np.inf], sources[int(source)]])
        ready = times[own] - truth.delays_s[target, source]
        since = ready - inhibitor[np.searchsorted(inhibitor, ready, side="right") - 1]
        chance = -np.minimum(truth.coupling[truth.state_at(times[own]), target, source], 0.0)
        chance = chance * np.exp(-since / truth.time_constants_s[target, source])
        held = rng.random(len(own)) < chance
        later = times[own] + 3 * truth.time_constants_s[target, source]
        later = later + rng.exponential(_REBOUND_S, len(own))
        held &= later < total_s
        moved[own[held]] = later[held]
    return moved
