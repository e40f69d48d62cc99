"""A whole study in tables: measures of each recording, effects over cultures, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.jobs import computed
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.results import read_results
from tavrnn_ephys.statistics.missing import missing_by_group, missing_sentence
from tavrnn_ephys.statistics.trends import trends_over_recordings
from tavrnn_ephys.studies.cohort.plan import Plan, Planned
from tavrnn_ephys.studies.cohort.running import status_of
from tavrnn_ephys.studies.cohort.shards import read_mark, shard_files
from tavrnn_ephys.studies.recordings.config import ComparisonConfig
from tavrnn_ephys.studies.recordings.identities import check_groups, effects_of, identities
from tavrnn_ephys.studies.recordings.measuring import common_level, means_over_windows

if TYPE_CHECKING:
    import pandas

__all__ = ["StudyTables", "study_tables"]

# Facts of a manifest that are taken without being asked for, where every recording has them.
_CULTURE, _GROUP = "culture", "group"


@dataclass(frozen=True, kw_only=True)
class StudyTables:
    """
    What a study found.

    Parameters
    ----------
    recordings : pandas.DataFrame
        One row per finished recording: id, culture, group, size, mean of each measure.
    missing : pandas.DataFrame
        One row per recording that is not done: id, state and reason, and its group.
    effects : pandas.DataFrame or None
        One row per measure and contrast, each culture counting once.
    trends : pandas.DataFrame or None
        One row per measure, over recordings.
    answers : pandas.DataFrame
        One row per finished recording: id, number of states where they were asked for, and what
        its analysis answers.
    threshold : float
        Smallest weight of an edge, the same in all recordings.
    missing_p_value : float or None
        Whether recordings are missing from groups unequally, by Fisher's exact test or, of more
        than two groups, the chi-squared test by permutation of SciPy; None without groups.
    """

    recordings: pandas.DataFrame
    missing: pandas.DataFrame
    effects: pandas.DataFrame | None
    trends: pandas.DataFrame | None
    answers: pandas.DataFrame
    threshold: float
    missing_p_value: float | None

    def __str__(self) -> str:
        parts = [self.sentence(), self.recordings.round(3).to_string(index=False)]
        for table in (self.effects, self.trends):
            if table is not None:
                parts.append(table.round(4).to_string(index=False))
        if len(self.missing):
            parts.append(self.missing.to_string(index=False))
        return "\n\n".join(parts)

    def sentence(self) -> str:
        """
        Say how many recordings there are and how many are missing.

        Returns
        -------
        str
            One or two sentences.
        """
        n_missing, n_all = len(self.missing), len(self.missing) + len(self.recordings)
        text = f"{n_all - n_missing} of {n_all} recordings are analysed."
        if self.missing_p_value is not None and n_missing:
            text += f" {missing_sentence(self.missing_p_value)}"
        return text


def study_tables(
    plan: Plan,
    study: Path,
    config: ComparisonConfig,
    *,
    n_workers: int = 1,
    verbose: bool = False,
) -> StudyTables:
    """
    Read the shards of a study one by one, and compare recordings over cultures.

    Two passes: the first finds a threshold for all from the weights of each recording, the second
    measures each network at it.  A process holds one recording in memory at a time.

    Parameters
    ----------
    plan : Plan
        The recordings.
    study : pathlib.Path
        Folder of the study.
    config : ComparisonConfig
        What names cultures, groups and trends; ``culture`` and ``group`` of the manifest by
        default.
    n_workers : int
        Processes that measure networks; the tables are the same for any number.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    StudyTables
        All tables.

    Raises
    ------
    InputError
        If no recording is done, one does not say what is asked for, or groups have too few
        cultures.
    """
    import pandas as pd

    states = status_of(plan, study)
    done = [item for item in plan.recordings if states.states[item.id] == "done"]
    if not done:
        raise InputError(
            f"No recording of '{study}' is done. Run it: tavrnn-ephys cohort run {study}"
        )
    config = _completed(config, plan.recordings)
    about = identities([_facts(item) for item in done], config).rename(columns={"file": "id"})
    if config.group_by is not None:
        check_groups(about, config)
    marks = {item.id: read_mark(study, item.key) or {} for item in done}
    level = config.threshold
    if level is None:
        level = common_level([mark["levels"] for mark in marks.values()])
    jobs = [_Measuring(study, item.key, level, config.seed) for item in done]
    found = progress_bar(
        computed(jobs, n_workers), what="measuring", unit="recording", total=len(jobs),
        verbose=verbose,
    )  # fmt: skip
    rows = [row | _states(marks[item.id]) for item, row in zip(done, found, strict=True)]
    table = pd.concat([about, pd.DataFrame(rows)], axis=1)
    measures = [name for name in table.columns if name not in (*about.columns, "n_windows")]
    complete = [name for name in measures if table[name].notna().all()]
    missing = states.failures
    p_value = None
    if config.group_by is not None:
        groups = {item.id: item.facts.get(config.group_by, "") for item in plan.recordings}
        missing = missing.assign(group=[groups[name] for name in missing["id"]])
        p_value = missing_by_group(
            [states.states[name] != "done" for name in groups], list(groups.values())
        )
    trends = None
    if config.trend is not None:
        trends = trends_over_recordings(
            table, complete, over="trend", culture="culture", seed=config.seed
        )
    return StudyTables(
        recordings=table,
        missing=missing,
        effects=effects_of(table, complete, config),
        trends=trends,
        answers=pd.DataFrame([_answer(item, marks[item.id]) for item in done]),
        threshold=level,
        missing_p_value=p_value,
    )


def _completed(config: ComparisonConfig, recordings: Sequence[Planned]) -> ComparisonConfig:
    """Take the manifest's own words for culture and group, where all recordings have them."""
    from dataclasses import replace

    def known(name: str) -> str | None:
        return name if all(name in item.facts for item in recordings) else None

    return replace(
        config,
        culture_by=config.culture_by or known(_CULTURE),
        group_by=config.group_by or known(_GROUP),
    )


def _facts(item: Planned) -> dict[str, str]:
    return {"file": item.id, **item.facts}


@dataclass(frozen=True)
class _Measuring:
    """Measures the network of a shard, in whatever process it is called."""

    study: Path
    key: str
    level: float
    seed: int

    def __call__(self) -> dict[str, float]:
        connectivity = read_results(shard_files(self.study, self.key)[0], what="connectivity")
        return means_over_windows(connectivity, self.level, self.seed)


def _states(mark: Mapping[str, Any]) -> dict[str, float]:
    """Take what the mark of a shard says of its states, NaN where a number is not known."""
    known = mark.get("states", {})
    return {name: float("nan") if value is None else value for name, value in known.items()}


def _answer(item: Planned, mark: Mapping[str, Any]) -> dict[str, Any]:
    states = mark.get("states", {}).get("n_states")
    found = {} if states is None else {"states": int(states)}
    return {"id": item.id, **found, "answer": " ".join(mark.get("answer", ()))}
