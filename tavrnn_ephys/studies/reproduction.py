"""A stored run computed again from the recording in the same file."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning, InputError
from tavrnn_ephys.core.names import STATE_TABLES
from tavrnn_ephys.core.provenance import PROCESSOR, option_digests, package_versions
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.core.spec import RecordingSpec, StateSpec, from_facts
from tavrnn_ephys.results import open_results
from tavrnn_ephys.results.comparison import compare_parts, options_that_differ
from tavrnn_ephys.results.rounding import ROUNDING, largest_difference
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.behavior.config import BehaviorConfig, behaviors_of_facts
from tavrnn_ephys.studies.behavior.several import table_names
from tavrnn_ephys.studies.behavior.tables import BEHAVIOR_TABLES
from tavrnn_ephys.studies.change import CHANGE_TABLES
from tavrnn_ephys.studies.recording import read_segment
from tavrnn_ephys.studies.run import compute_run, tables_of
from tavrnn_ephys.studies.streamed import compare_commits, is_streamed

if TYPE_CHECKING:
    import pandas

__all__ = ["Reproduction", "reproduce_run"]


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """
    What came of computing a run again.

    Parameters
    ----------
    run : str
        Name of the run.
    equal : tuple of str
        Parts that came out equal to the last bit.
    differences : tuple of str
        What differs in the others.
    reasons : tuple of str
        What has changed since the run was written: the recording, options, versions, platform.
    """

    run: str
    equal: tuple[str, ...]
    differences: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every part came out equal."""
        return not self.differences

    def __str__(self) -> str:
        if self.is_equal:
            lines = [f"Run '{self.run}': equal to the last bit ({', '.join(self.equal)})."]
            lines += [f"All the same: {reason}" for reason in self.reasons]
            return "\n".join(lines)
        rounded = any(reason.startswith(ROUNDING) for reason in self.reasons)
        lines = [f"Run '{self.run}': {'equal up to rounding' if rounded else 'not equal'}."]
        lines += [f"Differs: {text}" for text in self.differences]
        if self.equal:
            lines.append(f"Equal: {', '.join(self.equal)}.")
        lines += [f"Why: {reason}" for reason in self.reasons]
        if not [reason for reason in self.reasons if not reason.startswith(ROUNDING)]:
            lines.append("Why: recording, options, versions and platform are the same as then.")
        return "\n".join(lines)


def reproduce_run(
    path: str | Path, run: str | None = None, *, verbose: bool = False
) -> Reproduction:
    """
    Compute a run again from its configuration and the recording in the same file.

    Parameters
    ----------
    path : str or pathlib.Path
        NWB file with a recording and results; it is not changed.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.
    verbose : bool
        Whether progress is shown on a terminal.

    Returns
    -------
    Reproduction
        What is equal, what differs, and why.

    Raises
    ------
    FileFormatError
        If the file holds no results, or no recording.
    InputError
        If the run was not written by an analysis of this package, or an option is unknown.
    """
    path = Path(path)
    with open_results(path, run=run) as stored:
        old, facts, name = stored.load(), dict(stored.provenance), stored.info.name
    if is_streamed(facts):
        same, changed = compare_commits(path, old, facts)
        reasons = tuple(_other_versions(facts, old)) if changed else ()
        return Reproduction(
            run=name, equal=tuple(same), differences=tuple(changed), reasons=reasons
        )
    if "config.shared_model.key" in facts:
        raise InputError(
            f"The model of the run '{name}' was trained over several recordings of a study, and "
            "cannot be trained again from this one. Run the study in a new folder: tavrnn-ephys "
            "cohort run STUDY --shared-model."
        )
    config, behaviors, states = _choices(facts, name)
    spec = from_facts(RecordingSpec, facts)
    block, _ = read_segment(path, spec.copied())
    with warnings.catch_warnings():
        # The run keeps what was warned of when it was written.
        warnings.simplefilter("ignore", DataLossWarning)
        warnings.simplefilter("ignore", ChanceLossWarning)
        result = compute_run(block.segments[0], config, spec, behaviors, states, verbose=verbose)
    equal, differences = compare_parts(old, _as_stored(result, old))
    same, changed = _compare_tables(old.tables, result, len(behaviors))
    return Reproduction(
        run=name,
        equal=(*equal, *same),
        differences=(*differences, *changed),
        reasons=(*_reasons(facts, result, old), *_rounding(old, result, bool(changed))),
    )


def _choices(
    facts: Mapping[str, Any], name: str
) -> tuple[AnalysisConfig, tuple[BehaviorConfig, ...], StateSpec | None]:
    """Read how a run was computed; None for states that it does not name."""
    if "config.analysis.bin_size_s" not in facts:
        raise InputError(
            f"The run '{name}' does not say how it was computed, so that it cannot be computed "
            "again. Runs that 'tavrnn-ephys analyze' writes can."
        )
    try:
        config = AnalysisConfig.from_facts(facts)
        behaviors, states = behaviors_of_facts(facts), None
        if "config.states.n_states" in facts:
            states = from_facts(StateSpec, facts)
    except InputError as error:
        raise InputError(f"The run '{name}' cannot be computed again. {error}") from None
    return config, behaviors, states


