"""How a coupling changes in time: it drifts, or it is learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number, whole_number

__all__ = ["drift_path", "learning_path"]


def drift_path(
    n_steps: int, *, correlation_steps: float = 20.0, seed: int = 0
) -> NDArray[np.float64]:
    """
    Draw a slow drift.

    An Ornstein-Uhlenbeck process, smoothed once more so that it has no kinks, is brought to a
    uniform distribution over [0, 1] by its ranks.

    Parameters
    ----------
    n_steps : int
        Number of steps.
    correlation_steps : float
        Correlation time of the process in steps.
    seed : int
        Seed of the drift.

    Returns
    -------
    numpy.ndarray
        Shares in [0, 1], shape (n_steps,).

    Examples
    --------
    >>> path = drift_path(100, seed=1)
    >>> path.min(), path.max(), bool(np.abs(np.diff(path)).max() < 0.2)
    (np.float64(0.0), np.float64(1.0), True)
    """
    positive_int(n_steps, "n_steps")
    kept = np.exp(-1.0 / positive_number(correlation_steps, "correlation_steps"))
    rng = np.random.default_rng(whole_number(seed, "seed"))
    fast = slow = 0.0
    values = np.empty(n_steps)
    burn_in = int(10 * correlation_steps)
    for index, noise in enumerate(rng.normal(size=n_steps + burn_in)):
        fast = kept * fast + noise
        slow = kept * slow + fast
        if index >= burn_in:
            values[index - burn_in] = slow
    return np.argsort(np.argsort(values)) / max(n_steps - 1, 1)


def learning_path(
    n_steps: int, *, half_time: float | None = None, fluctuation: float = 0.25, seed: int = 0
) -> NDArray[np.float64]:
    """
    Draw a learning curve with ups and downs of performance.

    A saturating exponential, to which slow fluctuations add, clipped to [0, 1]: towards the
    end the network is aligned more often than not, but not always.

    Parameters
    ----------
    n_steps : int
        Number of steps.
    half_time : float, optional
        Steps until half of what is learnt is learnt; a quarter of all by default.
    fluctuation : float
        Amplitude of the ups and downs.
    seed : int
        Seed of the fluctuations.

    Returns
    -------
    numpy.ndarray
        Shares in [0, 1], shape (n_steps,).

    Examples
    --------
    >>> learning_path(4, half_time=1, fluctuation=0)
    array([0.1    , 0.475  , 0.6625 , 0.75625])
    """
    positive_int(n_steps, "n_steps")
    half = positive_number(half_time if half_time is not None else n_steps / 4, "half_time")
    positive_number(fluctuation, "fluctuation", or_zero=True)
    trend = 0.1 + 0.75 * (1.0 - 0.5 ** (np.arange(n_steps) / half))
    wander = drift_path(n_steps, correlation_steps=8.0, seed=seed) - 0.5
    return np.clip(trend + 2 * fluctuation * wander, 0.0, 1.0)
