"""The first pass over recordings: what each says of itself, and its part in the threshold."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import InputError, TavrnnEphysError
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.core.spec import WindowSpec
from tavrnn_ephys.core.temporary import temporary_folder
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.networks.states.model import check_windows
from tavrnn_ephys.results import read_results
from tavrnn_ephys.studies.recording import open_block, read_segment
from tavrnn_ephys.studies.recordings.config import ComparisonConfig
from tavrnn_ephys.studies.recordings.identities import known_of
from tavrnn_ephys.studies.recordings.measuring import connectivity_of, levels_of

__all__ = ["Absent", "Surveyed", "surveyed"]


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """
    What is kept of a recording between two passes: nothing that grows with its length.

    Parameters
    ----------
    facts : mapping of str to str
        What it says of itself.
    node_ids : numpy.ndarray of str
        Its nodes.
    levels : numpy.ndarray or None
        Quantiles of its weights; None where the threshold is named.
    binned : pathlib.Path
        Temporary file with its activity and windows.
    """

    facts: Mapping[str, str]
    node_ids: NDArray[np.str_]
    levels: NDArray[np.float64] | None
    binned: Path

    def load(self) -> tuple[BinnedActivity, Windows]:
        """
        Load activity and windows.

        Returns
        -------
        tuple of BinnedActivity and Windows
            As the first pass made them.
        """
        # Our own file of a moment ago, in a folder of this user alone.
        with self.binned.open("rb") as stream:
            found: tuple[BinnedActivity, Windows] = pickle.load(stream)
        return found


@dataclass(frozen=True, kw_only=True)
class Absent:
    """
    A recording that cannot be compared.

    Parameters
    ----------
    facts : mapping of str to str
        What it says of itself, as far as it can be read; its file at least.
    error : TavrnnEphysError
        Why.
    """

    facts: Mapping[str, str]
    error: TavrnnEphysError


@contextmanager
def surveyed(
    files: Sequence[Path], config: ComparisonConfig, *, verbose: bool = False
) -> Iterator[tuple[list[Surveyed], list[Absent]]]:
    """
    Go through recordings once, one in memory at a time.

    Parameters
    ----------
    files : sequence of pathlib.Path
        The recordings.
    config : ComparisonConfig
        How they are compared.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Yields
    ------
    recordings : list of Surveyed
        Those that can be compared, in the order of the files; they can be loaded while the block
        lasts.
    absent : list of Absent
        Those that cannot.

    Raises
    ------
    TavrnnEphysError
        If none can be compared: why the first cannot.
    """
    found: list[Surveyed] = []
    absent: list[Absent] = []
    with tempfile.TemporaryDirectory(prefix="tavrnn_ephys_", dir=temporary_folder()) as folder:
        bar = progress_bar(files, what="reading", unit="file", verbose=verbose)
        for number, path in enumerate(bar):
            facts: dict[str, str] = {"file": path.stem}
            try:
                found.append(_surveyed(path, config, Path(folder) / str(number), facts))
            except TavrnnEphysError as error:
                absent.append(Absent(facts=facts, error=error))
        if not found:
            raise absent[0].error
        yield found, absent


def _surveyed(
    path: Path, config: ComparisonConfig, binned: Path, facts: dict[str, str]
) -> Surveyed:
    """Open a recording; its facts are noted as soon as they are known."""
    block, _ = read_segment(path, config.recording)
    facts |= known_of(block, path)
    recording = open_block(block, _windows(path, config))
    if config.state_spec is not None:
        check_windows(len(recording.windows))
    levels = None
    if config.threshold is None:
        levels = levels_of(connectivity_of(recording.activity, recording.windows))
    with binned.open("wb") as stream:
        pickle.dump((recording.activity, recording.windows), stream)
    ids = recording.activity.nodes.ids
    return Surveyed(facts=facts, node_ids=ids, levels=levels, binned=binned)


def _windows(path: Path, config: ComparisonConfig) -> WindowSpec:
    found = config.windows({}) or config.windows(_saved(path))
    if found is None:
        raise InputError(
            f"'{path.name}' holds no results that say how it was analysed. Give --bin-size and "
            "--window."
        )
    return found


def _saved(path: Path) -> Mapping[str, Any]:
    if find_adapter(path).name != "nwb":
        return {}
    try:
        return read_results(path).config
    except InputError:  # It holds no results, or several runs of which none is the default.
        return {}
