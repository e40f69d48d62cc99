"""Threads that wait for work leave the core to others."""

import os

from tavrnn_ephys.cli import main
from tavrnn_ephys.core.waiting import WAITING, wait_passively


def test_a_command_lets_threads_sleep_while_they_wait(monkeypatch, capsys):
    for name in WAITING:
        monkeypatch.setenv(name, "")  # So that what the command sets is undone too.
        monkeypatch.delenv(name)
    assert main(["inspect", "absent.nwb"]) == 2
    assert {name: os.environ[name] for name in WAITING} == dict(WAITING)


def test_what_somebody_has_chosen_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
