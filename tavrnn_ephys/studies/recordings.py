"""Several recordings compared: network measures of each, and tests over cultures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import AbsoluteThreshold, compute_connectivity
from tavrnn_ephys.core.checks import positive_number, some, whole_number
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.io.reading import read
from tavrnn_ephys.networks.measures import DESCRIPTIONS, network_measures
from tavrnn_ephys.results import read_results
from tavrnn_ephys.statistics.across_cultures import group_differences, paired_effects
from tavrnn_ephys.statistics.trends import trends_over_recordings

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["Comparison", "ComparisonConfig", "compare_files", "read_groups"]

# Beyond so many nodes, measures that go through all shortest paths take long.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")
_DENSITY = 0.15
_WEIGHTS_PER_FILE = 100_000
_FILES = ("recordings.csv", "effects.csv", "trends.csv", "forest.png")


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """
    Every choice of a comparison.

    Parameters
    ----------
    bin_size_s, window_length_s, step_s : float, optional
        Durations in seconds; by default those of the results in each file.  The step is the
        length of a window by default.
    group_by : str, optional
        What names the group of a recording, or its condition where pairs are compared.
    culture_by : str, optional
        What names its culture; ``subject_id`` where all recordings have one, else the file.
    is_paired : bool
        Whether the two conditions of each culture are compared, in place of groups of cultures.
    threshold : float, optional
        Smallest weight of an edge, the same in all recordings; by default the level at which 15 %
        of all pairs are edges, recordings and windows counting alike.
    trend : str, optional
        What names a number that measures may follow.
    seed : int
        Seed of permutations and resamples.
    """

    bin_size_s: float | None = None
    window_length_s: float | None = None
    step_s: float | None = None
    group_by: str | None = None
    culture_by: str | None = None
    is_paired: bool = False
    threshold: float | None = None
    trend: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("bin_size_s", "window_length_s", "step_s"):
            if getattr(self, name) is not None:
                positive_number(getattr(self, name), name)
        if self.threshold is not None:
            positive_number(self.threshold, "threshold", or_zero=True)
            if self.threshold > 1:
                raise InputError(
                    f"threshold must lie in [0, 1], got {self.threshold:g}: the weights of edges "
                    "are correlations."
                )
        whole_number(self.seed, "seed")
        if self.is_paired and self.group_by is None:
            raise InputError("A paired comparison needs the condition of each file: --group-by.")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """
    What a comparison found.

    Parameters
    ----------
    recordings : pandas.DataFrame
        One row per file: file, culture, group, size, and the mean of each measure over windows.
    effects : pandas.DataFrame or None
        One row per measure and contrast, over cultures.
    trends : pandas.DataFrame or None
        One row per measure, over recordings.
    """

    recordings: pandas.DataFrame
    effects: pandas.DataFrame | None
    trends: pandas.DataFrame | None

    def __str__(self) -> str:
        parts = [self.recordings.round(3).to_string(index=False)]
        for table in (self.effects, self.trends):
            if table is not None:
                parts.append(table.round(4).to_string(index=False))
        return "\n\n".join(parts)


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
    blocks = [read(path) for path in names]
    facts = [_facts(block, path) for block, path in zip(blocks, names, strict=True)]
    about = _identities(facts, config)
    if config.group_by is not None:
        _check_groups(about, config)
    durations = [_durations(path, config) for path in names]
    level = config.threshold
    if level is None:
        level = _common_level(blocks, durations)
    both = list(zip(blocks, durations, strict=True))
    bar = progress_bar(both, what="measuring", unit="file", verbose=verbose)
    rows = [_measured(block, lasting, level, config.seed) for block, lasting in bar]
    table = pd.concat([about, pd.DataFrame(rows)], axis=1)
    measures = [name for name in rows[0] if name not in ("n_windows",)]
    complete = [name for name in measures if table[name].notna().all()]
    found = Comparison(
        recordings=table,
        effects=_effects(table, complete, config),
        trends=None
        if config.trend is None
        else trends_over_recordings(table, complete, over="trend", seed=config.seed),
    )
    if folder is not None:
        _save(found, folder)
    return found


def read_groups(text: str) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """
    Read groups of nodes from the command line: names, or a file.

    Parameters
    ----------
    text : str
        Names of groups between commas, the reference first; or the path of a CSV file with the
        columns ``node_id`` and ``group``, in which the first group is the reference.

    Returns
    -------
    tuple of dict or None, and tuple of str
        Group of each node where a file says so, and the names of the groups.

    Raises
    ------
    InputError
        If the file does not exist or lacks a column, a node stands twice, or there is no name.

    Examples
    --------
    >>> read_groups("sensory,L_up")
    (None, ('sensory', 'L_up'))
    """
    import pandas as pd

    if not text.endswith(".csv"):
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if not names:
            raise InputError("--groups names no group. Write sensory,L_up or the path of a CSV.")
        return None, names
    path = Path(text)
    if not path.is_file():
        raise InputError(f"There is no file of groups '{text}'. Check the path.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"The file of groups '{path.name}' is no CSV table: {error}.") from None
    absent = [name for name in ("node_id", "group") if name not in table]
    if absent or table.empty:
        raise InputError(
            f"The file of groups '{path.name}' needs rows and the columns node_id and group; it "
            f"has {some(table.columns)}."
        )
    twice = table["node_id"][table["node_id"].duplicated()].tolist()
    if twice:
        raise InputError(f"The file of groups '{path.name}' names {some(twice)} more than once.")
    groups = tuple(name for name in dict.fromkeys(table["group"]) if name)
    return dict(zip(table["node_id"], table["group"], strict=True)), groups


def _facts(block: neo.Block, path: Path) -> dict[str, str]:
    """Everything a recording says of itself that can name a group or a culture."""
    facts: dict[str, str] = {"file": path.stem}
    for source in (block.annotations, block.annotations.get("subject", {})):
        facts |= {
            str(key): str(value)
            for key, value in source.items()
            if isinstance(value, str | int | float | np.integer | np.floating)
        }
    return facts


def _identities(facts: Sequence[Mapping[str, str]], config: ComparisonConfig) -> pandas.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {"file": [item["file"] for item in facts]}
    culture_by = config.culture_by
    if culture_by is None:
        has_subject = all("subject_id" in item for item in facts)
        culture_by = "subject_id" if has_subject else "file"
    columns["culture"] = [_fact(item, culture_by, "--culture-by") for item in facts]
    if config.group_by is not None:
        columns["group"] = [_fact(item, config.group_by, "--group-by") for item in facts]
    if config.trend is not None:
        texts = [_fact(item, config.trend, "--trend") for item in facts]
        columns["trend"] = [_number(text, config.trend) for text in texts]
    return pd.DataFrame(columns)


def _fact(facts: Mapping[str, str], key: str, flag: str) -> str:
    if key not in facts:
        raise InputError(
            f"'{facts['file']}' does not say its '{key}', which {flag} asks for; it says "
            f"{some(facts, 12)}."
        )
    return facts[key]


def _number(text: str, key: str) -> float:
    """Read a number, or the days of an ISO duration such as P21D."""
    found = re.fullmatch(r"P(\d+(?:\.\d+)?)D", text)
    try:
        return float(found[1] if found else text)
    except ValueError:
        raise InputError(f"A trend needs numbers, and '{key}' is '{text}'.") from None


def _check_groups(about: pandas.DataFrame, config: ComparisonConfig) -> None:
    """Refuse what no test can be made of, before anything is computed."""
    probe = about.assign(n=0.0)
    if config.is_paired:
        paired_effects(probe, ["n"], culture="culture", condition="group",
                       contrast=_contrast(about))  # fmt: skip
    else:
        group_differences(probe, ["n"], culture="culture", group="group", n_permutations=1)


def _contrast(about: pandas.DataFrame) -> tuple[str, str]:
    names = sorted(about["group"].unique())
    if len(names) != 2:
        raise InputError(
            f"A paired comparison needs two conditions; there are {len(names)} ({some(names)})."
        )
    return names[0], names[1]


def _effects(
    table: pandas.DataFrame, measures: Sequence[str], config: ComparisonConfig
) -> pandas.DataFrame | None:
    if config.group_by is None:
        return None
    if config.is_paired:
        return paired_effects(table, measures, culture="culture", condition="group",
                              contrast=_contrast(table), seed=config.seed)  # fmt: skip
    return group_differences(table, measures, culture="culture", group="group", seed=config.seed)


def _common_level(
    blocks: Sequence[neo.Block], durations: Sequence[tuple[float, float, float]]
) -> float:
    """Find the weight that the same share of pairs exceeds, each recording counting once."""
    rng = np.random.default_rng(0)
    drawn = []
    for block, lasting in zip(blocks, durations, strict=True):
        connectivity = _connectivity(block, lasting)
        rows, columns = np.triu_indices(connectivity.n_nodes, 1)
        weights = np.nan_to_num(connectivity.weights[:, rows, columns]).ravel()
        drawn.append(rng.choice(weights, _WEIGHTS_PER_FILE) if len(weights) else np.zeros(0))
    level = float(np.quantile(np.concatenate(drawn), 1 - _DENSITY))
    return max(level, 0.0)


def _connectivity(block: neo.Block, lasting: tuple[float, float, float]) -> ConnectivitySequence:
    """Compute the connectivity of the first segment of a recording."""
    bin_size_s, length_s, step_s = lasting
    activity = bin_activity(block.segments[0], bin_size=bin_size_s * pq.s)
    windows = sliding_windows(activity, window_length=length_s * pq.s, step=step_s * pq.s)
    with warnings.catch_warnings():
        # A node that is silent in a window has no edge there; the number of nodes says the rest.
        warnings.simplefilter("ignore", DataLossWarning)
        return compute_connectivity(activity, windows)


def _measured(
    block: neo.Block, lasting: tuple[float, float, float], level: float, seed: int
) -> dict[str, float]:
    """Means over windows of one recording."""
    connectivity = _connectivity(block, lasting)
    wanted = [name for name in DESCRIPTIONS if name != "small_worldness"]
    if connectivity.n_nodes > _MANY_NODES:
        wanted = [name for name in wanted if name not in _SLOW_MEASURES]
    rule = AbsoluteThreshold(value=level)
    measures = network_measures(connectivity, measures=wanted, threshold=rule, seed=seed)
    rates = np.asarray(connectivity.mean_activity)
    size = {"n_nodes": float(connectivity.n_nodes), "mean_activity": float(rates.mean())}
    means = {name: float(measures[name].mean()) if name in measures else np.nan for name in _NAMES}
    return {"n_windows": connectivity.n_windows, **size, **means}


_NAMES = tuple(name for name in DESCRIPTIONS if name != "small_worldness")


def _durations(path: Path, config: ComparisonConfig) -> tuple[float, float, float]:
    bin_size_s, length_s, step_s = config.bin_size_s, config.window_length_s, config.step_s
    if bin_size_s is None or length_s is None:
        saved = _saved(path)
        bin_size_s = bin_size_s or saved.get("analysis.bin_size_s")
        length_s = length_s or saved.get("analysis.window_length_s")
    if bin_size_s is None or length_s is None:
        raise InputError(
            f"'{path.name}' holds no results that say how it was analysed. Give --bin-size and "
            "--window."
        )
    return float(bin_size_s), float(length_s), float(step_s or length_s)


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
    for name, table in tables.items():
        if table is not None:
            with whole_file(folder / f"{name}.csv") as temporary:
                write_csv(table, temporary)
    if found.effects is not None:
        figure = Figure(figsize=(8, 1.2 + 0.4 * len(found.effects)), dpi=150, layout="constrained")
        plot_forest(found.effects, ax=figure.subplots())
        save_figure(figure, folder / "forest.png")
