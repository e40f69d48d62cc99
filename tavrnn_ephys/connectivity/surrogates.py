"""Surrogate activity: what is left when one property of the data is destroyed."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import seconds_by_default, spike_times_s
from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.significance import ConnectivityNull, fit_null
from tavrnn_ephys.core.checks import duration_s, one_of, positive_int
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.counts import BIN_TOLERANCE
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.statistics.nulls import Surrogates

__all__ = [
    "ShiftSurrogates",
    "SpikeSurrogates",
    "connectivity_null",
    "shuffle_bins_within_windows",
]

# What a method moves, and by Elephant's name of the argument that says how far.
_METHODS = {
    "dither_spikes": "dither",
    "jitter_spikes": "bin_size",
    "dither_spike_train": "shift",
    "shuffle_isis": None,
    "randomise_spikes": None,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeSurrogates:
    """
    Surrogates of spike trains by Elephant, binned as the recording was.

    Parameters
    ----------
    spiketrains : sequence of neo.SpikeTrain
        The trains that the activity was binned from.
    method : {"dither_spikes", "jitter_spikes", "dither_spike_train", "shuffle_isis", \
"randomise_spikes"}
        Move each spike on its own by up to ``displacement``; move it anywhere in its stretch of
        that length; move the whole train by up to that; shuffle the intervals of a train; or
        put its spikes anywhere.  The first three keep rates that vary more slowly than the
        displacement, the last two do not.
    displacement : quantities.Quantity, optional
        How far, for the first three: several times the coincidences of interest, and shorter
        than the changes of rate.

    Raises
    ------
    InputError
        If the method is unknown, or a displacement is missing or not needed.

    References
    ----------
    .. [1] Grün (2009), Journal of Neurophysiology 101, 1126-1140.
    .. [2] Stella, Bouss, Palm and Grün (2022), eNeuro 9.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> from tavrnn_ephys.activity.binning import bin_activity
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> times = np.sort(np.random.default_rng(0).uniform(1, 9, (3, 40)), axis=1)
    >>> segment = block_from_arrays(spike_times=times, t_stop=10 * pq.s).segments[0]
    >>> surrogates = SpikeSurrogates(spiketrains=segment.spiketrains, displacement=0.5 * pq.s)
    >>> drawn = surrogates.draw(bin_activity(segment, bin_size=0.1 * pq.s), seed=0)
    >>> drawn.values.shape, drawn.values.sum(axis=1).tolist()
    ((3, 100), [40, 40, 40])
    """

    spiketrains: Any
    method: str = "dither_spikes"
    displacement: Any = None

    def __post_init__(self) -> None:
        one_of(self.method, _METHODS, "method")
        argument = _METHODS[self.method]
        if argument is not None:
            if self.displacement is None:
                raise InputError(
                    f"method '{self.method}' needs displacement, such as 200 * quantities.ms."
                )
            duration_s(self.displacement, "displacement")
        elif self.displacement is not None:
            raise InputError(f"method '{self.method}' takes no displacement. Leave it out.")
        # Neo's own list of trains cannot be copied (0.14.6).
        object.__setattr__(self, "spiketrains", tuple(self.spiketrains))

    def draw(self, activity: BinnedActivity, *, seed: Any) -> BinnedActivity:
        """
        Draw one surrogate.

        Parameters
        ----------
        activity : BinnedActivity
            The spike counts of these trains.
        seed : int or sequence of int
            Seed of the draw.

        Returns
        -------
        BinnedActivity
            Spike counts in the same bins; spikes that leave the recording are lost.

        Raises
        ------
        InputError
            If the activity consists of traces, or of other nodes than there are trains.
        """
        if activity.quantity != "spike_count" or len(self.spiketrains) != activity.n_nodes:
            raise InputError(
                f"{len(self.spiketrains)} spiketrains cannot stand for {activity.n_nodes} nodes "
                f"of '{activity.quantity}'. For traces use ShiftSurrogates."
            )
        values = np.empty((activity.n_nodes, activity.n_bins), dtype=np.int64)
        with _legacy_seed(seed), seconds_by_default():
            for row, train in zip(values, self.spiketrains, strict=True):
                row[:] = self._counts(train, activity)
        highest = int(values.max(initial=0))
        return dataclasses.replace(activity, values=values.astype(np.min_scalar_type(highest)))

    def _counts(self, train: Any, activity: BinnedActivity) -> NDArray[np.int64]:
        with warnings.catch_warnings():
            # As in binning: the import changes the warning filters.
            import elephant.spike_train_surrogates as elephant_surrogates
        import neo
        import quantities as pq

        length_s = activity.n_bins * activity.bin_size_s
        times_s = spike_times_s(train) - activity.t_start_s
        times_s = times_s[(times_s >= 0) & (times_s <= length_s)]
        if len(times_s):
            # Counted from the first bin: Elephant's methods lose digits far from zero.
            shifted = neo.SpikeTrain(times_s * pq.s, t_stop=length_s * pq.s)
            argument = _METHODS[self.method]
            options = {} if argument is None else {argument: self.displacement.rescale("s")}
            drawn = getattr(elephant_surrogates, self.method)(shifted, **options)[0]
            times_s = np.asarray(drawn.rescale("s").magnitude)
        bins = np.floor(times_s / activity.bin_size_s + BIN_TOLERANCE).astype(np.int64)
        return np.bincount(bins[bins < activity.n_bins], minlength=activity.n_bins)


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftSurrogates:
    """
    Surrogates that rotate each node in time by an amount of its own; for traces and counts.

    A node keeps its distribution and its autocorrelation; what it shares with others is lost,
    slow changes of state included.

    Parameters
    ----------
    min_shift : quantities.Quantity
        Smallest shift in either direction: longer than the activity remembers.

    Raises
    ------
    InputError
        If it is no positive duration.
    """

    min_shift: Any

    def __post_init__(self) -> None:
        duration_s(self.min_shift, "min_shift")

    def draw(self, activity: BinnedActivity, *, seed: Any) -> BinnedActivity:
        """
        Draw one surrogate.

        Parameters
        ----------
        activity : BinnedActivity
            Counts or traces.
        seed : int or sequence of int
            Seed of the draw.

        Returns
        -------
        BinnedActivity
            The rotated activity.

        Raises
        ------
        InputError
            If the recording is not longer than twice the smallest shift.

        Examples
        --------
        >>> import quantities as pq
        >>> from tavrnn_ephys.core.containers import Nodes
        >>> activity = BinnedActivity(
        ...     values=np.arange(12).reshape(2, 6), bin_size_s=1.0, nodes=Nodes(ids=["a", "b"])
        ... )
        >>> np.sort(ShiftSurrogates(min_shift=2 * pq.s).draw(activity, seed=0).values)
        array([[ 0,  1,  2,  3,  4,  5],
               [ 6,  7,  8,  9, 10, 11]])
        """
        least = int(np.ceil(duration_s(self.min_shift, "min_shift") / activity.bin_size_s - 1e-6))
        if activity.n_bins < 2 * least:
            raise InputError(
                f"min_shift of {least * activity.bin_size_s:g} s exceeds half of the recording, "
                f"which lasts {activity.n_bins * activity.bin_size_s:g} s. Shorten it."
            )
        rng = np.random.default_rng(seed)
        shifts = rng.integers(least, activity.n_bins - least, size=activity.n_nodes, endpoint=True)
        values = activity.read_bins(0, activity.n_bins)
        rolled = np.stack([np.roll(row, shift) for row, shift in zip(values, shifts, strict=True)])
        return dataclasses.replace(activity, values=rolled)


@contextmanager
def _legacy_seed(seed: Any) -> Iterator[None]:
    """Seed NumPy's old global generator, which Elephant draws from, and put it back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(np.random.SeedSequence(seed).generate_state(4))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def connectivity_null(
    activity: BinnedActivity,
    windows: Windows,
    *,
    surrogates: Surrogates,
    n_surrogates: int = 100,
    seed: int = 0,
    **measure: Any,
) -> ConnectivityNull:
    """
    Compute what connectivity comes about by chance in each window.

    Parameters
    ----------
    activity : BinnedActivity
        The activity.
    windows : Windows
        Its windows.
    surrogates : SpikeSurrogates or ShiftSurrogates
        What draws surrogates, and so what chance means.
    n_surrogates : int
        Number of surrogates, at least 4; half of them give mean and spread of each weight, the
        other half the distribution.
    seed : int
        Seed of the draws.
    **measure : object
        ``measure``, ``binary`` and options, as in :func:`tavrnn_ephys.compute_connectivity`.

    Returns
    -------
    ConnectivityNull
        For :class:`tavrnn_ephys.SignificanceThreshold`.

    Raises
    ------
    InputError
        If there are fewer than four surrogates, or an argument does not suit the activity.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> from tavrnn_ephys.activity.windows import sliding_windows
    >>> counts = np.random.default_rng(0).poisson(0.5, (5, 400))
    >>> activity = BinnedActivity(values=counts, bin_size_s=0.1, nodes=Nodes(ids=range(5)))
    >>> windows = sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    >>> shifts = ShiftSurrogates(min_shift=1 * pq.s)
    >>> connectivity_null(activity, windows, surrogates=shifts, n_surrogates=20)
    ConnectivityNull: pearson, 2 windows x 5 nodes, 20 surrogates
    """
    positive_int(n_surrogates, "n_surrogates")
    bin_ranges(windows, activity)
    options = {"measure": "pearson", **measure, "silent_nodes": "zero"}
    roots = _expected_roots(activity, windows) if activity.quantity == "spike_count" else None

    def draws() -> Iterator[ConnectivitySequence]:
        for index in range(n_surrogates):
            surrogate = surrogates.draw(activity, seed=[seed, index])
            with warnings.catch_warnings():
                # That nodes are silent in surrogates says nothing about the recording.
                warnings.simplefilter("ignore", DataLossWarning)
                yield compute_connectivity(surrogate, windows, **options)

    return fit_null(draws(), n_draws=n_surrogates, expected_roots=roots)


def _expected_roots(activity: BinnedActivity, windows: Windows) -> NDArray[np.float64]:
    """Spikes over the root of the bins: their product is the number of coincidences by chance."""
    return np.stack(
        [
            activity.read_bins(int(first), int(last)).sum(axis=1) / np.sqrt(last - first)
            for first, last in bin_ranges(windows, activity)
        ]
    )


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
    >>> from tavrnn_ephys.core.containers import Nodes
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
    values = np.array(activity.read_bins(0, activity.n_bins))
    for first, last in zip(limits[:-1], limits[1:], strict=True):
        values[:, first:last] = rng.permuted(values[:, first:last], axis=1)
    return dataclasses.replace(activity, values=values)
