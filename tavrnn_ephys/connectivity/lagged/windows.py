"""Lagged correlation of one window after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged.estimation import chosen_windows, fitted_kernel
from tavrnn_ephys.connectivity.lagged.events import Events, events_of_counts, events_of_trains
from tavrnn_ephys.connectivity.lagged.kernels import LagKernel
from tavrnn_ephys.connectivity.lagged.measure import AUTO, lagged_correlation
from tavrnn_ephys.connectivity.lagged.sums import (
    SlidingLagSums,
    correlation_of,
    standard_errors_of,
)
from tavrnn_ephys.connectivity.variation import is_constant, largest_values, scales_of
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import InputError

__all__ = ["LaggedWindow", "LaggedWindows"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LaggedWindow:
    """
    What a window says.

    Parameters
    ----------
    weights : numpy.ndarray, shape (n_nodes, n_nodes)
        Correlations from row to column.
    silent : numpy.ndarray of bool, shape (n_nodes,)
        Which nodes do not vary.
    mean : numpy.ndarray, shape (n_nodes,)
        Spikes per bin of the activity, or mean of the trace.
    standard_errors : numpy.ndarray or None, shape (n_nodes, n_nodes)
        Of the weights, where they are asked for.
    """

    weights: NDArray[np.float64]
    silent: NDArray[np.bool_]
    mean: NDArray[np.float64]
    standard_errors: NDArray[np.float64] | None


class LaggedWindows:
    """
    Lagged correlations of the windows of an activity, its kernel settled first.

    Parameters
    ----------
    activity : BinnedActivity
        Spike counts, or traces.
    ranges : numpy.ndarray of int, shape (n_windows, 2)
        Bins of each window.
    trains : list of numpy.ndarray, optional
        Spike times in seconds from the first bin on.
    binary : bool
        Whether counts above 1 are clipped to 1.
    options : mapping of str to object
        ``kernel``, ``time_constant``, ``delay`` and ``same_bin``.
    fit_windows : object, optional
        Windows that the kernel is estimated from.
    with_errors : bool
        Whether standard errors are asked for.

    Attributes
    ----------
    kernel : LagKernel
        Given, or estimated.
    """

    def __init__(
        self,
        activity: BinnedActivity,
        ranges: NDArray[np.int64],
        trains: list[NDArray[np.float64]] | None,
        *,
        binary: bool,
        options: Mapping[str, Any],
        fit_windows: Any,
        with_errors: bool,
    ) -> None:
        self.activity, self.ranges, self.with_errors = activity, ranges, with_errors
        self.same_bin = bool(options.get("same_bin", activity.quantity == "trace"))
        if self.same_bin and activity.quantity == "spike_count":
            raise InputError(
                "same_bin counts what falls into one frame of traces; spikes are told apart at "
                "their own times. Leave it out, and pass spiketrains= or bin at 1 ms."
            )
        self.events: Events | None = None
        if activity.quantity == "spike_count":
            self.events = (
                events_of_counts(activity, binary=binary)
                if trains is None
                else events_of_trains(trains, activity, binary=binary)
            )
        self.kernel: LagKernel = fitted_kernel(
            activity,
            chosen_windows(ranges, fit_windows),
            self.events,
            kernel=options.get("kernel", "exponential"),
            time_constant=options.get("time_constant", AUTO),
            delay=options.get("delay", AUTO),
        )

    def run(self, out: NDArray[np.float64] | None = None) -> Iterator[LaggedWindow]:
        """
        Go through the windows.

        Parameters
        ----------
        out : numpy.ndarray of float64, shape (n_windows, n_nodes, n_nodes), optional
            Receives the weights.

        Yields
        ------
        LaggedWindow
            One per window.
        """
        windows = self._traces() if self.events is None else self._of_events(self.events)
        for index, found in enumerate(windows):
            if out is None:
                yield found
            else:
                out[index] = found.weights
                yield replace(found, weights=out[index])

    def _of_events(self, events: Events) -> Iterator[LaggedWindow]:
        per_bin, n_nodes = events.per_bin, events.n_nodes
        values = self.kernel.values(events.bin_size_s)
        sliding = SlidingLagSums(events, values, with_squares=self.with_errors)
        for first, last in self.ranges.tolist():
            sums = sliding.move_to(first * per_bin, last * per_bin)
            weights = np.empty((n_nodes, n_nodes))
            silent = correlation_of(sums, weights)
            yield LaggedWindow(
                weights=weights,
                silent=silent,
                mean=sums.totals[0] / (last - first),
                standard_errors=standard_errors_of(sums) if self.with_errors else None,
            )

    def _traces(self) -> Iterator[LaggedWindow]:
        n_lags = len(self.kernel.frame_values(self.activity.bin_size_s))
        scale = largest_values(self.activity)
        for first, last in self.ranges.tolist():
            before = min(n_lags, first)
            values = self.activity.read_bins(first - before, last)
            weights = lagged_correlation(
                _about_zero(values),
                kernel=self.kernel,
                same_bin=self.same_bin,
                bin_size_s=self.activity.bin_size_s,
                n_before=before,
            )
            inside = values[:, before:]
            # What varies less than its own rounding correlates with all that does.
            constant = is_constant(inside.min(axis=1), inside.max(axis=1), scale)
            weights[constant] = weights[:, constant] = np.nan
            # Of traces nothing is counted: independent samples are what there is to go by.
            lost = np.isnan(weights)
            errors = np.full(weights.shape, 1.0 / np.sqrt(last - first))
            errors[lost] = np.nan
            yield LaggedWindow(
                weights=weights,
                silent=np.asarray(lost.all(axis=0) | lost.all(axis=1)),
                mean=inside.mean(axis=1),
                standard_errors=errors if self.with_errors else None,
            )


def _about_zero(values: NDArray[Any]) -> NDArray[np.float64]:
    """
    Take the level off every trace, and bring it to a size whose square is a number.

    What came before a recording is not known.  The filter takes it as zero, which the level of a
    trace is not: a baseline of 1000 would begin as a step that every other trace seems to share.
    Events and rates rest at zero and never fall below; the level of all else is its mean.
    """
    scales = scales_of(values)[:, np.newaxis]
    scaled = np.divide(values, scales, where=scales > 0, out=np.zeros(values.shape))
    rests_at_zero = scaled.min(axis=1, keepdims=True) == 0
    level = np.where(rests_at_zero, 0.0, scaled.mean(axis=1, keepdims=True))
    centred: NDArray[np.float64] = scaled - level
    return centred
