"""What a study will do, known before any of it is done: one line for each recording."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.connectivity.size import analysis_size
from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, InputError, TavrnnEphysError
from tavrnn_ephys.core.memory import bytes_text
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.core.spec import RecordingSpec, SelectionSpec
from tavrnn_ephys.io.blocks import loaded_segment, node_signals, segment_limits_s
from tavrnn_ephys.io.outlines import Outline, outline_of
from tavrnn_ephys.studies.cohort.manifest import Entry
from tavrnn_ephys.studies.cohort.options import AnalysisOptions, analysis_options
from tavrnn_ephys.studies.cohort.shards import digest_of, read_json, shard_key, state_of, write_json
from tavrnn_ephys.studies.recording import read_block

if TYPE_CHECKING:
    import neo

__all__ = ["Plan", "Planned", "make_plan", "read_plan", "write_plan"]

_FORMAT = 1
_PLAN = "plan.json"
# Seconds of one core for an analysis of ten windows of ten nodes, and for each weight beyond.
_SECONDS, _SECONDS_PER_WEIGHT = 2.0, 2e-6


@dataclass(frozen=True, kw_only=True)
class Planned:
    """
    A recording of a study, and what its analysis takes.

    Parameters
    ----------
    id : str
        Its name in tables.
    file : str
        The file.
    options : mapping of str to object
        How it is analysed, by the keys of a manifest.
    facts : mapping of str to str
        What the manifest says of it.
    digest : str
        SHA-256 of its content; empty where it cannot be read.
    state : list of float
        Size and time of change of the file, by which a digest is known to hold still.
    key : str
        Name of its shard; empty where it is refused.
    n_nodes, n_windows : int
        Size of the question.
    memory : int
        Bytes that its analysis takes at its peak.
    seconds : float
        About how long it takes on one core.
    refusal : str
        Why it cannot be analysed; empty where it can.
    warned : tuple of str
        What reading it warned of.
    was_read : bool
        Whether it was read for its size, which its headers do not tell.
    model : str
        Key of the model that is shared by recordings; empty where it gets a model of its own.
    is_held_out : bool
        Whether the shared model is adapted to it in place of being trained on it.
    """

    id: str
    file: str
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    state: tuple[float, ...] = ()
    key: str = ""
    n_nodes: int = 0
    n_windows: int = 0
    memory: int = 0
    seconds: float = 0.0
    refusal: str = ""
    warned: tuple[str, ...] = ()
    was_read: bool = False
    model: str = ""
    is_held_out: bool = False

    @property
    def choices(self) -> AnalysisOptions:
        """How it is analysed."""
        return analysis_options(self.options, f"'{self.id}'")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    What a study will do.

    Parameters
    ----------
    recordings : tuple of Planned
        In the order of the manifest.
    """

    recordings: tuple[Planned, ...]

    def __str__(self) -> str:
        able = [item for item in self.recordings if not item.refusal]
        lines = [f"{len(self.recordings)} recordings, {len(able)} can be analysed."]
        if able:
            most = max(able, key=lambda item: item.memory)
            lines.append(
                f"The largest, '{most.id}', has {most.n_nodes} nodes and {most.n_windows} windows "
                f"and takes about {bytes_text(most.memory)} of memory."
            )
            minutes = sum(item.seconds for item in able) / 60
            lines.append(f"One core takes about {max(1, round(minutes))} min for all.")
        read = [item.id for item in able if item.was_read]
        if read:
            lines.append(f"Headers do not tell the size of {some(read)}: it was read.")
        lines += [f"{item.id}: refused. {item.refusal}" for item in self.recordings if item.refusal]
        return "\n".join(lines)


def make_plan(entries: Sequence[Entry], study: Path, *, verbose: bool = False) -> Plan:
    """
    Find out what the analysis of each recording takes, and write the plan of a study.

    Parameters
    ----------
    entries : sequence of Entry
        The recordings.
    study : pathlib.Path
        Folder of the study; made where it is not there.
    verbose : bool
        Whether progress is shown on a terminal.

    Returns
    -------
    Plan
        One line for each recording; what cannot be analysed has its reason.

    Raises
    ------
    OutputError
        If the plan cannot be written.
    """
    is_planned = (study / _PLAN).is_file()
    before = {item.file: item for item in read_plan(study).recordings} if is_planned else {}
    bar = progress_bar(entries, what="planning", unit="recording", verbose=verbose)
    recordings = [_planned(entry, before.get(str(entry.file))) for entry in bar]
    plan = Plan(recordings=_without_repeats(recordings))
    write_plan(plan, study)
    return plan


