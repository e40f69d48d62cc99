"""The units table of an NWB file as spike trains."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import UNIT_NAME, known_place, known_text
from tavrnn_ephys.adapters.nwb._series import Limits
from tavrnn_ephys.adapters.nwb._tables import plain_column, ragged_column, scalar_columns
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.containers.nodes import NODE_KINDS
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = ["electrode_positions", "has_units", "read_spiketrains"]

# What becomes of these columns is decided by name; the others turn into annotations.
_KNOWN_COLUMNS = (
    "electrodes", "node_group", "node_kind", "obs_intervals", "spike_times", UNIT_NAME,
)  # fmt: skip
# Shorter gaps are roundings of intervals that follow one another.
_SHORTEST_GAP_S = 1e-3


def has_units(nwbfile: Any) -> bool:
    """
    Say whether a file holds units whose spikes are known.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    bool
        True if its units table has rows, and spike times or observation intervals.  A table
        with intervals alone says that nothing fired in them.
    """
    units = nwbfile.units
    if units is None or len(units.id) == 0:
        return False
    return "spike_times" in units.colnames or "obs_intervals" in units.colnames


def read_spiketrains(
    nwbfile: Any, file_name: str, last_s: float, limits: Limits = (None, None)
) -> list[neo.SpikeTrain]:
    """
    Load the spike trains of all units.

    Spikes that a file lists out of order are sorted: a spike train is a set of times.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file with units.
    file_name : str
        Name of the file, for messages.
    last_s : float
        Time of the last sample or interval of the file, which the recording reaches at least
        where no observation intervals tell its limits.
    limits : tuple of float or None
        Start and stop in seconds of the part to keep; the spikes are loaded unit by unit.

    Returns
    -------
    list of neo.SpikeTrain
        One per row, in the order of the table.

    Raises
    ------
    FileFormatError
        If spike times are not finite or the table is inconsistent.

    Warns
    -----
    DataLossWarning
        If units were not observed all the time: in the gaps they count as silent.
    """
    import quantities as pq

    units = nwbfile.units
    nodes = _unit_nodes(units, file_name)
    whole = _spike_times(units, nodes, file_name)
    t_start_s, t_stop_s = _limits(units, whole, last_s)
    t_start_s, t_stop_s, times = _cut(whole, t_start_s, t_stop_s, limits)
    _warn_of_gaps(units, nodes, file_name, (t_start_s, t_stop_s))
    extra = scalar_columns(units, without=_KNOWN_COLUMNS)
    spiketrains = []
    for index, train_times in enumerate(times):
        train = make_spiketrain(train_times, nodes, index, t_start_s=t_start_s, t_stop_s=t_stop_s)
        about = {name: values[index].item() for name, values in extra.items()}
        train.annotate(**{key: about[key] for key in about if key not in train.annotations})
        if units.resolution is not None and units.resolution > 0:
            train.sampling_rate = 1.0 / float(units.resolution) * pq.Hz
        spiketrains.append(train)
    return spiketrains


def _warn_of_gaps(units: Any, nodes: Nodes, file_name: str, limits_s: tuple[float, float]) -> None:
    """Say how long units were not observed, which a spike train cannot say."""
    observed = _observed(units)
    if observed is None or len(observed) != len(nodes):
        return
    gaps_s = np.array([_gap_s(intervals, *limits_s) for intervals in observed])
    with_gaps = gaps_s > _SHORTEST_GAP_S
    if with_gaps.any():
        warnings.warn(
            f"{int(with_gaps.sum())} of {len(nodes)} units of '{file_name}' "
            f"({some(nodes.ids[with_gaps])}) were not observed all the time, and count as silent "
            f"for up to {gaps_s.max():.6g} s outside their obs_intervals. Choose a part without "
            "gaps by t_start and t_stop.",
            DataLossWarning,
            stacklevel=4,
        )


def _observed(units: Any) -> list[NDArray[np.float64]] | None:
    """Give the observation intervals of each unit, None where the file has none."""
    if "obs_intervals" not in units.colnames:
        return None
    column, stops = ragged_column(units["obs_intervals"])
    intervals = np.asarray(column.data[:], dtype=np.float64)
    if intervals.ndim != 2 or intervals.shape[1] != 2 or not len(stops):
        return None
    return np.split(intervals, stops)[: len(stops)]


def _gap_s(intervals: NDArray[np.float64], start_s: float, stop_s: float) -> float:
    """Measure the time between two limits that no interval covers."""
    known = intervals[np.isfinite(intervals).all(axis=1)]
    if not len(known):
        return 0.0
    starts, stops = np.clip(known[np.argsort(known[:, 0])], start_s, stop_s).T
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


def _limits(units: Any, times: list[NDArray[np.float64]], last_s: float) -> tuple[float, float]:
    """Observation intervals where there are any; the recording holds every spike in any case."""
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
    # A spike at t_stop lies outside the half-open limits, so they end just behind the last one.
    known_stop = len(observed) > 0 and stop == last_spike
    if not known_stop and last_spike >= stop:
        stop = float(np.nextafter(last_spike, np.inf))
    return min(start, first_spike), stop


def _unit_nodes(units: Any, file_name: str) -> Nodes:
    n_units = len(units.id)
    column = units["electrodes"] if "electrodes" in units.colnames else None
    electrodes, rows, owner = None, np.empty(0, np.int64), np.empty(0, np.int64)
    if column is not None:
        region, stops = ragged_column(column)
        rows = np.asarray(region.data[:], dtype=np.int64)
        owner = np.repeat(np.arange(n_units), np.diff(stops, prepend=0))
        electrodes = region.table
        if len(owner) != len(rows) or np.any((rows < 0) | (rows >= len(electrodes.id))):
            raise FileFormatError(
                f"Units of '{file_name}' point to electrodes that are not in its table of "
                f"{len(electrodes.id)} electrodes. Write the file again."
            )
    return Nodes(
        ids=np.array(_unit_ids(units)),
        kind=_unit_kind(units),
        groups=np.array(_unit_groups(units, electrodes, rows, owner)),
        positions_um=_unit_positions(electrodes, rows, owner, n_units),
        rows=np.arange(n_units),
        table="units",
    )


def _unit_ids(units: Any) -> list[str]:
    if UNIT_NAME in units.colnames:
        names = plain_column(units[UNIT_NAME])
        if names is not None and len(np.unique(names)) == len(names):
            return [str(name) for name in names]
    return [str(identity) for identity in units.id[:]]


def _unit_kind(units: Any) -> str:
    kinds = plain_column(units["node_kind"]) if "node_kind" in units.colnames else None
    kind = str(kinds[0]) if kinds is not None else ""
    return kind if kind in NODE_KINDS else "unit"


def _unit_groups(
    units: Any, electrodes: Any, rows: NDArray[np.int64], owner: NDArray[np.int64]
) -> list[str]:
    """Take the first source that knows any group; a unit on several electrodes takes the first."""
    groups = [""] * len(units.id)
    if "node_group" in units.colnames:
        own = plain_column(units["node_group"])
        if own is not None and any(known_text(value) for value in own):
            return [known_text(value) for value in own]
    for name in ("node_group", "location"):
        if electrodes is None or name not in electrodes.colnames:
            continue
        values = plain_column(electrodes[name])
        known = [] if values is None else [known_place(value) for value in values]
        if any(known):
            for unit, row in zip(owner[::-1], rows[::-1], strict=True):
                groups[unit] = known[row]
            return groups
    return groups


def _unit_positions(
    electrodes: Any, rows: NDArray[np.int64], owner: NDArray[np.int64], n_units: int
) -> NDArray[np.float64] | None:
    if electrodes is None:
        return None
    positions = electrode_positions(electrodes)
    if positions is None:
        return None
    counts = np.bincount(owner, minlength=n_units)
    sums = [np.bincount(owner, weights=axis[rows], minlength=n_units) for axis in positions.T]
    with np.errstate(invalid="ignore"):
        means = np.column_stack(sums) / counts[:, np.newaxis]
    return None if np.isnan(means).all() else means


def electrode_positions(electrodes: Any) -> NDArray[np.float64] | None:
    """
    Read the coordinates of electrodes.

    Parameters
    ----------
    electrodes : hdmf.common.DynamicTable
        Table of electrodes.

    Returns
    -------
    numpy.ndarray or None
        Micrometres, shape (n_electrodes, 2 or 3); None where they are unknown: x, y and z were
        once mandatory, and 0 for all meant unknown.
    """
    for names in (("x", "y", "z"), ("rel_x", "rel_y", "rel_z")):
        if not all(name in electrodes.colnames for name in names[:2]):
            continue
        columns = [
            np.asarray(electrodes[name].data[:], dtype=np.float64)
            for name in names
            if name in electrodes.colnames
        ]
        positions = np.column_stack(columns)
        if positions.shape[1] == 3 and np.isnan(positions[:, 2]).all():
            positions = positions[:, :2]
        unset = len(positions) > 1 and not np.any(positions)
        if not unset and not np.isnan(positions[:, :2]).all():
            return positions
    return None
