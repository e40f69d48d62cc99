"""A measure applied to one window after the other."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._checks import one_of
from tavrnn_ephys.connectivity.measures import MEASURES, Measure
from tavrnn_ephys.connectivity.sliding import (
    FAST_MEASURES,
    iter_window_moments,
    weights_from_moments,
)
from tavrnn_ephys.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.errors import DataLossWarning, InputError
from tavrnn_ephys.windows import bin_ranges

__all__ = ["compute_connectivity", "iter_connectivity"]

SILENT_RULES = ("zero", "nan", "raise")

# Parameters of a measure that its caller fills in.
_FILLED_IN = ("bin_size_s", "spike_times_s")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Window:
    """What a measure says of one window."""

    weights: NDArray[np.float64]
    silent: NDArray[np.bool_]
    mean: NDArray[np.float64]
    lags_s: NDArray[np.float64] | None = None


def compute_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    binary: bool = False,
    silent_nodes: str = "zero",
    directed: bool = False,
    **options: Any,
) -> ConnectivitySequence:
    """
    Compute the functional connectivity of each window.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts or trace means, shape (n_nodes, n_bins).
    windows : Windows
        Windows of that activity.
    measure : str or callable
        ``"pearson"``, ``"covariance"``, ``"spearman"``, ``"partial"``,
        ``"cross_correlation"``, ``"spike_time_tiling_coefficient"``, or a function that takes
        the activity of a window, shape (n_nodes, n_bins), and returns a symmetric matrix
        (n_nodes, n_nodes).
    binary : bool
        Whether counts above 1 are clipped to 1 beforehand.
    silent_nodes : {"zero", "nan", "raise"}
        What stands in row and column of a node whose activity does not vary in a window (for
        the tiling coefficient: that has no spikes): zero, NaN, or an error.
    directed : bool
        Whether a function that you pass may return an asymmetric matrix.
    **options : object
        Options of the measure: ``max_lag`` (a duration) of ``"cross_correlation"``; ``dt`` (a
        duration) and ``spiketrains`` (for exact spike times instead of the middle of bins) of
        ``"spike_time_tiling_coefficient"``; ``shrinkage`` (a number in [0, 1] or
        ``"ledoit_wolf"``) of ``"partial"``; any keyword of your own function.

    Returns
    -------
    ConnectivitySequence
        Signed weights, shape (n_windows, n_nodes, n_nodes), and the mean activity of each
        node in each window (events per second for spike counts); lags where the measure has
        them.

    Raises
    ------
    InputError
        If the measure, the rule or an option is unknown, there are fewer than two nodes, a lag
        is longer than a window, or a node is silent and the rule is ``"raise"``.

    Warns
    -----
    DataLossWarning
        Once, with the number of nodes and windows that are silent.

    See Also
    --------
    iter_connectivity : The same for recordings whose matrices do not fit into memory.

    Notes
    -----
    Pearson's r and the covariance of overlapping windows are summed from stretches that are
    multiplied out once, in whole numbers for counts; they equal Elephant's
    ``correlation_coefficient`` and ``covariance`` to 1e-12.

    Examples
    --------
    >>> from tavrnn_ephys.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.array([[0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1]]),
    ...     bin_size_s=0.5,
    ...     nodes=Nodes(ids=["a", "b", "c"]),
    ... )
    >>> windows = Windows(start_s=[0.0], stop_s=[2.0])
    >>> compute_connectivity(activity, windows).weights[0].round(3)
    array([[ 1.,  0.,  0.],
           [ 0.,  1., -1.],
           [ 0., -1.,  1.]])
    """
    job = _Job(activity, windows, measure, binary, silent_nodes, options)
    shape = (len(windows), activity.n_nodes, activity.n_nodes)
    weights = np.empty(shape, dtype=np.float64)
    means = np.empty(shape[:2], dtype=np.float64)
    silent = np.empty(shape[:2], dtype=bool)
    lags_s: NDArray[np.float64] | None = None
    for index, window in enumerate(job.run(weights)):
        if window.lags_s is not None:
            lags_s = np.zeros(shape) if lags_s is None else lags_s
            lags_s[index] = window.lags_s
        means[index], silent[index] = window.mean, window.silent
    _tell_silent(np.any(silent, axis=0), int(silent.sum()), silent.size, silent_nodes, activity)
    return job.sequence(weights, windows, means, lags_s, directed)


def iter_connectivity(
    activity: BinnedActivity,
    windows: Windows,
    *,
    measure: str | Measure = "pearson",
    binary: bool = False,
    silent_nodes: str = "zero",
    directed: bool = False,
    **options: Any,
) -> Iterator[ConnectivitySequence]:
    """
    Compute the functional connectivity of one window after the other, in bounded memory.

    The activity may lie in a file (:class:`numpy.memmap`, HDF5): it is read in order of time,
    a stretch at a time.  :func:`tavrnn_ephys.build_graphs` takes the iterator as it takes a
    whole sequence.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts or trace means, shape (n_nodes, n_bins), in memory or in a file.
    windows : Windows
        Windows of that activity.
    measure : str or callable
        As in :func:`compute_connectivity`.
    binary : bool
        Whether counts above 1 are clipped to 1 beforehand.
    silent_nodes : {"zero", "nan", "raise"}
        What stands for a silent node.
    directed : bool
        Whether a function that you pass may return an asymmetric matrix.
    **options : object
        Options of the measure.

    Returns
    -------
    iterator of ConnectivitySequence
        One window each, in chronological order.

    Raises
    ------
    InputError
        As :func:`compute_connectivity`; a faulty argument before the first window.

    Warns
    -----
    DataLossWarning
        Once, behind the last window, with the number of nodes and windows that are silent.

    Examples
    --------
    >>> from tavrnn_ephys.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.array([[0, 1, 0, 1], [0, 1, 1, 0]]), bin_size_s=0.5,
    ...     nodes=Nodes(ids=["a", "b"]),
    ... )
    >>> windows = Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    >>> [float(item.weights[0, 0, 1]) for item in iter_connectivity(activity, windows)]
    [1.0, -1.0]
    """
    job = _Job(activity, windows, measure, binary, silent_nodes, options)
    return _windows_of(job, windows, silent_nodes, directed)


def _windows_of(
    job: _Job, windows: Windows, silent_nodes: str, directed: bool
) -> Iterator[ConnectivitySequence]:
    activity = job.activity
    ever_silent, n_silent = np.zeros(activity.n_nodes, dtype=bool), 0
    for index, window in enumerate(job.run()):
        ever_silent |= window.silent
        n_silent += int(window.silent.sum())
        yield job.sequence(
            window.weights[np.newaxis],
            windows.select(slice(index, index + 1)),
            window.mean[np.newaxis],
            None if window.lags_s is None else window.lags_s[np.newaxis],
            directed,
        )
    _tell_silent(ever_silent, n_silent, len(windows) * activity.n_nodes, silent_nodes, activity)


class _Job:
    """A checked request: which function with which options on which bins."""

    def __init__(
        self,
        activity: BinnedActivity,
        windows: Windows,
        measure: str | Measure,
        binary: bool,
        silent_nodes: str,
        options: Mapping[str, Any],
    ) -> None:
        one_of(silent_nodes, SILENT_RULES, "silent_nodes")
        if activity.n_nodes < 2:
            raise InputError("Connectivity needs at least two nodes, got one. Check the recording.")
        if binary and activity.quantity != "spike_count":
            raise InputError("binary=True clips spike counts, and these are traces. Leave it out.")
        if callable(measure):
            self.function: Measure = measure
            self.name = getattr(measure, "__name__", "custom")
        else:
            self.function = MEASURES[one_of(measure, MEASURES, "measure")]
            self.name = measure
        self.activity, self.binary, self.silent_nodes = activity, binary, silent_nodes
        self.ranges = bin_ranges(windows, activity)
        self.options = dict(options)
        self._trains = _relative_trains(self.options.pop("spiketrains", None), activity, self.name)
        self._start_s = np.asarray(windows.start_s)
        self._wanted = _check_options(self.function, self.name, self.options)

    def run(self, out: NDArray[np.float64] | None = None) -> Iterator[_Window]:
        """Apply the measure to every window; ``out`` receives the weights where it is given."""
        windows = self._fast(out) if self._is_fast else self._one_by_one(out)
        for window in windows:
            self._apply_silent_rule(window)
            yield window

    def sequence(
        self,
        weights: NDArray[np.float64],
        windows: Windows,
        means: NDArray[np.float64],
        lags_s: NDArray[np.float64] | None,
        directed: bool,
    ) -> ConnectivitySequence:
        """Wrap the weights of some windows."""
        about: dict[str, Any] = {
            "windows": windows,
            "nodes": self.activity.nodes,
            "measure": self.name,
        }
        if self._is_fast:
            return ConnectivitySequence._of_symmetric(weights=weights, mean_activity=means, **about)
        return ConnectivitySequence(
            weights=weights, mean_activity=means, lags_s=lags_s, directed=directed, **about
        )

    @property
    def _is_fast(self) -> bool:
        return self.function is FAST_MEASURES.get(self.name)

    def _fast(self, out: NDArray[np.float64] | None) -> Iterator[_Window]:
        n_nodes = self.activity.n_nodes
        moments = iter_window_moments(self.activity, self.ranges, binary=self.binary)
        for index, item in enumerate(moments):
            weights = np.empty((n_nodes, n_nodes)) if out is None else out[index]
            if item.exact:
                weights_from_moments(item, self.name, weights)
            else:
                weights[:] = self.function(self._values(index))
            yield _Window(weights=weights, silent=item.silent, mean=item.mean / self._unit_s)

    def _one_by_one(self, out: NDArray[np.float64] | None) -> Iterator[_Window]:
        for index in range(len(self.ranges)):
            values = self._values(index)
            found = self.function(values, **self._filled_in(index), **self.options)
            matrix, lags_s = found if isinstance(found, tuple) else (found, None)
            weights = _checked(matrix, (len(values), len(values)), index)
            if out is not None:
                out[index] = weights
                weights = out[index]
            silent = np.ptp(values, axis=1) == 0
            if self.name == "spike_time_tiling_coefficient":
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
        values = self.activity.read_bins(*map(int, self.ranges[index]))
        return (values > 0).astype(np.uint8) if self.binary else values

    def _filled_in(self, index: int) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "bin_size_s" in self._wanted:
            given["bin_size_s"] = self.activity.bin_size_s
        if "spike_times_s" in self._wanted and self._trains is not None:
            limits = self.ranges[index] * self.activity.bin_size_s
            given["spike_times_s"] = [_between(times, *limits) for times in self._trains]
        return given

    def _apply_silent_rule(self, window: _Window) -> None:
        if not window.silent.any():
            return
        if self.silent_nodes == "raise":
            silent = window.silent
            raise InputError(
                f"{_count_silent(silent, self.activity)} do not vary in a window. Leave them "
                "out, lengthen the windows, or choose silent_nodes='zero'."
            )
        for matrix, fill in ((window.weights, np.nan), (window.lags_s, 0.0)):
            if matrix is not None:
                value = 0.0 if self.silent_nodes == "zero" else fill
                matrix[window.silent] = value
                matrix[:, window.silent] = value


def _check_options(function: Measure, name: str, options: Mapping[str, Any]) -> set[str]:
    """Return the parameters that are filled in; refuse options that the function lacks."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return set()
    takes_all = any(item.kind is item.VAR_KEYWORD for item in parameters)
    known = {item.name: item for item in parameters if item.kind is not item.VAR_KEYWORD}
    own = [key for key in known if key not in _FILLED_IN]
    unknown = [key for key in options if key not in own]
    if unknown and not takes_all:
        listing = ", ".join(repr(key) for key in own) or "none"
        raise InputError(
            f"measure '{name}' has no option {unknown[0]!r}; its options are: {listing}."
        )
    missing = [key for key in own if known[key].default is inspect.Parameter.empty]
    missing = [key for key in missing if key not in options]
    if missing:
        raise InputError(
            f"measure '{name}' needs {missing[0]}, such as {missing[0]}=50 * quantities.ms."
            if name in MEASURES
            else f"measure '{name}' needs the option {missing[0]}."
        )
    return {key for key in known if key in _FILLED_IN}


