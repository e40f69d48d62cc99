"""Several recordings compared: network measures of each, and tests over cultures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.core.spec import WindowSpec
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.networks.states.model import check_windows
from tavrnn_ephys.results import read_results
from tavrnn_ephys.statistics.trends import trends_over_recordings
from tavrnn_ephys.studies.recording import Recording, open_block, read_segment
from tavrnn_ephys.studies.recordings.config import Comparison, ComparisonConfig
from tavrnn_ephys.studies.recordings.edges import check_edges, compare_edges
from tavrnn_ephys.studies.recordings.identities import (
    check_groups,
    effects_of,
    identities,
    known_of,
    model_of,
    omnibus_of,
)
from tavrnn_ephys.studies.recordings.measuring import common_level, measures_of, state_measures

__all__ = ["compare_files"]

_FILES = (
    "recordings.csv",
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
        durations are missing.
    OutputError
        If output exists.
    """
    import pandas as pd

    names = [Path(file).resolve() for file in files]
    if len(set(names)) < len(names):
        twice = [path.name for path in dict.fromkeys(names) if names.count(path) > 1]
        raise InputError(f"The file {some(twice)} is named twice; it would count twice.")
    folder = None if out is None else check_folder(out, _FILES, overwrite=overwrite)
    read = [read_segment(path, config.recording)[0] for path in names]
    facts = [known_of(block, path) for block, path in zip(read, names, strict=True)]
    about = identities(facts, config)
    if config.group_by is not None:
        check_groups(about, config)
    windows = [_windows(path, config) for path in names]
    opened = [open_block(block, cut) for block, cut in zip(read, windows, strict=True)]
    if config.compares_edges:
        check_edges(opened, about)
    if config.state_spec is not None:
        for recording in opened:
            check_windows(len(recording.windows))
    level = common_level(opened) if config.threshold is None else config.threshold
    bar = progress_bar(opened, what="measuring", unit="file", verbose=verbose)
    rows = [_measured(recording, level, config) for recording in bar]
    table = pd.concat([about, pd.DataFrame(rows)], axis=1)
    measures = [name for name in rows[0] if name not in ("n_windows",)]
    complete = [name for name in measures if table[name].notna().all()]
    found = Comparison(
        recordings=table,
        effects=effects_of(table, complete, config),
        trends=None
        if config.trend is None
        else trends_over_recordings(
            table, complete, over="trend", culture="culture", seed=config.seed
        ),
        omnibus=omnibus_of(table, complete, config),
        mixed=model_of(table, complete, config),
        edges=compare_edges(opened, about, config) if config.compares_edges else None,
    )
    if folder is not None:
        _save(found, folder)
    return found


def _measured(recording: Recording, level: float, config: ComparisonConfig) -> dict[str, float]:
    measures = measures_of(recording, level, config.seed)
    spec = config.state_spec
    return measures if spec is None else measures | state_measures(recording, spec)


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


def _save(found: Comparison, folder: Path) -> None:
    from matplotlib.figure import Figure

    from tavrnn_ephys.figures import plot_forest, save_figure

    make_folder(folder)
    tables = {"recordings": found.recordings, "effects": found.effects, "trends": found.trends}
    tables |= {"omnibus": found.omnibus, "mixed": found.mixed}
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
