"""
Compare all methods on real recordings, under the protocol of docs/explanation/evaluation.md.

    python docs/measurements/real_benchmark.py --data DIR --out DIR
    python docs/measurements/real_benchmark.py --data DIR --out DIR --tasks hc11-ends --seeds 3

``--data`` is the folder of recordings that tests know as TAVRNN_EPHYS_DATA.  Runs go on where
they were stopped.  Cells of the miniscope are the hundred with most events, whatever the mouse
does; nothing else is chosen.  Days in vitro are decoded from one vector per recording, the
spectrum of its node embeddings, with a whole recording left out, beside all orders of the days.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import quantities as pq
import scipy.io

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.counts_of_windows import graphs_for_method
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.evaluation import BenchmarkTask
from tavrnn_ephys.methods import choose_methods
from tavrnn_ephys.studies.benchmark import MethodFactory, benchmark

TASKS = ("hc11-ends", "hc11-position", "monkey-target", "miniscope-position", "track-run-rest")
DAYS = (21, 27, 34, 41, 45, 59, 73)
_TRIAL_BINS, _N_CELLS = 31, 100


@dataclass(frozen=True, kw_only=True)
class RealSource:
    """A task on one session of a recording."""

    name: str
    data: str
    session: str = "0"

    def load(self) -> BenchmarkTask:
        """Read the session."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", te.DataLossWarning)
            parts = _LOADERS[self.name](Path(self.data), self.session)
        return BenchmarkTask(name=self.name, session=self.session, **parts)


def _hc11(data: Path):
    arrays = np.load(data / "rat-hippocampus-hc11/achilles.npz")
    counts = arrays["x"].T.astype(np.uint8)
    nodes = Nodes(ids=[f"u{k}" for k in range(len(counts))])
    return BinnedActivity(values=counts, bin_size_s=0.025, nodes=nodes), arrays["b"][:, 0]


def hc11_ends(data: Path, _: str) -> dict:
    """One window per stay at either end of the track, as in the paper."""
    activity, position = _hc11(data)
    windows = te.label_windows(
        position,
        activity,
        label_of=lambda x: np.select([x < 0.2, (x > 1.5) & (x < 1.7)], ["start", "end"], ""),
        min_length=0.25 * pq.s,
    )
    behavior = windows.columns["label"]
    return {"activity": activity, "windows": windows, "behavior": behavior, "n_folds": 6}


def hc11_position(data: Path, _: str) -> dict:
    """Mean position in windows of one second."""
    activity, position = _hc11(data)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    behavior = position[: 40 * len(windows)].reshape(-1, 40).mean(axis=1)
    return {"activity": activity, "windows": windows, "behavior": behavior,
            "kind": "regression", "n_folds": 6}  # fmt: skip


def monkey_target(data: Path, _: str) -> dict:
    """One window per reach; four targets."""
    arrays = scipy.io.loadmat(data / "monkey-m1-reach/chewie_demo.mat")
    counts, targets = [], []
    for part in ("tr", "te"):
        n_bins = len(arrays[f"T{part}"]) // _TRIAL_BINS * _TRIAL_BINS
        counts.append(arrays[f"Y{part}"][:n_bins].T)
        targets.append(arrays[f"T{part}"].ravel()[:n_bins:_TRIAL_BINS])
    values = np.concatenate(counts, axis=1).astype(np.uint8)
    nodes = Nodes(ids=[f"u{k}" for k in range(len(values))])
    activity = BinnedActivity(values=values, bin_size_s=0.05, nodes=nodes)
    length = _TRIAL_BINS * 0.05 * pq.s
    windows = te.sliding_windows(activity, window_length=length, step=length)
    behavior = np.char.add("target ", np.concatenate(targets).astype(str))
    return {"activity": activity, "windows": windows, "behavior": behavior, "n_folds": 6}


def miniscope_position(data: Path, session: str) -> dict:
    """Mean position in windows of two seconds; a session is one run of three minutes."""
    folder = data / "mouse-ca1-miniscope/C11_M1/Environment A"
    trial = int(session.removeprefix("trial"))
    log = np.genfromtxt(folder / "frameLog_1.csv", delimiter=",", skip_header=1, usecols=(2, 3))
    first, last = (int(value) for value in log[trial - 1])
    events = scipy.io.loadmat(folder / "finalEventsMat_1.mat")["allEventsMat"]
    cells = np.sort(np.argsort((events > 0).sum(axis=0))[::-1][:_N_CELLS])
    moved = scipy.io.loadmat(folder / "behavior_1.mat")["my_mvmt"].ravel()[trial - 1]
    position = moved["position"][0, 0].ravel().astype(float)
    n_windows = min(last - first + 1, len(position)) // 40
    activity = BinnedActivity(
        values=events[first - 1 : first - 1 + 40 * n_windows, cells].T,
        bin_size_s=0.05,
        nodes=Nodes(ids=[f"c{k}" for k in cells], kind="roi"),
        quantity="trace",
    )
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    behavior = np.nanmean(position[: 40 * n_windows].reshape(-1, 40), axis=1)
    return {"activity": activity, "windows": windows, "behavior": behavior,
            "kind": "regression", "n_folds": 4}  # fmt: skip


