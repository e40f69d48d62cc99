"""
``analyze FILE`` with no other option, on recordings of different kinds.

``python docs/measurements/analyze_alone.py`` takes six recordings from the folder that the
environment variable ``TAVRNN_EPHYS_DATA`` names: two of multi-electrode arrays, two of units with
behaviour, two of calcium.  Each is analysed by its own process, as a person would type it.  The two
recordings of rats hold units and behaviour in several arrays; they are joined into one file before,
and that is not counted.

One row per recording: exit status, seconds, seconds of processor time, bin, window, step and number
of windows, warnings of the checks of the choice, and how many further warnings the run keeps; then
the reasons.  The command ends in 1 if an analysis does not end in 0 within three minutes, or a
choice does not pass its own checks.
"""

from __future__ import annotations

import argparse
import datetime
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quantities as pq
from scipy.io import loadmat

import tavrnn_ephys as te

RECORDINGS = {
    "MEA, human stem cells": "hipsc-mea/hiPSN_tc65_d41_spikes6sd.h5",
    "MEA, retina": "retina-mea/Demas2003_6WK_CTRL_ME1.h5",
    "units, rat with position": "rat-hippocampus-hc11",
    "units, rat, run and rest": "rat-linear-track",
    "calcium, worm": "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb",
    "calcium, mouse": "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv",
}
MOST_S = 180.0
# What the checks of a choice of bins and windows say begins so.
OF_THE_CHOICE = (
    "A window holds", "There are only", "The median", "In ",
)  # fmt: skip


def joined(place, folder):
    """Join what stands in several arrays into one file."""
    block = counted_rat(place) if "hc11" in place.name else tracked_rat(place)
    block.rec_datetime = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    return te.write_nwb(block, folder / f"{place.name}.nwb")


def counted_rat(place):
    """Counts of units in bins of 25 ms, and the position on the track."""
    data = np.load(place / "achilles.npz")
    return te.block_from_arrays(
        counts=data["x"].T.astype(int), bin_size=25 * pq.ms,
        behavior={"position": data["b"][:, 0] * pq.m},
    )  # fmt: skip


def tracked_rat(place):
    """Spike times of units, and the position in a video of 60 frames per second."""
    tetrodes = loadmat(place / "spikes.mat", squeeze_me=True)["spikes"]
    units = [unit for tetrode in tetrodes for unit in np.atleast_1d(tetrode)]
    named = [unit for unit in units if getattr(unit, "dtype", np.dtype(float)).names]
    times = [np.ravel(unit["time"].item()) if unit.size else [] for unit in named]
    trains = [np.sort(item.astype(float)) for item in times if len(item)]
    raw = (place / "trajectory.videoPositionTracking").read_bytes()
    fields = [("time", "<u4"), *((name, "<u2") for name in ("x", "y", "x2", "y2"))]
    body = raw[raw.index(b"<End settings>\n") + len(b"<End settings>\n") :]
    track = np.frombuffer(body[: len(body) // 12 * 12], dtype=fields)
    seconds = track["time"] / 30_000.0
    first, last = min(item[0] for item in trains), max(item[-1] for item in trains)
    grid = np.arange(first, last, 1 / 60)
    return te.block_from_arrays(
        spike_times=trains, t_start=first * pq.s, t_stop=(last + 0.001) * pq.s,
        behavior={"x": np.interp(grid, seconds, track["x"].astype(float))},
        behavior_rate=60 * pq.Hz,
    )  # fmt: skip


def processor_s():
    """Processor time of all processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def analyzed(source, folder):
    """Run the command in a process and a folder of its own; one row, and the reasons."""
    place = folder / f"of_{source.stem}"
    place.mkdir()
    command = [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", str(source)]
    started, used = time.perf_counter(), processor_s()
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    row = {"status": done.returncode, "seconds": time.perf_counter() - started}
    row["processor"] = processor_s() - used
    if done.returncode:
        return {**row, "said": done.stderr.strip()}, {}
    (written,) = place.glob("*_tavrnn.nwb")
    with te.open_results(written) as run:
        facts, n_windows = dict(run.provenance), len(run.windows)
    said = [str(value) for key, value in facts.items() if key.startswith("origin.warnings.")]
    reasons = {key.rpartition(".")[2]: value for key, value in facts.items() if ".advice." in key}
    own = [text for text in said if text.startswith(OF_THE_CHOICE)]
    chosen = {
        name: facts[f"config.analysis.{name}_s"] for name in ("bin_size", "window_length", "step")
    }
    others = len(said) - len(own)
    return {**row, **chosen, "n_windows": n_windows, "own": own, "others": others}, reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", help="one recording, by a part of its name")
    given = parser.parse_args()
    data = Path(os.environ["TAVRNN_EPHYS_DATA"])
    failed = False
    head = f"{'recording':<26}{'status':>7}{'s':>7}{'cpu s':>7}{'bin s':>8}{'window s':>10}"
    print(f"{head}{'step s':>8}{'windows':>9}  own warnings  others")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, place in RECORDINGS.items():
            if given.only and given.only not in name:
                continue
            source = data / place
            source = joined(source, folder) if source.is_dir() else source
            row, reasons = analyzed(source, folder)
            failed |= row["status"] != 0 or row["seconds"] > MOST_S or bool(row.get("own"))
            seconds = f"{row['seconds']:>7.1f}{row['processor']:>7.1f}"
            print(f"{name:<26}{row['status']:>7}{seconds}", end="", flush=True)
            if row["status"]:
                print(f"  {row['said']}")
                continue
            print(
                f"{row['bin_size']:>8.4g}{row['window_length']:>10.4g}{row['step']:>8.4g}"
                f"{row['n_windows']:>9}  {len(row['own']):>12}  {row['others']:>6}"
            )
            for key, reason in reasons.items():
                print(f"    {key}: {reason}")
            for text in row["own"]:
                print(f"    warned: {text}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
