"""The rule for edges that a specification asks for, its null of surrogates among them."""

from __future__ import annotations

import dataclasses
from typing import Any

import quantities as pq

from tavrnn_ephys.connectivity.graphs_in_memory import Threshold
from tavrnn_ephys.connectivity.significance import SignificanceThreshold
from tavrnn_ephys.connectivity.surrogates import (
    ShiftSurrogates,
    SpikeSurrogates,
    connectivity_null,
    shuffle_bins_within_windows,
)
from tavrnn_ephys.connectivity.thresholds import DensityThreshold, StrongestThreshold
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import MEASURES_OF_SPIKES
from tavrnn_ephys.core.spec import ConnectivitySpec, GraphSpec

__all__ = ["edge_rule"]

# Spikes are moved by so many bins: several times the coincidences that count, and not farther.
_DITHERED_BINS = 5
_LEAST_SHIFT_SHARE = 1 / 20
_MOVE_SPIKES = ("dither_spikes", "jitter_spikes", "dither_spike_train")


def edge_rule(
    activity: BinnedActivity,
    windows: Windows,
    connectivity: ConnectivitySpec,
    graphs: GraphSpec,
    *,
    spiketrains: Any = (),
) -> float | Threshold:
    """
    Make the rule for edges.

    Parameters
    ----------
    activity : BinnedActivity
        The activity.
    windows : Windows
        Its windows.
    connectivity : ConnectivitySpec
        Measure and its parameters.
    graphs : GraphSpec
        Which rule.
    spiketrains : sequence of neo.SpikeTrain, optional
        What was binned.  A surrogate of the activity has none: its bins are shuffled then.

    Returns
    -------
    float or threshold object
        As :func:`tavrnn_ephys.build_graphs` takes it.

    Raises
    ------
    InputError
        If surrogates of spikes are asked for and the nodes are traces, or the measure is directed.
    """
    if graphs.density is not None:
        return DensityThreshold(density=graphs.density)
    if graphs.n_strongest is not None:
        return StrongestThreshold(n_strongest=graphs.n_strongest)
    if graphs.false_discoveries is None:
        return float(graphs.threshold)
    if connectivity.measure in MEASURES_OF_SPIKES:
        raise InputError(
            f"Edges beyond chance are told of measures of bins, and '{connectivity.measure}' takes "
            "spike times. Choose another measure, such as pearson."
        )
    options: dict[str, Any] = dict(connectivity.options)
    if connectivity.taper is not None:
        options["taper"] = connectivity.taper
    if connectivity.min_spikes and activity.quantity == "spike_count":
        options["min_spikes"] = connectivity.min_spikes
    null = connectivity_null(
        activity,
        windows,
        surrogates=_surrogates(activity, windows, graphs, spiketrains),
        n_surrogates=graphs.n_surrogates,
        measure=connectivity.measure,
        **options,
    )
    return SignificanceThreshold(null=null, q=graphs.false_discoveries)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _ShuffledBins:
    """Surrogates whose bins are shuffled within windows, each node on its own."""

    windows: Windows

    def draw(self, activity: BinnedActivity, *, seed: Any) -> BinnedActivity:
        return shuffle_bins_within_windows(activity, self.windows, seed=seed)


def _surrogates(
    activity: BinnedActivity, windows: Windows, graphs: GraphSpec, spiketrains: Any
) -> Any:
    kind, reach_s = graphs.surrogates, graphs.surrogate_reach_s
    if kind == "shift":
        least_s = activity.n_bins * activity.bin_size_s * _LEAST_SHIFT_SHARE
        return ShiftSurrogates(min_shift=(reach_s or least_s) * pq.s)
    if kind != "shuffle" and activity.quantity != "spike_count":
        raise InputError(
            f"The surrogates '{kind}' move spikes, and these are traces. Choose 'shift'."
        )
    if kind == "shuffle" or not len(spiketrains):
        return _ShuffledBins(windows=windows)
    far = (reach_s or _DITHERED_BINS * activity.bin_size_s) * pq.s
    moved = {"displacement": far} if kind in _MOVE_SPIKES else {}
    return SpikeSurrogates(spiketrains=spiketrains, method=kind, **moved)
