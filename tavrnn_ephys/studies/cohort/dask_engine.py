"""Recordings analysed by workers of Dask: of this machine, of a scheduler, or of Slurm."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from tavrnn_ephys.core.errors import InputError, MissingDependencyError, TavrnnEphysError
from tavrnn_ephys.core.memory import bytes_text
from tavrnn_ephys.methods.threads import thread_variables
from tavrnn_ephys.studies.cohort.tasks import STARTS, Outcome, Task
from tavrnn_ephys.studies.cohort.work import run_task

__all__ = ["DaskEngine", "connected"]

_INSTALL = "pip install 'tavrnn_ephys[cluster]'"
_WAITING_S = 30
_PER_WORKER = 3
# Deaths of workers before Dask gives a recording back; the engine tries it further, alone.
_DEATHS = 0
_WALLTIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
# A worker of a queue ends so long before its job is ended, and another follows it.
_MARGIN_S = 300.0


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
    n_workers : int
        Workers that are to come, where they come when there is work.
    """

    client: Any
    run: Callable[[Task], Outcome] = run_task
    n_workers: int = 1

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """
        Analyse recordings, at most three per worker submitted at a time.

        A worker that dies takes with it whatever else was handed to it.  What was lost so is
        tried again at the end, each recording alone, so that none is lost by the fault of another.

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
        lost = []
        n_tasks = 0
        for task, outcome in self._together(tasks):
            n_tasks += 1
            if outcome.state == "lost":
                lost.append((task, outcome))
            else:
                yield task, outcome
        for task, outcome in lost:
            yield task, self._alone(task, outcome, is_blameless=n_tasks > 1)

    def _alone(self, task: Task, outcome: Outcome, *, is_blameless: bool) -> Outcome:
        """Try a recording that was lost until it is not, or was started often enough."""
        while outcome.state == "lost" and (is_blameless or outcome.n_starts < STARTS["lost"]):
            is_blameless = False
            for _, found in self._together([task]):
                outcome = replace(found, n_starts=outcome.n_starts + found.n_starts)
        return outcome

    def _together(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Analyse recordings beside one another; a death of a worker loses all that it had."""
        from distributed import as_completed

        waiting = iter(tasks)
        submitted: dict[Any, Task] = {}
        completed = as_completed([])
        completed.update(self._submitted(waiting, submitted))
        for future in completed:
            self._check()
            task = submitted.pop(future.key)
            yield task, _outcome(future, task)
            completed.update(self._submitted(waiting, submitted))

    def _submitted(self, waiting: Iterator[Task], submitted: dict[Any, Task]) -> list[Any]:
        """Submit as many as there is room for; workers may have come or gone."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        room = _PER_WORKER * max(self.n_workers, len(workers)) - len(submitted)
        # Workers that declare their memory get no more than fits beside one another.
        declared = bool(workers) and all("memory" in item["resources"] for item in workers)
        futures = []
        for task in islice(waiting, max(0, room)):
            limits = {"resources": {"memory": task.memory}} if declared else {}
            # Not pure: a task that is tried again is another, and nothing is remembered for ever.
            future = self.client.submit(self.run, task, pure=False, retries=0, **limits)
            submitted[future.key] = task
            futures.append(future)
        return futures

    def _check(self) -> None:
        if self.client.status != "running":
            raise TavrnnEphysError(
                "The scheduler is gone. What is done is kept; start it and run the study again."
            )


def _outcome(future: Any, task: Task) -> Outcome:
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
        n_starts = error.allowed_failures + 1
        return Outcome(
            state="lost",
            reason="Its worker died at it again and again, most often for more memory than a "
            f"worker may take; it needs about {bytes_text(task.memory)}. Give workers more: "
            "--memory.",
            n_starts=n_starts,
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
        If the scheduler does not answer or has no workers, or the choices of the queue do not
        suit it.
    MissingDependencyError
        If Dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingDependencyError(
            f"The engine '{engine}' needs Dask. Install it: {_INSTALL}"
        ) from None
    import dask

    with thread_variables(), dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS}):
        cluster = _cluster(engine, n_workers, memory, slurm or {})
        try:
            client = Client(engine if cluster is None else cluster, timeout=_WAITING_S)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"No scheduler answers at '{engine}' ({reason}). Start one: dask scheduler"
            ) from None
        try:
            if cluster is None:
                _require_workers(client, engine)
            yield DaskEngine(client, n_workers=n_workers)
        finally:
            client.close()
            if cluster is not None:
                cluster.close()


def _require_workers(client: Any, engine: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_WAITING_S)
    except TimeoutError:
        raise InputError(
            f"The scheduler '{engine}' has no workers. Start some: dask worker {engine}"
        ) from None


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
    chosen = {**chosen, "memory": memory or "4GB", **slurm}
    lifetime = _lifetime_s(str(chosen["walltime"]))
    chosen["worker_extra_args"] = ["--lifetime", f"{lifetime:g}s", "--lifetime-stagger", "1m"]
    try:
        cluster = SLURMCluster(**chosen, scheduler_options={"dashboard": False})
    except (TypeError, ValueError) as error:
        raise InputError(f"The queue refuses its choices: {error}. See --slurm.") from None
    # Adapting, not scaling: a job that the queue cancels is replaced.
    cluster.adapt(minimum=1, maximum=n_workers)
    return cluster


def _lifetime_s(walltime: str) -> float:
    """Read a time limit as Slurm does, and end somewhat before it."""
    found = _WALLTIME.fullmatch(walltime.strip())
    if found is None:
        raise InputError(f"walltime is a time such as 04:00:00 or 1-12:00:00, got '{walltime}'.")
    days, first, second, third = (int(part or 0) for part in found.groups())
    if found[1] or found[4]:  # D-HH:MM:SS, or HH:MM:SS
        limit = 86400 * days + 3600 * first + 60 * second + third
    else:  # MM, or MM:SS
        limit = 60 * first + second
    return max(limit - _MARGIN_S, 0.8 * limit)
