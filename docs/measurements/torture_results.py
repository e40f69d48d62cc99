"""
Interrupt the writing of results in every way that happens, and look at what is left.

    python docs/measurements/torture_results.py [--kills 200] [--full 50] [--ctrl-c 30] [--pairs 20]

After every interruption the file must be the old or the new version, open in PyNWB, and take the
next run; after that no temporary file may lie beside it.  Disk-full errors come from a tmpfs of
a size that is just too small where one can be mounted, and else from a limit on file sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import multiprocessing
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
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import results as _loaded_before_forking  # noqa: F401
from tavrnn_ephys.core.errors import TavrnnEphysError

_FORK = multiprocessing.get_context("fork")
_REFUSED, _STOPPED = 2, 130
_RUN = "attacked"


def make_recording(path: Path, n_nodes: int = 20) -> Path:
    """Write a recording of a few units, whose spikes no test looks at."""
    import quantities as pq

    counts = np.random.default_rng(0).poisson(0.4, (n_nodes, 2000))
    block = te.block_from_arrays(counts=counts, bin_size=20 * pq.ms)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return te.write_nwb(block, path)


def make_results(path: Path, version: int, n_windows: int = 40) -> te.Results:
    """Make results of a recording that differ from version to version."""
    rng = np.random.default_rng(version)
    nodes = _nodes(path)
    starts = 0.5 * np.arange(n_windows)
    windows = te.Windows(start_s=starts, stop_s=starts + 1.0)
    weights = rng.uniform(-1, 1, (n_windows, len(nodes), len(nodes)))
    connectivity = te.ConnectivitySequence(
        weights=weights + weights.swapaxes(1, 2), windows=windows, nodes=nodes, measure="pearson"
    )
    embedding = te.NodeEmbedding(
        mean=rng.normal(size=(n_windows, len(nodes), 8)),
        std=rng.random((n_windows, len(nodes), 8)),
        windows=windows,
        nodes=nodes,
        config={"version": version},
    )
    return te.Results(
        embedding=embedding, connectivity=connectivity, graphs=te.build_graphs(connectivity)
    )


def _nodes(path: Path) -> te.Nodes:
    with h5py.File(path, "r") as file:
        count = len(file["units/id"])
    return te.Nodes(ids=map(str, range(count)), rows=range(count), table="units")


class Bench:
    """A file with a steady run, and a run that is attacked while it is replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.target = folder, folder / "culture.nwb"
        recording = make_recording(folder / "recording.nwb")
        self.steady = make_results(recording, 0)
        te.write_results(recording, self.steady, out=self.target, run="steady")
        self.units = _digest_of_recording(self.target)
        self.version = 0
        self.versions = {0: make_results(self.target, 100)}
        te.write_results(self.target, self.versions[0], way="in_place", run=_RUN)

    def next_write(self) -> tuple[int, Callable[[], Any]]:
        """Prepare the writing of the next version."""
        version = self.version + 1
        self.versions = {
            self.version: self.versions[self.version],
            version: make_results(self.target, 100 + version),
        }
        return version, lambda: te.write_results(
            self.target, self.versions[version], way="in_place", run=_RUN, replace=True
        )

    def check(self, version: int) -> str:
        """Demand the old or the new version, whole, beside an unchanged rest."""
        with pynwb.NWBHDF5IO(self.target, "r") as io:
            nwbfile = io.read()
            assert len(nwbfile.units.id) == len(self.steady.nodes)
            assert len(nwbfile.processing["ecephys"].data_interfaces) >= 10
        found = te.read_results(self.target, run=_RUN, what="all")
        state = "new" if found.embedding.config["version"] == self._stored(version) else "old"
        wanted = self.versions[version if state == "new" else self.version]
        for part in ("embedding", "connectivity", "graphs"):
            assert getattr(found, part) == getattr(wanted, part), part
        assert te.read_results(self.target, run="steady") == self.steady.embedding
        assert _digest_of_recording(self.target) == self.units
        if state == "new":
            self.version = version
        return state

    def _stored(self, version: int) -> int:
        return int(self.versions[version].embedding.config["version"])

    def succeed(self) -> None:
        """Write the next version undisturbed; nothing temporary may be left."""
        version, write = self.next_write()
        write()
        assert self.check(version) == "new"
        assert self.strays() == [], self.strays()

    def strays(self) -> list[str]:
        """Name what lies beside the files that belong here."""
        known = {"culture.nwb", "recording.nwb", "lost+found"}
        return sorted(set(os.listdir(self.folder)) - known)


