"""Windows of kinds that return, made of numbers alone."""

import numpy as np

from tavrnn_ephys.methods.tavrnn.factors.kinds import Kinds


def made_kinds(n_factors=3, n_kinds=3, seed=0, spread=None):
    """Kinds of no pattern."""
    rng = np.random.default_rng(seed)
    share = rng.random(n_kinds) + 0.3
    return Kinds(
        basis=rng.normal(size=(n_factors, n_factors)),
        centres=2 * rng.normal(size=(n_kinds, n_factors)),
        spread=rng.random(n_factors) if spread is None else np.full(n_factors, spread),
        share=share / share.sum(),
        stay=0.7,
    )


def made_windows(n_windows=6, n_factors=3, seed=1):
    """What windows say, each as surely as it likes; the last says nothing."""
    rng = np.random.default_rng(seed)
    said = rng.normal(size=(n_windows, n_factors))
    roots = rng.normal(size=(n_windows, n_factors, n_factors))
    precision = roots @ roots.swapaxes(1, 2)
    said[-1], precision[-1] = 0.0, 0.0
    return said, precision


def chain_of(n_windows, n_kinds, stay, rng):
    """Kinds that stay with a probability, or are drawn anew, all as often."""
    kinds = rng.integers(n_kinds, size=n_windows)
    for index in np.flatnonzero(rng.random(n_windows) < stay):
        kinds[index] = kinds[max(index - 1, 0)]
    return kinds


def returning_windows(n_windows=200, n_factors=3, n_kinds=3, stay=0.9, size=4.0, seed=0):
    """Windows around centres far from each other, under unit noise; their kinds."""
    rng = np.random.default_rng(seed)
    centres = size * np.linalg.qr(rng.normal(size=(n_factors, n_factors)))[0][:n_kinds]
    kinds = chain_of(n_windows, n_kinds, stay, rng)
    return centres[kinds] + rng.normal(size=(n_windows, n_factors)), kinds


def decaying_windows(n_windows=200, n_factors=3, decay=0.9, size=1.5, seed=0):
    """Windows whose states decay, under unit noise."""
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n_windows, n_factors))
    for index in range(1, n_windows):
        fresh = np.sqrt(1 - decay**2) * states[index]
        states[index] = decay * states[index - 1] + fresh
    return size * states + rng.normal(size=(n_windows, n_factors))
