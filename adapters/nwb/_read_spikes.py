"""The units table of an NWB file as spike trains."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import UNIT_NAME
from tavrnn_ephys.adapters.nwb._read_units import judgement_of, unit_nodes
from tavrnn_ephys.adapters.nwb._series import Limits
from tavrnn_ephys.adapters.nwb._tables import ragged_column, scalar_columns
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_spiketrain, recording_start_s, warn_of_units_of_time
from tavrnn_ephys.io.quality import kept_by_quality

if TYPE_CHECKING:
    import neo

__all__ = ["kept_units", "limits_of_units", "read_spiketrains"]

# What becomes of these columns is decided by name; the others turn into annotations.
_KNOWN_COLUMNS = (
    "electrodes", "node_group", "node_kind", "obs_intervals", "spike_times", UNIT_NAME,
)  # fmt: skip
# Shorter gaps are roundings of intervals that follow one another.
_SHORTEST_GAP_S = 1e-3


def read_spiketrains(
    units: Any,
    file_name: str,
    last_s: float,
    limits: Limits = (None, None),
    quality: Any = "accepted",
) -> list[neo.SpikeTrain]:
    """
    Load the spike trains of all units.

    Spikes that a file lists out of order are sorted: a spike train is a set of times.

    Parameters
    ----------
    units : pynwb.misc.Units
        A table of :func:`~tavrnn_ephys.adapters.nwb._read_units.find_units`.
    file_name : str
        Name of the file, for messages.
    last_s : float
        Time of the last sample or interval of the file, which the recording reaches at least
        where no observation intervals tell its limits.
    limits : tuple of float or None
        Start and stop in seconds of the part to keep; the spikes are loaded unit by unit.
    quality : str or list of str
        Which units are kept by their judgement.

    Returns
    -------
    list of neo.SpikeTrain
        One per row that is kept, in the order of the table.

    Raises
    ------
    FileFormatError
        If spike times are not finite or the table is inconsistent.

    Warns
    -----
    DataLossWarning
        If units were not observed all the time: in the gaps they count as silent; if units are
        left out for their quality; if the first spike comes late, or times look like samples.
    """
    import quantities as pq

    nodes = unit_nodes(units, file_name)
    whole = _spike_times(units, nodes, file_name)
    warn_of_units_of_time(whole, f"'{file_name}'")
    kept = kept_units(units, quality, file_name)
    t_start_s, t_stop_s = limits_of_units(units, whole, last_s, file_name, limits)
    t_start_s, t_stop_s, times = _cut(whole, t_start_s, t_stop_s, limits)
    observed = _observed(units, len(nodes))
    gaps_s = _gaps_s(observed, len(nodes), (t_start_s, t_stop_s))
    _warn_of_gaps(gaps_s[kept], nodes.ids[kept], file_name)
    extra = scalar_columns(units, without=_KNOWN_COLUMNS)
    spiketrains = []
    for index in kept:
        train = make_spiketrain(times[index], nodes, index, t_start_s=t_start_s, t_stop_s=t_stop_s)
        about = {name: values[index].item() for name, values in extra.items()}
        train.annotate(**{key: about[key] for key in about if key not in train.annotations})
        if observed is not None and gaps_s[index] > _SHORTEST_GAP_S:
            train.annotate(obs_intervals=np.clip(observed[index], t_start_s, t_stop_s) * pq.s)
        if units.resolution is not None and units.resolution > 0:
            train.sampling_rate = 1.0 / float(units.resolution) * pq.Hz
        spiketrains.append(train)
    return spiketrains


def kept_units(units: Any, quality: Any, file_name: str) -> NDArray[np.int64]:
    """
    Choose the units that their judgement lets through.

    Parameters
    ----------
    units : pynwb.misc.Units
        The table.
    quality : str or list of str
        Which are kept.
    file_name : str
        Name of the file, for messages.

    Returns
    -------
    numpy.ndarray
        Their rows.
    """
    judged = judgement_of(units)
    return kept_by_quality(
        None if judged is None else judged[1], quality, n_nodes=len(units.id), kind="units",
        file_name=file_name, judge=f"the column '{judged[0]}'" if judged else "nobody",
    )  # fmt: skip


def _warn_of_gaps(gaps_s: NDArray[np.float64], ids: NDArray[np.str_], file_name: str) -> None:
    """Say how long units were not observed, which a spike train cannot say."""
    with_gaps = gaps_s > _SHORTEST_GAP_S
    if with_gaps.any():
        warnings.warn(
            f"{int(with_gaps.sum())} of {len(ids)} units of '{file_name}' "
            f"({some(ids[with_gaps])}) were not observed all the time, and count as silent "
            f"for up to {gaps_s.max():.6g} s outside their obs_intervals. Choose a part without "
            "gaps by t_start and t_stop.",
            DataLossWarning,
            stacklevel=5,
        )


def _gaps_s(
    observed: list[NDArray[np.float64]] | None, n_units: int, limits_s: tuple[float, float]
) -> NDArray[np.float64]:
    if observed is None:
        return np.zeros(n_units)
    return np.array([_gap_s(intervals, *limits_s) for intervals in observed])


def _observed(units: Any, n_units: int) -> list[NDArray[np.float64]] | None:
    """Give the finite observation intervals of each unit, None where the file has none."""
    if "obs_intervals" not in units.colnames:
        return None
    column, stops = ragged_column(units["obs_intervals"])
    intervals = np.asarray(column.data[:], dtype=np.float64)
    if intervals.ndim != 2 or intervals.shape[1] != 2 or len(stops) != n_units:
        return None
    parts = np.split(intervals, stops)[:n_units]
    return [part[np.isfinite(part).all(axis=1)] for part in parts]


def _gap_s(intervals: NDArray[np.float64], start_s: float, stop_s: float) -> float:
    """Measure the time between two limits that no interval covers."""
    if not len(intervals):
        return 0.0
    starts, stops = np.clip(intervals[np.argsort(intervals[:, 0])], start_s, stop_s).T
    reached = np.maximum.accumulate(np.concatenate([[start_s], stops]))
    return float(np.maximum(np.append(starts, stop_s) - reached, 0.0).sum())


def _cut(
    times: list[NDArray[np.float64]], start_s: float, stop_s: float, limits: Limits
) -> tuple[float, float, list[NDArray[np.float64]]]:
    if limits == (None, None):
        return start_s, stop_s, times
    start_s, stop_s = (
        whole if limit is None else narrow(whole, limit)
        for whole, limit, narrow in zip((start_s, stop_s), limits, (max, min), strict=True)
    )
    if not start_s < stop_s:
        raise InputError(
            "There is no recording of units between t_start and t_stop. "
            "Choose limits within the recording."
        )
    return (
        start_s,
        stop_s,
        [train[slice(*np.searchsorted(train, [start_s, stop_s]))].copy() for train in times],
    )


def _spike_times(units: Any, nodes: Nodes, file_name: str) -> list[NDArray[np.float64]]:
    if "spike_times" not in units.colnames:
        return [np.empty(0) for _ in nodes.ids]
    column, stops = ragged_column(units["spike_times"])
    stored = np.asarray(column.data[:])
    if stored.dtype.kind not in "iuf":
        raise FileFormatError(
            f"The spike times of '{file_name}' are of type {stored.dtype}, not numbers. "
            "Write the file again."
        )
    flat = stored.astype(np.float64)
    if len(stops) != len(nodes) or np.any(np.diff(stops, prepend=0) < 0) or stops[-1] > len(flat):
        raise FileFormatError(
            f"The index of the spike times of '{file_name}' does not fit its {len(nodes)} units "
            f"and {len(flat)} spikes. Write the file again."
        )
    times = np.split(flat[: stops[-1]], stops[:-1])
    bad = np.array([not np.isfinite(train).all() for train in times])
    if bad.any():
        raise FileFormatError(
            f"'{file_name}' has spike times that are not finite, in {int(bad.sum())} units "
            f"({some(nodes.ids[bad])}). Remove these spikes from the file."
        )
    return [train if np.all(np.diff(train) >= 0) else np.sort(train) for train in times]


def limits_of_units(
    units: Any,
    times: list[NDArray[np.float64]],
    last_s: float,
    file_name: str,
    asked: Limits,
) -> tuple[float, float]:
    """
    Say when a recording of units starts and stops.

    Observation intervals say it where there are any; it holds every spike in any case.

    Parameters
    ----------
    units : pynwb.misc.Units
        The table.
    times : list of numpy.ndarray
        Spike times in order; of each unit the first and the last suffice.
    last_s : float
        Time of the last sample or interval of the file.
    file_name : str
        Name of the file, for messages.
    asked : tuple of float or None
        Limits that are asked for.

    Returns
    -------
    tuple of float
        Start and stop in seconds.
    """
    filled = [train for train in times if len(train)]
    first_spike = min((float(train[0]) for train in filled), default=np.inf)
    last_spike = max((float(train[-1]) for train in filled), default=-np.inf)
    observed = np.empty((0, 2))
    if "obs_intervals" in units.colnames:
        observed = np.asarray(ragged_column(units["obs_intervals"])[0].data[:]).reshape(-1, 2)
        observed = observed[np.isfinite(observed).all(axis=1)]
    if len(observed):
        start, stop = float(observed.min()), float(observed.max())
    else:
        start, stop = 0.0, max(last_s, 0.0)
        if asked[0] is None and filled:
            start = recording_start_s(first_spike, last_spike, f"'{file_name}'")
    # A spike at t_stop lies outside the half-open limits, so they end just behind the last one.
    known_stop = len(observed) > 0 and stop == last_spike
    if not known_stop and last_spike >= stop:
        stop = float(np.nextafter(last_spike, np.inf))
    return min(start, first_spike), stop
