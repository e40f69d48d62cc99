"""The analysis of one recording of a cohort, in whatever process it runs."""

from __future__ import annotations

import errno
import shutil
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import (
    ChanceLossWarning,
    DataLossWarning,
    OutputError,
    TavrnnEphysError,
)
from tavrnn_ephys.core.output import one_writer
from tavrnn_ephys.core.ownership import as_private_as
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.core.runs import Placement
from tavrnn_ephys.methods.threads import one_thread
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.cohort.options import analysis_options
from tavrnn_ephys.studies.cohort.shards import finished, write_json
from tavrnn_ephys.studies.cohort.shared import shared_embedder, train_shared
from tavrnn_ephys.studies.cohort.tasks import Outcome, Task, unchanged
from tavrnn_ephys.studies.recordings.measuring import levels_of, summary_of_states

__all__ = ["run_task"]

_TURN = threading.Lock()


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
    results, mark = task.files
    try:
        results.parent.mkdir(parents=True, exist_ok=True)
        # Threads of a worker take turns: what is warned of and how many threads libraries take
        # belong to the whole process, and memory is planned for one recording.
        private = as_private_as(task.file)
        with _TURN, one_writer(results.with_suffix(".work")), one_thread(), private:
            _sweep(results)
            known = finished(results, mark)
            if known is None:
                facts = _trained(task) if task.trains_on else _analysed(task)
                return Outcome(state="done", facts=facts)
            return Outcome(state="kept", facts=known)
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

    begun, choices = time.perf_counter(), analysis_options(task.options, f"'{task.id}'")
    source, (results, mark) = unchanged(task), task.files
    with _remembered() as said:
        result = analyze_file(
            source,
            results,
            choices.config,
            placement=Placement(connectivity=choices.connectivity, overwrite=True),
            adapter=choices.adapter,
            options=choices.options,
            session_start=choices.session_start,
            behavior=choices.behaviors,
            states=choices.states,
            embedder=shared_embedder(task) if task.model else None,
            overwrite=True,
        )
    facts = {
        "recording": source.name,
        "digest": task.digest,
        **_found(result),
        "warned": said,
        **_cost(begun),
    }
    write_json(mark, facts)
    return facts


def _trained(task: Task) -> dict[str, Any]:
    """Train a model over recordings, save it, and then the mark that says that it is whole."""
    begun = time.perf_counter()
    results, mark = task.files
    with _remembered() as said:
        facts = {**train_shared(task, results), "warned": said, **_cost(begun)}
    write_json(mark, facts)
    return facts


@contextmanager
def _remembered() -> Iterator[list[str]]:
    """Collect what is warned of, each once, in place of telling it here."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in (ChanceLossWarning, DataLossWarning):
            warnings.simplefilter("always", category)
        yield said
        said += dict.fromkeys(str(item.message) for item in caught)


def _cost(begun: float) -> dict[str, Any]:
    return {
        "seconds": round(time.perf_counter() - begun, 3),
        "peak_memory": _peak_memory(),
        "versions": package_versions(),
    }


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
    # Here, since it loads PyTorch, which the process that hands out tasks does without.
    from tavrnn_ephys.studies.answering import answer

    connectivity = result.connectivity
    return {
        "n_nodes": connectivity.n_nodes,
        "n_windows": len(result.windows),
        "mean_activity": float(np.asarray(connectivity.mean_activity).mean()),
        "levels": [round(float(level), 9) for level in levels_of(connectivity)],
        "reconstruction_loss": float(result.model.history_[-1]["reconstruction"]),
        "answer": [sentence.text for sentence in answer(result)],
        "states": {} if result.states is None else summary_of_states(result.states.found),
    }
