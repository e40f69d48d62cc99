"""What an analysed network has to do with a behaviour: every association, beside its null."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import (
    WindowBehavior,
    WindowRanking,
    rank_windows,
    window_behavior,
)
from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.checks import positive_int, positive_number, some, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning, InputError
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
    regress_values,
)
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.networks.alignment import DESCRIPTIONS as ALIGNMENT
from tavrnn_ephys.networks.alignment import (
    PAIR_DESCRIPTIONS,
    GroupAlignment,
    check_groups,
    group_alignment,
)
from tavrnn_ephys.networks.attention import DESCRIPTIONS as ATTENTION
from tavrnn_ephys.networks.attention import attention_foretells, attention_per_window
from tavrnn_ephys.networks.measures import DESCRIPTIONS as NETWORK
from tavrnn_ephys.networks.measures import network_measures
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.association import (
    associate,
    associate_distances,
    associate_edges,
    associate_nodes,
    change_points,
    match_change_points,
    rate_covariates,
)
from tavrnn_ephys.statistics.association.effects import COLUMNS as ASSOCIATION
from tavrnn_ephys.statistics.time_shifts import correlation_windows, time_null
from tavrnn_ephys.studies.analysis import AnalysisConfig, AnalysisResult, graphs_of, make_model

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = [
    "BEHAVIOR_TABLES",
    "BehaviorConfig",
    "BehaviorResult",
    "analyze_behavior",
    "behavior_tables",
    "check_behavior",
    "with_node_groups",
]

BEHAVIOR_TABLES = (
    "behavior_windows",
    "behavior_decoding",
    "behavior_association",
    "behavior_nodes",
    "behavior_edges",
    "behavior_changes",
    "behavior_ranking",
)
_N_FOLDS = 5
_LEAST_PER_CLASS = 10
# Beyond so many nodes, measures that go through all shortest paths take minutes per window.
_MANY_NODES = 200
_SLOW_MEASURES = ("max_betweenness", "path_length", "efficiency")
_MANY_EDGES_SHOWN = 1000


@dataclass(frozen=True, kw_only=True)
class BehaviorConfig:
    """
    Every choice of the link to a behaviour.

    Parameters
    ----------
    behavior : str
        Name, as :func:`tavrnn_ephys.activity.behavior.window_behavior` takes it.
    how : str, optional
        How a window is summed up.
    period : float, optional
        Full turn of a circular signal.
    groups : tuple of str
        Groups of nodes, the reference first; empty for all, with ``"sensory"`` or else the first
        in the alphabet as the reference.
    n_each : int
        Number of windows ranked High, and of those ranked Low.
    min_distance_s : float, optional
        Smallest time between ranked windows; the length of a window by default.
    n_nulls, n_shuffles : int
        Number of circular shifts in time, and of shuffles of groups in space.
    model_in_folds : bool
        Whether the model is fitted anew in every fold for decoding; else it is left out there.
    seed : int
        Seed of all nulls.
    """

    behavior: str
    how: str | None = None
    period: float | None = None
    groups: tuple[str, ...] = ()
    n_each: int = 3
    min_distance_s: float | None = None
    n_nulls: int = 199
    n_shuffles: int = 199
    model_in_folds: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_each", "n_nulls", "n_shuffles"):
            positive_int(getattr(self, name), name)
        for name in ("period", "min_distance_s"):
            if getattr(self, name) is not None:
                positive_number(getattr(self, name), name)
        whole_number(self.seed, "seed")


@dataclass(frozen=True, kw_only=True)
class BehaviorResult:
    """
    What the network has to do with a behaviour.

    Parameters
    ----------
    config : BehaviorConfig
        How.
    behavior : WindowBehavior
        The behaviour per window.
    score : numpy.ndarray, shape (n_windows,)
        The behaviour as a number; of two labels, 1 for the second in the alphabet.
    ranking : WindowRanking or None
        High and Low windows; None for labels, or where too few lie far enough apart.
    decoding : pandas.DataFrame
        One row per kind of features, with the score, its chance and its p-value.
    association : pandas.DataFrame
        One row per measure of a window, rates held constant and not.
    nodes, edges : pandas.DataFrame
        One row per node, and per pair of nodes.
    per_window : pandas.DataFrame
        One row per window: limits, behaviour, alignment, network measures, attention.
    alignment : GroupAlignment or None
        Alignment of groups; None where nodes have none.
    changes : pandas.DataFrame
        Change points of the network and of the behaviour.
    """

    config: BehaviorConfig
    behavior: WindowBehavior
    score: NDArray[np.float64]
    ranking: WindowRanking | None
    decoding: pandas.DataFrame
    association: pandas.DataFrame
    nodes: pandas.DataFrame
    edges: pandas.DataFrame
    per_window: pandas.DataFrame
    alignment: GroupAlignment | None
    changes: pandas.DataFrame

    def __str__(self) -> str:
        lines = [f"Behaviour '{self.behavior.name}', {self.behavior.how} per window:", ""]
        lines.append(f"  {'predicted from':<44} {'score':>7}   chance (95 %)          p")
        for row in self.decoding.itertuples():
            chance = f"{row.chance_low:.3f} to {row.chance_high:.3f}"
            lines.append(f"  {row.features:<44} {row.score:>7.3f}   {chance:<18} {row.p_value:.3f}")
        lines += ["", f"  {'associated, rates held constant':<44} {'r':>7}   p"]
        held = self.association[self.association["rates_held"]]
        for row in held.itertuples():
            lines.append(f"  {row.feature:<44} {row.correlation:>7.3f}   {row.p_value:.3f}")
        found = int((self.nodes["q_value"] < 0.05).sum()), int((self.edges["q_value"] < 0.05).sum())
        lines += ["", f"Nodes and edges that follow it at q < 0.05: {found[0]} and {found[1]}."]
        return "\n".join(lines)


def check_behavior(block: neo.Block, analysis: AnalysisConfig, config: BehaviorConfig) -> None:
    """
    Refuse a behaviour or groups that do not suit a recording, before any model is fitted.

    Parameters
    ----------
    block : neo.Block
        The recording.
    analysis : AnalysisConfig
        How it is to be analysed.
    config : BehaviorConfig
        Which behaviour, and how.

    Raises
    ------
    InputError
        As :func:`analyze_behavior` would.
    """
    index = analysis.segment_index or 0
    segment = block.segments[index]
    activity = bin_activity(segment, bin_size=analysis.bin_size_s * pq.s, segment_index=index)
    length, step = analysis.window_length_s * pq.s, analysis.step_s * pq.s
    windows = sliding_windows(activity, window_length=length, step=step)
    behavior = window_behavior(
        segment, windows, config.behavior, how=config.how, period=config.period
    )
    score = _score(behavior)
    known = np.flatnonzero(np.isfinite(score))
    time_null(score[known], n_nulls=1)
    blocked_folds(len(known), n_folds=_N_FOLDS, gap=windows.select(known).overlap + 1)
    if config.groups or len(activity.nodes.group_names) > 1:
        check_groups(activity.nodes, *_groups(activity.nodes, config))


def analyze_behavior(
    block: neo.Block, result: AnalysisResult, config: BehaviorConfig
) -> BehaviorResult:
    """
    Ask what an analysed network has to do with a behaviour.

    Parameters
    ----------
    block : neo.Block
        The recording that was analysed.
    result : AnalysisResult
        The analysis.
    config : BehaviorConfig
        Which behaviour, and how.

    Returns
    -------
    BehaviorResult
        Decoding in blocked folds, associations with time-shift nulls, alignment of groups,
        network measures, attention and change points.

    Raises
    ------
    InputError
        If the behaviour does not overlap the recording, does not vary, has more than two labels,
        or too few windows of one.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> config = te.GameConfig(game_s=120.0, mean_rate_hz=20.0)
    >>> block = te.game_block(te.play_game(config, nodes=30, seed=1))
    >>> result = te.analyze(
    ...     block,
    ...     te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1),
    ... )
    >>> config = te.BehaviorConfig(
    ...     behavior="game:rally_length", n_nulls=19, n_shuffles=9, model_in_folds=False
    ... )
    >>> found = te.analyze_behavior(block, result, config)
    >>> found.ranking is not None, len(found.per_window)
    (True, 59)
    """
    segment = block.segments[result.config.segment_index or 0]
    behavior = window_behavior(
        segment, result.windows, config.behavior, how=config.how, period=config.period
    )
    score = _score(behavior)
    alignment, measures = _measures(result, config)
    per_window = _per_window(result, behavior, alignment, measures)
    nodes, edges = _effects(result, score, config)
    return BehaviorResult(
        config=config,
        behavior=behavior,
        score=score,
        ranking=None if behavior.is_label else _ranking(result, score, config),
        decoding=_decoding(result, behavior, score, config),
        association=_associations(result, measures, score, config),
        nodes=nodes,
        edges=edges,
        per_window=per_window,
        alignment=alignment,
        changes=_changes(result, behavior, score, config),
    )


def behavior_tables(result: BehaviorResult) -> dict[str, pandas.DataFrame]:
    """
    Give the results as tables, each column described.

    Parameters
    ----------
    result : BehaviorResult
        The results.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``behavior_windows``, ``behavior_decoding``, ``behavior_association``,
        ``behavior_nodes``, ``behavior_edges`` (at most the 1000 of largest correlation),
        ``behavior_changes`` and, where windows were ranked, ``behavior_ranking``.
        ``table.attrs["description"]`` says what a table is, ``table.attrs["columns"]`` what each
        of its columns is, with its unit.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> config = te.GameConfig(game_s=120.0, mean_rate_hz=20.0)
    >>> block = te.game_block(te.play_game(config, nodes=30, seed=1))
    >>> result = te.analyze(
    ...     block,
    ...     te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1),
    ... )
    >>> config = te.BehaviorConfig(
    ...     behavior="game:rally_length", n_nulls=19, n_shuffles=9, model_in_folds=False
    ... )
    >>> found = te.analyze_behavior(block, result, config)
    >>> tables = te.behavior_tables(found)
    >>> "behavior_association" in tables, len(tables["behavior_windows"])
    (True, 59)
    """
    strongest = result.edges["correlation"].abs().sort_values(ascending=False, kind="stable")
    tables = {
        "behavior_windows": (
            result.per_window,
            "One row per window: behaviour, alignment of groups, network measures, attention.",
        ),
        "behavior_decoding": (
            result.decoding,
            "How well the behaviour is predicted from features of windows, in folds of time.",
        ),
        "behavior_association": (
            result.association,
            "Correlation of measures of windows with the behaviour.",
        ),
        "behavior_nodes": (result.nodes, "How the embedding of each node follows the behaviour."),
        "behavior_edges": (
            result.edges.loc[strongest.index[:_MANY_EDGES_SHOWN]].reset_index(drop=True),
            "How the weight of pairs of nodes follows the behaviour, rates held constant.",
        ),
        "behavior_changes": (result.changes, "Change points of the network and the behaviour."),
    }
    if result.ranking is not None:
        frame = result.per_window[["start_s", "stop_s"]]
        ranking = result.ranking
        ranked = frame.iloc[ranking.order].reset_index(drop=True)
        ranked.insert(0, "rank", ranking.names)
        ranked.insert(1, "window_index", ranking.order)
        ranked["score"] = ranking.scores[ranking.order]
        tables["behavior_ranking"] = (ranked, "Windows of highest and lowest behaviour.")
    return {
        name: _described(table, text, result.behavior.description)
        for name, (table, text) in tables.items()
        if len(table) > 0
    }


def with_node_groups(block: neo.Block, groups: Mapping[str, str]) -> neo.Block:
    """
    Give the nodes of a recording groups.

    Parameters
    ----------
    block : neo.Block
        The recording; spike trains are annotated anew, and it is returned itself.
    groups : mapping of str to str
        Group of each node by its id; nodes that are not named have none.

    Returns
    -------
    neo.Block
        The recording.

    Raises
    ------
    InputError
        If a node is named that the recording does not have, or it holds no spike trains.
    """
    trains = [train for segment in block.segments for train in segment.spiketrains]
    if not trains:
        raise InputError(
            "Groups can be given to recordings with spike trains; this one has traces, whose "
            "groups stand in the file."
        )
    ids = [str(train.annotations.get("node_id", train.name)) for train in trains]
    absent = sorted(set(groups) - set(ids))
    if absent:
        raise InputError(
            f"The groups name {len(absent)} channels that the recording does not have: "
            f"{some(absent)}; it has {some(dict.fromkeys(ids), 3)}."
        )
    for train, identity in zip(trains, ids, strict=True):
        train.annotate(node_group=str(groups.get(identity, "")))
    return block


def _score(behavior: WindowBehavior) -> NDArray[np.float64]:
    """Give the behaviour as a number, and refuse one that cannot be associated with anything."""
    values = behavior.values
    if not behavior.is_label:
        numbers = np.asarray(values, dtype=np.float64)
        known = numbers[np.isfinite(numbers)]
        if np.ptp(known) == 0:
            raise InputError(
                f"The behaviour '{behavior.name}' is {known[0]:g} in all {len(known)} windows "
                "where it is known: nothing can follow it."
            )
        return numbers
    names, counts = np.unique(values[values != ""], return_counts=True)
    if len(names) == 1:
        raise InputError(
            f"The behaviour '{behavior.name}' is '{names[0]}' in all windows: two labels are "
            "needed."
        )
    if len(names) > 2:
        raise InputError(
            f"The behaviour '{behavior.name}' has {len(names)} labels ({some(names)}); two can be "
            f"compared. Name one of them, as '{behavior.name}:{names[0]}', with how='share' "
            "(--behavior-how share on the command line)."
        )
    if counts.min() < _LEAST_PER_CLASS:
        raise InputError(
            f"'{behavior.name}' is '{names[counts.argmin()]}' in {counts.min()} windows; each "
            f"label needs {_LEAST_PER_CLASS}. Record longer, or use a shorter step."
        )
    return np.where(values == "", np.nan, (values == names[1]).astype(np.float64))


def _ranking(
    result: AnalysisResult, score: NDArray[np.float64], config: BehaviorConfig
) -> WindowRanking | None:
    least = None if config.min_distance_s is None else config.min_distance_s * pq.s
    try:
        return rank_windows(result.windows, score, n_each=config.n_each, min_distance=least)
    except InputError as error:
        warnings.warn(f"Windows are not ranked. {error}", DataLossWarning, stacklevel=3)
        return None


def _measures(
    result: AnalysisResult, config: BehaviorConfig
) -> tuple[GroupAlignment | None, pandas.DataFrame]:
    """Measures of each window that are associated with the behaviour, one column each."""
    import pandas as pd

    wanted = [name for name in NETWORK if name != "small_worldness"]
    if result.connectivity.n_nodes > _MANY_NODES:
        wanted = [name for name in wanted if name not in _SLOW_MEASURES]
    parts = [network_measures(result.connectivity, measures=wanted, seed=config.seed)]
    alignment = _alignment(result, config)
    if alignment is not None:
        parts.append(pd.DataFrame(alignment.observed))
    parts.append(pd.DataFrame({"mean_activity": _rates(result).mean(axis=1)}))
    return alignment, pd.concat(parts, axis=1)


def _alignment(result: AnalysisResult, config: BehaviorConfig) -> GroupAlignment | None:
    nodes = result.embedding.nodes
    if len(nodes.group_names) < 2 and not config.groups:
        return None
    reference, others = _groups(nodes, config)
    return group_alignment(
        spectral_positions(result.connectivity),
        reference=reference,
        groups=others,
        n_shuffles=config.n_shuffles,
        seed=config.seed,
    )


def _groups(nodes: Nodes, config: BehaviorConfig) -> tuple[str, tuple[str, ...] | None]:
    """Give the reference, and the other groups or None for all."""
    names = nodes.group_names
    if config.groups:
        return config.groups[0], config.groups[1:] or None
    return ("sensory" if "sensory" in names else names[0]), None


def _per_window(
    result: AnalysisResult,
    behavior: WindowBehavior,
    alignment: GroupAlignment | None,
    measures: pandas.DataFrame,
) -> pandas.DataFrame:
    import pandas as pd

    windows = result.windows
    parts = [
        pd.DataFrame(
            {"start_s": windows.start_s, "stop_s": windows.stop_s, "behavior": behavior.values}
        ),
        measures[[name for name in measures if name not in ALIGNMENT]],
    ]
    if alignment is not None:
        parts.append(alignment.to_pandas())
    if result.embedding.attention is not None:
        parts.append(attention_per_window(result.embedding).add_prefix("attention_"))
    return pd.concat(parts, axis=1)


def _associations(
    result: AnalysisResult,
    measures: pandas.DataFrame,
    score: NDArray[np.float64],
    config: BehaviorConfig,
) -> pandas.DataFrame:
    """Associate every measure of a window, the distances of embeddings, and attention."""
    import pandas as pd

    rates = rate_covariates(_rates(result))
    complete = measures.loc[:, np.isfinite(measures.to_numpy()).all(axis=0)]
    options: dict[str, Any] = {"n_nulls": config.n_nulls, "seed": config.seed}
    parts = []
    for held in (False, True):
        columns = complete.drop(columns="mean_activity") if held else complete
        table = associate(columns, score, covariates=rates if held else None, **options)
        distances = associate_distances(
            result.embedding.window_embedding(),
            score,
            covariates=rates if held else None,
            overlap=result.windows.overlap,
            n_shifts=config.n_nulls,
            seed=config.seed,
        )
        table.loc["distance between embeddings"] = {
            "correlation": distances.correlation,
            "null_sd": float(distances.null.std()),
            "p_value": distances.p_value,
        }
        table.insert(0, "rates_held", held)
        parts.append(table.reset_index(names="feature"))
    if result.embedding.attention is not None:
        parts += _attention(result, score, options)
    return pd.concat(parts, ignore_index=True)


def _attention(
    result: AnalysisResult, score: NDArray[np.float64], options: dict[str, Any]
) -> list[pandas.DataFrame]:
    try:
        table = attention_foretells(result.embedding, score, **options)
    except InputError as error:
        warnings.warn(f"Attention is not tested. {error}", DataLossWarning, stacklevel=4)
        return []
    table.insert(0, "rates_held", False)
    table.insert(0, "feature", "attended past, foretelling the next window")
    return [table.reset_index(drop=True)]


def _effects(
    result: AnalysisResult, score: NDArray[np.float64], config: BehaviorConfig
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    options: dict[str, Any] = {"n_nulls": config.n_nulls, "seed": config.seed}
    positions = spectral_positions(result.connectivity)
    nodes = associate_nodes(positions, score, rates=_rates(result), **options)
    connectivity = result.connectivity
    if connectivity.directed:
        connectivity = connectivity.symmetrized("strongest")
    return nodes, associate_edges(connectivity, score, **options)


def _decoding(
    result: AnalysisResult,
    behavior: WindowBehavior,
    score: NDArray[np.float64],
    config: BehaviorConfig,
) -> pandas.DataFrame:
    """Predict the behaviour from every kind of features, each fitted inside its fold."""
    import pandas as pd

    known = np.flatnonzero(np.isfinite(score))
    windows = result.windows.select(known)
    folds = blocked_folds(len(known), n_folds=_N_FOLDS, gap=windows.overlap + 1)
    graphs, rates = result.graphs.select(known), _rates(result)[known]
    build = partial(make_model, result.config)
    shuffled = shuffle_bins_within_windows(result.activity, windows, seed=config.seed)
    _, control = graphs_of(shuffled, windows, result.config)
    judge = _judge(behavior, score[known], config)
    spectral = embed_in_folds(UASE, graphs, folds)
    rows = [
        judge("mean rates", features_in_folds(rates, folds)),
        judge("spectral embedding", spectral),
        judge("spectral embedding, rates held", spectral, rates),
        judge("spectral embedding, bins shuffled", embed_in_folds(UASE, control, folds)),
    ]
    if config.model_in_folds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChanceLossWarning)
            model = embed_in_folds(build, graphs, folds)
            rows += [
                judge("TAVRNN embedding", model),
                judge("TAVRNN embedding, rates held", model, rates),
                judge("TAVRNN embedding, bins shuffled", embed_in_folds(build, control, folds)),
            ]
    return pd.DataFrame(rows)


def _judge(
    behavior: WindowBehavior, score: NDArray[np.float64], config: BehaviorConfig
) -> Callable[..., dict[str, Any]]:
    """Decode labels, or regress numbers."""
    least = max(1, correlation_windows(score))

    def judged(name: str, features: Sequence[Any], held: Any = None) -> dict[str, Any]:
        options: dict[str, Any] = {
            "min_shift": least, "n_shifts": config.n_nulls, "seed": config.seed,
        }  # fmt: skip
        # A label less what rates say of it is a number.
        if behavior.is_label and held is None:
            found = decode_labels(name, features, score.astype(np.int64), **options)
            metric, value = "balanced accuracy", found.balanced_accuracy
        else:
            fitted = regress_values(name, features, score, held=held, **options)
            found, metric, value = fitted, "rank correlation in blocks", fitted.correlation  # type: ignore[assignment]
        low, high = found.chance_interval
        return {
            "features": name,
            "metric": metric,
            "score": value,
            "chance_low": low,
            "chance_high": high,
            "p_value": found.p_value,
        }

    return judged


def _changes(
    result: AnalysisResult,
    behavior: WindowBehavior,
    score: NDArray[np.float64],
    config: BehaviorConfig,
) -> pandas.DataFrame:
    """Change points of the embedding and of the behaviour, and how many coincide."""
    import pandas as pd

    known = np.flatnonzero(np.isfinite(score))
    windows = result.windows.select(known)
    least = windows.overlap + 1
    network = change_points(result.embedding.window_embedding()[known], min_length=least)
    changed = change_points(score[known, None], min_length=least)
    share = p_value = np.nan
    if len(network) and len(changed):
        try:
            match = match_change_points(
                network, changed, n_windows=len(known), tolerance=least, n_shifts=config.n_nulls
            )
            share, p_value = match.matched, match.p_value
        except InputError as error:
            warnings.warn(f"Change points are not compared. {error}", DataLossWarning, stacklevel=3)
    both = [("network", index) for index in network] + [("behavior", index) for index in changed]
    return pd.DataFrame(
        {
            "what": [what for what, _ in both],
            "window_index": [int(known[index]) for _, index in both],
            "start_s": [float(windows.start_s[index]) for _, index in both],
            "matched": share,
            "p_value": p_value,
        }
    )


def _rates(result: AnalysisResult) -> NDArray[np.float64]:
    return np.asarray(result.connectivity.mean_activity)


def _described(table: pandas.DataFrame, text: str, behavior: str) -> pandas.DataFrame:
    known = {
        **_COLUMNS,
        **ASSOCIATION,
        **NETWORK,
        **{f"attention_{name}": value for name, value in ATTENTION.items()},
        **ALIGNMENT,
        "behavior": behavior,
        "score": f"Score of the prediction, or of the window: {behavior}",
    }
    for name, value in ALIGNMENT.items():
        known[f"{name}_z"] = (
            f"{value[:-1]}; in standard deviations from the mean of shuffled groups."
        )
        known[f"{name}_p"] = f"{value[:-1]}; share of shuffled groups that are at least as large."
    columns = {}
    for name in map(str, table.columns):
        base = next((key for key in PAIR_DESCRIPTIONS if name.startswith(f"{key}_")), "")
        group = name.removeprefix(f"{base}_")
        pair = f"{PAIR_DESCRIPTIONS[base][:-1]}, group '{group}'." if base else ""
        columns[name] = known.get(name) or pair
    described = table.copy()
    described.attrs = {"description": text, "columns": columns}
    return described


_COLUMNS = {
    "start_s": "Start of the window in seconds.",
    "stop_s": "End of the window in seconds.",
    "window_index": "Position of the window, from 0.",
    "rank": "Rank of the window, High 1 the highest, Low 1 the lowest.",
    "mean_activity": "Mean activity of all nodes: spikes per second, or the unit of the traces.",
    "features": "What the behaviour is predicted from.",
    "metric": "What the score is.",
    "chance_low": "Lower limit of the central 95 % of circular shifts.",
    "chance_high": "Upper limit of the central 95 % of circular shifts.",
    "feature": "Measure of a window.",
    "rates_held": "Whether the mean rate of the window is held constant.",
    "node_id": "Name of the node.",
    "node_a": "Name of one node.",
    "node_b": "Name of the other node.",
    "group": "Group of the node; empty where it has none.",
    "r_squared": "Share of the variance of the behaviour's ranks that the node's place gives.",
    "what": "Whether the network or the behaviour changes.",
    "matched": "Share of the behaviour's changes with a change of the network beside them.",
}
