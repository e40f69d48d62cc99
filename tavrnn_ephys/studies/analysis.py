"""A recording and a configuration in, everything that follows from them out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows, window_means
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.connectivity.size import refuse_large_analysis
from tavrnn_ephys.connectivity.stored import fitting_connectivity
from tavrnn_ephys.core.adapter_options import option_text
from tavrnn_ephys.core.checks import one_of, positive_int, positive_number, whole_number
from tavrnn_ephys.core.containers import (
    BinnedActivity,
    ConnectivitySequence,
    NodeEmbedding,
    Windows,
)
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning, InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.provenance import fingerprint
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.io.blocks import behavior_columns
from tavrnn_ephys.results import summarize

if TYPE_CHECKING:
    import neo

    from tavrnn_ephys.methods.tavrnn import TAVRNN

__all__ = [
    "AnalysisConfig",
    "AnalysisResult",
    "analyze",
    "graphs_of",
    "make_model",
    "results_of",
    "segment_to_analyze",
]

_STORED_WARNINGS = (ChanceLossWarning, DataLossWarning)
# Parameters of compute_connectivity itself, not of its measures.
_OWN_OPTIONS = {"measure", "binary", "silent_nodes", "directed", "spiketrains"}


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig:
    """
    Every choice of an analysis; saved with its results.

    Parameters
    ----------
    bin_size_s, window_length_s, step_s : float
        Durations in seconds.
    measure : str
        Connectivity measure.
    measure_options : mapping of str to object
        Parameters of the measure, such as ``max_lag``; durations as quantities.
    silent_nodes : {"zero", "nan", "raise"}
        What becomes of nodes whose activity does not vary in a window.
    threshold : float
        Smallest absolute weight of an edge.
    features : {"weights", "identity", "rates"}
        Vertex features that the graphs bring.
    history_node : bool
        Whether each graph has a vertex joined to all others.
    profile : {"default", "paper"}
        Profile of the model.
    training_epochs : int, optional
        Passes over the windows; the profile's by default.
    seed : int
        Seed of the model.
    segment_index : int, optional
        Which segment of the block is analysed; the first by default, and a warning says so
        where there are several.
    """

    bin_size_s: float
    window_length_s: float
    step_s: float
    measure: str = "pearson"
    measure_options: Mapping[str, Any] = field(default_factory=dict)
    silent_nodes: str = "zero"
    threshold: float = 0.0
    features: str = "weights"
    history_node: bool = True
    profile: str = "default"
    training_epochs: int | None = None
    seed: int = 0
    segment_index: int | None = None

    def __post_init__(self) -> None:
        for name in ("bin_size_s", "window_length_s", "step_s"):
            positive_number(getattr(self, name), name)
        positive_number(self.threshold, "threshold", or_zero=True)
        whole_number(self.seed, "seed")
        for name in _OWN_OPTIONS & set(self.measure_options):
            raise InputError(
                f"measure_options cannot set {name!r}, which is no parameter of a measure. "
                "Leave it out."
            )
        if self.segment_index is not None:
            whole_number(self.segment_index, "segment_index")
        if self.training_epochs is not None:
            positive_int(self.training_epochs, "training_epochs")
        one_of(self.profile, ("default", "paper"), "profile")


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """
    What an analysis found, step by step.

    Parameters
    ----------
    config : AnalysisConfig
        How.
    activity : BinnedActivity
        Binned activity.
    windows : Windows
        Windows, with the mean of every behaviour signal.
    connectivity : ConnectivitySequence
        Connectivity of each window.
    graphs : GraphSequence
        Graph of each window.
    model : TAVRNN
        The fitted model.
    embedding : NodeEmbedding
        The embedding, with the whole configuration.
    behavior : BehaviorResult, optional
        What the network has to do with a behaviour, where one was asked for.
    warned : tuple of str
        What the analysis warned of.
    """

    config: AnalysisConfig
    activity: BinnedActivity
    windows: Windows
    connectivity: ConnectivitySequence
    graphs: GraphSequence
    model: TAVRNN
    embedding: NodeEmbedding
    behavior: Any = None
    warned: tuple[str, ...] = ()


def analyze(block: neo.Block, config: AnalysisConfig, *, verbose: bool = False) -> AnalysisResult:
    """
    Bin a recording, compute the graph of each window, fit TAVRNN and embed.

    Parameters
    ----------
    block : neo.Block
        The recording.
    config : AnalysisConfig
        How.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    AnalysisResult
        Every step's result.

    Raises
    ------
    InputError
        If the configuration does not suit the recording.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> config = te.AnalysisConfig(
    ...     bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1, seed=0
    ... )
    >>> result = te.analyze(block, config)
    >>> result.embedding.mean.shape
    (9, 20, 16)
    """
    with warnings.catch_warnings(record=True) as caught:
        result = _analyze(block, config, verbose=verbose)
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    ours = [item for item in caught if issubclass(item.category, _STORED_WARNINGS)]
    return dataclasses.replace(result, warned=tuple(dict.fromkeys(str(w.message) for w in ours)))


def _analyze(block: neo.Block, config: AnalysisConfig, *, verbose: bool) -> AnalysisResult:
    index = segment_to_analyze(block, config)
    config, segment = dataclasses.replace(config, segment_index=index), block.segments[index]
    activity = bin_activity(segment, bin_size=config.bin_size_s * pq.s, segment_index=index)
    windows = sliding_windows(
        activity, window_length=config.window_length_s * pq.s, step=config.step_s * pq.s
    )
    if len(windows) < 2:
        raise InputError(
            f"One window of {config.window_length_s:g} s is no sequence: the recording lasts "
            f"{activity.n_bins * activity.bin_size_s:g} s. Shorten the window or the step."
        )
    refuse_large_analysis(activity, len(windows), config.measure)
    windows = windows.with_columns(**_behavior_means(segment, windows))
    connectivity, graphs = graphs_of(activity, windows, config)
    model = make_model(config, verbose=verbose).fit(graphs)
    embedding = model.transform(graphs)
    embedding = dataclasses.replace(embedding, config={**_settings(config), **embedding.config})
    return AnalysisResult(
        config=config,
        activity=activity,
        windows=windows,
        connectivity=connectivity,
        graphs=graphs,
        model=model,
        embedding=embedding,
    )


def results_of(
    result: AnalysisResult,
    *,
    tables: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Results:
    """
    Collect what an analysis found for storage in a file.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    tables : mapping of str to pandas.DataFrame or ResultTable, optional
        Further tables, by name.
    provenance : mapping of str to scalar, optional
        Further facts about the origin, by dotted key.

    Returns
    -------
    Results
        Embedding, connectivity, graphs, summaries of windows and nodes, what the analysis warned
        of, and a checksum of the binned activity, by which a change of the recording is noticed.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> config = te.AnalysisConfig(
    ...     bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1, seed=0
    ... )
    >>> results = te.results_of(te.analyze(block, config))
    >>> results.window_values["mean_weight"].shape, results.node_values["node_strength"].shape
    ((9,), (20,))
    """
    parts: dict[str, Any] = {
        "embedding": result.embedding,
        "connectivity": result.connectivity,
        "graphs": result.graphs,
    }
    summaries = summarize(**parts)
    summaries["descriptions"] |= {
        name: f"Mean of the behaviour signal '{name}' over the window, in its own unit."
        for name in result.windows.columns
    }
    facts = {
        "activity_sha256": fingerprint(np.asarray(result.activity.values)),
        "final_loss": float(result.model.history_[-1]["reconstruction"]),
        **{f"warnings.{index}": text for index, text in enumerate(result.warned)},
        **dict(provenance or {}),
    }
    return Results(**parts, **summaries, tables=dict(tables or {}), provenance=facts)


def segment_to_analyze(block: neo.Block, config: AnalysisConfig) -> int:
    """
    Say which segment of a recording a configuration means.

    Parameters
    ----------
    block : neo.Block
        The recording.
    config : AnalysisConfig
        How.

    Returns
    -------
    int
        Its index, from 0.

    Raises
    ------
    InputError
        If there is no such segment.

    Warns
    -----
    DataLossWarning
        If there are several and none is chosen.
    """
    index, n_segments = config.segment_index, len(block.segments)
    if index is None and n_segments > 1:
        warnings.warn(
            f"The recording has {n_segments} segments; only the first, "
            f"'{block.segments[0].name}', is analysed. Choose another with segment_index, "
            "--segment on the command line.",
            DataLossWarning,
            stacklevel=3,
        )
    if not 0 <= (index or 0) < n_segments:
        raise InputError(
            f"segment_index {index or 0} does not exist: the recording has {n_segments} "
            "segments, counted from 0."
        )
    return index or 0


def graphs_of(
    activity: BinnedActivity, windows: Windows, config: AnalysisConfig
) -> tuple[ConnectivitySequence, GraphSequence]:
    """
    Compute connectivity and graphs as a configuration asks for.

    Parameters
    ----------
    activity : BinnedActivity
        The activity, or a surrogate of it.
    windows : Windows
        Its windows.
    config : AnalysisConfig
        How.

    Returns
    -------
    tuple of ConnectivitySequence and GraphSequence
        The connectivity and the graphs.
    """
    connectivity = fitting_connectivity(
        activity,
        windows,
        measure=config.measure,
        silent_nodes=config.silent_nodes,
        **config.measure_options,
    )
    return connectivity, build_graphs(
        connectivity,
        threshold=config.threshold,
        features=config.features,
        history_node=config.history_node,
    )


def make_model(config: AnalysisConfig, *, verbose: bool = False) -> TAVRNN:
    """
    Build the unfitted model that a configuration asks for.

    Parameters
    ----------
    config : AnalysisConfig
        How.
    verbose : bool
        Whether it shows a progress bar on a terminal.

    Returns
    -------
    TAVRNN
        The model.
    """
    from tavrnn_ephys.methods.tavrnn import TAVRNN

    return TAVRNN(
        training_epochs=config.training_epochs,
        profile=config.profile,
        seed=config.seed,
        verbose=verbose,
    )


def _settings(config: AnalysisConfig) -> dict[str, Any]:
    """Write a configuration as text and numbers, a quantity as its number and unit."""
    settings = {f"analysis.{key}": value for key, value in dataclasses.asdict(config).items()}
    for key, value in settings.pop("analysis.measure_options").items():
        number = isinstance(value, int | float)
        settings[f"analysis.measure_options.{key}"] = value if number else option_text(value)
    return settings


def _behavior_means(segment: neo.Segment, windows: Windows) -> dict[str, Any]:
    means = {
        name: window_means(windows, times_s, values)
        for name, (times_s, values) in behavior_columns(segment).items()
    }
    return {name: values for name, values in means.items() if np.isfinite(values).any()}
