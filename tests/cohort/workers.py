"""What processes of tests do with a task; importable by them."""

import os
import signal
import time
from pathlib import Path

from tavrnn_ephys.studies.cohort.tasks import Outcome, Task


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
    if kind == "hog":
        held = bytearray(600 * 2**20)
        held[::4096] = b"1" * len(held[::4096])
        time.sleep(60)
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


def n_starts(study, name):
    """How often a task was started."""
    return len((Path(study) / f"{name}.starts").read_text().splitlines())
