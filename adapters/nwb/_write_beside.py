"""Behaviour and intervals of a Neo segment as objects of an NWB file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters.nwb._names import COLUMNS_COMMENT, is_free_name, nwb_unit
from tavrnn_ephys.adapters.nwb._tables import compressed, make_column
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = ["add_behavior", "add_events", "add_intervals", "add_to_module", "series_fields"]

_MODULES = {
    "behavior": "Behaviour and other signals recorded beside the neural activity.",
    "ecephys": "Results computed from extracellular recordings.",
    "ophys": "Cells found in optical recordings, their traces, and results computed from them.",
}


def add_to_module(nwbfile: Any, module: str, item: Any) -> None:
    """
    Add an object to a processing module, which is created where it is missing.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    module : str
        Name of the module, such as ``"behavior"``, ``"ecephys"`` or ``"ophys"``.
    item : pynwb.NWBDataInterface or hdmf.common.DynamicTable
        The object.
    """
    if module not in nwbfile.processing:
        text = _MODULES.get(module, "Results computed from the recording.")
        nwbfile.create_processing_module(name=module, description=text)
    nwbfile.processing[module].add(item)


def series_fields(
    signal: Any, description: str, default_name: str, name: str = ""
) -> dict[str, Any]:
    """
    Collect what a time series of NWB needs to know of a signal.

    Parameters
    ----------
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal.
    description : str
        What it stands for, unless its annotation ``description`` says so.
    default_name : str
        Name of a signal that has none.
    name : str
        Name to give it, in place of its own.

    Returns
    -------
    dict of str to object
        Arguments of :class:`pynwb.TimeSeries`.
    """
    name = _checked_name(name or str(signal.name or default_name), "signal")
    unit = signal.dimensionality.string
    text = signal.annotations.get("unit_text", "n.a.") if unit == "dimensionless" else unit
    data = signal.magnitude
    fields = {
        "name": name,
        "data": compressed(data[:, 0] if data.shape[1] == 1 and "node_kind" not in
                            signal.annotations else data),
        "unit": nwb_unit(str(text)),
        "description": str(signal.annotations.get("description") or signal.description
                           or description),
        **_times(signal),
    }  # fmt: skip
    columns = signal.array_annotations.get("column")
    if columns is not None:
        fields["comments"] = COLUMNS_COMMENT + "; ".join(str(column) for column in columns)
    return fields


def _times(signal: Any) -> dict[str, Any]:
    import neo

    if isinstance(signal, neo.AnalogSignal):
        return {
            "starting_time": float(signal.t_start.rescale("s").magnitude),
            "rate": float(signal.sampling_rate.rescale("Hz").magnitude),
        }
    times = np.asarray(signal.times.rescale("s").magnitude, dtype=np.float64)
    steps = np.diff(times)
    # Time stamps that are regular to a nanosecond say no more than a rate.
    if len(times) > 2 and steps[0] > 0 and np.ptp(np.round(steps, 9)) == 0:
        rate = (len(times) - 1) / (times[-1] - times[0])
        return {"starting_time": float(times[0]), "rate": float(rate)}
    return {"timestamps": compressed(times)}


def _checked_name(name: str, what: str) -> str:
    if not name or any(character in name for character in "/\\:"):
        raise InputError(
            f"NWB cannot name a {what} '{name}': a name must not be empty nor contain "
            "'/', '\\' or ':'. Rename it."
        )
    return name


def add_behavior(nwbfile: Any, signal: Any, name: str = "") -> None:
    """
    Add a behaviour signal to the module ``behavior``.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal.
    name : str
        Name to give it, in place of its own.
    """
    from pynwb import TimeSeries

    description = f"Behaviour signal '{name or signal.name}'."
    fields = series_fields(signal, description, "behavior", name)
    add_to_module(nwbfile, "behavior", TimeSeries(**fields))


def add_intervals(nwbfile: Any, epoch: neo.Epoch) -> None:
    """
    Add an epoch as a table of intervals.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    epoch : neo.Epoch
        Intervals with labels; array annotations of numbers or text become columns.

    Raises
    ------
    InputError
        If two epochs share a name, or a name is none that NWB can hold.
    """
    from pynwb.epoch import TimeIntervals

    name = _checked_name(str(epoch.name or "intervals"), "table of intervals")
    if name in nwbfile.intervals or getattr(nwbfile, name, None) is not None:
        raise InputError(f"Two epochs are named '{name}', or NWB reserves the name. Rename one.")
    if len(epoch) == 0:
        return
    columns = _interval_columns(epoch)
    table = TimeIntervals(
        name=name,
        description=str(epoch.description or f"Intervals '{name}' of the recording."),
        id=list(range(len(epoch))),
        columns=columns,
        colnames=[column.name for column in columns],
    )
    if name in ("epochs", "invalid_times", "trials"):
        setattr(nwbfile, name, table)
    else:
        nwbfile.add_time_intervals(table)


def add_events(nwbfile: Any, event: neo.Event) -> None:
    """
    Add events as a table.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    event : neo.Event
        Times with labels; array annotations of numbers or text become columns.

    Raises
    ------
    InputError
        If two tables of events share a name, or a name is none that NWB can hold.
    """
    from pynwb.event import EventsTable, TimestampVectorData

    name = _checked_name(str(event.name or "events"), "table of events")
    if name in (nwbfile.events or {}):
        raise InputError(f"Two lists of events are named '{name}'. Rename one.")
    if len(event) == 0:
        return
    times = np.asarray(event.times.rescale("s").magnitude, dtype=np.float64)
    columns: list[Any] = [
        TimestampVectorData(
            name="timestamp", description="Time of the event in seconds.", data=times
        )
    ]
    if len(event.labels) == len(event):
        columns.append(make_column("label", "What the event is.", event.labels))
    taken = {"timestamp", "label", "id", "duration", "annotation"}
    columns += _annotation_columns(event, EventsTable, taken, "event")
    nwbfile.add_events_table(
        EventsTable(
            name=name,
            description=str(event.description or f"Events '{name}' of the recording."),
            id=list(range(len(event))),
            columns=columns,
            colnames=[column.name for column in columns],
        )
    )


def _annotation_columns(item: Any, table_class: type, taken: set[str], what: str) -> list[Any]:
    columns = []
    for name, values in item.array_annotations.items():
        array = np.asarray(values)
        missing = array.dtype.kind == "f" and bool(np.isnan(array).all())
        is_free = is_free_name(name, table_class) and name not in taken
        if is_free and array.ndim == 1 and array.dtype.kind in "biufU" and not missing:
            columns.append(make_column(name, f"Annotation '{name}' of the {what}.", array))
    return columns


def _interval_columns(epoch: neo.Epoch) -> list[Any]:
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    start = np.asarray(epoch.times.rescale("s").magnitude, dtype=np.float64)
    stop = start + np.asarray(epoch.durations.rescale("s").magnitude, dtype=np.float64)
    columns = [
        VectorData(name="start_time", description="Start of the interval in seconds.", data=start),
        VectorData(name="stop_time", description="End of the interval in seconds.", data=stop),
    ]
    if len(epoch.labels) == len(epoch):
        columns.append(make_column("label", "What the interval is.", epoch.labels))
    taken = {column.name for column in columns} | {"id"}
    return columns + _annotation_columns(epoch, TimeIntervals, taken, "interval")
