"""Time constant and delay of coupling, from the cross-correlograms of training windows."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import spike_times_s
from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity.lagged.correlograms import (
    asymmetries_of_events,
    asymmetries_of_traces,
    stretches_of,
)
from tavrnn_ephys.connectivity.lagged.events import Events, events_of_counts, events_of_trains
from tavrnn_ephys.connectivity.lagged.kernels import LagKernel
from tavrnn_ephys.connectivity.lagged.measure import AUTO, given_kernel, given_times
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.statistics.jackknife import jackknife_interval

__all__ = ["chosen_windows", "estimate_lag_kernel", "fitted_kernel"]

_N_GROUPS = 10
_MOST_NODES = 100
_LONGEST_S, _FEWEST_LAGS, _MOST_LAGS = 0.06, 8, 256
_DEFAULT_S = 0.005
# Groups share the correlograms that they are held against: on independent trains this ratio
# deviates by 2.5, and weak coupling reaches 8.
_LEAST_T = 5.0


def estimate_lag_kernel(
    activity: BinnedActivity,
    windows: Windows,
    *,
    spiketrains: Any = None,
    kernel: str = "exponential",
    time_constant: Any = AUTO,
    delay: Any = AUTO,
    fit_windows: Any = None,
) -> LagKernel:
    """
    Estimate the time constant and the delay of coupling from training windows.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts, or events of traces.
    windows : Windows
        Windows of that activity.
    spiketrains : sequence of neo.SpikeTrain, optional
        What was binned: lags are then told at 1 ms or finer.
    kernel : {"exponential", "raised_cosine"}
        Shape of the kernel.
    time_constant, delay : quantities.Quantity or {"auto"}
        One of them may be given.
    fit_windows : array_like of bool or int, optional
        Which windows to look at, such as those of training; by default all.

    Returns
    -------
    LagKernel
        With intervals of 95 % (jackknife over ten stretches of time).

    Raises
    ------
    InputError
        If an option is out of its range, or no window is chosen.

    Warns
    -----
    DataLossWarning
        If the windows show no coupling at positive lags: 5 ms (one bin of counts, if that is
        longer) and no delay stand.

    Notes
    -----
    The kernel ``k`` maximises ``kᵀ M k / kᵀ V k``, the excess of mean squared edges over chance:
    ``M`` sums, over pairs and over two different stretches of time, products of the pair's
    correlogram, whose noise is independent; ``V`` those of one stretch with itself.  Positive and
    negative couplings count alike.  Correlograms are held against their mirror image, so that
    slow fluctuations that two nodes share do not lengthen the kernel.  Beyond 100 nodes, the most
    active ones are looked at; lags reach 60 ms, or 8 bins, and delays half as far.  Delays of
    traces reach 30 ms, or one frame: farther back lies what deconvolution leaves.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(
    ...     n_nodes=30, duration=60 * pq.s, mean_rate_hz=10.0, coupled_fraction=0.3, seed=1
    ... )
    >>> activity = te.bin_activity(block.segments[0], bin_size=1 * pq.ms)
    >>> windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    >>> low, high = estimate_lag_kernel(activity, windows).time_constant_interval_s
    >>> low < 0.004 < high
    True
    """
    events = None
    if activity.quantity == "spike_count":
        trains = None if spiketrains is None else _relative(spiketrains, activity)
        events = (
            events_of_counts(activity) if trains is None else events_of_trains(trains, activity)
        )
    return fitted_kernel(
        activity,
        chosen_windows(bin_ranges(windows, activity), fit_windows),
        events,
        kernel=kernel,
        time_constant=time_constant,
        delay=delay,
    )


def fitted_kernel(
    activity: BinnedActivity,
    ranges: NDArray[np.int64],
    events: Events | None,
    *,
    kernel: Any,
    time_constant: Any,
    delay: Any,
) -> LagKernel:
    """
    Return the kernel that is given, or estimate it.

    Parameters
    ----------
    activity : BinnedActivity
        The activity.
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        Bins of the windows to look at.
    events : Events or None
        Its spikes; None for traces.
    kernel, time_constant, delay : object
        Options of the measure.

    Returns
    -------
    LagKernel
        The kernel.
    """
    given = given_kernel(kernel, time_constant, delay)
    if given is not None:
        return given
    constant, start = given_times(time_constant, delay)
    bin_s = activity.bin_size_s if events is None else events.bin_size_s
    n_lags = int(np.clip(np.ceil(_LONGEST_S / bin_s), _FEWEST_LAGS, _MOST_LAGS))
    nodes = _most_active(activity, ranges, events)
    groups = stretches_of(ranges, _N_GROUPS)
    if events is None:
        parts = asymmetries_of_traces(activity, groups, nodes, n_lags)
    else:
        parts = asymmetries_of_events(events, groups, nodes, n_lags)
    farthest = max(_LONGEST_S / 2, bin_s) if events is None else np.inf
    search = _Search(kernel, bin_s, n_lags, constant, start, farthest)
    best = search.best(parts)
    left_out = [search.best(np.delete(parts, group, axis=0)) for group in range(len(parts))]
    if len(parts) < 2 or best is None or not _holds(search, parts, left_out):
        # Frames count by the share of the kernel in them, however short it is.
        default_s = _DEFAULT_S if events is None else max(_DEFAULT_S, bin_s)
        warnings.warn(
            "These windows show no coupling at positive lags, so its time constant cannot be "
            f"estimated: {1000 * default_s:g} ms stand for it. Give time_constant and delay if "
            "they are known.",
            DataLossWarning,
            stacklevel=3,
        )
        default = constant if constant is not None else default_s
        return LagKernel(shape=kernel, time_constant_s=default, delay_s=start or 0.0, n_windows=0)
    known = [item or best for item in left_out]
    logs = jackknife_interval([np.log(item[0]) for item in known])
    delays = jackknife_interval([item[1] for item in known])
    # As files say them, so that who reads one has the very kernel.
    constant_s, delay_s = (float(f"{value:.6g}") for value in best)
    return LagKernel(
        shape=kernel,
        time_constant_s=constant_s,
        delay_s=delay_s,
        time_constant_interval_s=None
        if constant is not None
        else (float(np.exp(logs[0])), float(np.exp(logs[1]))),
        delay_interval_s=None if start is not None else (max(delays[0], 0.0), delays[1]),
        n_windows=len(ranges),
    )


class _Search:
    """Kernels on a grid of time constants and delays, the grid then made finer."""

    def __init__(
        self,
        shape: str,
        bin_s: float,
        n_lags: int,
        constant: float | None,
        start: float | None,
        farthest_s: float = np.inf,
    ) -> None:
        self.shape, self.bin_s, self.n_lags = shape, bin_s, n_lags
        reach = n_lags * bin_s
        self.constants = (
            np.geomspace(0.5 * bin_s, reach / 2, 24) if constant is None else np.array([constant])
        )
        self.delays = (
            np.linspace(0.0, min(reach / 2, farthest_s), n_lags + 1)
            if start is None
            else np.array([start])
        )

        times = list(itertools.product(self.constants, self.delays))
        self.coarse = times, self.kernels(times)

    def kernels(self, times: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """Sample kernels up to the longest lag, shape (n_kernels, n_lags), each of length 1."""
        sampled = np.zeros((len(times), self.n_lags))
        for row, (constant, start) in zip(sampled, times, strict=True):
            made = LagKernel(shape=self.shape, time_constant_s=constant, delay_s=start)
            values = made.values(self.bin_s)[: self.n_lags]
            row[: len(values)] = values
        lengths = np.linalg.norm(sampled, axis=1, keepdims=True)
        return np.where(lengths > 0, sampled / np.maximum(lengths, 1e-12), 0.0)

    def best(self, parts: NDArray[np.float64]) -> tuple[float, float] | None:
        """Find the best time constant and delay; None where no kernel exceeds chance."""
        signal, noise = _products(parts)
        constants, delays = self.constants, self.delays
        best = None
        times, kernels = self.coarse
        for level in range(3):
            if level:
                times = list(itertools.product(constants, delays))
                kernels = self.kernels(times)
            excess = ((kernels @ signal) * kernels).sum(axis=1)
            chance = ((kernels @ noise) * kernels).sum(axis=1)
            ratio = excess / np.maximum(chance, 1e-300)
            if not ratio.max() > 0:
                return None
            found = times[int(np.argmax(ratio))]
            best = float(found[0]), float(found[1])
            constants = _finer(constants, best[0], self.constants, in_ratios=True)
            delays = _finer(delays, best[1], self.delays, in_ratios=False)
        return best


def _finer(
    grid: NDArray[np.float64], best: float, limits: NDArray[np.float64], *, in_ratios: bool
) -> NDArray[np.float64]:
    if len(grid) == 1:
        return grid
    values = np.log(grid) if in_ratios else grid
    step, middle = values[1] - values[0], np.log(best) if in_ratios else best
    near = middle + step * np.linspace(-1, 1, 9)
    near = np.exp(near) if in_ratios else near
    return np.unique(np.clip(near, limits[0], limits[-1]))


def _products(parts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Products of correlograms between groups, whose noise is independent, and within them."""
    whole = parts.sum(axis=0)
    within = np.tensordot(parts, parts, axes=((0, 1), (0, 1)))
    return whole.T @ whole - within, within


