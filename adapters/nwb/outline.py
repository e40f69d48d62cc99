"""Size of the recording in an NWB file, from its tables and shapes alone."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.adapters.nwb._files import open_nwb
from tavrnn_ephys.adapters.nwb._read_rois import (
    KeptRois,
    choose_roi_series,
    find_roi_series,
)
from tavrnn_ephys.adapters.nwb._read_spikes import kept_units, limits_of_units
from tavrnn_ephys.adapters.nwb._read_units import find_units
from tavrnn_ephys.adapters.nwb._series import Limits, cut, series_clock, walk_series
from tavrnn_ephys.adapters.nwb._tables import ragged_column
from tavrnn_ephys.adapters.nwb.read import asked_limits_s
from tavrnn_ephys.core.addresses import place_of
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.io.blocks import rate_hz
from tavrnn_ephys.io.outlines import Outline

__all__ = ["outline_block"]

# Beyond so many time stamps a header is not short any more.
_MOST_TIMES = 1_000_000


def outline_block(
    path: str | Path,
    *,
    series: str | None = None,
    t_start: Any = None,
    t_stop: Any = None,
    channels: Any = None,
    quality: Any = "accepted",
    sampling_rate: Any = None,
    outside_files: bool = False,
) -> tuple[Outline, ...] | None:
    """
    Say how many nodes an NWB file holds, and how long it is.

    Of units the first and the last spike are read, of series their shapes.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    series, t_start, t_stop, channels, quality, sampling_rate, outside_files : object
        As in :func:`~tavrnn_ephys.adapters.nwb.read.read_block`.

    Returns
    -------
    tuple of Outline or None
        One segment; None where it has to be read: waveforms, and plain series of neurons.

    Raises
    ------
    FileFormatError
        If the file is damaged, or not NWB.
    """
    del channels  # They choose raw voltage, which is no node.
    place = place_of(path)
    limits = asked_limits_s(t_start, t_stop)
    known_hz = None if sampling_rate is None else rate_hz(sampling_rate, None, place.name)
    with warnings.catch_warnings(), open_nwb(place, outside=outside_files) as nwbfile:
        # What is lost is told when the recording is read.
        warnings.simplefilter("ignore", DataLossWarning)
        tables, rois = find_units(nwbfile), find_roi_series(nwbfile)
        named = [table for table in tables if table.name == series]
        if tables and (named or series is None):
            if rois:  # Both are nodes, and the longer one counts.
                return None
            return _of_units(nwbfile, (named or tables)[0], place.name, limits, quality)
        if not rois or (series is not None and any(mark in series for mark in "*?[")):
            return None
        ordered, _ = choose_roi_series(rois, place.name, series)
        return _of_rois(ordered[0].series, place.name, limits, quality, known_hz)


def _of_units(
    nwbfile: Any, units: Any, file_name: str, limits: Limits, quality: Any
) -> tuple[Outline, ...] | None:
    n_kept = len(kept_units(units, quality, file_name))
    ends = []
    if "spike_times" in units.colnames:
        column, stops = ragged_column(units["spike_times"])
        starts = np.concatenate([[0], stops[:-1]])
        filled = stops > starts
        wanted = np.unique(np.concatenate([starts[filled], stops[filled] - 1]))
        if len(wanted) and wanted[-1] >= len(column.data):
            return None  # The index is damaged, which reading tells.
        # One unit's first and last spike; h5py takes positions in order, each once.
        spikes = np.asarray(column.data[wanted], dtype=np.float64) if len(wanted) else np.empty(0)
        ends = [np.sort(spikes)] if len(spikes) else []
    last_s = 0.0 if "obs_intervals" in units.colnames else _last_s(nwbfile)
    start_s, stop_s = limits_of_units(units, ends, last_s, file_name, limits)
    start_s = start_s if limits[0] is None else max(start_s, limits[0])
    stop_s = stop_s if limits[1] is None else min(stop_s, limits[1])
    return (Outline(n_nodes=n_kept, t_start_s=start_s, t_stop_s=stop_s),)


def _last_s(nwbfile: Any) -> float:
    """Find the last sample or the end of the last interval of a file."""
    stops = [0.0]
    for _, series in walk_series(nwbfile):
        n_samples = len(series.data) if hasattr(series.data, "__len__") else 0
        if series.timestamps is not None and len(series.timestamps):
            stops.append(float(series.timestamps[-1]))
        elif n_samples and series.rate:
            stops.append(float(series.starting_time or 0.0) + n_samples / float(series.rate))
    for table in (nwbfile.intervals or {}).values():
        if "stop_time" in table.colnames and len(table.id):
            stops.append(float(np.nanmax(np.asarray(table["stop_time"].data[:], np.float64))))
    return max(stop for stop in stops if math.isfinite(stop))


def _of_rois(
    series: Any, file_name: str, limits: Limits, quality: Any, known_hz: float | None
) -> tuple[Outline, ...] | None:
    if series.timestamps is not None and len(series.timestamps) > _MOST_TIMES:
        return None
    rows = np.asarray(series.rois.data[:], dtype=np.int64)
    kept = KeptRois(quality, file_name).rows(series.rois.table)
    if len(rows) and (rows.min() < 0 or rows.max() >= len(kept)):
        return None
    clock, part = cut(series_clock(series, file_name, rate_hz=known_hz), len(series.data), limits)
    n_samples = part.stop - part.start
    if not n_samples:
        return None
    if clock.rate_hz is not None:
        stop_s = clock.t_start_s + n_samples / clock.rate_hz
    else:
        stop_s = float(np.asarray(clock.times_s)[-1])
    return (Outline(n_nodes=int(kept[rows].sum()), t_start_s=clock.t_start_s, t_stop_s=stop_s),)
