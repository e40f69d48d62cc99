"""A cohort of recordings as one object: plan, run, results and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.output import make_folder
from tavrnn_ephys.results import read_results
from tavrnn_ephys.studies.cohort.dask_engine import DaskEngine
from tavrnn_ephys.studies.cohort.engines import Engine, LocalEngine, SerialEngine
from tavrnn_ephys.studies.cohort.manifest import read_manifest
from tavrnn_ephys.studies.cohort.plan import Plan, make_plan, read_plan, write_plan
from tavrnn_ephys.studies.cohort.report import StudyTables, study_tables
from tavrnn_ephys.studies.cohort.running import (
    Status,
    part_of,
    run_plan,
    status_of,
    train_model,
)
from tavrnn_ephys.studies.cohort.shards import shard_files
from tavrnn_ephys.studies.cohort.shared import shared_plan
from tavrnn_ephys.studies.recordings.config import ComparisonConfig

if TYPE_CHECKING:
    import pandas

    from tavrnn_ephys.core.runs import Results

__all__ = ["Cohort"]


@dataclass(frozen=True)
class Cohort:
    """
    Many recordings that are analysed alike, with their results in a folder.

    Each result is named by the content of its recording and by every choice, so that a run that
    was stopped goes on where it was, on this machine or another.

    Parameters
    ----------
    study : pathlib.Path
        The folder.
    plan : Plan
        Its recordings.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> choices = {"bin_size": "50ms", "window": "2min", "step": "1min"}
    >>> cohort = te.Cohort.from_manifest("cohort.yaml", "study", **choices)  # doctest: +SKIP
    >>> cohort.run(n_workers=4).failures  # doctest: +SKIP
    """

    study: Path
    plan: Plan

    @classmethod
    def from_manifest(
        cls,
        manifest: str | Path | Sequence[str | Path],
        out: str | Path,
        *,
        verbose: bool = False,
        **defaults: Any,
    ) -> Cohort:
        """
        Plan a study.

        Parameters
        ----------
        manifest : str, pathlib.Path or sequence of these
            What :func:`read_manifest` takes: YAML, CSV, a pattern, a folder, or paths.
        out : str or pathlib.Path
            Folder of the study; results that stand there are kept.
        verbose : bool
            Whether progress is shown on a terminal.
        **defaults : object
            How recordings are analysed where the manifest does not say it, by the keys of a
            manifest, such as ``bin_size="50ms"``.

        Returns
        -------
        Cohort
            The cohort; nothing is analysed yet.

        Raises
        ------
        FileFormatError
            If the manifest cannot be read.
        InputError
            If it names no recording, or an unknown key.
        OutputError
            If the folder cannot be made.
        """
        entries = read_manifest(manifest, defaults)
        study = make_folder(Path(out))
        return cls(study=study, plan=make_plan(entries, study, verbose=verbose))

    @classmethod
    def open(cls, study: str | Path) -> Cohort:
        """
        Open a study that was planned.

        Parameters
        ----------
        study : str or pathlib.Path
            Its folder.

        Returns
        -------
        Cohort
            The cohort.

        Raises
        ------
        InputError
            If the folder holds no plan.
        """
        return cls(study=Path(study), plan=read_plan(Path(study)))

    def run(
        self,
        client: Any = None,
        *,
        n_workers: int | None = None,
        memory: int | None = None,
        part: tuple[int, int] | None = None,
        retry: bool = False,
        verbose: bool = False,
    ) -> Status:
        """
        Analyse what is not done yet.

        Parameters
        ----------
        client : distributed.Client, optional
            Any client of Dask, whose workers do it.
        n_workers : int, optional
            Processes of this machine that do it; without these two it is done here, one after
            the other.
        memory : int, optional
            Bytes that a process may take.
        part : tuple of int, optional
            Which part of the study, from 1, of how many.
        retry : bool
            Whether recordings that failed before are tried again.
        verbose : bool
            Whether progress is shown on a terminal.

        Returns
        -------
        Status
            What became of each recording.

        Raises
        ------
        InputError
            If there is no such part.
        OutputError
            If the disk is full.
        """
        chosen = self.plan if part is None else part_of(self.plan, part)
        engine: Engine = SerialEngine()
        if client is not None:
            engine = client if isinstance(client, DaskEngine) else DaskEngine(client)
        elif n_workers is not None:
            engine = LocalEngine(n_workers=n_workers, memory=memory)
        train_model(self.plan, self.study, engine)
        return run_plan(chosen, self.study, engine, memory=memory, retry=retry, verbose=verbose)

    def shared(self, hold_out: Mapping[str, Collection[str]] | None = None) -> Cohort:
        """
        Plan the same recordings with one model for all, as a study of its own.

        The recurrence, the attention, the encoder and the prior are shared; each recording has
        its own projection of its nodes.

        Parameters
        ----------
        hold_out : mapping of str to collection of str, optional
            Recordings that the model is not trained on but adapted to: values by a fact of the
            manifest, or by ``"id"``.

        Returns
        -------
        Cohort
            The study in the folder ``shared`` of this one; nothing is trained yet.

        Raises
        ------
        InputError
            If choices differ between recordings, fewer than two are left to train on, or a
            culture stands on both sides.
        OutputError
            If the folder cannot be made.
        """
        plan = shared_plan(self.plan, hold_out or {})
        study = make_folder(self.study / "shared")
        write_plan(plan, study)
        return Cohort(study=study, plan=plan)

    @property
    def status(self) -> Status:
        """What became of each recording so far."""
        return status_of(self.plan, self.study)

    @property
    def failures(self) -> pandas.DataFrame:
        """Recordings that are not done, with the reason of each."""
        return self.status.failures

    @property
    def table(self) -> pandas.DataFrame:
        """One row per recording: what the manifest says, its size, and what became of it."""
        import pandas as pd

        states = self.status.states
        rows = [
            {"id": item.id, "file": item.file, **item.facts, "n_nodes": item.n_nodes,
             "n_windows": item.n_windows, "state": states[item.id]}
            for item in self.plan.recordings
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def file(self, recording: str) -> Path:
        """
        Say where the results of a recording stand.

        Parameters
        ----------
        recording : str
            Its id.

        Returns
        -------
        pathlib.Path
            An NWB file, whole.

        Raises
        ------
        InputError
            If there is no such recording, or it is not done.
        """
        states = self.status
        if recording not in states.states:
            raise InputError(f"The study has no recording '{recording}'. See its table.")
        if states.states[recording] != "done":
            raise InputError(
                f"The recording '{recording}' is not done: {states.reasons[recording]}"
            )
        key = next(item.key for item in self.plan.recordings if item.id == recording)
        return shard_files(self.study, key)[0]

    def results(self, recording: str) -> Results:
        """
        Read the results of a recording.

        Parameters
        ----------
        recording : str
            Its id.

        Returns
        -------
        Results
            As :func:`tavrnn_ephys.read_results` gives them.

        Raises
        ------
        InputError
            If there is no such recording, or it is not done.
        """
        found: Results = read_results(self.file(recording), what="all")
        return found

    def report(
        self,
        *,
        group_by: str | None = None,
        culture_by: str | None = None,
        trend: str | None = None,
        is_paired: bool = False,
        threshold: float | None = None,
        seed: int = 0,
        n_workers: int = 1,
        verbose: bool = False,
    ) -> StudyTables:
        """
        Compare the recordings, each culture counting once.

        Parameters
        ----------
        group_by, culture_by, trend : str, optional
            Facts of the manifest that name group, culture and trend; ``group`` and ``culture``
            are taken where every recording has them.
        is_paired : bool
            Whether the two conditions of each culture are compared.
        threshold : float, optional
            Smallest weight of an edge; that of 15 % of all pairs by default.
        seed : int
            Seed of permutations and resamples.
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
            If no recording is done, or groups have too few cultures.
        """
        config = ComparisonConfig(
            group_by=group_by,
            culture_by=culture_by,
            is_paired=is_paired,
            threshold=threshold,
            trend=trend,
            seed=seed,
        )
        return study_tables(self.plan, self.study, config, n_workers=n_workers, verbose=verbose)

    def __len__(self) -> int:
        return len(self.plan.recordings)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for item in self.plan.recordings:
            yield {"id": item.id, "file": item.file, **item.facts}
