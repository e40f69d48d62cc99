"""Many methods on many recordings, as jobs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from tavrnn_ephys.core import jobs as _jobs
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.jobs import executor_for, job_key, read_records
from tavrnn_ephys.evaluation.scoring import score_method
from tavrnn_ephys.evaluation.tasks import TaskGraphs, TaskSource

__all__ = ["Job", "read_records", "run_jobs"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """
    One method on one recording with one seed.

    Parameters
    ----------
    source : TaskSource
        Loads the recording.
    method : str
        Name of the method.
    make_method : callable
        Takes a seed and returns the unfitted method; a function of a module, or an object, that
        can be sent to another process.
    seed : int
        The seed.
    n_shifts : int
        Circular shifts of the null.
    """

    source: TaskSource
    method: str
    make_method: Callable[[int], Any]
    seed: int
    n_shifts: int = 199

    @property
    def file_name(self) -> str:
        """Name of the file that holds the record of this job."""
        return job_key(self.source.name, self.source.session, self.method, f"seed{self.seed}")

    def __call__(self) -> dict[str, Any]:
        """
        Score the method on the recording, on one thread.

        Returns
        -------
        dict of str to object
            What :func:`~tavrnn_ephys.evaluation.score_method` gives, and the kind of the task.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            prepared = _prepared(cast(Hashable, self.source))
            record = score_method(
                prepared, self.make_method, seed=self.seed, n_shifts=self.n_shifts
            )
        return {"kind": prepared.task.kind, **record}

    def _as_job(self) -> _jobs.Job:
        about = {
            "task": self.source.name,
            "session": self.source.session,
            "method": self.method,
            "seed": self.seed,
        }
        return _jobs.Job(key=self.file_name, run=self, about=about)


def run_jobs(
    jobs: Sequence[Job],
    folder: str | Path | None = None,
    *,
    n_jobs: int = 1,
    verbose: bool = False,
) -> list[dict[str, Any]]:
    """
    Run jobs, those that are done already excepted.

    A job that fails leaves a record with ``error`` in place of scores; it is tried again by the
    next run.

    Parameters
    ----------
    jobs : sequence of Job
        What to run.
    folder : str or pathlib.Path, optional
        Existing folder, one file per job; files of finished jobs are read, not computed again.
    n_jobs : int
        Processes at work, each on one thread.
    verbose : bool
        Whether progress, with the time left, is shown on a terminal.

    Returns
    -------
    list of dict
        Records in the order of the jobs.

    Raises
    ------
    InputError
        If two jobs share their name, or ``n_jobs`` is no whole number of at least 1.
    """
    executor = executor_for(n_jobs)
    if len({job.file_name for job in jobs}) != len(jobs):
        raise InputError("Two jobs have the same task, session, method and seed.")
    return _jobs.run_jobs(
        [job._as_job() for job in jobs],
        folder,
        executor=executor,
        what="benchmark",
        verbose=verbose,
    )


@lru_cache(maxsize=2)
def _prepared(source: Any) -> TaskGraphs:
    """Graphs of the last recordings: neighbouring jobs share them."""
    with np.errstate(all="ignore"):
        return TaskGraphs(source.load())
