"""The nodes of a segment that a selection means, with what is left out said."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import spike_times_s
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.selection import keep_nodes, node_table, nodes_that_meet

if TYPE_CHECKING:
    import neo

__all__ = ["selected_nodes"]


def selected_nodes(
    segment: neo.Segment, selection: SelectionSpec, stretches: NDArray[np.float64] | None
) -> neo.Segment:
    """
    Keep the nodes of a segment that a selection means.

    Parameters
    ----------
    segment : neo.Segment
        The segment, which is not changed.
    selection : SelectionSpec
        Condition, ids, least rate and least number of spikes.
    stretches : numpy.ndarray, shape (n_stretches, 2), optional
        The time in seconds over which spikes are counted; all by default.

    Returns
    -------
    neo.Segment
        The segment itself where all nodes are meant, else one that holds the others no more.

    Raises
    ------
    InputError
        If the condition or an id does not suit the nodes, fewer than two are left, or spikes are
        asked for and there are traces.

    Warns
    -----
    DataLossWarning
        With the number of nodes that are left out, and why.
    """
    reasons = []
    for condition in (selection.nodes, selection.node_ids):
        if condition:
            segment, n_gone = _kept(segment, nodes_that_meet(segment, condition))
            what = "the condition" if isinstance(condition, str) else "the list of ids"
            reasons += [f"{n_gone} by {what}"] if n_gone else []
    if selection.min_rate_hz is not None or selection.min_node_spikes is not None:
        counts, total_s = _spikes(segment, stretches)
        least = max(selection.min_node_spikes or 0, (selection.min_rate_hz or 0.0) * total_s)
        index = np.flatnonzero(counts >= least - 1e-9)
        if len(index) == 0:
            raise InputError(
                f"No node fires {least:.6g} spikes in {total_s:.6g} s; the most of any are "
                f"{counts.max()} ({counts.max() / total_s:.3g} per second). Ask for less."
            )
        segment, n_gone = _kept(segment, index)
        rule = f"fire fewer than {least:.6g} spikes in {total_s:.6g} s"
        reasons += [f"{n_gone} that {rule}"] if n_gone else []
    if reasons:
        warnings.warn(
            f"Nodes are left out as asked for: {', '.join(reasons)}; {_n_nodes(segment)} stay.",
            DataLossWarning,
            stacklevel=3,
        )
    return segment


def _kept(segment: neo.Segment, index: NDArray[np.int64]) -> tuple[neo.Segment, int]:
    n_nodes = _n_nodes(segment)
    if len(index) == n_nodes:
        return segment, 0
    return keep_nodes(segment, index), n_nodes - len(index)


def _n_nodes(segment: neo.Segment) -> int:
    return len(node_table(segment))


def _spikes(
    segment: neo.Segment, stretches: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], float]:
    """Count the spikes of each node in the time that is meant, and give its length in seconds."""
    if not len(segment.spiketrains):
        raise InputError(
            "A least rate or number of spikes is asked for, and the nodes are traces. Leave it out."
        )
    if stretches is None:
        raise InputError("The segment has no time over which spikes could be counted.")
    total_s = float(np.diff(stretches, axis=1).sum())
    counts = []
    for train in segment.spiketrains:
        times = np.sort(spike_times_s(train))
        first, last = (
            np.searchsorted(times, stretches[:, 0]),
            np.searchsorted(times, stretches[:, 1]),
        )
        counts.append(int((last - first).sum()))
    return np.array(counts), total_s
