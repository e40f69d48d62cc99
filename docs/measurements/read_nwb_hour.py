"""
Read 60 s out of one hour of 1024 channels in an NWB ElectricalSeries; prints the peak memory.

Run as ``python docs/measurements/read_nwb_hour.py [RATE_HZ] [FOLDER]``.  At 1 kHz (LFP) the 60 s
are loaded; at 20 kHz they would be 5 GB of float32 by themselves, so they are walked through by
spike detection instead.  Most of the file is never written: HDF5 keeps absent chunks as zeros.
"""

import datetime
import resource
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pynwb
import quantities as pq
from hdmf.backends.hdf5 import H5DataIO
from pynwb.ecephys import ElectricalSeries

import tavrnn_ephys as te

N_CHANNELS, DURATION_S = 1024, 3600


def generate(path: Path, rate: int) -> None:
    """Write the hour, with noise in minutes 30 to 32."""
    nwbfile = pynwb.NWBFile(
        session_description="An hour.",
        identifier="hour",
        session_start_time=datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    )
    device = nwbfile.create_device(name="array", description="An array.")
    group = nwbfile.create_electrode_group(
        name="array", description="An array.", location="culture", device=device
    )
    for index in range(N_CHANNELS):
        nwbfile.add_electrode(
            x=17.5 * (index % 32), y=17.5 * (index // 32), z=0.0, location="culture", group=group
        )
    region = nwbfile.create_electrode_table_region(list(range(N_CHANNELS)), "All.")
    shape = (DURATION_S * rate, N_CHANNELS)
    data = H5DataIO(shape=shape, dtype=np.int16, chunks=(rate, 64), maxshape=shape)
    nwbfile.add_acquisition(
        ElectricalSeries(
            name="raw", data=data, electrodes=region, rate=float(rate), conversion=1e-6
        )
    )
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    noise = np.random.default_rng(0).normal(0, 10, (rate, N_CHANNELS)).astype(np.int16)
    noise[rate // 2] = -200
    with h5py.File(path, "r+") as file:
        for second in range(1800, 1920):
            file["acquisition/raw/data"][second * rate : (second + 1) * rate] = noise


def main() -> None:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        path = Path(folder) / "hour.nwb"
        generate(path, rate)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        started = time.perf_counter()
        block = te.read(path, t_start=1830 * pq.s, t_stop=1890 * pq.s)
        (signal,) = block.segments[0].analogsignals
        if rate <= 2000:
            what = f"{signal.load().magnitude.nbytes / 2**20:.0f} MiB loaded"
        else:
            trains = te.detect_spikes(block.segments[0], threshold=8)
            what = f"{sum(map(len, trains))} spikes detected"
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"60 s of {signal.shape[1]} channels at {rate} Hz out of {DURATION_S} s "
            f"({path.stat().st_size / 2**30:.1f} GiB on disk): {what}, {seconds:.1f} s, "
            f"peak memory {peak:.2f} GiB ({before:.2f} GiB before reading)"
        )


if __name__ == "__main__":
    main()
