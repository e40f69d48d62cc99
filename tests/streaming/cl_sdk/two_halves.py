"""Channels in two halves, of which one bursts together: NumPy alone, for both interpreters."""

import numpy as np

N_CHANNELS = 64
BURST, ANSWER = 0.4, 0.6


def bin_of(state, rng):
    """Which channels fire in a bin: at equal rates, those of one half together."""
    together = (np.arange(N_CHANNELS) < N_CHANNELS // 2) == (state == 0)
    chance = np.full(N_CHANNELS, BURST * ANSWER)
    chance[together] = ANSWER * (rng.random() < BURST)
    return np.flatnonzero(rng.random(N_CHANNELS) < chance)


def bins(states, seed):
    """Counts of bins of known states, shape (n_channels, n_bins)."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((N_CHANNELS, len(states)), np.int64)
    for index, state in enumerate(states):
        counts[bin_of(state, rng), index] = 1
    return counts
