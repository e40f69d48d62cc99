"""
Events behind calcium traces: OASIS of first order.

Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13, e1005423: calcium that decays by
a factor γ per frame, ``c_t = γ c_{t-1} + s_t`` with events ``s_t ≥ 0``, is fitted to a trace in one
pass over pools of frames that decay together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.compiling import compiled
from tavrnn_ephys.core.errors import InputError

__all__ = ["decay_of", "events_of_trace", "noise_of", "penalized_calcium"]

_N_LAGS = 5
_SHORTEST, _LONGEST = 0.01, 0.9995
_N_BASELINES, _N_PENALTIES = 5, 25
_FASTEST, _LEAST_Z = 0.5, 2.0


def events_of_trace(trace: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Infer events, with the decay and the noise of the trace estimated from it.

    Parameters
    ----------
    trace : numpy.ndarray, shape (n_frames,)
        Fluorescence, or ΔF/F; finite, and not constant.

    Returns
    -------
    numpy.ndarray, shape (n_frames,)
        Events of at least 0, in units of the trace.

    Notes
    -----
    The L1 penalty is the largest that leaves no more than the noise unexplained; the baseline is
    the mean of what is left.

    Examples
    --------
    >>> trace = np.random.default_rng(0).normal(0, 0.05, 300)
    >>> trace[100:] += 0.9 ** np.arange(200)
    >>> int(np.argmax(events_of_trace(trace)))
    100
    """
    values = np.ascontiguousarray(trace, dtype=np.float64)
    decay = decay_of(values)
    allowed = noise_of(values, decay) ** 2 * len(values)
    baseline = float(np.percentile(values, 15))
    calcium = np.zeros_like(values)
    for _ in range(_N_BASELINES):
        centred = values - baseline
        low, high = 0.0, float(np.abs(centred).sum() + 1e-12)
        for _ in range(_N_PENALTIES):
            middle = 0.5 * (low + high)
            left = np.square(centred - penalized_calcium(centred, decay, middle)).sum()
            low, high = (middle, high) if left < allowed else (low, middle)
        calcium = penalized_calcium(centred, decay, low)
        baseline = float(np.mean(values - calcium))
    events = calcium.copy()
    events[1:] -= decay * calcium[:-1]
    # The first frame holds what happened before the recording.
    events[0] = 0.0
    return np.maximum(events, 0.0)


def penalized_calcium(
    trace: NDArray[np.float64], decay: float, penalty: float
) -> NDArray[np.float64]:
    """
    Minimise ``½ Σ (c_t - y_t)² + penalty Σ s_t``.

    Parameters
    ----------
    trace : numpy.ndarray, shape (n_frames,)
        The trace ``y``, without baseline.
    decay : float
        Factor γ by which calcium decays per frame, in (0, 1).
    penalty : float
        Weight of the events, at least 0.

    Returns
    -------
    numpy.ndarray, shape (n_frames,)
        Calcium ``c``.

    Raises
    ------
    InputError
        If the decay lies outside (0, 1).

    Examples
    --------
    >>> penalized_calcium(np.array([0.0, 1.0, 0.5, 0.25]), 0.5, 0.0)
    array([0.  , 1.  , 0.5 , 0.25])
    """
    if not 0 < decay < 1:
        raise InputError(f"decay must lie in (0, 1), got {decay:g}: calcium decays.")
    values = np.ascontiguousarray(trace, dtype=np.float64) - penalty * (1.0 - decay)
    # Behind the last frame nothing decays any more.
    values[-1] -= penalty * decay
    calcium = np.empty_like(values)
    _pool(values, float(decay), calcium)
    return calcium


@compiled
def _pool(values, decay, out):  # pragma: no cover - compiled
    """Merge each frame into the pool before it until no event is negative."""
    n = len(values)
    level, weight = np.empty(n), np.empty(n)
    length = np.empty(n, dtype=np.int64)
    last = -1
    for frame in range(n):
        last += 1
        level[last], weight[last], length[last] = values[frame], 1.0, 1
        while last > 0:
            fading = decay ** length[last - 1]
            if level[last] >= fading * level[last - 1]:
                break
            joint = weight[last - 1] + fading * fading * weight[last]
            above = weight[last - 1] * level[last - 1] + fading * weight[last] * level[last]
            level[last - 1], weight[last - 1] = above / joint, joint
            length[last - 1] += length[last]
            last -= 1
    frame = 0
    for pool in range(last + 1):
        now = max(level[pool], 0.0)
        for _ in range(length[pool]):
            out[frame] = now
            now *= decay
            frame += 1


def decay_of(trace: NDArray[np.float64]) -> float:
    """
    Estimate by what factor calcium decays per frame.

    Parameters
    ----------
    trace : numpy.ndarray, shape (n_frames,)
        The trace.

    Returns
    -------
    float
        γ by least squares from the autocovariance at lags of 1 to 5 frames, which white noise
        does not reach; within [0.01, 0.9995].

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trace = np.convolve(rng.random(20000) < 0.01, 0.9 ** np.arange(100))
    >>> round(decay_of(trace + rng.normal(0, 0.3, len(trace))), 1)
    0.9
    """
    centred = trace - trace.mean()
    n_lags = min(_N_LAGS, len(centred) - 1)
    together = np.array(
        [centred[: len(centred) - lag] @ centred[lag:] for lag in range(1, n_lags + 1)]
    )
    power = float(together[:-1] @ together[:-1])
    ratio = float(together[:-1] @ together[1:]) / power if power > 0 else _SHORTEST
    return float(np.clip(ratio, _SHORTEST, _LONGEST))


def noise_of(trace: NDArray[np.float64], decay: float | None = None) -> float:
    r"""
    Estimate the standard deviation of white noise from the upper half of the spectrum.

    Parameters
    ----------
    trace : numpy.ndarray, shape (n_frames,)
        The trace.
    decay : float, optional
        Factor γ by which calcium decays per frame; estimated by default.

    Returns
    -------
    float
        In units of the trace.

    Notes
    -----
    Noise is what the upper half of the spectrum holds [1]_, less what calcium holds there.  Events
    jump up, so that many of them, or a fast indicator, fill that half too.  The autocovariance of
    calcium of first order is :math:`C_l = C_0 \gamma^l`.  Its mean power in the upper half is
    :math:`\frac{4}{\pi} \arctan\left(\frac{1 - \gamma}{1 + \gamma}\right) C_0`, and
    :math:`C_0 = C_1 / \gamma`, since white noise does not reach a lag of one frame.  A :math:`C_1`
    that noise alone would have takes nothing off.

    References
    ----------
    .. [1] Pnevmatikakis et al. (2016), Neuron 89, 285-299.

    Examples
    --------
    >>> round(noise_of(np.random.default_rng(0).normal(0, 2, 5000)), 1)
    2.0
    """
    decay = decay_of(trace) if decay is None else decay
    centred = trace - trace.mean()
    spectrum = np.abs(np.fft.rfft(centred)) ** 2 / len(trace)
    upper = spectrum[len(spectrum) // 2 :].mean()
    behind = float(centred[:-1] @ centred[1:])
    if behind <= _LEAST_Z / np.sqrt(len(trace)) * float(centred @ centred):
        return float(np.sqrt(upper))
    # What decays faster than that can hardly be told from noise: less is taken off.
    calcium = behind / len(trace) / max(decay, _FASTEST)
    share = 4.0 / np.pi * np.arctan((1.0 - decay) / (1.0 + decay))
    return float(np.sqrt(max(upper - share * calcium, 0.0)))
