"""Jobs with their records in a folder: what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.jobs.executors import Executor, SerialExecutor
from tavrnn_ephys.core.jobs.job import Job
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.core.progress import progress_bar

__all__ = ["iter_jobs", "read_records", "run_jobs"]


def iter_jobs(
    jobs: Iterable[Job], folder: str | Path | None = None, *, executor: Executor | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Run jobs one by one, and hand each record on before the next job is made.

    A job whose record stands in the folder, without an error, is not run again.

    Parameters
    ----------
    jobs : iterable of Job
        What to run; a generator is taken as far as there is room for work.
    folder : str or pathlib.Path, optional
        Existing folder that keeps one file per job.
    executor : Executor, optional
        Where they run; one after the other in this process by default.

    Yields
    ------
    tuple of str and dict
        Key and record of each job: what was known while the jobs are gone through, the rest as
        it is done.

    Raises
    ------
    InputError
        If two jobs share their key, or a record cannot be read.

    Examples
    --------
    >>> jobs = (Job(key=f"{n}", run=lambda n=n: {"half": 1 / n}) for n in (2, 0))
    >>> for key, record in iter_jobs(jobs):
    ...     print(key, record.get("half", "failed"))
    2 0.5
    0 failed
    """
    place = None if folder is None else Path(folder)
    known: list[tuple[str, dict[str, Any]]] = []
    waiting = _unknown(jobs, place, known)
    for key, record in (executor or SerialExecutor()).records(waiting):
        if place is not None:
            _write(place / f"{key}.json", record)
        # Records that were met on the way to this job go first.
        while known:
            yield known.pop(0)
        yield key, record
    yield from known


def _unknown(
    jobs: Iterable[Job], folder: Path | None, known: list[tuple[str, dict[str, Any]]]
) -> Iterator[Job]:
    seen: set[str] = set()
    for job in jobs:
        if job.key in seen:
            raise InputError(f"Two jobs have the same name, {job.key!r}. Give each its own.")
        seen.add(job.key)
        record = None if folder is None else _finished(folder / f"{job.key}.json")
        if record is None:
            yield job
        else:
            known.append((job.key, record))


def run_jobs(
    jobs: Sequence[Job],
    folder: str | Path | None = None,
    *,
    executor: Executor | None = None,
    what: str = "jobs",
    verbose: bool = False,
) -> list[dict[str, Any]]:
    """
    Run jobs, those that are done already excepted.

    Parameters
    ----------
    jobs : sequence of Job
        What to run.
    folder : str or pathlib.Path, optional
        Existing folder that keeps one file per job; it is tried again where one failed.
    executor : Executor, optional
        Where they run; one after the other in this process by default.
    what : str
        What the work is, for the progress bar.
    verbose : bool
        Whether progress, with the time left, is shown on a terminal.

    Returns
    -------
    list of dict
        Records in the order of the jobs.

    Raises
    ------
    InputError
        If two jobs share their key, or a record cannot be read.
    """
    records = {}
    with progress_bar(what=what, unit="job", total=len(jobs), initial=0, verbose=verbose) as bar:
        for key, record in iter_jobs(jobs, folder, executor=executor):
            records[key] = record
            bar.set_postfix_str(key, refresh=False)
            bar.update()
    return [records[job.key] for job in jobs]


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


def _finished(path: Path) -> dict[str, Any] | None:
    """Give the record of a job that was done without an error."""
    record = _read(path) if path.is_file() else {"error": "not yet"}
    return None if record.get("error") else record


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The record '{path}' cannot be read ({error}). Delete it, and it is computed again."
        ) from None
    if not isinstance(record, Mapping):
        raise InputError(f"The record '{path}' is no record. Delete it.")
    return dict(record)


def _write(path: Path, record: Mapping[str, Any]) -> None:
    with whole_file(path) as partial:
        text = json.dumps(record, indent=None, separators=(",", ":"))
        partial.write_text(text, encoding="utf-8")
