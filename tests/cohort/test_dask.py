"""Any scheduler of Dask: workers that die, threads that take turns, a scheduler that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tavrnn_ephys.core.errors import InputError, TavrnnEphysError
from tavrnn_ephys.studies.cohort import connected
from tavrnn_ephys.studies.cohort.dask_engine import DaskEngine, _lifetime_s
from tavrnn_ephys.studies.cohort.plan import Plan, Planned
from tavrnn_ephys.studies.cohort.running import run_plan
from tests.cohort.workers import act, n_starts, task

pytestmark = pytest.mark.filterwarnings("default")
ROOT = Path(__file__).parents[2]


def planned(*names):
    return Plan(recordings=tuple(Planned(id=name, file=name, key=name * 2) for name in names))


class Cluster:
    """A scheduler and a worker, in processes of their own."""

    def __init__(self, folder):
        place = folder / "scheduler.json"
        known = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        known["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"

        def start(*words):
            command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
            return subprocess.Popen(command, env=known, stderr=subprocess.DEVNULL)

        where = ["--host", "127.0.0.1", "--no-dashboard"]
        self.scheduler = start("dask_scheduler", *where, "--port", "0", "--scheduler-file",
                               str(place))  # fmt: skip
        self.worker = start("dask_worker", *where, "--nthreads", "1", "--scheduler-file",
                            str(place), "--local-directory", str(folder))  # fmt: skip
        wait(lambda: place.exists() and place.read_text().strip())
        self.address = json.loads(place.read_text())["address"]

    def stop(self):
        for process in (self.worker, self.scheduler):
            process.terminate()
            process.wait(30)


def wait(is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def killed(cluster, tmp_path_factory):
    """A run in which workers die, then the scheduler; and the same study, run here afterwards."""
    study = tmp_path_factory.mktemp("study")
    with connected(cluster.address, 1) as engine:
        engine = DaskEngine(engine.client, run=act)
        status = run_plan(planned("good-1", "killed-1", "once-1", "good-2"), study, engine)
    with pytest.raises(TavrnnEphysError) as caught:
        kill_the_scheduler(cluster, study)
    return study, status, str(caught.value)


def kill_the_scheduler(cluster, study):
    with connected(cluster.address, 1) as engine:
        engine = DaskEngine(engine.client, run=act)
        for _ in engine.outcomes([task("good-3", study), task("waits-1", study)]):
            wait(lambda: (study / "waits-1.starts").exists())
            cluster.scheduler.send_signal(signal.SIGKILL)


def test_a_worker_that_dies_at_a_recording_takes_no_other_with_it(killed):
    study, status, _ = killed
    assert status.states == {"good-1": "done", "killed-1": "lost", "once-1": "done",
                             "good-2": "done"}  # fmt: skip
    assert "Its worker died at it again and again" in status.reasons["killed-1"]
    assert n_starts(study, "once-1") == 2


def test_a_recording_whose_workers_die_is_tried_no_further_than_elsewhere(killed):
    study, _, _ = killed
    assert n_starts(study, "killed-1") <= 3


def test_a_scheduler_that_is_killed_ends_the_run_with_a_sentence_and_its_workers(killed, cluster):
    study, _, said = killed
    assert said.startswith("The scheduler is gone. What is done is kept")
    (study / "go").touch()
    cluster.worker.wait(60)


def test_a_scheduler_that_is_not_there_gets_a_sentence(monkeypatch):
    monkeypatch.setattr("tavrnn_ephys.studies.cohort.dask_engine._WAITING_S", 1)
    with pytest.raises(InputError, match="No scheduler answers"), connected("tcp://127.0.0.1:9", 1):
        pass


@pytest.mark.parametrize(
    ("walltime", "lifetime"),
    [("04:00:00", 14100), ("1-00:00:00", 86100), ("10", 480), ("30:00", 1500)],
)
def test_workers_of_a_queue_end_before_their_job_is_ended(walltime, lifetime):
    assert _lifetime_s(walltime) == lifetime


def test_a_walltime_that_is_none_gets_a_sentence():
    with pytest.raises(InputError, match="walltime is a time such as"):
        _lifetime_s("long")
