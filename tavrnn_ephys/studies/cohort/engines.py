"""Where the recordings of a cohort are analysed: here, in processes, or wherever Dask reaches."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.memory import bytes_text
from tavrnn_ephys.methods.threads import thread_variables
from tavrnn_ephys.studies.cohort.tasks import Outcome, Task
from tavrnn_ephys.studies.cohort.work import run_task

__all__ = ["Engine", "LocalEngine", "SerialEngine"]

_LOOK_EVERY_S = 0.2
_PATIENCE_S = 5.0


class Engine(Protocol):
    """
    Something that analyses recordings.

    A recording that comes back lost is so by its own fault: its process died at it and no other.
    """

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """
        Analyse recordings.

        Parameters
        ----------
        tasks : iterable of Task
            Taken one by one, when there is room for the next.

        Yields
        ------
        tuple of Task and Outcome
            What became of each, as they are done.
        """
        ...


@dataclass(frozen=True)
class SerialEngine:
    """
    Analyses one recording after the other in this process.

    Parameters
    ----------
    run : callable
        What is done with a task.
    """

    run: Callable[[Task], Outcome] = run_task

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """
        Analyse recordings in their order.

        Parameters
        ----------
        tasks : iterable of Task
            Taken one by one.

        Yields
        ------
        tuple of Task and Outcome
            What became of each.
        """
        for task in tasks:
            yield task, self.run(task)


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """
    Analyses recordings in processes of this machine, each on one thread.

    A process that dies takes its own recording with it and no other; a new one follows it.

    Parameters
    ----------
    n_workers : int
        Processes at work.
    memory : int, optional
        Bytes that one of them may hold; beyond, it is ended.  Watched where the system tells
        the memory of a process under ``/proc``, as Linux does.
    run : callable
        What is done with a task; a function of a module, which processes can import.

    Raises
    ------
    InputError
        If ``n_workers`` is no whole number of at least 1.
    """

    n_workers: int
    memory: int | None = None
    run: Callable[[Task], Outcome] = run_task

    def __post_init__(self) -> None:
        positive_int(self.n_workers, "workers")

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """
        Analyse recordings.

        Parameters
        ----------
        tasks : iterable of Task
            Taken when a process has room.

        Yields
        ------
        tuple of Task and Outcome
            What became of each, as they are done.
        """
        waiting = iter(tasks)
        idle: list[_Worker] = []
        busy: list[_Worker] = []
        # Told once the next recordings are handed out: no process waits for what is done with them.
        settled: deque[tuple[Task, Outcome]] = deque()
        try:
            while True:
                while len(busy) < self.n_workers:
                    task = next(waiting, None)
                    if task is None:
                        break
                    worker = idle.pop() if idle else _Worker(self.run)
                    worker.begin(task)
                    busy.append(worker)
                while settled:
                    yield settled.popleft()
                if not busy:
                    return
                for worker in _ready(busy, self.memory):
                    busy.remove(worker)
                    settled.append((worker.task, worker.end(idle, self.memory)))
        finally:
            # All are told before any is waited for: each takes its time to leave.
            for worker in (*idle, *busy):
                worker.dismiss()
            for worker in (*idle, *busy):
                worker.stop()


class _Worker:
    """A process that analyses one recording after the other."""

    def __init__(self, run: Callable[[Task], Outcome]) -> None:
        # Spawned: a fork would copy threads of numerical libraries that do not run in the child.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, run), daemon=True)
        with thread_variables():
            self._process.start()
        theirs.close()
        self.is_over_memory = False

    def begin(self, task: Task) -> None:
        """Hand it a recording."""
        self.task = task
        try:
            self._pipe.send(task)
        except OSError:  # It died before; that is seen when its end is waited for.
            pass

    @property
    def ends(self) -> tuple[Any, ...]:
        """What becomes ready when it answers or dies."""
        return self._pipe, self._process.sentinel

    def watch(self, memory: int | None) -> None:
        """End it where it holds more than it may."""
        if memory is not None and _resident(self._process.pid) > memory:
            self.is_over_memory = True
            self._process.kill()
            self._process.join()

    def end(self, idle: list[_Worker], memory: int | None) -> Outcome:
        """Take its answer, or say how it died."""
        try:
            if self._pipe.poll():
                outcome: Outcome = self._pipe.recv()
                idle.append(self)
                return outcome
        except (EOFError, OSError):
            pass  # It died while it answered; how it died is told below.
        self._process.join()
        if self.is_over_memory:
            return Outcome(
                state="lost", reason=f"It took more memory than {bytes_text(memory or 0)}."
            )
        return Outcome(state="lost", reason=_death(self._process.exitcode))

    def dismiss(self) -> None:
        """Ask it to leave what it does and end."""
        # The signal first: one that comes while a process ends of itself would hold it up.
        self._process.terminate()
        self._pipe.close()

    def stop(self) -> None:
        """Wait until it has ended, and end it where it does not."""
        self._process.join(_PATIENCE_S)
        self._process.kill()
        self._process.join()


def _ready(busy: list[_Worker], memory: int | None) -> list[_Worker]:
    by_end: dict[Any, _Worker] = {end: worker for worker in busy for end in worker.ends}
    while not (found := wait(list(by_end), timeout=_LOOK_EVERY_S)):
        for worker in busy:
            worker.watch(memory)
    return list(dict.fromkeys(by_end[end] for end in found))


def _serve(pipe: Connection, run: Callable[[Task], Outcome]) -> None:
    """Analyse what comes through a pipe until it closes; end with the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()
    status: Any = 0
    try:
        _answer(pipe, run)
    except SystemExit as left:
        status = left.code
    _end(status)


def _answer(pipe: Connection, run: Callable[[Task], Outcome]) -> None:
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(run(task))


def _leave(number: int, _: Any) -> None:
    """End so that temporary files are removed on the way out."""
    raise SystemExit(128 + number)


def _end(status: int) -> NoReturn:
    """
    End without taking down one by one the modules that were loaded, which takes a second.

    What registered itself for the end, such as temporary folders of libraries, still runs.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _resident(pid: int | None) -> int:
    """Bytes of memory that a process holds; 0 where the system does not say it."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        hint = " The system ends a process so when memory runs out." if code == -9 else ""
        return f"Its process was killed by {name}.{hint}"
    return f"Its process ended with status {code}."
