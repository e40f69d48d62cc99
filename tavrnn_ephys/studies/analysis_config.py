"""Every choice of an analysis, in parts that other questions share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.core.spec import (
    ConnectivitySpec,
    GraphSpec,
    ModelSpec,
    RecordingSpec,
    SelectionSpec,
    WindowSpec,
    from_facts,
    to_facts,
    unknown_facts,
)
from tavrnn_ephys.core.spec.connectivity import LEAST_SPIKES

__all__ = ["AnalysisConfig"]

_PARTS = (WindowSpec, ConnectivitySpec, GraphSpec, ModelSpec)
# Two parts have options; here each goes by a name of its own.
_OPTIONS: Mapping[Any, str] = {ConnectivitySpec: "measure_options", ModelSpec: "model_options"}


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig:
    """
    Every choice of an analysis; saved with its results.

    Parameters
    ----------
    bin_size_s : float
        Width of a bin in seconds.
    window_length_s, step_s : float, optional
        Length and step of windows that slide, in seconds; none where windows are laid otherwise.
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
    profile : {"state_space", "recurrent", "paper"}
        Profile of the model.
    training_epochs : int, optional
        Passes over the windows; the profile's by default.
    seed : int
        Seed of the model.
    segment_index : int, optional
        Which segment of the block is analysed; the first by default, and a warning says so
        where there are several.
    min_spikes : int, optional
        Nodes with fewer spikes in a window count as silent there, so that no edge rests on a
        single spike; None for no such rule.
    intervals, around : str, optional
        Windows laid otherwise: one per interval of a table, or one around each of some events,
        as in :class:`~tavrnn_ephys.core.spec.WindowSpec`.
    before_s, after_s : float, optional
        How far windows reach around events, in seconds.
    runs_of : str, optional
        Windows laid otherwise: one per run of this behaviour.
    selection : SelectionSpec
        Nodes and time that are analysed; all of both by default.
    taper : {"hann", "hamming", "tukey"}, optional
        Weights of the bins of a window; all count alike by default.
    density, n_strongest, false_discoveries : float, int, float, optional
        Another rule for edges than ``threshold``: the same share of pairs in every window, the
        strongest weights of each node, or the weights beyond chance, as in
        :class:`~tavrnn_ephys.core.spec.GraphSpec`.
    surrogates, n_surrogates, surrogate_reach_s : str, int, float
        What chance is for ``false_discoveries``: kind and number of surrogate recordings, and how
        far they move spikes or nodes in time.
    latent_size : int, optional
        Width of the latent variable of a node; the model's by default.
    smoothing : {"none", "causal", "two_sided"}, optional
        How embeddings are smoothed over windows; the profile's by default.
    model_options : mapping of str to object
        Further options of :class:`tavrnn_ephys.TAVRNN` that differ from the profile.
    """

    bin_size_s: float
    window_length_s: float | None = None
    step_s: float | None = None
    measure: str = "pearson"
    measure_options: Mapping[str, Any] = field(default_factory=dict)
    silent_nodes: str = "zero"
    threshold: float = 0.0
    features: str = "weights"
    history_node: bool = True
    profile: str = PROFILES[0]
    training_epochs: int | None = None
    seed: int = 0
    segment_index: int | None = None
    min_spikes: int | None = LEAST_SPIKES
    intervals: str | None = None
    around: str | None = None
    before_s: float | None = None
    after_s: float | None = None
    runs_of: str | None = None
    selection: SelectionSpec = field(default_factory=SelectionSpec)
    taper: str | None = None
    density: float | None = None
    n_strongest: int | None = None
    false_discoveries: float | None = None
    surrogates: str = "shift"
    n_surrogates: int = 100
    surrogate_reach_s: float | None = None
    latent_size: int | None = None
    smoothing: str | None = None
    model_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Each part checks what it is given.
        self.connectivity.check_windows(self.windows)
        self.graphs, self.model  # noqa: B018
        if self.model.given_options:
            _check_options(self.model)
        if self.segment_index is not None:
            whole_number(self.segment_index, "segment_index")

    @property
    def windows(self) -> WindowSpec:
        """Bins and windows."""
        names = (item.name for item in dataclasses.fields(WindowSpec))
        return WindowSpec(**{name: getattr(self, name) for name in names})

    @property
    def connectivity(self) -> ConnectivitySpec:
        """Measure and its parameters."""
        return ConnectivitySpec(
            measure=self.measure,
            options=self.measure_options,
            silent_nodes=self.silent_nodes,
            min_spikes=self.min_spikes,
            taper=self.taper,
        )

    @property
    def graphs(self) -> GraphSpec:
        """How graphs are made."""
        names = (item.name for item in dataclasses.fields(GraphSpec))
        return GraphSpec(**{name: getattr(self, name) for name in names})

    @property
    def model(self) -> ModelSpec:
        """The model and its training."""
        return ModelSpec(
            profile=self.profile,
            training_epochs=self.training_epochs,
            seed=self.seed,
            latent_size=self.latent_size,
            smoothing=self.smoothing,
            options=self.model_options,
        )

    def facts(self) -> dict[str, Any]:
        """
        Write every choice as text and numbers.

        Returns
        -------
        dict of str to scalar
            By dotted key, as they are stored with results.
        """
        parts = to_facts(self.windows, self.connectivity, self.graphs, self.model)
        where = RecordingSpec(segment_index=self.segment_index)
        return parts | to_facts(where, self.selection)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> AnalysisConfig:
        """
        Read the configuration of a stored run.

        Parameters
        ----------
        facts : mapping of str to scalar
            Facts by dotted key, with or without ``"config."`` before it.

        Returns
        -------
        AnalysisConfig
            The configuration.

        Raises
        ------
        InputError
            If the facts do not say bins and windows, or say more than this release knows.
        """
        unknown = unknown_facts(facts, (*_PARTS, RecordingSpec), "analysis.")
        unknown += unknown_facts(facts, (SelectionSpec,), "selection.")
        if unknown:
            raise InputError(
                f"It was computed with an option '{unknown[0]}' that this version does not know. "
                f"Use the version that wrote it: {facts.get('software_version', 'unknown')}."
            )
        given: dict[str, Any] = {}
        for part in _PARTS:
            known = dataclasses.asdict(from_facts(part, facts))  # type: ignore[call-overload]
            if part in _OPTIONS:
                known[_OPTIONS[part]] = known.pop("options")
            given |= known
        given["selection"] = from_facts(SelectionSpec, facts)
        given["segment_index"] = from_facts(RecordingSpec, facts).segment_index
        return cls(**given)


def _check_options(model: ModelSpec) -> None:
    """Refuse options that the model does not have, before anything is read."""
    from tavrnn_ephys.methods.tavrnn.profiles import resolve_options

    own = {} if model.latent_size is None else {"latent_size": model.latent_size}
    resolve_options(
        model.profile,
        None,
        training_epochs=model.training_epochs,
        options={**own, **model.given_options},
    )
