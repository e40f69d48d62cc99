"""A checked request for connectivity: which measure with which options on which bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity.exact_spikes import relative_trains, spikes_between
from tavrnn_ephys.connectivity.lagged.measure import lagged_correlation
from tavrnn_ephys.connectivity.lagged.windows import LaggedWindows
from tavrnn_ephys.connectivity.measures import MEASURES, Measure
from tavrnn_ephys.connectivity.parameters import MeasureParameters
from tavrnn_ephys.connectivity.sliding import (
    FAST_MEASURES,
    iter_window_moments,
    weights_from_moments,
)
from tavrnn_ephys.connectivity.tapers import Taper
from tavrnn_ephys.connectivity.tiling import require_fine_bins
from tavrnn_ephys.connectivity.variation import is_constant, largest_values, plain
from tavrnn_ephys.core.checks import one_of, whole_number
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Origin, Windows
from tavrnn_ephys.core.containers.origin import options_as_facts
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.matrix_file import MatrixFile
from tavrnn_ephys.core.names import SILENT_RULES, several

__all__ = ["Request", "count_silent"]

# Sums of squares beyond leave the range of double precision.
_LARGEST_SQUARED = 1e145
# Measures that take exact spike times.
_LAGGED, _TILING = "lagged_correlation", "spike_time_tiling_coefficient"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Window:
    """What a measure says of one window."""

    weights: NDArray[np.float64]
    silent: NDArray[np.bool_]
    mean: NDArray[np.float64]
    lags_s: NDArray[np.float64] | None = None
    standard_errors: NDArray[np.float64] | None = None
    # Sums over bins, where they are not the mean times their number.
    total: NDArray[np.float64] | None = None


class Request:
    """
    A checked request.

    Parameters
    ----------
    activity : BinnedActivity
        The activity.
    windows : Windows
        Its windows.
    measure : str or callable
        The measure.
    binary : bool
        Whether counts are clipped to 1.
    silent_nodes : {"zero", "nan", "raise"}
        What stands for a silent node.
    options : mapping of str to object
        Options of the measure.
    min_spikes : int
        Nodes with fewer spikes in a window count as silent there.

    Raises
    ------
    InputError
        If anything of it is unknown or does not suit the activity.
    """

    def __init__(
        self,
        activity: BinnedActivity,
        windows: Windows,
        measure: str | Measure,
        binary: bool,
        silent_nodes: str,
        options: Mapping[str, Any],
        min_spikes: int = 0,
    ) -> None:
        one_of(silent_nodes, SILENT_RULES, "silent_nodes")
        if activity.n_nodes < 2:
            raise InputError("Connectivity needs at least two nodes, got one. Check the recording.")
        if binary and activity.quantity != "spike_count":
            raise InputError("binary=True clips spike counts, and these are traces. Leave it out.")
        if whole_number(min_spikes, "min_spikes") and activity.quantity != "spike_count":
            raise InputError("min_spikes counts spikes, and these are traces. Leave it out.")
        self.min_spikes = min_spikes
        if callable(measure):
            self.function: Measure = measure
            self.name = getattr(measure, "__name__", "custom")
        else:
            self.function = MEASURES[one_of(measure, MEASURES, "measure")]
            self.name = measure
        self.activity, self.binary, self.silent_nodes = activity, binary, silent_nodes
        self.ranges = bin_ranges(windows, activity)
        self.options = dict(options)
        taper = self.options.pop("taper", None)
        self._taper = None if taper is None else Taper(taper, self.name)
        fit_windows = self.options.pop("fit_windows", None)
        with_errors = bool(self.options.pop("standard_errors", False))
        self._trains = relative_trains(self.options.pop("spiketrains", None), activity, self.name)
        self._parameters = MeasureParameters(self.function)
        self._parameters.check(self.name, self.options)
        from_bins = self._trains is None and activity.quantity == "spike_count"
        if self.name == _TILING and from_bins:
            require_fine_bins(self.options["dt"], activity.bin_size_s)
        self._lagged: LaggedWindows | None = None
        if self.function is lagged_correlation:
            self._lagged = LaggedWindows(
                activity,
                self.ranges,
                self._trains,
                binary=binary,
                options=self.options,
                fit_windows=fit_windows,
                with_errors=with_errors,
            )
        elif with_errors or fit_windows is not None:
            raise InputError(
                "Standard errors and windows to fit on are options of measure "
                f"'{_LAGGED}', not of '{self.name}'. Leave them out."
            )
        self.origin = self._origin_of(activity)
        self._scale = largest_values(activity)
        if self.name == "covariance" and (self._scale > _LARGEST_SQUARED).any():
            raise InputError(
                f"Activity reaches {self._scale.max():.2g}, whose square no number holds, so that "
                "it has no covariance. Rescale it, or take measure='pearson'."
            )

    def run(self, out: NDArray[np.float64] | None = None) -> Iterator[_Window]:
        """
        Apply the measure to every window.

        Parameters
        ----------
        out : numpy.ndarray of float64, shape (n_windows, n_nodes, n_nodes), optional
            Receives the weights.

        Yields
        ------
        _Window
            What the measure says of each window, the rule for silent nodes applied.
        """
        if self._lagged is not None:
            windows = self._in_order(self._lagged, out)
        elif self._taper is not None:
            windows = self._tapered(out, self._taper)
        else:
            windows = self._fast(out) if self._is_fast else self._one_by_one(out)
        for index, window in enumerate(windows):
            window = self._with_sparse(window, index)
            self._apply_silent_rule(window)
            yield window

    def sequence(
        self,
        weights: NDArray[np.float64] | MatrixFile,
        windows: Windows,
        means: NDArray[np.float64],
        lags_s: NDArray[np.float64] | None,
        directed: bool,
        standard_errors: NDArray[np.float64] | None = None,
    ) -> ConnectivitySequence:
        """
        Wrap the weights of some windows.

        Parameters
        ----------
        weights : numpy.ndarray of float64 or MatrixFile, shape (n_windows, n_nodes, n_nodes)
            The weights.
        windows : Windows
            The windows.
        means : numpy.ndarray of float64, shape (n_windows, n_nodes)
            Mean activity.
        lags_s : numpy.ndarray of float64 or None, shape (n_windows, n_nodes, n_nodes)
            Lags, of a measure that has them.
        directed : bool
            Whether the weights may be asymmetric.
        standard_errors : numpy.ndarray or None, shape (n_windows, n_nodes, n_nodes)
            Of the weights, of a measure that has them.

        Returns
        -------
        ConnectivitySequence
            The sequence.
        """
        about: dict[str, Any] = {
            "windows": windows,
            "nodes": self.activity.nodes,
            "measure": self.name,
            "origin": self.origin,
        }
        if self._is_fast:
            return ConnectivitySequence._of_symmetric(weights=weights, mean_activity=means, **about)
        return ConnectivitySequence(
            weights=weights,
            mean_activity=means,
            lags_s=lags_s,
            directed=directed or self.is_directed,
            standard_errors=standard_errors,
            **about,
        )

    def _origin_of(self, activity: BinnedActivity) -> Origin:
        options = {**self._parameters.defaults, **self.options}
        if self._lagged is not None:
            options.update(self._lagged.kernel.to_options(), same_bin=self._lagged.same_bin)
        if self._trains is not None:
            options["spiketrains"] = "exact"
        if self._taper is not None:
            options["taper"] = self._taper.name
        return Origin(
            bin_size_s=float(activity.bin_size_s),
            quantity=activity.quantity,
            binary=self.binary,
            measure_options=options_as_facts(options),
            min_spikes=self.min_spikes if activity.quantity == "spike_count" else None,
        )

    @property
    def is_mirrored(self) -> bool:
        """Whether every matrix equals its mirror image to the last bit, whatever the activity."""
        return self._is_fast

    @property
    def is_directed(self) -> bool:
        """Whether the measure gives each direction of a pair a weight of its own."""
        return self._lagged is not None

    @property
    def _is_fast(self) -> bool:
        return self._taper is None and self.function is FAST_MEASURES.get(self.name)

    def _fast(self, out: NDArray[np.float64] | None) -> Iterator[_Window]:
        n_nodes = self.activity.n_nodes
        moments = iter_window_moments(
            self.activity, self.ranges, binary=self.binary, scale=self._scale
        )
        for index, item in enumerate(moments):
            weights = np.empty((n_nodes, n_nodes)) if out is None else out[index]
            if item.exact:
                weights_from_moments(item, self.name, weights)
            else:
                weights[:] = self.function(_flat(self._values(index), item.silent))
            yield _Window(weights=weights, silent=item.silent, mean=item.mean / self._unit_s)

    def _in_order(
        self, windows: LaggedWindows, out: NDArray[np.float64] | None
    ) -> Iterator[_Window]:
        for item in windows.run(out):
            yield _Window(
                weights=item.weights,
                silent=item.silent,
                mean=item.mean / self._unit_s,
                standard_errors=item.standard_errors,
            )

    def _tapered(self, out: NDArray[np.float64] | None, taper: Taper) -> Iterator[_Window]:
        for index in range(len(self.ranges)):
            values = self._values(index)
            silent = is_constant(values.min(axis=1), values.max(axis=1), self._scale)
            weights = np.empty((len(values), len(values))) if out is None else out[index]
            weights[:] = taper.weights(_flat(values, silent))
            yield _Window(
                weights=weights,
                silent=silent,
                mean=taper.means(values) / self._unit_s,
                total=values.sum(axis=1),
            )

    def _one_by_one(self, out: NDArray[np.float64] | None) -> Iterator[_Window]:
        for index in range(len(self.ranges)):
            values = self._values(index)
            silent = is_constant(values.min(axis=1), values.max(axis=1), self._scale)
            values = _flat(values, silent)
            found = self.function(values, **self._filled_in(index), **self.options)
            matrix, lags_s = found if isinstance(found, tuple) else (found, None)
            weights = _checked(matrix, (len(values), len(values)), index)
            if out is not None:
                out[index] = weights
                weights = out[index]
            if self.name == _TILING:
                silent = np.isnan(np.diagonal(weights))
            yield _Window(
                weights=weights,
                silent=silent,
                mean=values.mean(axis=1) / self._unit_s,
                lags_s=lags_s,
            )

    @property
    def _unit_s(self) -> float:
        return self.activity.bin_size_s if self.activity.quantity == "spike_count" else 1.0

    def _values(self, index: int) -> NDArray[Any]:
        values = plain(self.activity.read_bins(*map(int, self.ranges[index])))
        return (values > 0).astype(np.uint8) if self.binary else values

    def _filled_in(self, index: int) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "bin_size_s" in self._parameters.filled_in:
            given["bin_size_s"] = self.activity.bin_size_s
        if "spike_times_s" in self._parameters.filled_in and self._trains is not None:
            limits = self.ranges[index] * self.activity.bin_size_s
            given["spike_times_s"] = [spikes_between(times, *limits) for times in self._trains]
        return given

    def _with_sparse(self, window: _Window, index: int) -> _Window:
        """Count nodes with too few spikes as silent: two lone spikes in one bin make r = 1."""
        if not self.min_spikes:
            return window
        first, last = self.ranges[index]
        counts = window.mean * self._unit_s * (last - first)
        counts = counts if window.total is None else window.total
        return replace(window, silent=window.silent | (counts < self.min_spikes - 0.5))

    def _apply_silent_rule(self, window: _Window) -> None:
        if not window.silent.any():
            return
        if self.silent_nodes == "raise":
            silent = window.silent
            raise InputError(
                f"{count_silent(silent, self.activity)} do not vary in a window. Leave them "
                "out, lengthen the windows, or choose silent_nodes='zero'."
            )
        rules = (
            (window.weights, 0.0, np.nan),
            (window.lags_s, 0.0, 0.0),
            (window.standard_errors, np.nan, np.nan),
        )
        for matrix, zero, fill in rules:
            if matrix is not None:
                value = zero if self.silent_nodes == "zero" else fill
                matrix[window.silent] = value
                matrix[:, window.silent] = value


def _flat(values: NDArray[Any], silent: NDArray[np.bool_]) -> NDArray[Any]:
    """Make nodes that vary by rounding alone constant, so that no measure sees their noise."""
    if values.dtype.kind != "f" or not silent.any():
        return values
    flat = values.copy()
    flat[silent] = flat[silent][:, :1]
    return flat


def _checked(matrix: Any, shape: tuple[int, ...], index: int) -> NDArray[np.float64]:
    array = np.array(matrix, dtype=np.float64)
    if array.shape != shape:
        raise InputError(
            f"The measure returned shape {array.shape} for window {index}; {shape} is needed."
        )
    return array


def count_silent(silent: NDArray[np.bool_], activity: BinnedActivity) -> str:
    """
    Say how many nodes are silent, for a message.

    Parameters
    ----------
    silent : numpy.ndarray of bool, shape (n_nodes,)
        Which are.
    activity : BinnedActivity
        Their activity.

    Returns
    -------
    str
        Such as ``"3 of 120 units"``.
    """
    return f"{int(silent.sum())} of {len(silent)} {several(activity.node_kind)}"
