"""What is handed to a process that analyses a recording, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.addresses import Address, place_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.cohort.shards import digest_of, model_files, shard_files

__all__ = ["STARTS", "Outcome", "Task", "unchanged"]

# Starts of a recording whose process dies, and of one that meets an unexpected error.
STARTS = {"lost": 3, "failed": 2}


@dataclass(frozen=True, kw_only=True)
class Task:
    """
    One recording to analyse: paths and text alone, for any process.

    Parameters
    ----------
    id : str
        Name of the recording.
    file : str
        The recording.
    digest : str
        SHA-256 of its content when it was planned.
    key : str
        Name of its shard.
    study : str
        Folder of the study.
    options : mapping of str to object
        How it is analysed, by the keys of a manifest.
    memory : int
        Bytes that it takes at its peak.
    model : str
        Key of a model that recordings share; empty where it gets a model of its own.
    is_held_out : bool
        Whether the shared model is adapted to it.
    trains_on : tuple of Task
        Recordings that the model of this key is trained on, where the task is to train one.
    """

    id: str
    file: str
    digest: str
    key: str
    study: str
    options: Mapping[str, Any]
    memory: int = 0
    model: str = ""
    is_held_out: bool = False
    trains_on: tuple[Task, ...] = ()

    @property
    def files(self) -> tuple[Path, Path]:
        """What it writes, and the mark of it."""
        where = model_files if self.trains_on else shard_files
        return where(Path(self.study), self.key)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    What became of a task.

    Parameters
    ----------
    state : {"done", "kept", "busy", "refused", "failed", "lost", "full"}
        Analysed; found analysed; at work in another run; bad input; an error of another kind;
        the process died; no room on the disk.
    reason : str
        One sentence where it is not done.
    trace : str
        Where an error came from.
    facts : mapping of str to object
        What the mark of a shard says.
    n_starts : int
        How often it was started.
    """

    state: str
    reason: str = ""
    trace: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    n_starts: int = 1


def unchanged(task: Task) -> Path | Address:
    """
    Give the recording of a task, as it was when it was planned.

    Parameters
    ----------
    task : Task
        The task.

    Returns
    -------
    pathlib.Path or Address
        The recording.

    Raises
    ------
    InputError
        If its content has changed.
    """
    source = place_of(task.file)
    if digest_of(source) != task.digest:
        raise InputError(f"'{source.name}' has changed since it was planned. Plan the study again.")
    return source
