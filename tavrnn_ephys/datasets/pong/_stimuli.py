"""Pulses: where the ball is, a hit told predictably, a miss told by noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["N_SITES", "PATTERNS", "Pulses", "Stimulator", "noise", "predictable"]

N_SITES = 8
PATTERNS = ("noise", "predictable")
LOW_MV, HIGH_MV = 75.0, 150.0
_SLOWEST_HZ, _FASTEST_HZ = 4.0, 40.0
_PREDICTABLE_HZ, PREDICTABLE_S = 100.0, 0.1
_NOISE_HZ, NOISE_S = 5.0, 4.0


@dataclass(frozen=True, kw_only=True)
class Pulses:
    """
    Pulses of a stimulator in order of time.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_pulses,)
        Times.
    sites : numpy.ndarray of int, shape (n_pulses,)
        Site of each, from 0 at the lower end of the sensory subregion to 7.
    millivolts : float
        Amplitude of all.
    kind : {"sensory", "predictable", "noise"}
        What they stand for.
    asked : str
        Who asked for them: ``"game"``, or the marker of a trigger.
    """

    times_s: NDArray[np.float64]
    sites: NDArray[np.int64]
    millivolts: float
    kind: str
    asked: str = "game"

    def between(self, start_s: float, stop_s: float) -> Pulses:
        """Return those of a stretch of time."""
        inside = (self.times_s >= start_s) & (self.times_s < stop_s)
        return Pulses(
            times_s=self.times_s[inside], sites=self.sites[inside],
            millivolts=self.millivolts, kind=self.kind, asked=self.asked,
        )  # fmt: skip


def predictable(start_s: float, *, asked: str = "game") -> Pulses:
    """All sites at once, 100 Hz for 100 ms at 75 mV."""
    n_pulses = round(_PREDICTABLE_HZ * PREDICTABLE_S)
    times = start_s + np.arange(n_pulses) / _PREDICTABLE_HZ
    return Pulses(
        times_s=np.repeat(times, N_SITES), sites=np.tile(np.arange(N_SITES), n_pulses),
        millivolts=LOW_MV, kind="predictable", asked=asked,
    )  # fmt: skip


def noise(start_s: float, rng: np.random.Generator, *, asked: str = "game") -> Pulses:
    """Random sites at random times, 5 Hz for 4 s at 150 mV."""
    n_pulses = round(_NOISE_HZ * NOISE_S)
    return Pulses(
        times_s=start_s + np.sort(rng.uniform(0.0, NOISE_S, n_pulses)),
        sites=rng.integers(N_SITES, size=n_pulses), millivolts=HIGH_MV, kind="noise", asked=asked,
    )  # fmt: skip


class Stimulator:
    """Tells where the ball is: by the site how high, by the rate how near."""

    def __init__(self) -> None:
        self._phase = 0.0

    def sensory(self, start_s: float, tick_s: float, x: float, offset: float) -> Pulses:
        """Pulses of a tick, from 4 Hz at the far side to 40 Hz at the paddle."""
        rate = _SLOWEST_HZ + (_FASTEST_HZ - _SLOWEST_HZ) * (1.0 - min(max(x, 0.0), 1.0))
        # A pulse wherever the phase passes a whole number.
        before, self._phase = self._phase, self._phase + rate * tick_s
        passed = np.arange(np.floor(before) + 1.0, np.floor(self._phase) + 1.0)
        site = min(int((offset + 1.0) / 2.0 * N_SITES), N_SITES - 1)
        return Pulses(
            times_s=start_s + (passed - before) / rate, sites=np.full(len(passed), site),
            millivolts=LOW_MV, kind="sensory",
        )  # fmt: skip
