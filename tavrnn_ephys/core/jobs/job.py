"""A piece of work, and what is kept of it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.errors import InputError, TavrnnEphysError

__all__ = ["Job", "job_key", "record_of"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """
    A piece of work with a name of its own.

    Parameters
    ----------
    key : str
        Its name, and that of the file of its record; see :func:`job_key`.
    run : callable
        Takes nothing and returns what is found, a mapping that JSON can hold; for other
        processes a function of a module, or an object, that can be pickled.
    about : mapping of str to object
        Facts that stand first in the record, whether the job succeeds or fails.

    Raises
    ------
    InputError
        If the key cannot be the name of a file.

    Examples
    --------
    >>> Job(key=job_key("culture 1", "rates"), run=dict).key
    'culture-1__rates'
    """

    key: str
    run: Callable[[], Mapping[str, Any]]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.key or self.key.startswith(".") or set(self.key) & set('/\\:*?"<>|\0'):
            raise InputError(
                f"The job {self.key!r} cannot name a file. Build its key with job_key."
            )


def job_key(*parts: object) -> str:
    """
    Join facts to a key that every file system takes as a name.

    Parameters
    ----------
    *parts : object
        What tells the job from all others.

    Returns
    -------
    str
        Letters, digits, dashes and underscores.

    Examples
    --------
    >>> job_key("DIV 14/a.nwb", "uase", "seed0")
    'DIV-14-a-nwb__uase__seed0'
    """
    return "__".join("".join(c if c.isalnum() else "-" for c in str(part)) for part in parts)


def record_of(job: Job) -> dict[str, Any]:
    """
    Run a job; what goes wrong is its record.

    Parameters
    ----------
    job : Job
        The job.

    Returns
    -------
    dict of str to object
        ``about``, and what it found or ``"error"``.
    """
    about = dict(job.about)
    try:
        record = {**about, **job.run()}
        json.dumps(record)
    except Exception as error:
        # One job must not stop the others; what it said is kept with its name.
        text = str(error) if isinstance(error, TavrnnEphysError) else _last_line(error)
        return {**about, "error": text}
    return record


def _last_line(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
