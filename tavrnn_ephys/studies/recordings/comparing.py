"""Several recordings compared: network measures of each, and tests over cultures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.statistics.missing import missing_by_group
from tavrnn_ephys.statistics.trends import trends_over_recordings
from tavrnn_ephys.studies.recordings.config import Comparison, ComparisonConfig
from tavrnn_ephys.studies.recordings.edges import check_edges, compare_edges, mean_graph
from tavrnn_ephys.studies.recordings.identities import (
    check_groups,
    effects_of,
    identities,
    model_of,
    omnibus_of,
)
from tavrnn_ephys.studies.recordings.measuring import (
    common_level,
    connectivity_of,
    means_over_windows,
    state_measures,
)
from tavrnn_ephys.studies.recordings.surveying import Absent, Surveyed, surveyed

if TYPE_CHECKING:
    import pandas

__all__ = ["compare_files"]

_FILES = (
    "recordings.csv",
    "missing.csv",
    "effects.csv",
    "omnibus.csv",
    "mixed.csv",
    "trends.csv",
    "nbs_components.csv",
    "nbs_edges.csv",
    "forest.png",
)


def compare_files(
    files: Sequence[Path],
    config: ComparisonConfig,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    verbose: bool = False,
) -> Comparison:
    """
    Compute network measures of recordings and compare them.

    Recordings are gone through twice, one in memory at a time: once for the threshold that all
    share, once for their measures.  Between the passes binned activity lies in temporary files.

    Parameters
    ----------
    files : sequence of pathlib.Path
        Recordings of any known format.
    config : ComparisonConfig
        How.
    out : str or pathlib.Path, optional
        Folder for the tables, and for the forest plot.
    overwrite : bool
        Whether existing output may be replaced.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    Comparison
        Recordings, and effects or trends where they were asked for.

    Raises
    ------
    InputError
        If a file stands twice, a key is absent from a file, groups have too few cultures, or
        no file can be compared.
    OutputError
        If output exists.

    Warns
    -----
    DataLossWarning
        If files cannot be compared and are left out.
    """
    names = [Path(file).resolve() for file in files]
    if len(set(names)) < len(names):
        twice = [path.name for path in dict.fromkeys(names) if names.count(path) > 1]
        raise InputError(f"The file {some(twice)} is named twice; it would count twice.")
    folder = None if out is None else check_folder(out, _FILES, overwrite=overwrite)
    with surveyed(names, config, verbose=verbose) as (recordings, absent):
        missing, p_value = _missing(recordings, absent, config)
        found = _compared(recordings, config, verbose=verbose)
    found = replace(found, missing=missing, missing_p_value=p_value)
    if folder is not None:
        _save(found, folder)
    return found


def _compared(
    recordings: Sequence[Surveyed], config: ComparisonConfig, *, verbose: bool
) -> Comparison:
    """Measure recordings in a second pass, one in memory at a time, and test over cultures."""
    import pandas as pd

    about = identities([item.facts for item in recordings], config)
    if config.group_by is not None:
        check_groups(about, config)
    ids = recordings[0].node_ids
    if config.compares_edges:
        check_edges([item.node_ids for item in recordings], about)
    levels = [item.levels for item in recordings if item.levels is not None]
    level = common_level(levels) if config.threshold is None else config.threshold
    bar = progress_bar(recordings, what="measuring", unit="file", verbose=verbose)
    means: list[NDArray[np.float64]] = []
    rows = [_measured(item, level, config, ids, means) for item in bar]
    table = pd.concat([about, pd.DataFrame(rows)], axis=1)
    measures = [name for name in rows[0] if name not in ("n_windows",)]
    complete = [name for name in measures if table[name].notna().all()]
    return Comparison(
        recordings=table,
        effects=effects_of(table, complete, config),
        trends=None
        if config.trend is None
        else trends_over_recordings(
            table, complete, over="trend", culture="culture", seed=config.seed
        ),
        omnibus=omnibus_of(table, complete, config),
        mixed=model_of(table, complete, config),
        edges=compare_edges(means, ids, about, config) if config.compares_edges else None,
    )


def _measured(
    item: Surveyed,
    level: float,
    config: ComparisonConfig,
    node_ids: NDArray[np.str_],
    means: list[NDArray[np.float64]],
) -> dict[str, float]:
    """Measure one recording; its mean graph is kept where edges are compared."""
    activity, windows = item.load()
    connectivity = connectivity_of(activity, windows)
    measures = means_over_windows(connectivity, level, config.seed)
    if config.state_spec is not None:
        measures |= state_measures(activity, connectivity, config.state_spec)
    if config.compares_edges:
        means.append(mean_graph(connectivity, node_ids))
    return measures


def _missing(
    recordings: Sequence[Surveyed], absent: Sequence[Absent], config: ComparisonConfig
) -> tuple[pandas.DataFrame, float | None]:
    """Tell which files are left out and why, and whether that goes with the group."""
    import pandas as pd

    rows = [{"file": item.facts["file"], "reason": str(item.error)} for item in absent]
    missing = pd.DataFrame(rows, columns=["file", "reason"])
    if absent:
        warnings.warn(
            f"{len(absent)} of {len(recordings) + len(absent)} files cannot be compared and are "
            f"left out: {some([item.facts['file'] for item in absent])}. The table of missing "
            f"files says why; the first: {absent[0].error}",
            DataLossWarning,
            stacklevel=3,
        )
    if config.group_by is None:
        return missing, None
    known = [
        (is_missing, ", ".join(item.facts[name] for name in config.factors))
        for is_missing, items in ((False, recordings), (True, absent))
        for item in items
        if all(name in item.facts for name in config.factors)
    ]
    groups = [
        ", ".join(item.facts.get(name, "unknown") for name in config.factors) for item in absent
    ]
    p_value = missing_by_group([one for one, _ in known], [group for _, group in known])
    return missing.assign(group=groups), p_value


def _save(found: Comparison, folder: Path) -> None:
    from matplotlib.figure import Figure

    from tavrnn_ephys.figures import plot_forest, save_figure

    make_folder(folder)
    tables = {"recordings": found.recordings, "effects": found.effects, "trends": found.trends}
    tables |= {"omnibus": found.omnibus, "mixed": found.mixed}
    tables |= {"missing": found.missing if found.n_missing else None}
    if found.edges is not None:
        tables |= {"nbs_components": found.edges.components, "nbs_edges": found.edges.edges}
    for name, table in tables.items():
        if table is not None:
            with whole_file(folder / f"{name}.csv") as temporary:
                write_csv(table, temporary)
    if found.effects is not None:
        figure = Figure(figsize=(8, 1.2 + 0.4 * len(found.effects)), dpi=150, layout="constrained")
        plot_forest(found.effects, ax=figure.subplots())
        save_figure(figure, folder / "forest.png")
