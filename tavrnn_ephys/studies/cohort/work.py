"""The analysis of one recording of a cohort, in whatever process it runs."""

from __future__ import annotations

import errno
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.addresses import place_of
from tavrnn_ephys.core.errors import (
    ChanceLossWarning,
    DataLossWarning,
    InputError,
    OutputError,
    TavrnnEphysError,
)
from tavrnn_ephys.core.output import one_writer
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.core.runs import Placement
from tavrnn_ephys.methods.threads import one_thread
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.cohort.options import analysis_options
from tavrnn_ephys.studies.cohort.shards import digest_of, read_mark, shard_files, write_json
from tavrnn_ephys.studies.recordings.measuring import levels_of

__all__ = ["Outcome", "Task", "run_task"]


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
    """

    id: str
    file: str
    digest: str
    key: str
    study: str
    options: Mapping[str, Any]
    memory: int = 0


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
    """

    state: str
    reason: str = ""
    trace: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def run_task(task: Task) -> Outcome:
    """
    Analyse a recording into its shard; what goes wrong is the outcome.

    Parameters
    ----------
    task : Task
        The recording and its choices.

    Returns
    -------
    Outcome
        The shard is whole, with its mark, or not there.
    """
    study = Path(task.study)
    results, _ = shard_files(study, task.key)
    try:
        results.parent.mkdir(parents=True, exist_ok=True)
        with one_writer(results.with_suffix(".work")), one_thread():
            _sweep(results)
            known = read_mark(study, task.key)
            if known is not None:
                return Outcome(state="kept", facts=known)
            return Outcome(state="done", facts=_analysed(task))
    except OutputError as error:
        state = "busy" if "Another process" in str(error) else "failed"
        return Outcome(state=state, reason=str(error))
    except TavrnnEphysError as error:
        return Outcome(state="refused", reason=str(error))
    except MemoryError:
        return Outcome(state="lost", reason="It needs more memory than there is.")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Outcome(state="full", reason="There is no room left on the disk.")
        reason = f"An unexpected {type(error).__name__}: {error}"
        return Outcome(state="failed", reason=reason, trace=traceback.format_exc())


def _sweep(results: Path) -> None:
    """Remove what a process that was killed at this shard has left beside it."""
    own = f".{results.with_suffix('.work').name}.lock"
    for item in results.parent.glob(f".{results.stem}*"):
        if item.is_dir():
            shutil.rmtree(item)
        elif item.name != own:
            item.unlink(missing_ok=True)


def _analysed(task: Task) -> dict[str, Any]:
    """Analyse, write the results, and then the mark that says that they are whole."""
    from tavrnn_ephys.studies.files import analyze_file

    source, begun = place_of(task.file), time.perf_counter()
    if digest_of(source) != task.digest:
        raise InputError(f"'{source.name}' has changed since it was planned. Plan the study again.")
    choices = analysis_options(task.options, f"'{task.id}'")
    results, mark = shard_files(Path(task.study), task.key)
    placement = Placement(connectivity=choices.connectivity, overwrite=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in (ChanceLossWarning, DataLossWarning):
            warnings.simplefilter("always", category)
        result = analyze_file(
            source,
            results,
            choices.config,
            placement=placement,
            adapter=choices.adapter,
            options=choices.options,
            session_start=choices.session_start,
            behavior=choices.behavior,
            overwrite=True,
        )
    facts = {
        "recording": source.name,
        "digest": task.digest,
        **_found(result),
        "warned": list(dict.fromkeys(str(item.message) for item in caught)),
        "seconds": round(time.perf_counter() - begun, 3),
        "peak_memory": _peak_memory(),
        "versions": package_versions(),
    }
    write_json(mark, facts)
    return facts


def _peak_memory() -> int | None:
    """Most bytes that this process has held so far; None where the system does not say it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    # Linux counts in units of 1024 bytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _found(result: AnalysisResult) -> dict[str, Any]:
    """Sum up a result in what statistics over recordings need."""
    connectivity = result.connectivity
    return {
        "n_nodes": connectivity.n_nodes,
        "n_windows": len(result.windows),
        "mean_activity": float(np.asarray(connectivity.mean_activity).mean()),
        "levels": [round(float(level), 9) for level in levels_of(connectivity)],
        "reconstruction_loss": float(result.model.history_[-1]["reconstruction"]),
    }
