"""From a Neo segment to activity in equal bins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.spike_times import seconds_by_default, spike_times_s
from tavrnn_ephys.activity.windows.holding import in_order_of_time, usual_interval_s
from tavrnn_ephys.core.checks import duration_s, one_of, some
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.core.counts import BIN_TOLERANCE
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.names import several
from tavrnn_ephys.io.blocks import warn_of_units_of_time
from tavrnn_ephys.io.blocks.recorded import SOURCES, NodeRecordings, node_recordings

if TYPE_CHECKING:
    import neo

__all__ = ["bin_activity", "bin_recordings", "n_whole_bins"]

GAPS = ("raise", "hold")


def bin_activity(
    segment: neo.Segment,
    *,
    bin_size: Any,
    source: str = "auto",
    segment_index: int = 0,
    gaps: str = "raise",
) -> BinnedActivity:
    """
    Count the spikes, or average the traces, of every node in equal bins.

    Parameters
    ----------
    segment : neo.Segment
        Spike trains, or one signal with a trace per node; lazy ones are loaded.  Trains of
        different limits or units are binned from the first start to the last stop.
    bin_size : quantities.Quantity
        Scalar with a unit of time.
    source : {"auto", "spiketrains", "traces"}
        What is binned; by default the spike trains if there are any, else the traces.
    segment_index : int
        Position of the segment in its block, carried along.
    gaps : {"raise", "hold"}
        What becomes of bins without a sample of the traces: an error, or they hold the sample
        before.  No window should then lie in a gap: pass ``within`` of
        :func:`tavrnn_ephys.activity.stretches.recorded_stretches` to what lays windows.

    Returns
    -------
    BinnedActivity
        Spike counts through :class:`elephant.conversion.BinnedSpikeTrain`, smallest
        unsigned type that holds them, or mean trace values per bin, ``float64``.

    Raises
    ------
    InputError
        If it is no segment, has nothing to bin, no node ever fires, samples of a trace are not
        finite, or a bin holds no sample of the traces and gaps are not held.

    Warns
    -----
    DataLossWarning
        If spikes or samples behind the last whole bin do not enter, trains were recorded for
        different times, a trace holds no finite sample at all and is left out, or spike times
        look like samples or milliseconds.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 0]], bin_size=25 * pq.ms)
    >>> bin_activity(block.segments[0], bin_size=50 * pq.ms).values
    array([[1, 3],
           [1, 0]], dtype=uint8)
    """
    one_of(source, SOURCES, "source")
    size_s = duration_s(bin_size, "bin_size")
    recorded = node_recordings(segment, source, asked_by="bin_activity")
    return bin_recordings(recorded, size_s, segment_index=segment_index, gaps=gaps)


def bin_recordings(
    recorded: NodeRecordings,
    bin_size_s: float,
    *,
    segment_index: int = 0,
    gaps: str = "raise",
) -> BinnedActivity:
    """
    Bin what was recorded of nodes, as :func:`bin_activity` says.

    Parameters
    ----------
    recorded : NodeRecordings
        Spike trains or traces.
    bin_size_s : float
        Width of a bin in seconds.
    segment_index : int
        Position of the segment in its block, carried along.
    gaps : {"raise", "hold"}
        As in :func:`bin_activity`.

    Returns
    -------
    BinnedActivity
        Spike counts, or mean trace values.

    Raises
    ------
    InputError
        As :func:`bin_activity` does.
    """
    one_of(gaps, GAPS, "gaps")
    if recorded.signal is not None:
        return _bin_traces(recorded, bin_size_s, segment_index, gaps)
    return _bin_spiketrains(recorded, bin_size_s, segment_index)


def _bin_spiketrains(recorded: NodeRecordings, size_s: float, segment_index: int) -> BinnedActivity:
    import quantities as pq

    with warnings.catch_warnings():
        # The import of Elephant 1.2.1 changes the warning filters of whoever imports it.
        from elephant.conversion import BinnedSpikeTrain

    spiketrains, nodes = recorded.spiketrains, recorded.nodes
    n_spikes = sum(len(train) for train in spiketrains)
    if n_spikes == 0:
        raise InputError(
            f"All {len(nodes)} {several(nodes.kind)} are silent: the recording holds no "
            "spikes. Check the spike detection, or choose another segment."
        )
    t_start_s, t_stop_s = _shared_limits_s(spiketrains, nodes, size_s)
    spiketrains = [_within(train, t_start_s, t_stop_s) for train in spiketrains]
    warn_of_units_of_time([train.magnitude for train in spiketrains], recorded.called, stacklevel=5)
    n_bins = n_whole_bins(t_stop_s - t_start_s, size_s)
    with _elephant_silent():
        binned = BinnedSpikeTrain(
            spiketrains,
            bin_size=size_s * pq.s,
            n_bins=n_bins,
            t_start=t_start_s * pq.s,
        )
    counts = binned.to_array()
    n_dropped = n_spikes - int(counts.sum())
    if n_dropped:
        warnings.warn(
            f"{n_dropped} of {n_spikes} spikes lie outside the {n_bins} whole bins of "
            f"{size_s:g} s from {t_start_s:g} s and are left out.",
            DataLossWarning,
            stacklevel=4,
        )
    return BinnedActivity(
        values=counts.astype(np.min_scalar_type(int(counts.max()))),
        bin_size_s=size_s,
        t_start_s=t_start_s,
        nodes=nodes,
        quantity="spike_count",
        segment_index=segment_index,
    )


def _shared_limits_s(
    spiketrains: list[neo.SpikeTrain], nodes: Nodes, size_s: float
) -> tuple[float, float]:
    """Take the first start and the last stop; say which nodes were not recorded throughout."""
    limits = np.array(
        [
            [float(item.rescale("s").magnitude) for item in (train.t_start, train.t_stop)]
            for train in spiketrains
        ]
    )
    if not np.isfinite(limits).all():
        bad = ~np.isfinite(limits).all(axis=1)
        raise InputError(f"The limits of {some(nodes.ids[bad])} are not finite. Set them first.")
    start_s, stop_s = float(limits[:, 0].min()), float(limits[:, 1].max())
    partly = (limits[:, 0] >= start_s + size_s) | (limits[:, 1] <= stop_s - size_s)
    if partly.any():
        first_s, last_s = float(limits[:, 0].max()), float(limits[:, 1].min())
        way = (
            f" For the time that all share: segment.time_slice({first_s:.9g} * quantities.s, "
            f"{last_s:.9g} * quantities.s)."
            if first_s < last_s
            else ""
        )
        warnings.warn(
            f"{int(partly.sum())} of {len(nodes)} {several(nodes.kind)} were recorded for only "
            f"a part of {start_s:g} s to {stop_s:g} s ({some(nodes.ids[partly])}); outside it they "
            f"count as silent.{way}",
            DataLossWarning,
            stacklevel=6,
        )
    return start_s, stop_s


def _within(train: neo.SpikeTrain, t_start_s: float, t_stop_s: float) -> neo.SpikeTrain:
    """Give a train the limits of the recording, in seconds, as Elephant demands."""
    import neo

    return neo.SpikeTrain(spike_times_s(train), units="s", t_start=t_start_s, t_stop=t_stop_s)


@contextmanager
def _elephant_silent() -> Iterator[None]:
    """Keep Elephant, which speaks once per train, from it; the sum is told once."""
    from elephant.utils import logger

    level = logger.level
    logger.setLevel("ERROR")
    try:
        with seconds_by_default(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Binning discarded")
            warnings.filterwarnings("ignore", message=".*not a multiple.*")
            warnings.filterwarnings("ignore", message=".*correcting.*|.*tolerance.*")
            yield
    finally:
        logger.setLevel(level)


def n_whole_bins(length_s: float, size_s: float) -> int:
    """
    Count the whole bins of a recording.

    Parameters
    ----------
    length_s, size_s : float
        Length of the recording and width of a bin, in seconds.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InputError
        If a bin exceeds the recording, or there are more bins than can be counted.

    Examples
    --------
    >>> n_whole_bins(1.05, 0.1)
    10
    """
    n_bins = int(np.floor(length_s / size_s + BIN_TOLERANCE))
    if n_bins < 1:
        raise InputError(
            f"bin_size of {size_s:g} s exceeds the recording, which lasts {length_s:g} s. "
            "Choose smaller bins."
        )
    if n_bins >= 2**31:
        raise InputError(
            f"bin_size of {size_s:g} s cuts {length_s:g} s into {n_bins} bins, more than can be "
            "counted. Use larger bins, or check the times of the recording."
        )
    return n_bins


def _bin_traces(
    recorded: NodeRecordings, size_s: float, segment_index: int, gaps: str
) -> BinnedActivity:
    signal = recorded.signal
    nodes, samples = _recorded(recorded.nodes, np.asarray(signal.magnitude, dtype=np.float64))
    bad = ~np.isfinite(samples).all(axis=0)
    if bad.any():
        n_missing = int((~np.isfinite(samples)).sum())
        raise InputError(
            f"The traces of {int(bad.sum())} {several(nodes.kind)} hold {n_missing} NaN or "
            f"infinite samples ({some(nodes.ids[bad])}). Interpolate or leave out "
            "these samples first."
        )
    times_s, samples = in_order_of_time(signal.times.rescale("s").magnitude, samples)
    if len(times_s) == 0:
        raise InputError(f"The signal '{signal.name}' holds no sample. Choose another segment.")
    usual_s = usual_interval_s(times_s)
    interval_s = size_s if np.isnan(usual_s) else usual_s
    n_bins = n_whole_bins(times_s[-1] + interval_s - times_s[0], size_s)
    return BinnedActivity(
        values=_mean_per_bin(samples, times_s, size_s, n_bins, interval_s, gaps),
        bin_size_s=size_s,
        t_start_s=float(times_s[0]),
        nodes=nodes,
        quantity="trace",
        segment_index=segment_index,
    )


def _recorded(nodes: Nodes, samples: NDArray[np.float64]) -> tuple[Nodes, NDArray[np.float64]]:
    """Leave out nodes without a single finite sample, as of a cell that was lost."""
    empty = ~np.isfinite(samples).any(axis=0)
    if len(samples) == 0 or not empty.any() or empty.all():
        return nodes, samples
    warnings.warn(
        f"The traces of {int(empty.sum())} of {len(nodes)} {several(nodes.kind)} hold no finite "
        f"sample ({some(nodes.ids[empty])}) and are left out.",
        DataLossWarning,
        stacklevel=6,
    )
    kept = ~empty
    positions = nodes.positions_um
    return Nodes(
        ids=nodes.ids[kept],
        kind=nodes.kind,
        groups=nodes.groups[kept],
        positions_um=None if positions is None else positions[kept],
        rows=nodes.rows[kept],
        table=nodes.table,
    ), samples[:, kept]


def _way_around_gaps(times_s: NDArray[np.float64], size_s: float) -> str:
    """Say which bins or which part of a recording hold samples everywhere."""
    gaps_s = np.diff(times_s)
    # A bin as long as the longest gap holds at least one of its ends.
    longer = f"Use bins of at least {gaps_s.max():g} s"
    ends = np.concatenate([[0], np.flatnonzero(gaps_s > size_s) + 1, [len(times_s)]])
    longest = int(np.argmax(np.diff(ends)))
    first, last = ends[longest], ends[longest + 1] - 1
    if first == last:
        return f"{longer}."
    return (
        f"{longer}, the longest gap, or read the longest part without such a gap alone: "
        f"t_start={times_s[first]:.6g} s, t_stop={times_s[last]:.6g} s."
    )


def _mean_per_bin(
    samples: NDArray[np.float64],
    times_s: NDArray[np.float64],
    size_s: float,
    n_bins: int,
    interval_s: float,
    gaps: str,
) -> NDArray[np.float64]:
    index = np.floor((times_s - times_s[0]) / size_s + 1e-6).astype(np.int64)
    inside = index < n_bins
    n_samples = np.bincount(index[inside], minlength=n_bins)
    # Bins shorter than the distance of samples are no gap: they are wrong everywhere.
    is_held = gaps == "hold" and size_s >= interval_s * (1 - 1e-6)
    if np.any(n_samples == 0) and not is_held:
        empty = int(np.argmin(n_samples))
        raise InputError(
            f"Bin {empty} of {size_s:g} s, at {times_s[0] + empty * size_s:g} s, holds no sample: "
            f"the traces have one every {interval_s:g} s. {_way_around_gaps(times_s, size_s)}"
        )
    # Samples stand in order of time: the sum over a bin is a sum over neighbours.
    first = np.concatenate([[0], np.cumsum(n_samples)[:-1]])
    filled = n_samples > 0
    totals = np.add.reduceat(samples[inside], first[filled], axis=0)
    means = totals / n_samples[filled, np.newaxis]
    if not filled.all():
        means = means[np.cumsum(filled) - 1]
    n_left = int((~inside).sum())
    if n_left:
        warnings.warn(
            f"{n_left} of {len(times_s)} samples lie behind the last whole bin of {size_s:g} s "
            "and are left out.",
            DataLossWarning,
            stacklevel=5,
        )
    return np.ascontiguousarray(means.T)
