"""Where jobs run: in this process, or in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import PicklingError
from typing import Any, Protocol

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError, TavrnnEphysError
from tavrnn_ephys.core.jobs.job import Job, record_of
from tavrnn_ephys.core.ownership import as_private_as, made_from

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor", "executor_for"]


class Executor(Protocol):
    """Something that runs jobs; Dask, or the queue of a cluster, needs no more than this."""

    def records(self, jobs: Iterable[Job]) -> Iterator[tuple[str, dict[str, Any]]]:
        """
        Run jobs, each with :func:`record_of`.

        Parameters
        ----------
        jobs : iterable of Job
            Taken one by one, when there is room for the next.

        Yields
        ------
        tuple of str and dict
            Key and record of each job, as they come.
        """
        ...


@dataclass(frozen=True)
class SerialExecutor:
    """
    Runs one job after the other in this process.

    Examples
    --------
    >>> jobs = (Job(key=f"{n}", run=lambda n=n: {"n": n}) for n in range(2))
    >>> list(SerialExecutor().records(jobs))
    [('0', {'n': 0}), ('1', {'n': 1})]
    """

    def records(self, jobs: Iterable[Job]) -> Iterator[tuple[str, dict[str, Any]]]:
        """
        Run jobs in their order.

        Parameters
        ----------
        jobs : iterable of Job
            Taken one by one.

        Yields
        ------
        tuple of str and dict
            Key and record.
        """
        for job in jobs:
            yield job.key, record_of(job)


@dataclass(frozen=True)
class ProcessExecutor:
    """
    Runs jobs in processes of joblib, each on one thread.

    Parameters
    ----------
    n_jobs : int
        Processes at work.

    Raises
    ------
    InputError
        If ``n_jobs`` is no whole number of at least 1.
    """

    n_jobs: int

    def __post_init__(self) -> None:
        positive_int(self.n_jobs, "n_jobs")

    def records(self, jobs: Iterable[Job]) -> Iterator[tuple[str, dict[str, Any]]]:
        """
        Run jobs, at most two per process waiting.

        Parameters
        ----------
        jobs : iterable of Job
            Taken when there is room.

        Yields
        ------
        tuple of str and dict
            Key and record, as they are done.

        Raises
        ------
        InputError
            If a job cannot be sent to another process.
        TavrnnEphysError
            If a process dies.
        """
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        faults: list[Exception] = []
        with parallel_config(backend="loky", inner_max_num_threads=1):
            # Unordered and one by one: a long job holds up no other, and no list is built.
            parallel = Parallel(n_jobs=self.n_jobs, return_as="generator_unordered", batch_size=1)
            try:
                yield from parallel(
                    delayed(_keyed_record)(job, made_from()) for job in _caught(jobs, faults)
                )
            except PicklingError as error:
                reason = str(error.__cause__ or error).strip(' "\n').rsplit("Error: ")[-1]
                raise InputError(
                    f"A task or a method cannot be sent to another process ({reason}). Define it "
                    "without what belongs to one process alone, or take n_jobs=1."
                ) from error
            except TerminatedWorkerError as error:
                raise TavrnnEphysError(
                    "A process died at its job, most often for want of memory. What is done is "
                    "kept; go on with fewer processes: n_jobs=1."
                ) from error
        if faults:
            raise faults[0]


def executor_for(n_jobs: int) -> Executor:
    """
    Choose an executor by the number of processes.

    Parameters
    ----------
    n_jobs : int
        1 for this process, more for others.

    Returns
    -------
    Executor
        The executor.

    Raises
    ------
    InputError
        If it is no whole number of at least 1.
    """
    return SerialExecutor() if positive_int(n_jobs, "n_jobs") == 1 else ProcessExecutor(n_jobs)


def _caught(jobs: Iterable[Job], faults: list[Exception]) -> Iterator[Job]:
    """Keep what goes wrong between jobs: joblib asks for them in a thread that would wait on."""
    try:
        yield from jobs
    except Exception as error:
        faults.append(error)


def _keyed_record(job: Job, sources: tuple[Path, ...]) -> tuple[str, dict[str, Any]]:
    """Do a job, whose files are as private there as they would be here."""
    with as_private_as(*sources):
        return job.key, record_of(job)