def _relative_trains(
    spiketrains: Any, activity: BinnedActivity, measure: str
) -> list[NDArray[np.float64]] | None:
    """Spike times counted from the first bin, ascending."""
    if spiketrains is None:
        return None
    if measure != "spike_time_tiling_coefficient":
        raise InputError(f"measure '{measure}' has no option 'spiketrains': it works on bins.")
    if len(spiketrains) != activity.n_nodes:
        raise InputError(
            f"{len(spiketrains)} spiketrains stand for {activity.n_nodes} nodes. "
            "Pass those that the activity was binned from."
        )
    return [
        np.sort(np.asarray(train.rescale("s").magnitude, dtype=np.float64)) - activity.t_start_s
        for train in spiketrains
    ]


def _between(times: NDArray[np.float64], start: float, stop: float) -> NDArray[np.float64]:
    # A spike on a limit belongs to the window that starts there, whatever the last bit says.
    first, last = np.searchsorted(times, [start - 1e-9, stop - 1e-9])
    return np.maximum(times[first:last] - start, 0.0)


def _checked(matrix: Any, shape: tuple[int, ...], index: int) -> NDArray[np.float64]:
    array = np.array(matrix, dtype=np.float64)
    if array.shape != shape:
        raise InputError(
            f"The measure returned shape {array.shape} for window {index}; {shape} is needed."
        )
    return array


def _count_silent(silent: NDArray[np.bool_], activity: BinnedActivity) -> str:
    return f"{int(silent.sum())} of {len(silent)} {activity.node_kind}s"


def _tell_silent(
    silent: NDArray[np.bool_], n_silent: int, n_all: int, rule: str, activity: BinnedActivity
) -> None:
    if not silent.any():
        return
    text = "zero" if rule == "zero" else "NaN"
    warnings.warn(
        f"{_count_silent(silent, activity)} do not vary in at least one window ({n_silent} of "
        f"{n_all} node-windows); their connectivity is set to {text}.",
        DataLossWarning,
        stacklevel=3,
    )