def _digest_of_recording(path: Path) -> bytes:
    with h5py.File(path, "r") as file:
        units = file["units"]
        return b"".join(units[name][:].tobytes() for name in ("spike_times", "spike_times_index"))


def _in_child(work: Callable[[], Any]) -> Any:
    def run() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            work()
        except TavrnnEphysError as error:
            os._exit(_REFUSED if len(str(error)) > 20 else 3)
        except KeyboardInterrupt:
            os._exit(_STOPPED)
        os._exit(0)

    process = _FORK.Process(target=run)
    process.start()
    return process


def _interrupt(bench: Bench, times: int, number: int, seed: int) -> Counter[str]:
    """Send a signal at random moments of writing."""
    rng, counts = random.Random(seed), Counter[str]()
    started = time.perf_counter()
    bench.succeed()
    duration = time.perf_counter() - started
    for _ in range(times):
        version, write = bench.next_write()
        process = _in_child(write)
        time.sleep(rng.uniform(0, duration))
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        process.join()
        finished = "ended before" if process.exitcode == 0 else "interrupted"
        counts[f"{finished}, {bench.check(version)} version"] += 1
        bench.succeed()
    return counts


def kills(bench: Bench, times: int, seed: int = 0) -> Counter[str]:
    """Kill the writing process."""
    return _interrupt(bench, times, signal.SIGKILL, seed)


def ctrl_c(bench: Bench, times: int, seed: int = 1) -> Counter[str]:
    """Interrupt the writing process as a keyboard does."""
    return _interrupt(bench, times, signal.SIGINT, seed)


