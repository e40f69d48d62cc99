"""A study on a real queue: jobs run, one that is cancelled is replaced, none is left."""

import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from tavrnn_ephys.studies.cohort import connected
from tavrnn_ephys.studies.cohort.dask_engine import DaskEngine
from tests.cohort.slurm import IS_HERE, NoSlurm, jobs, slurm
from tests.cohort.workers import act, n_starts, task

if IS_HERE:  # The programs of Slurm are no Python packages; CI installs them.

    @pytest.fixture(scope="module")
    def queue(tmp_path_factory):
        folder = tmp_path_factory.mktemp("slurm")
        with ExitStack() as stack:
            try:
                stack.enter_context(slurm(folder))
            except NoSlurm as error:  # A container may forbid what its daemons need.
                pytest.xfail(str(error))
            yield {"queue": "short", "interface": "lo", "log_directory": str(folder)}

    def wait(is_so, seconds=120):
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @pytest.mark.filterwarnings("default")
    def test_jobs_of_a_queue_do_the_work_and_one_that_is_cancelled_is_replaced(queue, tmp_path):
        names = ["waits-1", "good-1", "good-2"]
        with connected("slurm", 1, memory="1GB", slurm=queue) as engine:
            found = DaskEngine(engine.client, run=act).outcomes(
                [task(name, tmp_path) for name in names]
            )
            outcomes = {}
            consumer = threading.Thread(
                target=lambda: outcomes.update((item.id, one) for item, one in found)
            )
            consumer.start()
            notes = tmp_path / "waits-1.starts"
            wait(lambda: notes.exists() and notes.read_text().strip())
            subprocess.run(["scancel", *jobs()], check=True)
            wait(lambda: n_starts(tmp_path, "waits-1") == 2)
            (tmp_path / "go").touch()
            consumer.join(120)
        assert {name: outcomes[name].state for name in names} == dict.fromkeys(names, "done")
        wait(lambda: not jobs())
