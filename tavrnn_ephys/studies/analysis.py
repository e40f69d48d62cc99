"""A recording and a configuration in, everything that follows from them out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.connectivity.size import refuse_large_analysis
from tavrnn_ephys.core.containers import (
    BinnedActivity,
    ConnectivitySequence,
    NodeEmbedding,
    Windows,
)
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.io.blocks import choose_segment
from tavrnn_ephys.networks.states.model import check_windows
from tavrnn_ephys.results import summarize
from tavrnn_ephys.studies.advice.checks import check_choice
from tavrnn_ephys.studies.advice.suggestion import suggest
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.recording import Recording, open_block, remembered

if TYPE_CHECKING:
    import neo

    from tavrnn_ephys.methods.tavrnn import TAVRNN

__all__ = [
    "AnalysisConfig",
    "AnalysisResult",
    "Embedder",
    "analyze",
    "analyze_recording",
    "graphs_of",
    "make_model",
    "results_of",
    "segment_to_analyze",
]

#: Gives a fitted model and the embedding of graphs, in place of a model of their own.
Embedder = Callable[[GraphSequence], "tuple[TAVRNN, NodeEmbedding]"]


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
        What the network has to do with a behaviour, where one was asked for; of several the first
        that the recording can decide.
    asked : WindowBehavior, optional
        The behaviour that was asked for, per window; of several the first.
    undecided : str
        Why the recording cannot decide what that behaviour has to do with the network; empty
        where it can.
    states : StatesResult, optional
        Discrete states of the network, where they were asked for.
    change : mapping of str to pandas.DataFrame, optional
        Whether, when and where the network changed, as tables; made with the run of a file, or by
        :func:`tavrnn_ephys.answer`.
    warned : tuple of str
        What the analysis warned of.
    reasons : mapping of str to str
        Why bin, window and step were chosen, where the recording was asked for them.
    behaviors : mapping of int to BehaviorResult
        What ``behavior`` is, for each behaviour, by its position among those that were asked
        for, corrected over all of them.
    unanswered : mapping of int to (WindowBehavior, str)
        The behaviours that the recording cannot decide, by their position, each with the reason.
    """

    config: AnalysisConfig
    activity: BinnedActivity
    windows: Windows
    connectivity: ConnectivitySequence
    graphs: GraphSequence
    model: TAVRNN
    embedding: NodeEmbedding
    behavior: Any = None
    asked: Any = None
    undecided: str = ""
    states: Any = None
    change: Any = None
    warned: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    behaviors: Mapping[int, Any] = field(default_factory=dict)
    unanswered: Mapping[int, tuple[Any, str]] = field(default_factory=dict)


def analyze(
    block: neo.Block, config: AnalysisConfig | None = None, *, verbose: bool = False
) -> AnalysisResult:
    """
    Bin a recording, compute the graph of each window, fit TAVRNN and embed.

    Parameters
    ----------
    block : neo.Block
        The recording.
    config : AnalysisConfig, optional
        How; as :func:`tavrnn_ephys.suggest` suggests by default.
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
    reasons: dict[str, str] = {}
    if config is None:
        found = suggest(block)
        config, reasons = found.config(), dict(found.reasons)
    recording = open_block(
        block,
        config.windows,
        segment_index=config.segment_index,
        selection=config.selection,
        measure=config.measure,
    )
    config = dataclasses.replace(config, segment_index=recording.segment_index)
    result = analyze_recording(recording, config, verbose=verbose)
    return dataclasses.replace(result, reasons=reasons)


def analyze_recording(
    recording: Recording,
    config: AnalysisConfig,
    *,
    finds_states: bool = False,
    embedder: Embedder | None = None,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Compute the graph of each window of an open recording, fit TAVRNN and embed.

    Parameters
    ----------
    recording : Recording
        The segment, binned and cut into windows as the configuration says.
    config : AnalysisConfig
        How.
    finds_states : bool
        Whether states of the network are to be found afterwards, for which too few windows are
        refused before the work.
    embedder : callable, optional
        Gives a fitted model and the embedding of the graphs; by default a model is fitted to them.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    AnalysisResult
        Every step's result, and what opening and analysing the recording warned of.

    Raises
    ------
    InputError
        If the configuration does not suit the recording.
    """
    activity, windows = recording.activity, recording.windows
    if len(windows) < 2:
        raise InputError(
            f"One window of {windows.stop_s[0] - windows.start_s[0]:g} s is no sequence: the "
            f"recording lasts {activity.n_bins * activity.bin_size_s:g} s. Shorten the window or "
            "the step."
        )
    if finds_states:
        check_windows(len(windows))
    with remembered() as said:
        check_choice(activity, windows, config.connectivity)
        model, facts = make_model(config, verbose=verbose), config.facts()
        refuse_large_analysis(
            len(windows),
            activity.n_nodes,
            n_bins=activity.n_bins,
            measure=config.measure,
            node_kind=activity.node_kind,
            profile=config.profile,
        )
        about = config.connectivity, config.graphs
        connectivity, graphs = compute_graphs(
            activity, windows, *about, spiketrains=recording.segment.spiketrains
        )
        if embedder is None:
            embedding = model.fit(graphs).transform(graphs)
        else:
            model, embedding = embedder(graphs)
    embedding = dataclasses.replace(embedding, config={**facts, **embedding.config})
    return AnalysisResult(
        config=config,
        activity=activity,
        windows=windows,
        connectivity=connectivity,
        graphs=graphs,
        model=model,
        embedding=embedding,
        warned=tuple(dict.fromkeys((*recording.warned, *said))),
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
        "activity_sha256": result.activity.sha256,
        "final_loss": float(result.model.history_[-1]["reconstruction"]),
        **{f"advice.{name}": text for name, text in result.reasons.items()},
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
    return choose_segment(block, config.segment_index)


def graphs_of(
    activity: BinnedActivity,
    windows: Windows,
    config: AnalysisConfig,
    spiketrains: Any = (),
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
    spiketrains : sequence of neo.SpikeTrain, optional
        What was binned, where the activity is no surrogate: exact times for the tiling coefficient.

    Returns
    -------
    tuple of ConnectivitySequence and GraphSequence
        The connectivity and the graphs.
    """
    return compute_graphs(
        activity, windows, config.connectivity, config.graphs, spiketrains=spiketrains
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

    spec = config.model
    width: dict[str, Any] = {} if spec.latent_size is None else {"latent_size": spec.latent_size}
    return TAVRNN(
        training_epochs=spec.training_epochs,
        profile=spec.profile,
        seed=spec.seed,
        verbose=verbose,
        options=spec.given_options or None,
        **width,
    )