@contextlib.contextmanager
def _tmpfs(folder: Path) -> Iterator[bool]:
    command = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _resize(folder: Path, size: int) -> None:
    command = ["mount", "-o", f"remount,size={size}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def full_disk(folder: Path, times: int, seed: int = 2) -> Counter[str]:
    """Let the disk run full at random moments of writing."""
    rng = random.Random(seed)
    with _tmpfs(folder) as mounted:
        bench = Bench(folder)
        counts = Counter({"on a tmpfs" if mounted else "by a limit on file sizes": times})
        for _ in range(times):
            version, write = bench.next_write()
            size = bench.target.stat().st_size
            if mounted:
                used = sum(path.stat().st_size for path in folder.iterdir())
                # Beside the file there must be room for its copy and for what comes to it.
                _resize(folder, used + int(rng.uniform(0.02, 1.2) * (size + 2**22)) // 4096 * 4096)
                process = _in_child(write)
            else:
                limit = int(rng.uniform(0.02, 1.1) * size)
                process = _in_child(lambda limit=limit, write=write: _limited(limit, write))
            process.join()
            if mounted:
                _resize(folder, 2**28)
            code = process.exitcode
            assert code in (0, _REFUSED), f"the writer died with {code}"
            state = bench.check(version)
            assert state == ("new" if code == 0 else "old")
            counts[f"{'room enough' if code == 0 else 'refused'}, {state} version"] += 1
            assert bench.strays() == [], bench.strays()
            bench.succeed()
        return counts


def filled_meanwhile(folder: Path, times: int, seed: int = 4) -> Counter[str]:
    """Let another process fill the disk at random moments of writing."""
    rng = random.Random(seed)
    counts = Counter[str]()
    with _tmpfs(folder) as mounted:
        if not mounted:
            return Counter({"left out, for want of a tmpfs": 1})
        bench = Bench(folder)
        started = time.perf_counter()
        bench.succeed()
        duration = time.perf_counter() - started
        for _ in range(times):
            version, write = bench.next_write()
            process = _in_child(write)
            time.sleep(rng.uniform(0, duration))
            # Smaller than what is there already is refused; by and by there is no room left.
            for extra in (0, 4096, 2**14, 2**16, 2**18):
                used = os.statvfs(folder)
                with contextlib.suppress(subprocess.CalledProcessError):
                    _resize(folder, (used.f_blocks - used.f_bfree) * used.f_frsize + extra)
                    break
            process.join()
            _resize(folder, 2**28)
            code = process.exitcode
            state = bench.check(version)
            assert state == "new" if code == 0 else True
            assert code in (0, _REFUSED) or code < 0, f"the writer ended with {code}"
            end = {0: "room enough", _REFUSED: "refused"}.get(code, "process aborted by HDF5")
            counts[f"{end}, {state} version"] += 1
            bench.succeed()
    return counts


def _limited(limit: int, write: Callable[[], Any]) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    write()


def read_only(bench: Bench) -> str:
    """Write into a folder without the right to."""
    version, write = bench.next_write()

    def without_rights() -> None:
        if os.geteuid() == 0:
            os.seteuid(65534)
        write()

    modes = {path: path.stat().st_mode for path in (bench.folder, bench.target)}
    for path in modes:
        path.chmod(0o555)
    try:
        process = _in_child(without_rights)
        process.join()
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert process.exitcode == _REFUSED, process.exitcode
    assert bench.check(version) == "old"
    assert bench.strays() == []
    return "refused, old version"


def open_elsewhere(bench: Bench, mode: str) -> str:
    """Write while another process has the file open."""
    version, write = bench.next_write()
    ready, done = _FORK.Event(), _FORK.Event()

    def hold() -> None:
        with h5py.File(bench.target, mode) as file:
            ready.set()
            done.wait()
            assert "units" in file

    holder = _in_child(hold)
    ready.wait()
    process = _in_child(write)
    process.join()
    done.set()
    holder.join()
    assert holder.exitcode == 0, "the reader lost its file"
    expected = (0, "new") if mode == "r" else (_REFUSED, "old")
    assert (process.exitcode, bench.check(version)) == expected
    bench.succeed()
    return f"{'written' if mode == 'r' else 'refused'}, {expected[1]} version"


def two_writers(bench: Bench, times: int) -> Counter[str]:
    """Let two processes write runs of their own into one file at once."""
    counts = Counter[str]()
    for index in range(times):
        gate = _FORK.Event()
        names = [f"pair_{index}_{letter}" for letter in "ab"]

        def write(name: str, gate: Any = gate) -> None:
            gate.wait()
            te.write_results(bench.target, bench.steady, way="in_place", run=name)

        processes = [_in_child(lambda name=name: write(name)) for name in names]
        gate.set()
        for process in processes:
            process.join()
        codes = [process.exitcode for process in processes]
        assert set(codes) <= {0, _REFUSED}, codes
        assert 0 in codes
        there = {run.name for run in te.list_runs(bench.target)}
        written = [name for name, code in zip(names, codes, strict=True) if code == 0]
        assert there & set(names) == set(written)
        assert bench.strays() == [], bench.strays()
        te.delete_runs(bench.target, *written)
        counts[f"{codes.count(0)} written, {codes.count(_REFUSED)} refused"] += 1
    bench.succeed()
    return counts


def main(arguments: list[str] | None = None) -> None:
    """Run everything, and print what came of it."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name, default in (("kills", 200), ("full", 50), ("ctrl-c", 30), ("pairs", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        # Others than root must get in, for the folder without rights.
        os.chmod(name, 0o755)
        bench = Bench(_made(Path(name) / "bench"))
        report("SIGKILL", kills(bench, options.kills))
        report("Ctrl-C", ctrl_c(bench, options.ctrl_c))
        report("disk full", full_disk(_made(Path(name) / "full"), options.full))
        meanwhile = filled_meanwhile(_made(Path(name) / "filled"), options.full)
        report("disk filled by another process", meanwhile)
        report("read-only folder", read_only(bench))
        report("open for reading elsewhere", open_elsewhere(bench, "r"))
        report("open for writing elsewhere", open_elsewhere(bench, "r+"))
        report("two writers at once", two_writers(bench, options.pairs))
        size, files = bench.target.stat().st_size, len(os.listdir(bench.folder))
        report("at the end", f"{size} bytes, {files} files in the folder")
    print(f"{time.perf_counter() - started:.0f} s; every check held", flush=True)


def _made(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def report(what: str, found: Any) -> None:
    """Print one line."""
    if isinstance(found, Counter):
        found = ", ".join(f"{count} x {text}" for text, count in sorted(found.items()))
    print(f"{what}: {found}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
