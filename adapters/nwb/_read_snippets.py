"""Spikes that were detected but not sorted: the snippets of an NWB file as spike trains."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import known_place
from tavrnn_ephys.adapters.nwb._read_units import electrode_positions
from tavrnn_ephys.adapters.nwb._series import Limits, walk_series
from tavrnn_ephys.adapters.nwb._tables import plain_column
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import distinct_names, make_spiketrain, recording_start_s

if TYPE_CHECKING:
    import neo

__all__ = ["read_snippets"]


def read_snippets(
    nwbfile: Any, file_name: str, last_s: float, limits: Limits = (None, None)
) -> list[neo.SpikeTrain]:
    """
    Load the times of every ``SpikeEventSeries``; one series is one recording site.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.
    file_name : str
        Name of the file, for messages.
    last_s : float
        Time of the last sample or interval of the file, which the recording reaches at least.
    limits : tuple of float or None
        Start and stop in seconds of the part to keep.

    Returns
    -------
    list of neo.SpikeTrain
        One per series, named after it; a tetrode or probe lies where its electrodes lie on
        average.  Empty if the file has no such series.

    Raises
    ------
    FileFormatError
        If times are not finite.
    InputError
        If nothing lies between the limits.

    Warns
    -----
    DataLossWarning
        That the spikes are not sorted, and their shapes not read.
    """
    from pynwb.ecephys import SpikeEventSeries

    found = [series for _, series in walk_series(nwbfile) if isinstance(series, SpikeEventSeries)]
    if not found:
        return []
    times = [_times_s(series, file_name) for series in found]
    nodes = _nodes(found)
    warnings.warn(
        f"'{file_name}' holds no sorted units; the {sum(map(len, times))} detected spikes of its "
        f"{len(found)} SpikeEventSeries are taken, one node per series, and their shapes are not "
        "read.",
        DataLossWarning,
        stacklevel=4,
    )
    filled = [train for train in times if len(train)]
    first = min((float(train[0]) for train in filled), default=0.0)
    last = max((float(train[-1]) for train in filled), default=0.0)
    start = min(0.0, first)
    if limits[0] is not None:
        start = limits[0]
    elif filled:
        start = min(recording_start_s(first, last, f"'{file_name}'"), first)
    stop = last_s if last < last_s else float(np.nextafter(last, np.inf))
    stop = stop if limits[1] is None else min(stop, limits[1])
    if not start < stop:
        raise InputError(
            f"'{file_name}' holds no spikes between t_start and t_stop. Choose limits within the "
            "recording."
        )
    return [
        make_spiketrain(
            train[slice(*np.searchsorted(train, [start, stop]))], nodes, index,
            t_start_s=start, t_stop_s=stop,
        )
        for index, train in enumerate(times)
    ]  # fmt: skip


def _times_s(series: Any, file_name: str) -> NDArray[np.float64]:
    times = np.sort(np.asarray(series.timestamps[:], dtype=np.float64))
    if not np.isfinite(times).all():
        raise FileFormatError(
            f"SpikeEventSeries '{series.name}' of '{file_name}' has times that are not finite. "
            "Correct the file."
        )
    return times


def _nodes(found: list[Any]) -> Nodes:
    groups, places = [], []
    for series in found:
        rows = np.asarray(series.electrodes.data[:], dtype=np.int64)
        table = series.electrodes.table
        positions = electrode_positions(table)
        inside = rows[(rows >= 0) & (rows < len(table.id))]
        places.append(None if positions is None else positions[inside].mean(axis=0))
        location = plain_column(table["location"]) if "location" in table.colnames else None
        known = [] if location is None else [known_place(location[row]) for row in inside]
        groups.append(known[0] if known else "")
    known_places = [place for place in places if place is not None]
    same = len({len(place) for place in known_places}) == 1 and len(known_places) == len(places)
    return Nodes(
        ids=distinct_names([str(series.name) for series in found]),
        kind="channel",
        groups=groups,
        positions_um=np.array(known_places, dtype=np.float64) if same else None,
    )
