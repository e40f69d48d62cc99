"""Jobs: one record each, resumable, streamed, and unstopped by one that fails."""

import functools
import json
import os
from pathlib import Path

import pytest

from tavrnn_ephys.core.errors import InputError, TavrnnEphysError
from tavrnn_ephys.core.jobs import (
    Job,
    ProcessExecutor,
    SerialExecutor,
    executor_for,
    iter_jobs,
    job_key,
    read_records,
    run_jobs,
)


def counted(folder, name):
    """Leave a trace for every run of a job."""
    with (Path(folder) / "runs.txt").open("a") as trace:
        trace.write(f"{name}\n")
    return {"name": name}


def broken():
    raise ZeroDivisionError("nothing to divide by")


def refused():
    raise InputError("There is no behaviour 'x'.")


def unspeakable():
    return {"value": object()}


def dying():
    os._exit(1)


def jobs_of(folder, names="abc"):
    return [Job(key=name, run=functools.partial(counted, str(folder), name)) for name in names]


def runs(folder):
    return (folder / "runs.txt").read_text().split()


@pytest.fixture
def records(tmp_path):
    (tmp_path / "records").mkdir()
    return tmp_path / "records"


def test_each_job_leaves_a_record_in_a_file_of_its_key(tmp_path, records):
    found = run_jobs(jobs_of(tmp_path), records)
    assert found == [{"name": name} for name in "abc"]
    assert json.loads((records / "b.json").read_text()) == {"name": "b"}
    assert read_records(records) == found


def test_what_is_done_is_read_and_not_run(tmp_path, records):
    run_jobs(jobs_of(tmp_path, "ab"), records)
    assert run_jobs(jobs_of(tmp_path, "cba"), records) == [{"name": name} for name in "cba"]
    assert runs(tmp_path) == ["a", "b", "c"]


def test_a_failure_stops_no_other_job_and_is_tried_again(tmp_path, records):
    jobs = [Job(key="bad", run=broken, about={"task": "t"}), *jobs_of(tmp_path, "a")]
    bad, good = run_jobs(jobs, records)
    assert bad["task"] == "t"
    assert bad["error"].startswith("ZeroDivisionError: nothing to divide by (test_jobs.py, line ")
    assert good == {"name": "a"}
    mended = [Job(key="bad", run=functools.partial(counted, str(tmp_path), "bad"))]
    assert run_jobs(mended, records) == [{"name": "bad"}]


def test_errors_of_the_package_keep_their_sentence():
    (record,) = run_jobs([Job(key="a", run=refused)])
    assert record == {"error": "There is no behaviour 'x'."}


def test_a_result_that_no_file_can_hold_is_a_failure(records):
    (record,) = run_jobs([Job(key="a", run=unspeakable)], records)
    assert record["error"].startswith("TypeError: Object of type object is not JSON")


def test_a_generator_of_jobs_is_taken_one_at_a_time(tmp_path, records):
    made = []

    def one_by_one():
        for job in jobs_of(tmp_path):
            made.append(job.key)
            yield job

    stream = iter_jobs(one_by_one(), records)
    assert made == []
    assert next(stream) == ("a", {"name": "a"})
    assert made == ["a"]
    # What was found stands in the folder, whether the stream is followed to its end or not.
    stream.close()
    assert [path.name for path in records.iterdir()] == ["a.json"]


def test_a_stream_gives_known_records_too(tmp_path, records):
    run_jobs(jobs_of(tmp_path, "b"), records)
    assert dict(iter_jobs(jobs_of(tmp_path), records)) == {name: {"name": name} for name in "abc"}
    assert runs(tmp_path) == ["b", "a", "c"]


def test_two_jobs_of_one_key_are_refused(tmp_path):
    with pytest.raises(InputError, match="same name, 'a'"):
        run_jobs(jobs_of(tmp_path, "aa"))


def test_two_processes_find_what_one_finds_and_isolate_failures(tmp_path, records):
    jobs = [*jobs_of(tmp_path), Job(key="bad", run=broken)]
    together = run_jobs(jobs, records, executor=ProcessExecutor(2))
    assert together[:3] == run_jobs(jobs_of(tmp_path))
    assert "ZeroDivisionError" in together[3]["error"]
    assert len(list(records.iterdir())) == 4


def test_a_fault_between_jobs_reaches_the_caller_from_processes(tmp_path):
    with pytest.raises(InputError, match="same name, 'a'"):
        list(iter_jobs(iter(jobs_of(tmp_path, "abcdefgha")), executor=ProcessExecutor(2)))


def test_a_job_that_cannot_be_sent_is_refused(tmp_path):
    with (tmp_path / "open.txt").open("w") as stream:
        jobs = [Job(key=name, run=functools.partial(print, stream)) for name in "ab"]
        with pytest.raises(InputError, match="cannot be sent to another process .* n_jobs=1"):
            run_jobs(jobs, executor=ProcessExecutor(2))


def test_a_process_that_dies_leaves_a_sentence_and_what_was_done(tmp_path, records):
    run_jobs(jobs_of(tmp_path, "a"), records)
    with pytest.raises(TavrnnEphysError, match="process died .* n_jobs=1"):
        run_jobs([Job(key="x", run=dying)], records, executor=ProcessExecutor(2))
    assert [path.name for path in records.iterdir()] == ["a.json"]


@pytest.mark.parametrize("key", ["", ".hidden", "a/b", "a\\b", "a:b"])
def test_a_key_that_is_no_file_name_is_refused(key):
    with pytest.raises(InputError, match="cannot name a file. Build its key with job_key"):
        Job(key=key, run=dict)
    assert Job(key=job_key(key, "x"), run=dict)


def test_executor_follows_the_number_of_processes():
    assert executor_for(1) == SerialExecutor()
    assert executor_for(3) == ProcessExecutor(3)
    with pytest.raises(InputError, match="n_jobs"):
        executor_for(0)
