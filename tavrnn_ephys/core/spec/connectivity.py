"""Which connectivity, and how the bins of a window count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.checks import (
    duration_s,
    known_options,
    lag_bins,
    one_of,
    time_s,
    whole_bins,
    whole_number,
)
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import LAG_KERNELS, MEASURES, SILENT_RULES, TAPERS
from tavrnn_ephys.core.spec.facts import fact
from tavrnn_ephys.core.spec.windows import WindowSpec

__all__ = ["LEAST_SPIKES", "ConnectivitySpec"]

#: Fewest spikes of a node in a window whose edges an analysis takes for more than chance.
LEAST_SPIKES = 2

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
    "taper",
)
#: Measures whose bins can be weighed.
_TAPERED = ("pearson", "covariance")
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
    taper : {"hann", "hamming", "tukey"}, optional
        How the bins of a window are weighed for ``"pearson"`` and ``"covariance"``, less towards
        its ends.  None weighs all alike.

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
    taper: str | None = fact("analysis.taper", kind="optional", default=None)

    def __post_init__(self) -> None:
        one_of(self.silent_nodes, SILENT_RULES, "silent_nodes")
        if self.min_spikes is not None:
            whole_number(self.min_spikes, "min_spikes")
        if self.taper is not None:
            one_of(self.taper, TAPERS, "taper")
            if self.measure not in _TAPERED:
                raise InputError(
                    f"taper weighs the bins of {' and '.join(_TAPERED)}, not those of "
                    f"'{self.measure}'. Choose one of both, or leave the taper out."
                )
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