def write_plan(plan: Plan, study: Path) -> None:
    """
    Write the plan of a study.

    Parameters
    ----------
    plan : Plan
        The plan.
    study : pathlib.Path
        Folder of the study.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [asdict(item) for item in plan.recordings]
    write_json(study / _PLAN, {"format": _FORMAT, "recordings": rows})


def read_plan(study: Path) -> Plan:
    """
    Read the plan of a study.

    Parameters
    ----------
    study : pathlib.Path
        Folder of the study.

    Returns
    -------
    Plan
        As :func:`make_plan` wrote it.

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    place = Path(study) / _PLAN
    if not place.is_file():
        raise InputError(
            f"'{study}' holds no plan.json. Make it: tavrnn-ephys cohort plan MANIFEST "
            f"--out {study}"
        )
    content = read_json(place)
    try:
        if content["format"] != _FORMAT:
            raise InputError(
                f"'{place}' was written by another version. Plan the study again, with the same "
                "folder; what is done is kept."
            )
        rows = [
            {**row, "state": tuple(row["state"]), "warned": tuple(row["warned"])}
            for row in content["recordings"]
        ]
        return Plan(recordings=tuple(Planned(**row) for row in rows))
    except (KeyError, TypeError):
        raise InputError(f"'{place}' is damaged. Delete it and plan the study again.") from None


def _planned(entry: Entry, before: Planned | None) -> Planned:
    known: dict[str, Any] = {
        "id": entry.id,
        "file": str(entry.file),
        "options": dict(entry.options),
        "facts": dict(entry.facts),
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DataLossWarning)
        try:
            found = _measured(entry, before)
        except TavrnnEphysError as error:
            found = {"refusal": str(error)}
        except OSError as error:
            found = {"refusal": f"'{entry.file.name}' cannot be read: {error.strerror or error}."}
    said = tuple(dict.fromkeys(str(item.message) for item in caught))
    return Planned(**known, **found, warned=said)


def _measured(entry: Entry, before: Planned | None) -> dict[str, Any]:
    choices = analysis_options(entry.options, f"'{entry.id}'")
    state = state_of(entry.file)
    # A folder can change inside without a change of its own time.
    still = before is not None and state and before.state == state
    digest = before.digest if still and before is not None else digest_of(entry.file)
    segments, was_read = _sizes(entry.file, choices)
    config = choices.config
    # What does not fit, such as a segment that there is not, says so when it is analysed.
    segment = segments[min(config.segment_index or 0, len(segments) - 1)]
    if not segment.n_nodes:
        raise InputError(f"'{entry.file.name}' holds no nodes that could be analysed.")
    n_nodes, duration_s = segment.n_nodes, _chosen_s(segment, config.selection)
    # Windows over trials or events are known when the recording is read.
    n_windows = config.windows.n_windows(duration_s) or 0
    n_bins = math.ceil(duration_s / config.bin_size_s)
    about = {"measure": config.measure, "profile": config.profile}
    size = analysis_size(n_windows, n_nodes, n_bins=n_bins, **about)
    return {
        "digest": digest,
        "state": state,
        "key": shard_key(digest, choices.canonical()),
        "n_nodes": n_nodes,
        "n_windows": n_windows,
        "memory": size.memory,
        "seconds": _SECONDS + _SECONDS_PER_WEIGHT * n_windows * n_nodes**2,
        "was_read": was_read,
    }


def _chosen_s(segment: Outline, selection: SelectionSpec) -> float:
    """Seconds of a segment that lie within the limits that are asked for."""
    start_s, stop_s = selection.t_start_s, selection.t_stop_s
    first_s = segment.t_start_s if start_s is None else max(start_s, segment.t_start_s)
    last_s = segment.t_stop_s if stop_s is None else min(stop_s, segment.t_stop_s)
    return max(0.0, last_s - first_s)


def _sizes(path: Path | Address, choices: AnalysisOptions) -> tuple[tuple[Outline, ...], bool]:
    """Size of each segment, from headers where they tell it; else the recording is read."""
    found = outline_of(path, choices.adapter, choices.options)
    if found is not None:
        return found, False
    block = read_block(path, RecordingSpec(adapter=choices.adapter, options=choices.options))
    segments = [loaded_segment(segment) for segment in block.segments]
    return tuple(_outline(segment) for segment in segments), True


def _outline(segment: neo.Segment) -> Outline:
    signals = node_signals(segment)
    n_nodes = len(segment.spiketrains) or (signals[0].shape[1] if signals else 0)
    start_s, stop_s = segment_limits_s(segment) if n_nodes else (0.0, 0.0)
    return Outline(n_nodes=n_nodes, t_start_s=start_s, t_stop_s=stop_s)


def _without_repeats(recordings: Sequence[Planned]) -> tuple[Planned, ...]:
    """Refuse a recording whose content stands in the cohort already: it would count twice."""
    first: dict[tuple[str, Any], str] = {}
    checked = []
    for item in recordings:
        content = (item.digest, item.options.get("segment"))
        if item.digest and content in first:
            reason = (
                f"It holds the same bytes as '{first[content]}' and would count twice. "
                "Name each recording once."
            )
            item = replace(item, key="", refusal=reason)
        elif item.digest:
            first[content] = item.id
        checked.append(item)
    return tuple(checked)
