"""Surrogate activity: what is left when one property of the data is destroyed."""

from __future__ import annotations

import numpy as np

from tavrnn_ephys.containers import BinnedActivity, Windows
from tavrnn_ephys.windows import bin_ranges

__all__ = ["shuffle_bins_within_windows"]


def shuffle_bins_within_windows(
    activity: BinnedActivity, windows: Windows, *, seed: int
) -> BinnedActivity:
    """
    Shuffle the bins of every node on its own, inside short stretches of time.

    Stretches are the pieces into which the window limits cut the recording, so that each
    window keeps the mean, and the distribution, of each node's activity, whichever windows
    overlap; coincidences between nodes are destroyed.

    Parameters
    ----------
    activity : BinnedActivity
        The activity, shape (n_nodes, n_bins).
    windows : Windows
        The windows that will be analysed.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    BinnedActivity
        A new activity with the same nodes and bins.

    Examples
    --------
    >>> from tavrnn_ephys.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.arange(8).reshape(2, 4), bin_size_s=1.0, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    >>> shuffled = shuffle_bins_within_windows(activity, windows, seed=0)
    >>> shuffled.values[:, :2].sum(axis=1), shuffled.values[:, 2:].sum(axis=1)
    (array([1, 9]), array([ 5, 13]))
    """
    rng = np.random.default_rng(seed)
    limits = np.unique(
        np.concatenate([[0, activity.n_bins], bin_ranges(windows, activity).ravel()])
    )
    values = np.array(activity.values)
    for first, last in zip(limits[:-1], limits[1:], strict=True):
        values[:, first:last] = rng.permuted(values[:, first:last], axis=1)
    return BinnedActivity(
        values=values,
        bin_size_s=activity.bin_size_s,
        t_start_s=activity.t_start_s,
        nodes=activity.nodes,
        quantity=activity.quantity,
        segment_index=activity.segment_index,
    )