def _holds(
    search: _Search, parts: NDArray[np.float64], left_out: list[tuple[float, float] | None]
) -> bool:
    """Ask whether kernels of all other groups find coupling in each group."""
    agreement = []
    whole = parts.sum(axis=0)
    for part, best in zip(parts, left_out, strict=True):
        if best is None:
            agreement.append(0.0)
            continue
        kernel = search.kernels([best])[0]
        agreement.append(float((part @ kernel) @ ((whole - part) @ kernel)))
    error = np.std(agreement, ddof=1) / np.sqrt(len(agreement))
    return bool(np.mean(agreement) > _LEAST_T * error)


def _most_active(
    activity: BinnedActivity, ranges: NDArray[np.int64], events: Events | None
) -> NDArray[np.int64]:
    if activity.n_nodes <= _MOST_NODES:
        return np.arange(activity.n_nodes)
    if events is not None:
        level = np.bincount(events.nodes, events.counts, minlength=activity.n_nodes)
    else:
        first, last = map(int, ranges[0])
        level = activity.read_bins(first, last).std(axis=1)
    return np.sort(np.argsort(-level, kind="stable")[:_MOST_NODES])


def chosen_windows(ranges: NDArray[np.int64], fit_windows: Any) -> NDArray[np.int64]:
    """
    Take the windows that an estimate may look at.

    Parameters
    ----------
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        Bins of all windows.
    fit_windows : array_like of bool or int, or None
        Which; None for all.

    Returns
    -------
    numpy.ndarray of int, shape (n_chosen, 2)
        Their bins.

    Raises
    ------
    InputError
        If there is none, or it does not fit the windows.
    """
    if fit_windows is None:
        return ranges
    index = np.asarray(fit_windows)
    if index.dtype == bool and index.shape != (len(ranges),):
        raise InputError(
            f"fit_windows has shape {index.shape} for {len(ranges)} windows; one truth value per "
            "window is needed, or the numbers of some."
        )
    if index.dtype != bool and (
        index.ndim != 1
        or index.dtype.kind not in "iu"
        or np.any((index < 0) | (index >= len(ranges)))
    ):
        raise InputError(
            f"fit_windows must be truth values or numbers from 0 to {len(ranges) - 1}, got "
            f"{fit_windows!r}."
        )
    chosen: NDArray[np.int64] = ranges[index]
    if not len(chosen):
        raise InputError("fit_windows leaves no window to estimate the time constant from.")
    return chosen


def _relative(spiketrains: Any, activity: BinnedActivity) -> list[NDArray[np.float64]]:
    return [spike_times_s(train) - activity.t_start_s for train in spiketrains]
