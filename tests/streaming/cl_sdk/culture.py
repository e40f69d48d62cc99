"""A culture for the vendor's simulator: a stimulation is answered 5 ms later, and ends a state."""

import numpy as np
from cl.sim import (
    DataSourceBatch,
    DataSourceSpike,
    SimulatorDataSource,
    SimulatorDataSourceMetadata,
)
from two_halves import bin_of

FRAMES_PER_BIN, ANSWER_FRAMES, DWELL_BINS = 1250, 125, 60


class Culture(SimulatorDataSource):
    """Two states that alternate, sooner when stimulated."""

    def __init__(self, seed=0):
        self._rng, self._state, self._n_bins, self._left = np.random.default_rng(seed), 0, 0, 0
        self._waiting = []

    @property
    def metadata(self):
        return SimulatorDataSourceMetadata(channel_count=64, seekable=False)

    def on_stim(self, stim):
        self._waiting.append((stim.timestamp + ANSWER_FRAMES, stim.channel))
        self._left = 0

    def read(self, from_timestamp, frame_count):
        end = from_timestamp + frame_count
        while self._n_bins * FRAMES_PER_BIN < end:
            self._bin()
        due = sorted(item for item in self._waiting if item[0] < end)
        self._waiting = [item for item in self._waiting if item[0] >= end]
        # An answer to what was asked for late comes as soon as it can.
        spikes = [
            DataSourceSpike(timestamp=max(when, from_timestamp), channel=channel)
            for when, channel in due
        ]
        return DataSourceBatch(spikes=spikes)

    def _bin(self):
        if self._left == 0:
            self._state, self._left = 1 - self._state, DWELL_BINS
        self._left -= 1
        channels = bin_of(self._state, self._rng)
        frames = self._n_bins * FRAMES_PER_BIN + self._rng.integers(
            FRAMES_PER_BIN, size=len(channels)
        )
        self._waiting += list(zip(frames.tolist(), channels.tolist(), strict=True))
        self._n_bins += 1


def make(seed=0):
    """What the simulator calls in a process of its own."""
    return Culture(seed)
