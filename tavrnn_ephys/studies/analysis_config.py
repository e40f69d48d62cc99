"""Every choice of an analysis, in parts that other questions share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
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

__all__ = ["AnalysisConfig"]

#: Fewest spikes of a node in a window whose edges are taken for more than chance.
LEAST_SPIKES = 2
_PARTS = (WindowSpec, ConnectivitySpec, GraphSpec, ModelSpec)


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
    profile : {"default", "state_space", "paper"}
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
    profile: str = "default"
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

    def __post_init__(self) -> None:
        # Each part checks what it is given.
        self.connectivity.check_windows(self.windows)
        self.graphs, self.model  # noqa: B018
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
        )

    @property
    def graphs(self) -> GraphSpec:
        """How graphs are made."""
        return GraphSpec(
            threshold=self.threshold, features=self.features, history_node=self.history_node
        )

    @property
    def model(self) -> ModelSpec:
        """The model and its training."""
        return ModelSpec(profile=self.profile, training_epochs=self.training_epochs, seed=self.seed)

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
            given |= dataclasses.asdict(from_facts(part, facts))  # type: ignore[call-overload]
        given["measure_options"] = given.pop("options")
        given["selection"] = from_facts(SelectionSpec, facts)
        given["segment_index"] = from_facts(RecordingSpec, facts).segment_index
        return cls(**given)
