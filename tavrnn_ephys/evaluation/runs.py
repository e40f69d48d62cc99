"""Many methods on many recordings: resumable, in parallel, and unstopped by one that fails."""

from __future__ import annotations

import copyreg
import json
import sys
import traceback
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pickle import PicklingError
from types import ModuleType
from typing import Any, cast

import numpy as np

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError, TavrnnEphysError
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.core.progress import progress_bar
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
        parts = (self.source.name, self.source.session, self.method, f"seed{self.seed}")
        return "__".join("".join(c if c.isalnum() else "-" for c in part) for part in parts)


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
    positive_int(n_jobs, "n_jobs")
    names = [job.file_name for job in jobs]
    if len(set(names)) != len(names):
        raise InputError("Two jobs have the same task, session, method and seed.")
    place = None if folder is None else Path(folder)
    known = {} if place is None else _known(place, names)
    waiting = [job for job in jobs if job.file_name not in known]
    bar = progress_bar(
        what="benchmark", unit="job", total=len(jobs), initial=len(known), verbose=verbose
    )
    with bar:
        for job, record in _results(waiting, n_jobs):
            known[job.file_name] = record
            if place is not None:
                _write(place / f"{job.file_name}.json", record)
            bar.set_postfix_str(f"{job.source.name}, {job.method}", refresh=False)
            bar.update()
    return [known[name] for name in names]


def read_records(folder: str | Path) -> list[dict[str, Any]]:
    """
    Read the records of all jobs of a folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where :func:`run_jobs` wrote.

    Returns
    -------
    list of dict
        In the order of the file names.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return [_read(path) for path in sorted(Path(folder).glob("*.json"))]


def _known(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in names:
        path = folder / f"{name}.json"
        if path.is_file():
            record = _read(path)
            if not record.get("error"):
                found[name] = record
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f"The record '{path}' cannot be read ({error}). Delete it, and it is computed again."
        ) from None
    if not isinstance(record, Mapping):
        raise InputError(f"The record '{path}' is no record. Delete it.")
    return dict(record)


def _write(path: Path, record: dict[str, Any]) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(record, indent=None, separators=(",", ":")))


def _results(jobs: Sequence[Job], n_jobs: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    if n_jobs == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, _run(job)
        return
    from joblib import Parallel, delayed, parallel_config

    _send_modules_by_name()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
        try:
            for index, record in parallel(
                delayed(_run_numbered)(*item) for item in enumerate(jobs)
            ):
                yield jobs[index], record
        except PicklingError as error:
            reason = str(error.__cause__ or error).strip(' "\n').rsplit("Error: ")[-1]
            raise InputError(
                f"A task or a method cannot be sent to another process ({reason}). Define it "
                "without what belongs to one process alone, or take n_jobs=1."
            ) from error


def _send_modules_by_name() -> None:
    """Let functions of a script that name a package travel, whatever the class of its module."""
    for module in list(sys.modules.values()):
        # Packages that load their parts at first use have a class of their own.
        if isinstance(module, ModuleType) and type(module).__module__ == "lazy_loader":
            copyreg.pickle(type(module), _module_by_name)


def _module_by_name(module: ModuleType) -> tuple[Callable[[str], ModuleType], tuple[str]]:
    return import_module, (module.__name__,)


def _run_numbered(index: int, job: Job) -> tuple[int, dict[str, Any]]:
    return index, _run(job)


def _run(job: Job) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    about = {
        "task": job.source.name,
        "session": job.source.session,
        "method": job.method,
        "seed": job.seed,
    }
    try:
        with threadpool_limits(limits=1):
            prepared = _prepared(cast(Hashable, job.source))
            record = score_method(prepared, job.make_method, seed=job.seed, n_shifts=job.n_shifts)
        return {**about, "kind": prepared.task.kind, **record}
    except Exception as error:
        # One method must not stop the others; what it said is kept with its name.
        text = str(error) if isinstance(error, TavrnnEphysError) else _last_line(error)
        return {**about, "error": text}


def _last_line(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"


@lru_cache(maxsize=2)
def _prepared(source: Any) -> TaskGraphs:
    """Graphs of the last recordings: neighbouring jobs share them."""
    with np.errstate(all="ignore"):
        return TaskGraphs(source.load())
