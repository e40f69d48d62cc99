"""Recordings analysed by workers of Dask: of this machine, of a scheduler, or of Slurm."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tavrnn_ephys.core.errors import InputError, MissingDependencyError, TavrnnEphysError
from tavrnn_ephys.methods.threads import thread_variables
from tavrnn_ephys.studies.cohort.tasks import Outcome, Task
from tavrnn_ephys.studies.cohort.work import run_task

__all__ = ["DaskEngine", "connected"]

_INSTALL = "pip install 'tavrnn_ephys[cluster]'"
_WAITING_S = 30


@dataclass(frozen=True)
class DaskEngine:
    """
    Analyses recordings through a client of Dask.

    Paths go out and facts come in: no array passes through the scheduler.

    Parameters
    ----------
    client : distributed.Client
        Any client; its workers must see the study and the recordings under the same paths.
    run : callable
        What is done with a task; a function of a module, which workers can import.
    """

    client: Any
    run: Callable[[Task], Outcome] = run_task

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """
        Analyse recordings, at most three per worker submitted at a time.

        Parameters
        ----------
        tasks : iterable of Task
            Taken when there is room.

        Yields
        ------
        tuple of Task and Outcome
            What became of each, as they are done.

        Raises
        ------
        TavrnnEphysError
            If the scheduler is gone.
        """
        from distributed import as_completed

        waiting = iter(tasks)
        submitted: dict[Any, Task] = {}
        room = 3 * max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))
        completed = as_completed([])
        for task in islice(waiting, room):
            completed.add(self._submit(task, submitted))
        for future in completed:
            self._check()
            task = submitted.pop(future.key)
            yield task, _outcome(future)
            for following in islice(waiting, 1):
                completed.add(self._submit(following, submitted))

    def _submit(self, task: Task, submitted: dict[Any, Task]) -> Any:
        # Not pure: a task that is tried again is another, and nothing is remembered for ever.
        future = self.client.submit(self.run, task, pure=False, retries=0)
        submitted[future.key] = task
        return future

    def _check(self) -> None:
        if self.client.status != "running":
            raise TavrnnEphysError(
                "The scheduler is gone. What is done is kept; start it and run the study again."
            )


def _outcome(future: Any) -> Outcome:
    from distributed import KilledWorker

    if future.status == "finished":
        found: Outcome = future.result()
        return found
    if future.status in ("cancelled", "lost"):
        raise TavrnnEphysError(
            "The scheduler is gone. What is done is kept; start it and run the study again."
        )
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Outcome(
            state="lost",
            reason="Its worker was killed, most often for more memory than it may take.",
        )
    return Outcome(state="failed", reason=f"{type(error).__name__}: {error}")


@contextmanager
def connected(
    engine: str,
    n_workers: int,
    *,
    memory: str | None = None,
    slurm: Mapping[str, str] | None = None,
) -> Iterator[DaskEngine]:
    """
    Reach workers by the name of an engine.

    Parameters
    ----------
    engine : str
        Address of a scheduler, such as ``tcp://10.0.0.1:8786``, ``"dask"`` for workers of this
        machine, or ``"slurm"`` for jobs of a queue.
    n_workers : int
        Workers of this machine, or the most jobs at a time.
    memory : str, optional
        Memory of a worker, such as ``"4GB"``.
    slurm : mapping of str to str, optional
        Further choices of :class:`dask_jobqueue.SLURMCluster`, such as ``queue`` or ``walltime``.

    Yields
    ------
    DaskEngine
        While the workers are there.

    Raises
    ------
    InputError
        If the scheduler does not answer, or the choices of the queue do not suit it.
    MissingDependencyError
        If Dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingDependencyError(
            f"The engine '{engine}' needs Dask. Install it: {_INSTALL}"
        ) from None
    with thread_variables():
        cluster = _cluster(engine, n_workers, memory, slurm or {})
        try:
            client = Client(engine if cluster is None else cluster, timeout=_WAITING_S)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"No scheduler answers at '{engine}' ({reason}). Start one: dask scheduler"
            ) from None
        try:
            yield DaskEngine(client)
        finally:
            client.close()
            if cluster is not None:
                cluster.close()


def _cluster(engine: str, n_workers: int, memory: str | None, slurm: Mapping[str, str]) -> Any:
    if "://" in engine:
        return None
    if engine == "dask":
        from distributed import LocalCluster

        limit = {} if memory is None else {"memory_limit": memory}
        return LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.ERROR,
            **limit,
        )
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise MissingDependencyError(f"The engine 'slurm' needs it: {_INSTALL}") from None
    chosen: dict[str, Any] = {"cores": 1, "processes": 1, "walltime": "04:00:00"}
    chosen["memory"] = memory or "4GB"
    try:
        cluster = SLURMCluster(**{**chosen, **slurm}, scheduler_options={"dashboard": False})
    except (TypeError, ValueError) as error:
        raise InputError(f"The queue refuses its choices: {error}. See --slurm.") from None
    # Adapting, not scaling: a job that the queue cancels is replaced.
    cluster.adapt(minimum=1, maximum=n_workers)
    return cluster
