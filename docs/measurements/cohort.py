"""
Measure studies of many recordings: speed, resume, kills, memory, report.

    python docs/measurements/cohort.py --only speed
    python docs/measurements/cohort.py --only kills --kills 50

Every part prints one line per figure. Recordings are simulated.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.studies.cohort.shards import shard_files, write_json

CHOICES = {"bin_size": "50ms", "window": "5s", "step": "1s", "training_epochs": 10}


def make_recordings(folder: Path, n: int, n_nodes: int = 40, duration_s: int = 60) -> list[Path]:
    """Simulate recordings of equal size."""
    files = []
    for seed in range(n):
        block = te.simulate_culture(n_nodes=n_nodes, duration=duration_s * pq.s, seed=seed)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        files.append(te.write_nwb(block, folder / f"culture{seed:03d}.nwb"))
    return files


def arrays(cohort: te.Cohort) -> dict[str, np.ndarray]:
    """Embedding of every recording."""
    return {item.id: cohort.results(item.id).embedding.mean for item in cohort.plan.recordings}


def speed(folder: Path, _: argparse.Namespace) -> None:
    """Two processes beside one, both warm: the same 16 recordings."""
    files = make_recordings(folder, 16)
    seconds = {}
    for workers in (1, 2, 4):
        cohort = te.Cohort.from_manifest(files, folder / f"workers{workers}", **CHOICES)
        begun = time.perf_counter()
        cohort.run(n_workers=workers)
        seconds[workers] = time.perf_counter() - begun
        print(f"{workers} workers: {seconds[workers]:.1f} s")
    print(f"two processes: x{seconds[1] / seconds[2]:.2f} of one")
    reference = arrays(te.Cohort.open(folder / "workers1"))
    for workers in (2, 4):
        found = arrays(te.Cohort.open(folder / f"workers{workers}"))
        same = all(np.array_equal(reference[name], found[name]) for name in reference)
        print(f"{workers} workers equal to one: {same}")


def overhead(folder: Path, _: argparse.Namespace) -> None:
    """Seconds of a shard beyond those of its analysis."""
    files = make_recordings(folder, 6, n_nodes=20, duration_s=30)
    cohort = te.Cohort.from_manifest(files, folder / "study", **CHOICES)
    te.analyze(te.read(files[0]), cohort.plan.recordings[0].choices.config)
    begun = time.perf_counter()
    for item in cohort.plan.recordings:
        result = te.analyze(te.read(item.file), item.choices.config)
        te.write_results(item.file, te.results_of(result), out=folder / f"{item.id}_alone.nwb")
    alone = time.perf_counter() - begun
    begun = time.perf_counter()
    cohort.run()
    beyond = (time.perf_counter() - begun - alone) / len(files)
    print(f"overhead per shard: {beyond:.3f} s beside {alone / len(files):.2f} s of analysis")


def resume(folder: Path, _: argparse.Namespace) -> None:
    """A run on 300 finished shards, and the report over them."""
    (file,) = make_recordings(folder, 1, n_nodes=60, duration_s=30)
    for number in range(300):
        copy = folder / f"c{number:03d}.nwb"
        shutil.copy(file, copy)
        with copy.open("ab") as stream:  # Bytes behind the end of HDF5 make another recording.
            stream.write(number.to_bytes(4, "little"))
    manifest = folder / "cohort.csv"
    rows = [f"c{number:03d}.nwb,k{number},g{number % 2}" for number in range(300)]
    manifest.write_text("file,culture,group\n" + "\n".join(rows) + "\n")
    begun = time.perf_counter()
    cohort = te.Cohort.from_manifest(manifest, folder / "study", **CHOICES)
    print(f"plan of 300: {time.perf_counter() - begun:.1f} s")
    first = cohort.plan.recordings[0]
    part = te.Cohort(study=cohort.study, plan=type(cohort.plan)(recordings=(first,)))
    part.run()
    results, mark = shard_files(cohort.study, first.key)
    facts = te.studies.cohort.shards.read_json(mark)
    for item in cohort.plan.recordings[1:]:
        target, its_mark = shard_files(cohort.study, item.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(results, target)
        write_json(its_mark, facts)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tavrnn_ephys.cli", "cohort", "run", str(cohort.study)])
    print(f"resume of 300 shards, process included: {time.perf_counter() - begun:.1f} s")
    begun = time.perf_counter()
    cohort.report()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"report over 300 shards of 60 nodes: {time.perf_counter() - begun:.1f} s, {peak:.0f} MB")


def kills(folder: Path, options: argparse.Namespace) -> None:
    """Kill worker or client at random, resume, and hold the arrays against an undisturbed run."""
    files = make_recordings(folder, 4, n_nodes=20, duration_s=30)
    reference = arrays(_run(files, folder / "undisturbed"))
    rng = random.Random(0)
    equal = left = 0
    for number in range(options.kills):
        study = folder / f"study{number}"
        cohort = te.Cohort.from_manifest(files, study, **CHOICES)
        client = subprocess.Popen(
            [sys.executable, "-m", "tavrnn_ephys.cli", "cohort", "run", str(study),
             "--workers", "2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(rng.uniform(3, options.longest))
        victim = client.pid if rng.random() < 0.5 else _child(client.pid)
        if victim is not None:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        client.wait()
        cohort.run(n_workers=2)
        found = arrays(cohort)
        equal += all(np.array_equal(reference[name], found[name]) for name in reference)
        names = [path.name for path in (study / "shards").rglob("*") if path.is_file()]
        left += any(name.startswith(".") for name in names) or len(names) != 2 * len(files)
        shutil.rmtree(study)
    print(f"{options.kills} kills: {equal} equal after resume, {left} with something left behind")


def _run(files: list[Path], study: Path) -> te.Cohort:
    cohort = te.Cohort.from_manifest(files, study, **CHOICES)
    cohort.run()
    return cohort


def _child(pid: int) -> int | None:
    shown = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    found = shown.stdout.split()
    return int(found[-1]) if found else None


def beside(folder: Path, _: argparse.Namespace) -> None:
    """Two commands at a time beside one after the other, with the threads that they choose."""
    file = make_recordings(folder, 1, n_nodes=100, duration_s=120)[0]

    def start(number: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", str(file), "--bin-size", "20ms",
             "--window", "5s", "--step", "1s", "--out", str(folder / f"o{number}.nwb"),
             "--overwrite"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    start(0).wait()
    begun = time.perf_counter()
    for number in range(2):
        start(number).wait()
    in_turn = time.perf_counter() - begun
    begun = time.perf_counter()
    for process in [start(number) for number in range(2)]:
        process.wait()
    at_once = time.perf_counter() - begun
    print(f"one after the other {in_turn:.1f} s, at once {at_once:.1f} s: x{at_once / in_turn:.2f}")


PARTS = {"speed": speed, "overhead": overhead, "resume": resume, "kills": kills, "beside": beside}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--longest", type=float, default=12.0, help="latest kill, in seconds")
    options = parser.parse_args()
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder), options)


if __name__ == "__main__":
    main()
