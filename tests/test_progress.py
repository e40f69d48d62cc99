"""Bars of progress: on terminals, and nowhere else."""

import subprocess
import sys

from tests.terminals import run_on_terminal

LOOP = (
    "from tavrnn_ephys.core.progress import progress_bar; "
    "print(sum(progress_bar(range(3), what='adding', unit='number')))"
)


def test_a_bar_is_shown_on_a_terminal():
    done = run_on_terminal([sys.executable, "-c", LOOP])
    assert done.stdout == "3\n"
    assert "adding" in done.stderr
    assert "0/3" in done.stderr


def test_nothing_is_written_to_a_log():
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"3\n", b"")
