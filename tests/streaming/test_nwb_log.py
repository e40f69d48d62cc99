"""What a stream took in and said, as an NWB file, whatever ended it."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc
import warnings

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.streaming.sinks._layout import lay_out
from tavrnn_ephys.streaming.sinks.nwb_log import _block, _results, journal_of
from tests.streaming.models import BIN_S, committed, fitted

ABOUT = {
    "session_description": "A simulated culture that is streamed.",
    "experimenter": ["Simulation, Numerical"],
    "institution": "none (simulation)",
    "lab": "none (simulation)",
    "keywords": ["simulation"],
    "experiment_description": "No animal and no device is behind it.",
    "subject": {
        "subject_id": "simulated", "description": "Simulated culture.", "sex": "U",
        "species": "Rattus norvegicus", "age": "P21D",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A log of a stream with a gap, its model and its updates."""
    folder = tmp_path_factory.mktemp("log")
    model, activity, *_ = fitted()
    model.save(folder / "model.npz")
    values = np.asarray(activity.values)

    def chunks():
        for index in [*range(100), *range(101, 200), *range(300, 420)]:
            yield te.streaming.Counts(counts=values[:, index], t_start_s=50.0 + index * BIN_S)

    log = te.sinks.nwb_log(folder / "log.nwb", model=folder / "model.npz", about=ABOUT)
    stream = te.Stream(folder / "model.npz")
    return folder / "log.nwb", list(stream.run(chunks(), sinks=[log]))


def test_log_holds_every_commit(logged):
    path, updates = logged
    embedding = te.read_results(path, run="stream")
    assert np.array_equal(embedding.mean, committed(updates))
    assert np.allclose(embedding.windows.start_s, [item.t_start_s for item in updates])
    assert embedding.config["stream.measure"] == "pearson"


def test_log_holds_events_and_missing_bins(logged):
    path, _ = logged
    with te.open_results(path, run="stream") as stored:
        tables = dict(stored.load().tables)
    assert tables["stream_events"]["kind"].tolist() == ["begin", "gap", "restart"]
    assert tables["stream_missing_bins"]["bin_index"].tolist() == [100, *range(200, 300)]


def test_log_is_reproduced_to_the_last_bit(logged, capsys):
    path, updates = logged
    assert main(["reproduce", str(path)]) == 0
    assert f"equal to the last bit ({len(updates)} commits, mean, std)" in capsys.readouterr().out


def test_a_changed_commit_is_noticed(logged, tmp_path, capsys):
    import shutil

    import h5py

    path = shutil.copy(logged[0], tmp_path / "changed.nwb")
    with h5py.File(path, "r+") as file:
        found = []
        file.visititems(lambda name, item: found.append(item) if "embedding" in name else None)
        data = next(item for item in found if isinstance(item, h5py.Dataset) and item.ndim == 3)
        data[3, 0, 0] += 1.0
    assert main(["reproduce", str(path)]) == 1
    assert "mean of the embedding differs by up to 1" in capsys.readouterr().out


def test_log_without_its_model_says_so(logged, tmp_path, capsys):
    import shutil

    folder = logged[0].parent
    shutil.copytree(folder, tmp_path / "moved")
    shutil.move(folder / "model.npz", tmp_path / "model.npz")
    try:
        assert main(["reproduce", str(tmp_path / "moved" / "log.nwb")]) == 0
        (tmp_path / "moved" / "model.npz").unlink()
        assert main(["reproduce", str(tmp_path / "moved" / "log.nwb")]) == 2
        assert "is gone. Put it beside the log" in capsys.readouterr().err
    finally:
        shutil.move(tmp_path / "model.npz", folder / "model.npz")


def test_log_passes_the_inspector(logged):
    from nwbinspector import inspect_nwbfile

    assert list(inspect_nwbfile(nwbfile_path=str(logged[0]))) == []


def test_journal_goes_when_the_file_is_whole(logged):
    assert not journal_of(logged[0]).exists()


def test_existing_log_and_foreign_journal_are_refused(logged, tmp_path):
    with pytest.raises(OutputError, match="exists"):
        te.sinks.nwb_log(logged[0])
    journal_of(tmp_path / "log.nwb").write_bytes(b"\x81\xa1a\x01")
    stream = te.Stream(fitted()[0])
    with pytest.raises(OutputError, match="a stream that did not end"):
        list(stream.run([], sinks=[te.sinks.nwb_log(tmp_path / "log.nwb")]))
    with pytest.raises(OutputError, match="journal of another stream"):
        list(stream.run([], sinks=[te.sinks.nwb_log(tmp_path / "log.nwb", resume=True)]))


