"""What an NWB file holds beside its nodes: behaviour, intervals, and metadata."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import (
    COLUMNS_COMMENT,
    METADATA,
    SUBJECT_FIELDS,
    is_windows_of_a_run,
)
from tavrnn_ephys.adapters.nwb._read_markers import annotation_events, series_epochs
from tavrnn_ephys.adapters.nwb._series import (
    Limits,
    cut,
    neo_signal,
    series_clock,
    series_samples,
    walk_series,
)
from tavrnn_ephys.adapters.nwb._tables import ragged_texts, scalar_columns
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError
from tavrnn_ephys.io.blocks import distinct_names

if TYPE_CHECKING:
    import neo

__all__ = ["read_behavior", "read_epochs", "read_events", "read_metadata"]

# A wider matrix is hardly behaviour.
_MOST_COLUMNS = 16


def read_behavior(
    nwbfile: Any,
    file_name: str,
    *,
    limits: Limits = (None, None),
    taken: frozenset[str] = frozenset(),
) -> list[Any]:
    """
    Load the behaviour: numeric series that are neither traces of nodes nor raw recordings.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.
    file_name : str
        Name of the file, for messages.
    limits : tuple of float or None
        Start and stop in seconds of the part to load.
    taken : frozenset of str
        Object ids of series that stand for something else.

    Returns
    -------
    list of neo.AnalogSignal or neo.IrregularlySampledSignal
        One signal per series with the role ``"behavior"``.  Series that share a name are
        prefixed by the name of what holds them; samples that a file lists out of order are
        sorted by time.

    Warns
    -----
    DataLossWarning
        If a series has no usable times and is left out.
    """
    found = [
        item
        for item in walk_series(nwbfile)
        if item[1].object_id not in taken and _is_behavior(item[1])
    ]
    names = _names_of(found)
    signals, unusable = [], []
    for (container, series), name in zip(found, names, strict=True):
        try:
            clock = series_clock(series, file_name, sort=True)
        except FileFormatError:
            unusable.append(series.name)
            continue
        order = clock.order
        clock, part = cut(replace(clock, order=None), len(series.data), limits)
        if order is None:
            samples = np.asarray(series_samples(series, part), dtype=np.float64)
        else:
            samples = np.asarray(series_samples(series), dtype=np.float64)[order][part]
        if len(samples) == 0:
            continue
        signals.append(
            neo_signal(
                series,
                clock,
                samples,
                name=name,
                container=container,
                role="behavior",
                columns=_channel_names(series),
            )
        )
    if unusable:
        warnings.warn(
            f"{len(unusable)} series of '{file_name}' have no usable sample times and are left "
            f"out: {some(unusable)}.",
            DataLossWarning,
            stacklevel=4,
        )
    return signals


def _names_of(found: list[tuple[str, Any]]) -> list[str]:
    """Name series so that none hides another: by container, and by number, where names repeat."""
    names = [series.name for _, series in found]
    counts = Counter(names)
    names = [
        name if counts[name] == 1 else f"{container}_{name}"
        for name, (container, _) in zip(names, found, strict=True)
    ]
    return distinct_names(names)


def _is_behavior(series: Any) -> bool:
    from pynwb.ecephys import ElectricalSeries
    from pynwb.icephys import PatchClampSeries
    from pynwb.image import ImageSeries, IndexSeries
    from pynwb.misc import AnnotationSeries, IntervalSeries
    from pynwb.ophys import RoiResponseSeries

    others = (
        AnnotationSeries, ElectricalSeries, ImageSeries, IndexSeries, IntervalSeries,
        PatchClampSeries, RoiResponseSeries,
    )  # fmt: skip
    if isinstance(series, others) or not hasattr(series.data, "shape"):
        return False
    shape, kind = series.data.shape, getattr(series.data.dtype, "kind", "O")
    wide = len(shape) > 2 or (len(shape) == 2 and not 1 <= shape[1] <= _MOST_COLUMNS)
    return kind in "biuf" and len(shape) > 0 and shape[0] > 0 and not wide


def _channel_names(series: Any) -> list[str]:
    from pynwb.behavior import SpatialSeries

    n_channels = series.data.shape[1] if len(series.data.shape) > 1 else 1
    comments = str(series.comments or "")
    if comments.startswith(COLUMNS_COMMENT):
        names = comments.removeprefix(COLUMNS_COMMENT).split("; ")
        if len(names) == n_channels:
            return names
    if isinstance(series, SpatialSeries) and n_channels in (2, 3):
        return ["x", "y", "z"][:n_channels]
    return []


def read_epochs(nwbfile: Any) -> list[neo.Epoch]:
    """
    Load the intervals: trials, epochs, every other table of them but our own results, and series.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of neo.Epoch
        One per table that has rows, with a text column as labels and the other columns as
        array annotations; and one per ``IntervalSeries``, its kinds of intervals as labels.

    Warns
    -----
    DataLossWarning
        If intervals have no start or stop, and are left out.
    """
    epochs, endless = [], {}
    for table in _interval_tables(nwbfile):
        if len(table.id) == 0:
            continue
        epoch, n_left_out = _epoch(table)
        epochs.append(epoch)
        if n_left_out:
            endless[table.name] = n_left_out
    if endless:
        counts = ", ".join(f"{count} of '{name}'" for name, count in endless.items())
        warnings.warn(
            f"{sum(endless.values())} intervals have no start, no stop or end before they start, "
            f"and are left out ({counts}): without an end, an interval belongs to no window.",
            DataLossWarning,
            stacklevel=4,
        )
    return _beside(epochs, series_epochs(nwbfile))


def _interval_tables(nwbfile: Any) -> list[Any]:
    from pynwb.epoch import TimeIntervals

    tables = [nwbfile.trials, nwbfile.epochs, nwbfile.invalid_times]
    tables += list(nwbfile.intervals.values()) if nwbfile.intervals else []
    tables += [
        item
        for module in nwbfile.processing.values()
        for item in module.data_interfaces.values()
        if isinstance(item, TimeIntervals) and not is_windows_of_a_run(item.name)
    ]
    by_identity = {table.object_id: table for table in tables if table is not None}
    return list(by_identity.values())


def _epoch(table: Any) -> tuple[neo.Epoch, int]:
    """Give the intervals that have a start and an end, and the number of others."""
    import neo
    import quantities as pq

    start = np.asarray(table["start_time"].data[:], dtype=np.float64)
    stop = np.asarray(table["stop_time"].data[:], dtype=np.float64)
    columns = scalar_columns(table, without=("start_time", "stop_time"))
    name, labels = _labels(table, columns)
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(start) & np.isfinite(stop) & (stop >= start)
    epoch = neo.Epoch(
        times=start[kept] * pq.s,
        durations=(stop - start)[kept] * pq.s,
        labels=labels[kept],
        name=table.name,
        array_annotations={key: columns[key][kept] for key in columns if key != name},
        description=str(table.description),
    )
    return epoch, int((~kept).sum())


def read_events(nwbfile: Any) -> list[neo.Event]:
    """
    Load the tables of events, and the series of annotations.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of neo.Event
        One per table that has rows, in the order of time, with a text column as labels and the
        other columns as array annotations; and one per ``AnnotationSeries``.
    """
    import neo
    import quantities as pq

    events = []
    for table in (nwbfile.events or {}).values():
        if len(table.id) == 0 or "timestamp" not in table.colnames:
            continue
        times = np.asarray(table["timestamp"].data[:], dtype=np.float64)
        order = np.argsort(times, kind="stable")
        columns = scalar_columns(table, without=("timestamp",))
        name, labels = _labels(table, columns)
        events.append(
            neo.Event(
                times=times[order] * pq.s,
                labels=labels[order],
                name=table.name,
                array_annotations={key: columns[key][order] for key in columns if key != name},
                description=str(table.description),
            )
        )
    return _beside(events, annotation_events(nwbfile))


def _beside(tables: list[Any], series: list[Any]) -> list[Any]:
    """Join both; series of a name that is taken get a number, and tables keep theirs."""
    names = [str(item.name) for item in tables]
    for item in series:
        free = (f"{item.name}_{number}" for number in count(1))
        item.name = item.name if item.name not in names else next(x for x in free if x not in names)
        names.append(item.name)
    return [*tables, *series]


def _labels(table: Any, columns: dict[str, NDArray[Any]]) -> tuple[str, NDArray[np.str_]]:
    """Take the column "label", else the first text column, else the tags, else row numbers."""
    texts = [name for name, values in columns.items() if values.dtype.kind == "U"]
    if texts:
        name = "label" if "label" in texts else texts[0]
        return name, columns[name]
    if "tags" in table.colnames:
        tags = ragged_texts(table["tags"])
        if tags is not None:
            return "tags", np.array(tags, dtype=str)
    return "", np.arange(len(table.id)).astype(str)


def read_metadata(nwbfile: Any) -> dict[str, Any]:
    """
    Load what a file says about itself and its subject.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    dict of str to object
        Fields that are set, under NWB's names; ``subject`` is a dict.
    """
    about: dict[str, Any] = {}
    for name in METADATA:
        value = getattr(nwbfile, name)
        if value is not None and len(value) > 0:
            about[name] = value if isinstance(value, str) else [str(item) for item in value]
    subject = {name: getattr(nwbfile.subject, name, None) for name in SUBJECT_FIELDS}
    known = {name: value for name, value in subject.items() if value not in (None, "")}
    return {**about, "subject": known} if known else about