def track_run_rest(data: Path, _: str) -> dict:
    """Run until the lamp of the animal goes out, then rest: one change in half an hour."""
    folder = data / "rat-linear-track"
    block = te.read_mat(folder / "spikes.mat", spike_times="spikes[0][0][*][*].time")
    raw = (folder / "trajectory.videoPositionTracking").read_bytes()
    end = raw.index(b"<End settings>\n") + len(b"<End settings>\n")
    fields = [("time", "<u4"), *((name, "<u2") for name in ("x", "y", "x2", "y2"))]
    track = np.frombuffer(raw[end:], dtype=fields, count=(len(raw) - end) // 12)
    moving_s = track["time"][1:][np.diff(track["x"].astype(int)) != 0] / 30000
    activity = te.bin_activity(block.segments[0], bin_size=20 * pq.ms)
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    windows = windows.select(windows.start_s >= track["time"][0] / 30000)
    behavior = np.where(windows.start_s < moving_s.max(), "run", "rest")
    return {"activity": activity, "windows": windows, "behavior": behavior, "n_folds": 6}


_LOADERS = {
    "hc11-ends": hc11_ends,
    "hc11-position": hc11_position,
    "monkey-target": monkey_target,
    "miniscope-position": miniscope_position,
    "track-run-rest": track_run_rest,
}


def sources_of(task: str, data: str) -> list[RealSource]:
    """Sessions of a task."""
    sessions = [f"trial{k}" for k in range(2, 7)] if task == "miniscope-position" else ["0"]
    return [RealSource(name=task, data=data, session=session) for session in sessions]


def days_in_vitro(data: Path, methods: dict, seed: int) -> None:
    """Print how well the day follows from a recording that training has not seen."""
    recordings = []
    for day in DAYS:
        block = te.read(data / f"hipsc-mea/hiPSN_tc65_d{day}_spikes6sd.h5")
        activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
        windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
        recordings.append((compute_connectivity(activity, windows), activity))
    print("\ndays in vitro, one culture, a recording of seven left out; chance: all orders of days")
    for name, make in methods.items():
        try:
            vectors = np.stack([_spectrum(make(seed), *item) for item in recordings])
        except Exception as error:
            print(f"  {name:<22} failed: {error}")
            continue
        days = np.array(DAYS, dtype=float)
        found = _left_out(vectors, days)
        rng = np.random.default_rng(0)
        null = [_left_out(vectors, rng.permutation(days)) for _ in range(999)]
        p_value = (np.sum(np.array(null) >= found) + 1) / 1000
        print(
            f"  {name:<22} explained variance {found:6.2f}   chance up to "
            f"{np.quantile(null, 0.95):5.2f}   p {p_value:.3f}",
            flush=True,
        )


def _spectrum(method, connectivity, activity) -> np.ndarray:
    """Mean over windows of the singular values of the node embeddings, whatever the nodes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graphs = graphs_for_method(
            connectivity,
            activity,
            features=method.features,
            history_node=method.history_node,
        )
        if method.supervision == "label":
            raise ValueError("one label per recording teaches nothing within it")
        mean = np.asarray(method.fit(graphs).transform(graphs).mean, dtype=float)
    values = np.linalg.svd(mean, compute_uv=False).mean(axis=0) / np.sqrt(mean.shape[1])
    padded = np.zeros(8)
    padded[: len(values[:8])] = values[:8]
    return np.log(padded + 1e-3)


def _left_out(vectors: np.ndarray, days: np.ndarray) -> float:
    """Explained variance of ridge regression, one recording left out at a time."""
    predicted, baseline = np.empty(len(days)), np.empty(len(days))
    for index in range(len(days)):
        kept = np.arange(len(days)) != index
        mean, std = vectors[kept].mean(axis=0), vectors[kept].std(axis=0) + 1e-9
        train, test = (vectors[kept] - mean) / std, (vectors[index] - mean) / std
        gram = train @ train.T + len(train) * np.eye(len(train))
        baseline[index] = days[kept].mean()
        predicted[index] = baseline[index] + test @ train.T @ np.linalg.solve(
            gram, days[kept] - baseline[index]
        )
    return 1 - np.square(days - predicted).sum() / np.square(days - baseline).sum()


def main() -> None:
    """Run the tasks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("TAVRNN_EPHYS_DATA"), help="recordings")
    parser.add_argument("--out", required=True, help="folder for records, tables and figures")
    parser.add_argument("--tasks", default=",".join((*TASKS, "days-in-vitro")))
    parser.add_argument("--methods", default="all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    if not options.data:
        parser.error("name the folder of recordings: --data DIR, or set TAVRNN_EPHYS_DATA")
    methods = {
        name: MethodFactory(entry=entry, n_steps=options.steps, latent_size=8)
        for name, entry in choose_methods(options.methods).items()
    }
    wanted = options.tasks.split(",")
    tasks = [
        (source, seed)
        for seed in range(options.seeds)
        for task in TASKS
        if task in wanted
        for source in sources_of(task, options.data)
    ]
    if tasks:
        report = benchmark(
            tasks, methods, options.out, settings={"n_steps": options.steps},
            n_jobs=options.n_jobs, verbose=True,
        )  # fmt: skip
        print(report)
    if "days-in-vitro" in wanted:
        days_in_vitro(Path(options.data), methods, seed=0)


if __name__ == "__main__":
    main()