def _compare_tables(
    old: Mapping[str, pandas.DataFrame], result: AnalysisResult, n_behaviors: int
) -> tuple[list[str], list[str]]:
    """Say which tables of behaviour and states are equal, and how the others differ."""
    new = tables_of(result)
    asked = [
        *(CHANGE_TABLES if set(CHANGE_TABLES) & set(old) else ()),
        *(table_names(n_behaviors) if result.behavior else ()),
        *(STATE_TABLES if result.states else ()),
    ]
    equal, differences = [], []
    for name in asked:
        if name in old and name in new:
            columns = _changed_columns(old[name], new[name])
            if columns:
                differences.append(f"The table {name} differs in {some(columns)}.")
            else:
                equal.append(f"table {name}")
        elif name in old or name in new:
            differences.append(f"Only one of both has the table {name}.")
    return equal, differences


def _changed_columns(one: pandas.DataFrame, two: pandas.DataFrame) -> list[str]:
    if len(one) != len(two):
        return [f"its number of rows, {len(one)} and {len(two)}"]
    names = dict.fromkeys([*map(str, one.columns), *map(str, two.columns)])
    return [
        name
        for name in names
        if name not in one or name not in two or not _same_values(one[name], two[name])
    ]


def _same_values(one: pandas.Series, two: pandas.Series) -> bool:
    """Compare to the last bit; a file may hold whole numbers and booleans in other types."""
    a, b = one.to_numpy(), two.to_numpy()
    if a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
        return np.array_equal(a.astype(np.float64), b.astype(np.float64), equal_nan=True)
    return np.array_equal(a.astype(str), b.astype(str))


def _as_stored(result: AnalysisResult, old: Results) -> Results:
    """Keep of the new results what the old ones have."""
    return Results(
        embedding=None if old.embedding is None else result.embedding,
        connectivity=None if old.connectivity is None else result.connectivity,
        graphs=None if old.graphs is None else result.graphs,
    )


def _reasons(facts: Mapping[str, Any], result: AnalysisResult, old: Results) -> Iterator[str]:
    if result.behavior is None and set(BEHAVIOR_TABLES) & set(old.tables):
        yield (
            "the tables of the behaviour are not compared: this run was written by a release that "
            "did not store which behaviour they are of."
        )
    then = facts.get("origin.activity_sha256")
    if then is not None and then != result.activity.sha256:
        yield "the recording has changed: its binned activity has another checksum than then."
    yield from _changed_options(facts, result)
    yield from _other_versions(facts, old)


def _other_versions(facts: Mapping[str, Any], old: Results) -> Iterator[str]:
    """Name the packages, the processor and the platform that have changed."""
    before = {} if old.embedding is None else dict(old.embedding.versions)
    for key, (one, two) in options_that_differ(before, package_versions()).items():
        if key != PROCESSOR:
            yield f"version of {key}: {one} then, {two} now."
        elif one is not None:
            yield (
                f"instruction set of the processor: {one} then, {two} now, so that sums round "
                "differently."
            )
    here = f"{platform.system()} {platform.machine()}"
    if "platform" in facts and facts["platform"] != here:
        yield f"platform: {facts['platform']} then, {here} now."


def _rounding(old: Results, result: AnalysisResult, other_tables: bool) -> Iterator[str]:
    """Say that arrays differ by rounding alone; tables that differ may do so by more."""
    rounded = largest_difference(old, _as_stored(result, old))
    if rounded:
        text = f"numbers differ by at most {rounded:.1g} of the largest of their kind."
        yield f"of the arrays, {text}" if other_tables else f"{ROUNDING}{text}"


def _changed_options(facts: Mapping[str, Any], result: AnalysisResult) -> Iterator[str]:
    """Name options whose stored value is not the one that the run was computed with."""
    stored = {
        key.removeprefix("config."): value
        for key, value in facts.items()
        if key.startswith("config.")
    }
    now = _digests(option_digests(stored))
    then = _digests(str(facts.get("config_digests", "")))
    changed = [key for key in stored if now.get(key.replace(" ", "")) != then.get(key)]
    for key in changed if then else ():
        yield f"option '{key}' was changed in the file after the run; it says {stored[key]!r} now."
    for key, (one, two) in options_that_differ(stored, dict(result.embedding.config)).items():
        if key not in changed and key != "analysis.segment_index":
            yield f"option '{key}': {one!r} then, {two!r} now."


def _digests(text: str) -> dict[str, str]:
    return dict(part.rsplit("=", 1) for part in text.split() if "=" in part)