def test_a_record_that_was_cut_off_is_left_out(tmp_path):
    model, activity, *_ = fitted()
    log = te.sinks.nwb_log(tmp_path / "log.nwb")
    stream = te.Stream(model)
    log.open(stream.info)
    for counts in np.asarray(activity.values).T[:30]:
        for closed, _ in stream.take(te.streaming.Counts(counts=counts)):
            log.bin(closed, stream.t_s)
    log._journal.close()
    journal = journal_of(tmp_path / "log.nwb")
    journal.write_bytes(journal.read_bytes()[:-3])
    assert lay_out(journal, tmp_path).n_bins == 29


def test_a_long_journal_is_laid_out_in_little_memory(tmp_path):
    n_commits, embedding = 600, np.full((20, 200), 0.7, np.float32)
    log = te.sinks.nwb_log(tmp_path / "log.nwb")
    log.open(te.Stream(fitted()[0]).info)
    for index in range(n_commits):
        stop = (index + 1) * BIN_S
        log.bin(np.full(20, int(index % 40 == 0)), stop)
        log.update(
            te.streaming.Update(
                embedding=embedding * index, std=embedding, t_start_s=stop - 2.0, t_stop_s=stop,
                committed=True, state="running", latency_ms=1.0,
            )
        )  # fmt: skip
    log._journal.close()
    tracemalloc.start()
    content = lay_out(journal_of(tmp_path / "log.nwb"), tmp_path)
    results = _results(content, _block(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    mean = results.embedding.mean
    assert np.allclose(mean[:, 3, 5], 0.7 * np.arange(n_commits))
    assert [len(train) for train in content.spike_times] == [15] * 20
    # Mean and standard deviation lie in files; either alone would take more.
    assert peak < mean.nbytes


def test_log_opens_in_pynwb_and_pynapple(logged):
    import pynapple
    import pynwb

    path, updates = logged
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        units = io.read().units
        n_spikes = len(units["spike_times"].target.data)
    with warnings.catch_warnings():
        # It cannot make a table with text into intervals, and says so.
        warnings.simplefilter("ignore")
        found = pynapple.load_file(str(path))
        assert sum(len(item) for item in found["units"].values()) == n_spikes > 0
        (name,) = [key for key in found.keys() if key.endswith("_intervals")]
        assert len(found[name]) == len(committed(updates))
        found.close()


# ---- killed ---------------------------------------------------------------------------

WORKER = """
import sys
from pathlib import Path
import tavrnn_ephys as te

folder, speed, resume = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "resume"
model, state = folder / "model.npz", folder / "state.npz"
from tavrnn_ephys.streaming.resuming import resumed
log = te.sinks.nwb_log(folder / "log.nwb", model=model, resume=resume)
stream = resumed(model, state, log) if resume else te.Stream(model)
start = stream.t_s if stream.n_bins else None
source = te.sources.replay(folder / "culture.nwb", speed, start_s=start)
run = stream.run(source, sinks=[log], autosave=state, autosave_every_s=0.05)
print("running", flush=True)
for update in run:
    pass
"""


def begin(folder, speed, how):
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(speed), how], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"running\n"
    return process


def test_a_killed_stream_goes_on_to_the_last_bit(tmp_path):
    import quantities as pq

    model, _, _, offline = fitted()
    model.save(tmp_path / "model.npz")
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, mean_rate_hz=12.0, seed=1)
    te.write_nwb(block, tmp_path / "culture.nwb")
    journal = journal_of(tmp_path / "log.nwb")
    process = begin(tmp_path, 20.0, "fresh")
    while not journal.exists() or journal.stat().st_size < 25_000:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "log.nwb").exists()
    process = begin(tmp_path, 1000.0, "resume")
    assert process.wait(60) == 0
    process.stdout.close()
    embedding = te.read_results(tmp_path / "log.nwb", run="stream")
    assert len(embedding.windows) == len(offline.windows)
    assert np.array_equal(embedding.mean, committed(te.Stream(model).push(fitted()[1].values)))
    assert main(["reproduce", str(tmp_path / "log.nwb")]) == 0
