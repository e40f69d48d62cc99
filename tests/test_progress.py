"""Bars of progress: on terminals, and nowhere else."""

import os
import subprocess
import sys

LOOP = (
    "from tavrnn_ephys.progress import progress_bar; "
    "print(sum(progress_bar(range(3), what='adding', unit='number')))"
)


def test_a_bar_is_shown_on_a_terminal():
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-c", LOOP], stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.stdout == b"3\n"
    assert "adding" in shown
    assert "3/3" in shown


def test_nothing_is_written_to_a_log():
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"3\n", b"")
