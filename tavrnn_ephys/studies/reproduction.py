"""A stored run computed again from the recording in the same file."""

from __future__ import annotations

import dataclasses
import platform
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.adapter_options import parse_options
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.provenance import PROCESSOR, fingerprint, option_digests, package_versions
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.io.reading import read
from tavrnn_ephys.results import open_results
from tavrnn_ephys.results.comparison import compare_parts, options_that_differ
from tavrnn_ephys.results.rounding import ROUNDING, largest_difference
from tavrnn_ephys.studies.analysis import AnalysisConfig, AnalysisResult, analyze

__all__ = ["Reproduction", "reproduce_run"]

_ANALYSIS = "config.analysis."
_MEASURE = "measure_options."
_READING = "origin.reading."


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
    config = _config(facts, name)
    block = read(path, adapter="nwb", **_reading(facts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        result = analyze(block, dataclasses.replace(config, segment_index=0), verbose=verbose)
    equal, differences = compare_parts(old, _as_stored(result, old))
    return Reproduction(
        run=name,
        equal=tuple(equal),
        differences=tuple(differences),
        reasons=tuple(_reasons(facts, result, old)),
    )


def _config(facts: Mapping[str, Any], name: str) -> AnalysisConfig:
    given = {
        key.removeprefix(_ANALYSIS): value
        for key, value in facts.items()
        if key.startswith(_ANALYSIS)
    }
    options = [f"{key}={given.pop(key)}" for key in list(given) if key.startswith(_MEASURE)]
    of_measure = parse_options([text.removeprefix(_MEASURE) for text in options])
    needed = [
        item.name
        for item in dataclasses.fields(AnalysisConfig)
        if item.default is MISSING and item.default_factory is MISSING
    ]
    if not set(needed) <= set(given):
        raise InputError(
            f"The run '{name}' does not say how it was computed, so that it cannot be computed "
            "again. Runs that 'tavrnn-ephys analyze' writes can."
        )
    known = {item.name for item in dataclasses.fields(AnalysisConfig)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise InputError(
            f"The run '{name}' was computed with an option '{unknown[0]}' that this version does "
            f"not know. Use the version that wrote it: {facts.get('software_version')}."
        )
    return AnalysisConfig(**given, measure_options=of_measure)


def _reading(facts: Mapping[str, Any]) -> dict[str, Any]:
    return parse_options(
        [
            f"{key.removeprefix(_READING)}={value}"
            for key, value in facts.items()
            if key.startswith(_READING)
        ]
    )


def _as_stored(result: AnalysisResult, old: Results) -> Results:
    """Keep of the new results what the old ones have."""
    return Results(
        embedding=None if old.embedding is None else result.embedding,
        connectivity=None if old.connectivity is None else result.connectivity,
        graphs=None if old.graphs is None else result.graphs,
    )


def _reasons(facts: Mapping[str, Any], result: AnalysisResult, old: Results) -> Iterator[str]:
    then = facts.get("origin.activity_sha256")
    if then is not None and then != fingerprint(np.asarray(result.activity.values)):
        yield "the recording has changed: its binned activity has another checksum than then."
    yield from _changed_options(facts, result)
    before = {} if old.embedding is None else dict(old.embedding.versions)
    for key, (one, two) in options_that_differ(before, package_versions()).items():
        if key != PROCESSOR:
            yield f"version of {key}: {one} then, {two} now."
        elif one is not None:
            yield (
                f"instruction set of the processor: {one} then, {two} now, so that sums round "
                "differently."
            )
    rounded = largest_difference(old, _as_stored(result, old))
    if rounded:
        yield f"{ROUNDING}numbers differ by at most {rounded:.1g} of the largest of their kind."
    here = f"{platform.system()} {platform.machine()}"
    if "platform" in facts and facts["platform"] != here:
        yield f"platform: {facts['platform']} then, {here} now."


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
