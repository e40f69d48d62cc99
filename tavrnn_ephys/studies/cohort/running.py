"""A study is run: what is done is kept, what fails is isolated and told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.addresses import is_address
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import InputError, OutputError, TavrnnEphysError
from tavrnn_ephys.core.memory import bytes_text
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.studies.cohort.engines import Engine, SerialEngine
from tavrnn_ephys.studies.cohort.plan import Plan, Planned
from tavrnn_ephys.studies.cohort.shards import (
    finished,
    model_files,
    read_json,
    read_mark,
    write_json,
)
from tavrnn_ephys.studies.cohort.tasks import STARTS, Outcome, Task

if TYPE_CHECKING:
    import pandas

__all__ = ["Status", "part_of", "run_plan", "status_of", "train_model"]

_SETTLED = ("done", "kept")
FAILURES = "failures.csv"
_KNOWN_FAILURES = "failures.json"


@dataclass(frozen=True, kw_only=True)
class Status:
    """
    What became of the recordings of a study.

    Parameters
    ----------
    states : mapping of str to str
        By id: done, refused, failed, lost, busy or waiting.
    reasons : mapping of str to str
        By id, of those that are not done, one sentence each.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every recording is done."""
        return all(state == "done" for state in self.states.values())

    @property
    def failures(self) -> pandas.DataFrame:
        """Recordings that are not done, with the reason of each."""
        import pandas as pd

        rows = [
            {"id": name, "state": self.states[name], "reason": reason}
            for name, reason in self.reasons.items()
        ]
        return pd.DataFrame(rows, columns=["id", "state", "reason"])

    def __str__(self) -> str:
        counts = Counter(self.states.values()).most_common()
        lines = [
            f"{len(self.states)} recordings: " + ", ".join(f"{n} {name}" for name, n in counts)
        ]
        lines += [f"{name}: {self.states[name]}. {why}" for name, why in self.reasons.items()]
        return "\n".join(lines)


def part_of(plan: Plan, part: tuple[int, int]) -> Plan:
    """
    Take a part of a study, so that several machines share it without a scheduler.

    Parameters
    ----------
    plan : Plan
        The whole.
    part : tuple of int
        Which part, from 1, of how many.

    Returns
    -------
    Plan
        Every ``n``-th recording; the parts together are the whole.

    Raises
    ------
    InputError
        If there is no such part.
    """
    number, of = part
    if not 1 <= number <= of:
        raise InputError(f"There is no part {number} of {of}. Parts are counted from 1.")
    return Plan(recordings=plan.recordings[number - 1 :: of])


def run_plan(
    plan: Plan,
    study: Path,
    engine: Engine | None = None,
    *,
    memory: int | None = None,
    retry: bool = False,
    verbose: bool = False,
) -> Status:
    """
    Analyse the recordings of a study that are not done.

    Parameters
    ----------
    plan : Plan
        What to do.
    study : pathlib.Path
        Folder of the study.
    engine : Engine, optional
        Where it is done; one after the other in this process by default.
    memory : int, optional
        Bytes that a process may take; a recording that is known to need more is refused.
    retry : bool
        Whether recordings that failed in a former run are tried again; else they are once per
        change of the recording or of its choices.
    verbose : bool
        Whether progress, with the time left, is shown on a terminal.

    Returns
    -------
    Status
        What became of each recording.

    Raises
    ------
    OutputError
        If the disk is full.
    """
    before = {} if retry else _remembered(study)
    tasks, outcomes = _sorted_out(plan, study, memory, before)
    ran: dict[str, Outcome] = {}
    clock = _Clock(study, len(outcomes), len(plan.recordings))
    with progress_bar(
        what="analysing", unit="recording", total=clock.n_recordings,
        initial=clock.n_before, verbose=verbose,
    ) as bar:  # fmt: skip
        for task, outcome in _settled(tasks, engine or SerialEngine(), study):
            outcomes[task.id] = ran[task.key] = outcome
            bar.set_postfix_str(task.id, refresh=False)
            bar.update()
            clock.write(len(outcomes))
    _remember(study, ran)
    status = _status(plan, outcomes)
    with whole_file(study / FAILURES) as partial:
        write_csv(status.failures, partial)
    return status


def train_model(plan: Plan, study: Path, engine: Engine | None = None) -> None:
    """
    Train the model that the recordings of a study share, where that is not done yet.

    Parameters
    ----------
    plan : Plan
        The whole study; nothing is trained where each recording has a model of its own.
    study : pathlib.Path
        Folder of the study.
    engine : Engine, optional
        Where it is done; in this process by default.

    Raises
    ------
    InputError
        If a recording that it is trained on does not suit it, or another run trains it.
    OutputError
        If the disk is full.
    TavrnnEphysError
        If its process died.
    """
    shared = [item for item in plan.recordings if item.model and not item.refusal]
    training = [_task(item, study) for item in shared if not item.is_held_out]
    if not training or finished(*model_files(study, shared[0].model)) is not None:
        return
    task = replace(
        training[0],
        id="shared model",
        key=shared[0].model,
        memory=sum(part.memory for part in training),
        trains_on=tuple(training),
    )
    for _, outcome in _settled([task], engine or SerialEngine(), study):
        if outcome.state == "busy":
            raise InputError("Another run trains the shared model. Run this one when it is done.")
        if outcome.state == "refused":
            raise InputError(f"The shared model cannot be trained. {outcome.reason}")
        if outcome.state not in _SETTLED:
            raise TavrnnEphysError(f"The shared model was not trained. {outcome.reason}")


def _settled(tasks: Sequence[Task], engine: Engine, study: Path) -> Iterator[tuple[Task, Outcome]]:
    """Run tasks, those again that may have failed by chance, until each has its outcome."""
    starts: Counter[str] = Counter()
    while tasks:
        again = []
        for task, outcome in engine.outcomes(tasks):
            starts[task.id] += outcome.n_starts
            _log(study, task, outcome)
            if outcome.state == "full":
                raise OutputError(
                    f"There is no room left for '{study}'. Make room and run it again; what is "
                    "done is kept."
                )
            if starts[task.id] < STARTS.get(outcome.state, 1):
                again.append(task)
            else:
                yield task, outcome
        tasks = again


def status_of(plan: Plan, study: Path) -> Status:
    """
    Say what became of the recordings of a study, without running anything.

    Parameters
    ----------
    plan : Plan
        The plan.
    study : pathlib.Path
        Folder of the study.

    Returns
    -------
    Status
        What stands on the disk.
    """
    _, outcomes = _sorted_out(plan, study, None, _remembered(study))
    return _status(plan, outcomes)


def _sorted_out(
    plan: Plan, study: Path, memory: int | None, before: Mapping[str, Outcome]
) -> tuple[list[Task], dict[str, Outcome]]:
    """Tell what is to be done, the largest first, from what is done or cannot be."""
    tasks, outcomes = [], {}
    for item in plan.recordings:
        known = None if item.refusal else read_mark(study, item.key)
        if item.refusal:
            outcomes[item.id] = Outcome(state="refused", reason=item.refusal)
        elif known is not None:
            outcomes[item.id] = Outcome(state="kept", facts=known)
        elif memory is not None and item.memory > memory:
            reason = (
                f"It needs about {bytes_text(item.memory)} of memory and a worker has "
                f"{bytes_text(memory)}. Take a longer step, or give workers more: --memory."
            )
            outcomes[item.id] = Outcome(state="refused", reason=reason)
        elif item.key in before:
            outcomes[item.id] = before[item.key]
        else:
            tasks.append(_task(item, study))
    return sorted(tasks, key=lambda task: -task.memory), outcomes


def _task(item: Planned, study: Path) -> Task:
    return Task(
        id=item.id,
        file=item.file if is_address(item.file) else str(Path(item.file).absolute()),
        digest=item.digest,
        key=item.key,
        study=str(study.absolute()),
        options=item.options,
        memory=item.memory,
        model=item.model,
        is_held_out=item.is_held_out,
    )


def _status(plan: Plan, outcomes: Mapping[str, Outcome]) -> Status:
    states, reasons = {}, {}
    for item in plan.recordings:
        outcome = outcomes.get(item.id, Outcome(state="waiting", reason="It was not run yet."))
        states[item.id] = "done" if outcome.state in _SETTLED else outcome.state
        if states[item.id] != "done":
            reasons[item.id] = outcome.reason
    return Status(states=states, reasons=reasons)


def _log(study: Path, task: Task, outcome: Outcome) -> None:
    if outcome.trace:
        folder = study / "log"
        folder.mkdir(exist_ok=True)
        with whole_file(folder / f"{task.key}.txt") as partial:
            partial.write_text(f"{task.file}\n{outcome.reason}\n{outcome.trace}", encoding="utf-8")


@dataclass(frozen=True)
class _Clock:
    """Says in a file how far a run is, for those who cannot see its terminal."""

    study: Path
    n_before: int
    n_recordings: int
    begun: float = field(default_factory=time.monotonic)

    def write(self, n_settled: int) -> None:
        each = (time.monotonic() - self.begun) / (n_settled - self.n_before)
        left = round(each * (self.n_recordings - n_settled))
        facts = {"settled": n_settled, "recordings": self.n_recordings, "seconds_left": left}
        write_json(self.study / "progress.json", facts)


def _remember(study: Path, run: Mapping[str, Outcome]) -> None:
    """Keep why recordings could not be analysed, by the name of the shard that they lack."""
    new = {
        key: {"state": item.state, "reason": item.reason}
        for key, item in run.items()
        if item.state in ("refused", "failed", "lost")
    }
    known = {
        key: {"state": item.state, "reason": item.reason}
        for key, item in _remembered(study).items()
        if key not in run
    }
    write_json(study / _KNOWN_FAILURES, {"failures": {**known, **new}})


def _remembered(study: Path) -> dict[str, Outcome]:
    place = study / _KNOWN_FAILURES
    if not place.is_file():
        return {}
    kept: Any = read_json(place).get("failures", {})
    return {key: Outcome(**about) for key, about in kept.items()}
