"""What processes of tests do with a task; importable by them."""

import atexit
import os
import signal
import time
from pathlib import Path

from tavrnn_ephys.studies.cohort.tasks import Outcome, Task
from tavrnn_ephys.studies.cohort.work import run_task


def task(name, study="."):
    """A task that nothing is read for."""
    return Task(id=name, file=f"{name}.nwb", digest="", key=name * 2, study=str(study), options={})


def act(task):
    """Do what the name of the task says; leave a note of every start."""
    notes = Path(task.study) / f"{task.id}.starts"
    with notes.open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    n_starts = len(notes.read_text().splitlines())
    kind = task.id.split("-")[0]
    if kind == "killed" or (kind == "once" and n_starts == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "leaves":
        atexit.register((Path(task.study) / f"{task.id}.left").touch)
    if kind == "hog":
        hold(600 * 2**20)
    if kind == "waits":
        while not (Path(task.study) / "go").exists():
            time.sleep(0.1)
    if kind == "fails":
        return Outcome(state="failed", reason="An unexpected KeyError: 'x'", trace="line 1")
    if kind == "refused":
        return Outcome(state="refused", reason="It holds no nodes.")
    if kind == "full":
        return Outcome(state="full")
    return Outcome(state="done", facts={"pid": os.getpid()})


def analyse_or_hog(task):
    """Analyse a recording, as a study does; one that is named a hog takes 1.5 GB instead."""
    if task.id.startswith("hog"):
        hold(1500 * 2**20)
    return run_task(task)


def hold(n_bytes):
    """Take memory, and keep it for a minute."""
    held = bytearray(n_bytes)
    held[::4096] = b"1" * len(held[::4096])
    time.sleep(60)


def n_starts(study, name):
    """How often a task was started."""
    return len((Path(study) / f"{name}.starts").read_text().splitlines())
