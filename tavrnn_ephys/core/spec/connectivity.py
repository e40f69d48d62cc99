"""Which connectivity, and the graphs made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.checks import (
    duration_s,
    known_options,
    lag_bins,
    one_of,
    positive_number,
    time_s,
    whole_bins,
    whole_number,
)
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FEATURES, LAG_KERNELS, MEASURES, SILENT_RULES
from tavrnn_ephys.core.spec.facts import fact
from tavrnn_ephys.core.spec.windows import WindowSpec

__all__ = ["ConnectivitySpec", "GraphSpec"]

# Parameters of compute_connectivity itself, not of its measures.
_OWN_OPTIONS = (
    "measure",
    "binary",
    "silent_nodes",
    "min_spikes",
    "directed",
    "spiketrains",
    "fit_windows",
    "standard_errors",
)
_DURATIONS = ("max_lag", "dt", "time_constant")
# What stands for a duration that is estimated.
_AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class ConnectivitySpec:
    """
    A connectivity measure with its parameters.

    Parameters
    ----------
    measure : str
        Connectivity measure, one of ``tavrnn_ephys.core.names.MEASURES``; or a function of one's
        own, which is stored by its name alone, so that such a run cannot be computed again.
    options : mapping of str to object
        Parameters of the measure, such as ``max_lag``; durations as quantities.
    silent_nodes : {"zero", "nan", "raise"}
        What becomes of nodes whose activity does not vary in a window.
    min_spikes : int, optional
        Nodes with fewer spikes in a window count as silent there; a single spike that meets
        another would make r = 1.  None for no such rule, as in traces.

    Raises
    ------
    InputError
        If there is no such measure, it lacks a parameter, or has none of a name.

    Examples
    --------
    >>> ConnectivitySpec(measure="cross_correlation")
    Traceback (most recent call last):
    tavrnn_ephys.core.errors.InputError: measure 'cross_correlation' needs max_lag, such as ...
    """

    measure: str = fact("analysis.measure", default="pearson")
    options: Mapping[str, Any] = fact(
        "analysis.measure_options", kind="options", default_factory=dict
    )
    silent_nodes: str = fact("analysis.silent_nodes", default="zero")
    min_spikes: int | None = fact("analysis.min_spikes", kind="optional", default=None)

    def __post_init__(self) -> None:
        one_of(self.silent_nodes, SILENT_RULES, "silent_nodes")
        if self.min_spikes is not None:
            whole_number(self.min_spikes, "min_spikes")
        for name in _OWN_OPTIONS:
            if name in self.options:
                raise InputError(
                    f"measure_options cannot set {name!r}, which is no parameter of a measure. "
                    "Leave it out."
                )
        if callable(self.measure):
            return
        one_of(self.measure, MEASURES, "measure")
        known_options(self.measure, self.options, MEASURES[self.measure], is_ours=True)
        for name in _DURATIONS:
            if name in self.options and not _is_auto(self.options[name]):
                duration_s(self.options[name], name)
        if not _is_auto(self.options.get("delay", _AUTO)):
            time_s(self.options["delay"], "delay")
        if isinstance(kernel := self.options.get("kernel"), str):
            one_of(kernel, LAG_KERNELS, "kernel")

    def check_windows(self, windows: WindowSpec) -> None:
        """
        Refuse parameters that do not suit the windows, before anything is read.

        Parameters
        ----------
        windows : WindowSpec
            Bins and windows.

        Raises
        ------
        InputError
            If a lag is no whole number of bins, or not shorter than a window.
        """
        length_s = windows.shortest_s
        if self.measure == "cross_correlation" and length_s is not None:
            n_bins = whole_bins(length_s, windows.bin_size_s, "window_length")
            lag_bins(self.options["max_lag"], windows.bin_size_s, n_bins)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == _AUTO


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """
    How graphs are made of connectivity.

    Parameters
    ----------
    threshold : float
        Smallest absolute weight of an edge.
    features : {"weights", "identity", "rates"}
        Vertex features that the graphs bring; or a function of one's own, stored by its name.
    history_node : bool
        Whether each graph has a vertex joined to all others.

    Raises
    ------
    InputError
        If the threshold is negative or not finite, or there are no such features.

    Examples
    --------
    >>> GraphSpec(threshold=0.6)
    GraphSpec(threshold=0.6, features='weights', history_node=True)
    """

    threshold: float = fact("analysis.threshold", default=0.0)
    features: str = fact("analysis.features", default="weights")
    history_node: bool = fact("analysis.history_node", default=True)

    def __post_init__(self) -> None:
        positive_number(self.threshold, "threshold", or_zero=True)
        if not callable(self.features):
            one_of(self.features, FEATURES, "features")
        one_of(self.history_node, (True, False), "history_node")
