"""The spike time tiling coefficient, at any place on the clock."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.variation import plain
from tavrnn_ephys.core.checks import duration_s
from tavrnn_ephys.core.counts import check_counts, check_total
from tavrnn_ephys.core.errors import InputError

__all__ = ["require_fine_bins", "spike_time_tiling_coefficient"]

# Times a day after the start of a clock are exact to 1e-11 s; spikes are not sampled finer.
_TOLERANCE_S = 1e-9
# Spikes in the middle of bins fall together over whole bins; this far from the time within dt, the
# coefficient of independent trains is no longer near zero.
_MOST_DEVIATION = 0.2


def require_fine_bins(dt: Any, bin_size_s: float) -> None:
    """
    Refuse bins that are too coarse to tell what falls within ``dt``.

    Parameters
    ----------
    dt : quantities.Quantity
        Spikes at most this far apart fall together.
    bin_size_s : float
        Width of a bin in seconds.

    Raises
    ------
    InputError
        If the bins within ``dt`` of the middle of a bin last a fifth longer or shorter than
        ``2 dt``; the message names bins and ``dt`` that do.

    Examples
    --------
    >>> import quantities as pq
    >>> require_fine_bins(50 * pq.ms, 0.01)
    """
    within_s = duration_s(dt, "dt")
    n_bins = 2 * np.floor(within_s / bin_size_s + 1e-9) + 1
    seen_s = n_bins * bin_size_s
    if abs(seen_s - 2 * within_s) <= _MOST_DEVIATION * 2 * within_s:
        return
    raise InputError(
        f"Bins of {bin_size_s:g} s cannot tell whether spikes fall within dt = {within_s:g} s: all "
        f"of a bin stand in its middle, and fall together over {seen_s:g} s instead of "
        f"{2 * within_s:g} s. Pass spiketrains=segment.spiketrains, or bin at {within_s / 3:.4g} s "
        f"or finer, or set dt to {max(n_bins, 1) * bin_size_s / 2:g} s."
    )


def spike_time_tiling_coefficient(
    values: NDArray,
    *,
    dt: Any,
    bin_size_s: float,
    spike_times_s: list[NDArray[np.float64]] | None = None,
) -> NDArray[np.float64]:
    """
    Tell how far the spikes of two nodes fall together, beyond what their rates bring about [1]_.

    Parameters
    ----------
    values : numpy.ndarray of int, shape (n_nodes, n_bins)
        Spike counts of a window.
    dt : quantities.Quantity
        Spikes at most this far apart fall together.
    bin_size_s : float
        Width of a bin in seconds.
    spike_times_s : list of numpy.ndarray, optional
        Ascending spike times of each node, counted from the start of the window; by default
        every spike stands in the middle of its bin.

    Returns
    -------
    numpy.ndarray
        Coefficients, shape (n_nodes, n_nodes), symmetric, in [-1, 1]; NaN in row and column of
        a node without spikes.

    Raises
    ------
    InputError
        If ``dt`` is no positive duration, or the activity does not consist of counts.

    Notes
    -----
    With ``T_i`` the share of the window within ``dt`` of a spike of ``i`` and ``P_ij`` the
    share of the spikes of ``i`` within ``dt`` of a spike of ``j``: ``(P_ij - T_j) /
    (1 - P_ij T_j)``, averaged over both orders; 1 where that is 0/0.  Elephant's own function
    widens ``dt`` by 1e-5 of the time since zero; this one counts from the start of the window
    and does not.

    References
    ----------
    .. [1] Cutts and Eglen (2014), Journal of Neuroscience 34, 14288-14303.

    Examples
    --------
    >>> import quantities as pq
    >>> counts = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    >>> spike_time_tiling_coefficient(counts, dt=0.5 * pq.s, bin_size_s=1.0)
    array([[ 1.  ,  1.  , -0.25],
           [ 1.  ,  1.  , -0.25],
           [-0.25, -0.25,  1.  ]])
    """
    within_s = duration_s(dt, "dt")
    values = plain(values)
    if values.dtype.kind not in "iu":
        raise InputError(
            "spike_time_tiling_coefficient needs spike counts, got traces. "
            "Use measure='pearson' or 'spearman'."
        )
    if spike_times_s is None:
        check_counts(values, np.arange(len(values)))
        if values.min(initial=0) < 0:
            raise InputError("Spike counts must be at least 0; these hold negative numbers.")
        check_total(values)
        spike_times_s = [_middles(row, bin_size_s) for row in values.astype(np.int64)]
    length_s = values.shape[1] * bin_size_s
    covered = np.array([_covered(times, within_s, length_s) for times in spike_times_s])
    near = _share_near(spike_times_s, within_s)
    with np.errstate(invalid="ignore", divide="ignore"):
        one_way = (near - covered) / (1.0 - near * covered)
    one_way[near * covered == 1.0] = 1.0
    return 0.5 * (one_way + one_way.T)


def _middles(counts: NDArray[np.int64], bin_size_s: float) -> NDArray[np.float64]:
    bins = np.repeat(np.arange(len(counts)), counts)
    return np.asarray((bins + 0.5) * bin_size_s, dtype=np.float64)


def _covered(times: NDArray[np.float64], within_s: float, length_s: float) -> float:
    """Share of the window that lies within reach of a spike; NaN without spikes."""
    if len(times) == 0:
        return np.nan
    between = np.minimum(np.diff(times), 2.0 * within_s).sum()
    ends = min(times[0], within_s) + min(length_s - times[-1], within_s)
    return float((between + ends) / length_s)


def _share_near(spike_times_s: list[NDArray[np.float64]], within_s: float) -> NDArray[np.float64]:
    """Share of the spikes of the row's node within reach of a spike of the column's node."""
    n_nodes = len(spike_times_s)
    n_spikes = np.array([len(times) for times in spike_times_s])
    everything = np.concatenate(spike_times_s)
    owner = np.repeat(np.arange(n_nodes), n_spikes)
    near = np.full((n_nodes, n_nodes), np.nan)
    has_spikes = n_spikes > 0
    for column in np.flatnonzero(has_spikes):
        times = np.concatenate([[-np.inf], spike_times_s[column], [np.inf]])
        behind = np.searchsorted(times, everything)
        distance = np.minimum(times[behind] - everything, everything - times[behind - 1])
        hits = np.bincount(owner[distance <= within_s + _TOLERANCE_S], minlength=n_nodes)
        near[has_spikes, column] = hits[has_spikes] / n_spikes[has_spikes]
    return near
