"""
Measure studies of many recordings: speed, resume, kills, memory, report, servers.

    python docs/measurements/cohort.py --only speed
    python docs/measurements/cohort.py --only kills --kills 50

Every part prints one line per figure, and the bound that it is held to. Recordings are simulated,
in temporary folders that are removed. `speed` and `beside` want a quiet machine of two cores.

speed     16 equal recordings: two processes beside one after the other; client, worker, estimate
ways      arrays of 1, 2 and 4 processes, of Dask and of parts beside those of one after the other
overhead  seconds of a shard beyond those of its analysis
resume    a run on 300 finished shards, and the report over them
kills     a worker, a scheduler or a client is killed, the study resumed, the arrays compared
compare   100 recordings of 60 nodes compared
memory    peak of a worker beside its estimate, over sizes of recordings
server    units of a file of 241 MB, read from a slow server that fails now and then
beside    two commands at a time beside one after the other
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.studies.cohort.shards import read_json, read_mark, shard_files, write_json
from tavrnn_ephys.studies.files import analyze_file

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tavrnn_ephys.cli"]
CHOICES = {"bin_size": "50ms", "window": "5s", "step": "1s", "training_epochs": 10}
VICTIMS = ("worker", "scheduler", "client")


def make_recordings(folder: Path, n: int, n_nodes: int = 40, duration_s: int = 60) -> list[Path]:
    """Simulate recordings of equal size."""
    files = []
    for seed in range(n):
        block = te.simulate_culture(n_nodes=n_nodes, duration=duration_s * pq.s, seed=seed)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        files.append(te.write_nwb(block, folder / f"culture{seed:03d}.nwb"))
    return files


def arrays(cohort: te.Cohort) -> dict[str, np.ndarray]:
    """Embedding and weights of every recording."""
    found = {}
    for item in cohort.plan.recordings:
        results = cohort.results(item.id)
        found[item.id, "embedding"] = results.embedding.mean
        found[item.id, "weights"] = np.asarray(results.connectivity.weights)
    return found


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Say whether all arrays are equal to the last bit."""
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def run_command(*words: str) -> tuple[float, float]:
    """Run a command; give its seconds, and the most megabytes of its own process."""
    begun, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _peak_mb(process.pid))
        time.sleep(0.05)
    return time.perf_counter() - begun, peak


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return max((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")),
               default=0.0)  # fmt: skip


def speed(folder: Path, options: argparse.Namespace) -> None:
    """Two processes beside one after the other: the same 16 recordings, start-up included."""
    files = make_recordings(folder, 16, n_nodes=options.nodes, duration_s=options.seconds)
    seconds = {}
    ways = {"serial": [], "2 workers": ["--workers", "2"]}
    for name, words in ways.items():
        study = folder / name.replace(" ", "_")
        cohort = te.Cohort.from_manifest(files, study, **{**CHOICES, "training_epochs": 40})
        seconds[name], client = run_command("cohort", "run", str(study), *words)
        print(f"{name}: {seconds[name]:.1f} s, its own process {client:.0f} MB", flush=True)
    print(f"2 workers: x{seconds['serial'] / seconds['2 workers']:.2f} of serial (at least 1.85)")
    print(f"client of 2 workers: {client:.0f} MB (at most 400)")
    marks = [read_mark(cohort.study, item.key) for item in cohort.plan.recordings]
    peak = max(mark["peak_memory"] for mark in marks)
    estimate = cohort.plan.recordings[0].memory
    print(f"worker: {peak / 1e6:.0f} MB, estimated {estimate / 1e6:.0f} MB: "
          f"x{peak / estimate:.2f} (at most 1.2)")  # fmt: skip
    reference = arrays(te.Cohort.open(folder / "serial"))
    print(f"2 workers equal to serial: {equal(reference, arrays(cohort))}")


def ways(folder: Path, _: argparse.Namespace) -> None:
    """Arrays of 1, 2 and 4 processes, of Dask and of parts beside those of one after the other."""
    files = make_recordings(folder, 4, n_nodes=20, duration_s=20)
    reference = arrays(_run(files, folder / "serial"))
    for n_workers in (1, 2, 4):
        cohort = te.Cohort.from_manifest(files, folder / f"workers{n_workers}", **CHOICES)
        cohort.run(n_workers=n_workers)
        same = equal(reference, arrays(cohort))
        print(f"{n_workers} workers equal to serial: {same}", flush=True)
    cohort = te.Cohort.from_manifest(files, folder / "parts", **CHOICES)
    for number in (3, 1, 2):
        cohort.run(part=(number, 3))
    print(f"3 parts equal to serial: {equal(reference, arrays(cohort))}", flush=True)
    cohort = te.Cohort.from_manifest(files, folder / "dask", **CHOICES)
    run_command("cohort", "run", str(cohort.study), "--engine", "dask", "--workers", "2")
    print(f"Dask equal to serial: {equal(reference, arrays(cohort))}")


def overhead(folder: Path, _: argparse.Namespace) -> None:
    """Seconds of a shard beyond those of its analysis, each recording beside itself."""
    files = make_recordings(folder, 7, n_nodes=20, duration_s=30)
    cohort = te.Cohort.from_manifest(files, folder / "study", **CHOICES)
    config = cohort.plan.recordings[0].choices.config
    rows = []
    for number, item in enumerate(cohort.plan.recordings, 1):
        clocks = [_clocks()]
        analyze_file(Path(item.file), folder / f"{item.id}_alone.nwb", config)
        clocks.append(_clocks())
        cohort.run(part=(number, len(files)))
        clocks.append(_clocks())
        rows.append(np.diff(clocks, axis=0))
    alone, shard = np.moveaxis(rows[1:], 1, 0)  # The first loads and compiles.
    beyond, processor = np.median(shard - alone, axis=0)
    print(f"overhead per shard, median of {len(files) - 1}: {beyond:.3f} s (at most 0.3), "
          f"{processor:.3f} s of them of the processor, beside {np.median(alone[:, 0]):.2f} s of "
          "analysis")  # fmt: skip


def _clocks() -> tuple[float, float]:
    """Seconds on the wall, and of the processor."""
    return time.perf_counter(), time.process_time()


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
    print(f"plan of 300: {time.perf_counter() - begun:.1f} s", flush=True)
    first = cohort.plan.recordings[0]
    part = te.Cohort(study=cohort.study, plan=type(cohort.plan)(recordings=(first,)))
    part.run()
    results, mark = shard_files(cohort.study, first.key)
    facts = read_json(mark)
    for item in cohort.plan.recordings[1:]:
        target, its_mark = shard_files(cohort.study, item.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(results, target)
        write_json(its_mark, facts)
    seconds, peak = run_command("cohort", "run", str(cohort.study), "--workers", "2")
    print(f"resume of 300 shards, start of the command included: {seconds:.1f} s (below 5), "
          f"{peak:.0f} MB (at most 400)", flush=True)  # fmt: skip
    for n_workers in (1, 2):
        words = ["--workers", str(n_workers), "--out", str(folder / f"t{n_workers}")]
        used = _processor_s()
        seconds, peak = run_command("cohort", "report", str(cohort.study), *words)
        print(f"report over 300 shards of 60 nodes, {n_workers} at work: {seconds:.1f} s "
              f"(below 60), {_processor_s() - used:.1f} s of the processor, {peak:.0f} MB",
              flush=True)  # fmt: skip


def _processor_s() -> float:
    """Seconds of the processor that processes took which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(folder: Path, _: argparse.Namespace) -> None:
    """100 recordings of 60 nodes compared; ten are simulated, and each is read ten times."""
    made = make_recordings(folder, 10, n_nodes=60, duration_s=60)
    files = [folder / f"c{number:03d}.nwb" for number in range(100)]
    for number, file in enumerate(files):
        os.link(made[number % 10], file)
    seconds, peak = run_command(
        "compare", *map(str, files), "--bin-size", "50ms", "--window", "5s", "--step", "1s"
    )
    print(f"compare of 100 recordings of 60 nodes: {peak:.0f} MB (below 1000), {seconds:.1f} s")


def memory(folder: Path, _: argparse.Namespace) -> None:
    """Peak of a process that analyses one recording, beside the estimate of the plan."""
    for n_nodes, duration_s in ((40, 60), (200, 120), (400, 300), (800, 120)):
        own = folder / f"{n_nodes}"
        own.mkdir()
        files = make_recordings(own, 1, n_nodes=n_nodes, duration_s=duration_s)
        choices = {**CHOICES, "training_epochs": 2}
        cohort = te.Cohort.from_manifest(files, own / "study", **choices)
        run_command("cohort", "run", str(cohort.study), "--workers", "1")
        (item,) = cohort.plan.recordings
        peak = read_mark(cohort.study, item.key)["peak_memory"]
        print(f"{n_nodes} nodes, {item.n_windows} windows: {peak / 1e6:.0f} MB, estimated "
              f"{item.memory / 1e6:.0f} MB: x{peak / item.memory:.2f} (at most 1.2)",
              flush=True)  # fmt: skip


def kills(folder: Path, options: argparse.Namespace) -> None:
    """Kill worker, scheduler or client at random, resume, and compare with an undisturbed run."""
    files = make_recordings(folder, 4, n_nodes=20, duration_s=30)
    undisturbed = _run(files, folder / "undisturbed")
    reference = arrays(undisturbed)
    rng = random.Random(options.seed)
    n_equal = n_left = n_hit = 0
    struck = dict.fromkeys(VICTIMS, 0)
    for number in range(options.kills):
        study = folder / f"study{number}"
        cohort = te.Cohort.from_manifest(files, study, **CHOICES)
        victim = VICTIMS[number % 3]
        finished = _killed(study, victim, rng.uniform(0.0, options.longest))
        n_hit += not finished
        struck[victim] += not finished
        status = cohort.run()
        found = arrays(cohort) if status.is_complete else {}
        n_equal += equal(reference, found)
        names = [path.name for path in (study / "shards").rglob("*") if path.is_file()]
        strange = [name for name in names if name.startswith(".")]
        n_left += bool(strange) or len(names) != 2 * len(files) or bool(_ours(study))
        shutil.rmtree(study)
        print(f"kill {number + 1}, {victim}: {n_equal} equal, {n_left} with a rest", flush=True)
    hits = ", ".join(f"{count} at a {name}" for name, count in struck.items())
    print(f"{options.kills} kills, {n_hit} before the end of the run ({hits}): {n_equal} equal "
          f"after resume, {n_left} with something left behind")  # fmt: skip


def _killed(study: Path, victim: str, after_s: float) -> bool:
    """Run a study, kill one of its processes, and say whether the run came to its end before."""
    words = [*COMMAND, "cohort", "run", str(study)]
    with _scheduler(study.parent) if victim == "scheduler" else _nothing() as (address, pid):
        words += ["--workers", "2"] if address is None else ["--engine", address]
        client = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Counted from the first start of a recording, so that processes are at work.
        while client.poll() is None and not any((study / "shards").rglob("*")):
            time.sleep(0.02)
        time.sleep(after_s)
        finished = client.poll() is not None
        if not finished:
            found = {"client": client.pid, "scheduler": pid}.get(victim) or _child(client.pid)
            if found:
                os.kill(found, signal.SIGKILL)
        client.wait(900)
        deadline = time.monotonic() + 120
        while _ours(study) and time.monotonic() < deadline:  # Workers end by themselves.
            time.sleep(0.1)
    return finished


@contextmanager
def _nothing() -> Iterator[tuple[None, None]]:
    yield None, None


@contextmanager
def _scheduler(folder: Path) -> Iterator[tuple[str, int]]:
    place = folder / "scheduler.json"
    place.unlink(missing_ok=True)
    where = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(place)]
    alone = [sys.executable, "-m", "distributed.cli.dask_scheduler", *where, "--port", "0"]
    scheduler = subprocess.Popen(alone, stderr=subprocess.DEVNULL)
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *where, "--nthreads", "1",
              "--nworkers", "2", "--death-timeout", "5", "--local-directory",
              str(folder)]  # fmt: skip
    workers = subprocess.Popen(worker, stderr=subprocess.DEVNULL)
    try:
        while not place.exists() or not place.read_text().strip():
            time.sleep(0.1)
        yield json.loads(place.read_text())["address"], scheduler.pid
    finally:
        for process in (workers, scheduler):
            process.terminate()
            process.wait(60)


def _ours(study: Path) -> list[str]:
    """Processes that still hold the lock of a shard of a study."""
    found = []
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = os.readlink(place)
        except OSError:
            continue
        if target.startswith(str(study)) and place.parts[2] != str(os.getpid()):
            found.append(place.parts[2])
    return found


def _run(files: list[Path], study: Path) -> te.Cohort:
    cohort = te.Cohort.from_manifest(files, study, **CHOICES)
    cohort.run()
    return cohort


def _child(pid: int) -> int | None:
    """The last process that another has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = place.read_text()
            name, parent = place.parts[2], int(text.rpartition(")")[2].split()[1])
            is_worker = b"spawn_main" in (place.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and is_worker:
            found.append(int(name))
    return max(found, default=None)


def server(folder: Path, _: argparse.Namespace) -> None:
    """Units of a file of 241 MB, from a server that is slow, busy, and breaks off."""
    sys.path.insert(0, str(ROOT))
    from tests.servers import serving

    path = _large_nwb(folder / "large.nwb")
    size = path.stat().st_size
    here = te.read(path).segments[0].spiketrains
    print(f"file of {size / 1e6:.0f} MB with {len(here)} units")
    with serving(path) as (address, served):
        served.delay_s = 0.05
        begun = time.perf_counter()
        there = te.read(address).segments[0].spiketrains
        seconds = time.perf_counter() - begun
    same = all(np.array_equal(one.magnitude, two.magnitude)
               for one, two in zip(here, there, strict=True))  # fmt: skip
    print(f"50 ms a request: {served.n_requests} requests (at most 12), {served.n_bytes / 1e6:.2f} "
          f"MB, {100 * served.n_bytes / size:.2f} % (at most 2), {seconds:.1f} s, equal: {same}",
          flush=True)  # fmt: skip
    for fault in ("busy", "cut", "no parts", "changes", "down", 403, 404):
        with serving(path) as (address, served):
            served.fault = fault
            try:
                there = te.read(address).segments[0].spiketrains
                said = f"read, equal: {np.array_equal(there[0].magnitude, here[0].magnitude)}"
            except FileFormatError as error:
                said = str(error)
        print(f"{fault}: {said}", flush=True)


def _large_nwb(path: Path) -> Path:
    import pynwb

    rng = np.random.default_rng(0)
    start = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    nwbfile = pynwb.NWBFile(session_description="x", identifier="x", session_start_time=start)
    group = nwbfile.create_electrode_group(
        "shank", description="x", location="CA1", device=nwbfile.create_device("probe")
    )
    for _ in range(8):
        nwbfile.add_electrode(location="CA1", group=group)
    voltage = rng.integers(-500, 500, (15_000_000, 8), dtype=np.int16)
    region = nwbfile.create_electrode_table_region(list(range(8)), "all")
    nwbfile.add_acquisition(
        pynwb.ecephys.ElectricalSeries(
            name="raw", data=voltage, electrodes=region, rate=30_000.0, conversion=1e-6
        )
    )
    for _ in range(60):
        nwbfile.add_unit(spike_times=np.sort(rng.uniform(0, 500, 1000)))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(nwbfile)
    return path


def beside(folder: Path, options: argparse.Namespace) -> None:
    """Two commands at a time beside one after the other, with the threads that they choose."""
    for n_nodes in options.sizes:
        own = folder / f"{n_nodes}"
        own.mkdir()
        file = make_recordings(own, 1, n_nodes=n_nodes, duration_s=120)[0]

        def start(number: int, file: Path = file) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*COMMAND, "analyze", str(file), "--bin-size", "20ms", "--window", "5s", "--step",
                 "1s", "--out", str(folder / f"o{number}.nwb"), "--overwrite"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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
        print(f"{n_nodes} nodes: one after the other {in_turn:.1f} s, at once {at_once:.1f} s: "
              f"x{at_once / in_turn:.2f} (at most 1.2)", flush=True)  # fmt: skip


PARTS = {
    "speed": speed, "ways": ways, "overhead": overhead, "resume": resume, "kills": kills,
    "compare": compare, "memory": memory, "server": server, "beside": beside,
}  # fmt: skip


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="seed of the kills")
    parser.add_argument("--longest", type=float, default=6.0, help="latest kill, in seconds")
    parser.add_argument("--nodes", type=int, default=60, help="nodes of a recording of speed")
    parser.add_argument("--seconds", type=int, default=120, help="its length")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400],
                        help="nodes of the recordings of beside")  # fmt: skip
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder), options)


if __name__ == "__main__":
    main()
