"""Engines and the running of a study: what dies, fails or is refused stops nothing else."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.studies.cohort.engines import LocalEngine, SerialEngine
from tavrnn_ephys.studies.cohort.plan import Plan, Planned
from tavrnn_ephys.studies.cohort.running import part_of, run_plan, status_of
from tavrnn_ephys.studies.cohort.shards import shard_files, write_json
from tests.cohort.workers import act, n_starts, task


def planned(*names):
    return Plan(recordings=tuple(Planned(id=name, file=name, key=name * 2) for name in names))


def outcomes(engine, names, study):
    found = engine.outcomes([task(name, study) for name in names])
    return {item.id: outcome for item, outcome in found}


@pytest.fixture(scope="module")
def local():
    return LocalEngine(n_workers=2, run=act, memory=400 * 2**20)


@pytest.fixture(scope="module")
def one_run(tmp_path_factory, local):
    """A run in processes in which everything happens at once, beside what it left."""
    study = tmp_path_factory.mktemp("study")
    names = ["good-1", "killed-1", "hog-1", "once-1", "fails-1", "refused-1", "good-2"]
    return study, run_plan(planned(*names), study, local)


def test_the_others_are_done_when_some_die_fail_or_are_refused(one_run):
    _, status = one_run
    assert {name: state for name, state in status.states.items() if state != "done"} == {
        "killed-1": "lost", "hog-1": "lost", "fails-1": "failed", "refused-1": "refused",
    }  # fmt: skip


def test_each_failure_has_its_own_reason(one_run):
    _, status = one_run
    assert "killed by SIGKILL" in status.reasons["killed-1"]
    assert status.reasons["hog-1"] == "It took more memory than 419 MB."
    assert status.reasons["refused-1"] == "It holds no nodes."


def test_a_lost_process_is_tried_three_times_an_error_twice_bad_input_once(one_run):
    study, _ = one_run
    starts = {
        name: n_starts(study, name) for name in ("killed-1", "once-1", "fails-1", "refused-1")
    }
    assert starts == {"killed-1": 3, "once-1": 2, "fails-1": 2, "refused-1": 1}


def test_failures_stand_in_a_table_and_traces_in_a_log(one_run):
    study, _ = one_run
    assert (study / "failures.csv").read_text().splitlines()[0] == "id,state,reason"
    assert "line 1" in (study / "log/fails-1fails-1.txt").read_text()


def test_progress_stands_in_a_file(one_run):
    study, _ = one_run
    assert '"settled": 7' in (study / "progress.json").read_text()


def test_what_failed_is_tried_again_only_when_asked(one_run):
    study, _ = one_run
    plan = planned("refused-1", "fails-1")
    again = run_plan(plan, study, SerialEngine(run=act))
    assert (again.states, n_starts(study, "refused-1")) == (
        {"refused-1": "refused", "fails-1": "failed"}, 1,
    )  # fmt: skip
    run_plan(planned("refused-1"), study, SerialEngine(run=act), retry=True)
    assert n_starts(study, "refused-1") == 2


def test_a_full_disk_stops_the_run_and_says_so(tmp_path):
    with pytest.raises(OutputError, match="no room left"):
        run_plan(planned("full-1", "good-1"), tmp_path, SerialEngine(run=act))
    assert not (tmp_path / "good-1.starts").exists()


def test_the_largest_goes_first(tmp_path):
    plan = planned("good-1", "good-2", "good-3")
    sizes = dict(zip(("good-1", "good-2", "good-3"), (1, 3, 2), strict=True))
    recordings = [replace(item, memory=sizes[item.id]) for item in plan.recordings]
    order = []

    def noted(item):
        order.append(item.id)
        return act(item)

    run_plan(Plan(recordings=tuple(recordings)), tmp_path, SerialEngine(run=noted))
    assert order == ["good-2", "good-3", "good-1"]


def test_what_needs_more_memory_than_a_worker_has_is_refused_unstarted_and_not_for_ever(tmp_path):
    plan = Plan(recordings=(Planned(id="good-1", file="x", key="kk", memory=2 * 10**9),))
    found = run_plan(plan, tmp_path, SerialEngine(run=act), memory=10**9)
    assert "It needs about 2 GB of memory and a worker has 1 GB" in found.reasons["good-1"]
    assert not (tmp_path / "good-1.starts").exists()
    assert run_plan(plan, tmp_path, SerialEngine(run=act), memory=3 * 10**9).is_complete


def test_what_stands_on_the_disk_is_kept(tmp_path):
    results, mark = shard_files(tmp_path, "good-1good-1")
    write_json(mark, {"n_nodes": 3})
    assert status_of(planned("good-1"), tmp_path).states == {"good-1": "waiting"}
    results.write_bytes(b"")
    assert run_plan(planned("good-1"), tmp_path, SerialEngine(run=act)).is_complete
    assert not (tmp_path / "good-1.starts").exists()


@pytest.mark.parametrize("n_parts", [1, 2, 3, 5])
def test_parts_are_the_whole_without_repeats(n_parts):
    plan = planned("a", "b", "c", "d")
    parts = [part_of(plan, (number, n_parts)).recordings for number in range(1, n_parts + 1)]
    assert sorted(item.id for part in parts for item in part) == ["a", "b", "c", "d"]


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="no part 3 of 2"):
        part_of(planned("a"), (3, 2))


def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "client.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            from tests.cohort.workers import act, task
            from tavrnn_ephys.studies.cohort.engines import LocalEngine

            if __name__ == "__main__":
                tasks = [task(name, {str(tmp_path)!r}) for name in ("good-1", "hog-1")]
                list(LocalEngine(n_workers=1, run=act).outcomes(tasks))
        """)
    )
    root = str(Path(__file__).parents[2])
    client = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": root})
    notes = tmp_path / "hog-1.starts"
    while not notes.exists() or not notes.read_text().strip():
        time.sleep(0.05)
        assert client.poll() is None
    worker = int(notes.read_text())
    client.send_signal(signal.SIGKILL)
    client.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{worker}/stat").read_text().split(")")[1].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{worker}").exists()


def test_what_is_registered_for_the_end_of_a_process_runs_and_nothing_is_printed(
    tmp_path, local, capfd
):
    assert set(outcomes(local, ["leaves-1", "leaves-2"], tmp_path)) == {"leaves-1", "leaves-2"}
    assert (tmp_path / "leaves-1.left").exists()
    assert (tmp_path / "leaves-2.left").exists()
    assert capfd.readouterr() == ("", "")


def test_a_process_has_its_next_recording_before_the_last_is_told(tmp_path):
    engine = LocalEngine(n_workers=1, run=act)
    told = engine.outcomes([task(name, tmp_path) for name in ("good-1", "waits-2")])
    assert next(told)[0].id == "good-1"
    deadline = time.monotonic() + 60
    while not (tmp_path / "waits-2.starts").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "waits-2.starts").exists()
    (tmp_path / "go").touch()
    assert [item.id for item, _ in told] == ["waits-2"]


def test_the_process_that_hands_out_tasks_loads_no_network_library():
    code = "import sys, tavrnn_ephys.studies.cohort; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
