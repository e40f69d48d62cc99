"""
Detect spikes in 20 minutes of 1024 channels at 20 kHz; prints seconds and peak memory.

Run as ``python docs/measurements/detect_1024_channels.py [MINUTES]``.  The samples (49 GB as
int16) are generated chunk by chunk, as a lazy signal would read them, so memory is what the
detection itself needs.
"""

import resource
import sys
import time

import numpy as np

import tavrnn_ephys as te

RATE, N_CHANNELS = 20_000, 1024


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    n_samples = int(minutes * 60 * RATE)
    period = np.random.default_rng(0).normal(0, 10, (RATE, N_CHANNELS)).astype(np.int16)
    period[RATE // 2, :] = -150

    def read_part(start, stop, channels):
        rows = period[np.arange(start, stop) % RATE]
        return rows if channels is None else rows[:, channels]

    signal = te.LazySignal(
        read_part, n_samples=n_samples, n_channels=N_CHANNELS, sampling_rate_hz=RATE
    )
    started = time.perf_counter()
    trains = te.detect_spikes(signal, threshold=8)
    seconds = time.perf_counter() - started
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{minutes:g} min of {N_CHANNELS} channels at {RATE} Hz: {sum(map(len, trains))} spikes, "
        f"{seconds:.0f} s, peak memory {gib:.2f} GiB"
    )


if __name__ == "__main__":
    main()
