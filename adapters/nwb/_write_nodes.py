"""Nodes of a Neo segment as tables and series of an NWB file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import (
    CHOSEN_COMMENT,
    NODE_COLUMNS,
    ROI_NAME,
    ROOT_OF_ATLAS,
    UNIT_NAME,
    UNKNOWN,
    is_free_name,
)
from tavrnn_ephys.adapters.nwb._tables import compressed, make_column
from tavrnn_ephys.adapters.nwb._write_beside import add_to_module, series_fields
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.names import several
from tavrnn_ephys.io.blocks import nodes_of_signal, nodes_of_spiketrains

if TYPE_CHECKING:
    import neo

__all__ = ["add_traces", "add_units"]

_OWN_ANNOTATIONS = {
    "node_id", "node_kind", "node_group", "node_row", "node_table", "x", "y", "z",
}  # fmt: skip
# Two spikes nearer than this are equal but for rounding.
_SAME_SPIKE_S = 1e-7
# Where spikes are so sparse that none follow within this time, intervals say nothing of it.
_COARSEST_RESOLUTION_S = 0.01


def add_units(
    nwbfile: Any, spiketrains: Sequence[neo.SpikeTrain], device: Mapping[str, Any]
) -> None:
    """
    Add spike trains as the units table.

    Where no train has a spike, the column of spike times holds one NaN that belongs to no row.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file, without units.
    spiketrains : sequence of neo.SpikeTrain
        One per node.
    device : mapping of str to str
        Fields of the recording device, as far as they are known.
    """
    from hdmf.common import VectorIndex
    from pynwb.misc import Units

    nodes = nodes_of_spiketrains(spiketrains)
    times = [np.sort(train.rescale("s").magnitude) for train in spiketrains]
    observed = [_observed_s(train) for train in spiketrains]
    columns = _spike_columns(times) + _ragged(
        "obs_intervals",
        "Start and stop of the recording of the unit, in seconds from the start of the session.",
        np.concatenate(observed),
        [len(intervals) for intervals in observed],
    )
    electrodes = _add_electrodes(nwbfile, nodes, device)
    if electrodes is not None:
        columns += _electrode_column(electrodes, len(nodes))
    columns += _node_columns(nodes, UNIT_NAME)
    columns += _annotation_columns(spiketrains)
    nwbfile.units = Units(
        name="units",
        description=f"Spike times of {len(nodes)} {several(nodes.kind)}, one per row.",
        id=list(range(len(nodes))),
        columns=columns,
        colnames=[column.name for column in columns if not isinstance(column, VectorIndex)],
        electrode_table=electrodes,
        resolution=_resolution_s(spiketrains, times),
    )


def _spike_columns(times: list[NDArray[np.float64]]) -> list[Any]:
    flat = np.concatenate(times)
    about = "Time of each spike of the unit, in seconds from the start of the session."
    if not len(flat):
        # Readers of NWB stumble over an empty column, and over units without one.
        flat, about = np.array([np.nan]), f"{about} No unit fired: the NaN belongs to no row."
    return _ragged("spike_times", about, compressed(flat), [len(train) for train in times])


def _observed_s(train: neo.SpikeTrain) -> NDArray[np.float64]:
    """Give the intervals in which a unit was observed: all of its recording, unless it has gaps."""
    limits = np.array([[_seconds(train.t_start), _seconds(train.t_stop)]])
    known = train.annotations.get("obs_intervals")
    if known is None:
        return limits
    seconds = known.rescale("s").magnitude if hasattr(known, "rescale") else np.asarray(known)
    inside = np.clip(np.asarray(seconds, dtype=np.float64).reshape(-1, 2), *limits[0])
    inside = inside[inside[:, 1] > inside[:, 0]]
    return inside if len(inside) else limits


def _seconds(value: Any) -> float:
    return float(value.rescale("s").magnitude)


def _ragged(name: str, description: str, flat: Any, lengths: Sequence[int]) -> list[Any]:
    from hdmf.common import VectorData, VectorIndex

    values = VectorData(name=name, description=description, data=flat)
    return [values, VectorIndex(name=f"{name}_index", target=values, data=np.cumsum(lengths))]


def _resolution_s(
    spiketrains: Sequence[neo.SpikeTrain], times: list[NDArray[np.float64]]
) -> float | None:
    """Sample interval of the recording if it is known, else the smallest interval in the data."""
    # Neo's default sampling rate of 1 Hz stands for "not known".
    rates = {
        1.0 if train.sampling_rate is None else float(train.sampling_rate.rescale("Hz").magnitude)
        for train in spiketrains
    }
    if len(rates) == 1 and (rate := rates.pop()) > 1.0:
        return 1.0 / rate
    intervals = np.diff(np.sort(np.concatenate(times)))
    intervals = intervals[intervals > _SAME_SPIKE_S]
    smallest = float(intervals.min(initial=np.inf))
    return smallest if smallest <= _COARSEST_RESOLUTION_S else None


def _node_columns(nodes: Nodes, name_column: str) -> list[Any]:
    columns = [make_column(name_column, NODE_COLUMNS[name_column], nodes.ids)]
    if nodes.kind != ("roi" if name_column == ROI_NAME else "unit"):
        kinds = [nodes.kind] * len(nodes)
        columns.append(make_column("node_kind", NODE_COLUMNS["node_kind"], kinds))
    if nodes.group_names:
        columns.append(make_column("node_group", NODE_COLUMNS["node_group"], nodes.groups))
    return columns


def _annotation_columns(spiketrains: Sequence[neo.SpikeTrain]) -> list[Any]:
    """Further columns of what every train is annotated with: one number or text of one type."""
    from pynwb.misc import Units

    shared = set.intersection(*(set(train.annotations) for train in spiketrains))
    columns = []
    for name in sorted(shared - _OWN_ANNOTATIONS):
        values = [train.annotations[name] for train in spiketrains]
        is_scalar = all(isinstance(value, str | bool | int | float) for value in values)
        is_free = is_free_name(name, Units) and name not in (UNIT_NAME, "id")
        if is_free and is_scalar and len({type(value) for value in values}) == 1:
            columns.append(make_column(name, f"Annotation '{name}' of the spike train.", values))
    return columns


def _add_electrodes(nwbfile: Any, nodes: Nodes, device: Mapping[str, Any]) -> Any:
    """Add one electrode per node where the nodes are recording sites or their place is known."""
    from hdmf.common import VectorData
    from pynwb.ecephys import ElectrodesTable

    if nodes.positions_um is None and nodes.kind != "channel":
        return None
    groups = _add_electrode_groups(nwbfile, nodes, _add_device(nwbfile, device))
    names = [str(name) or UNKNOWN for name in nodes.groups]
    places = [groups[name].location for name in names]
    columns = [
        make_column("location", "Subregion in which the electrode lies.", places),
        _references("group", "Group of electrodes.", [groups[name] for name in names]),
        make_column("group_name", "Name of the group.", [groups[name].name for name in names]),
    ]
    positions = nodes.positions_um if nodes.positions_um is not None else np.empty((len(nodes), 0))
    for axis, values in zip("xyz", positions.T, strict=False):
        if not np.isnan(values).all():
            about = f"{axis} coordinate of the electrode in micrometres."
            # NWB demands floats here, also where all of them are 0 or 1.
            columns.append(VectorData(name=axis, description=about, data=values))
    nwbfile.electrodes = ElectrodesTable(
        id=list(range(len(nodes))), columns=columns, colnames=[column.name for column in columns]
    )
    return nwbfile.electrodes


def _references(name: str, description: str, objects: list[Any]) -> Any:
    from hdmf.common import VectorData

    return VectorData(name=name, description=description, data=objects)


def _add_electrode_groups(nwbfile: Any, nodes: Nodes, device: Any) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    names = dict.fromkeys(str(name) or UNKNOWN for name in nodes.groups)
    for index, name in enumerate(names):
        clean = re.sub(r"[^A-Za-z0-9_ -]", "_", name)
        taken = {group.name for group in groups.values()}
        groups[name] = nwbfile.create_electrode_group(
            name=f"electrodes_{clean}" if f"electrodes_{clean}" not in taken else f"group_{index}",
            description="Electrodes of the array."
            if name == UNKNOWN
            else f"Electrodes in the subregion '{name}'.",
            location=_unknown_place(nwbfile) if name == UNKNOWN else name,
            device=device,
        )
    return groups


def _unknown_place(nwbfile: Any) -> str:
    """Spell a place that is not known: of a mouse NWB asks for a term of the Allen atlas."""
    species = nwbfile.subject.species if nwbfile.subject is not None else None
    return ROOT_OF_ATLAS if species in ("Mus musculus", "mouse", "Mouse") else UNKNOWN


def _add_device(nwbfile: Any, device: Mapping[str, Any]) -> Any:
    fields = {
        "name": "device",
        "description": "Recording device; the recording does not say more about it.",
        **device,
    }
    if fields["name"] in nwbfile.devices:
        return nwbfile.devices[fields["name"]]
    return nwbfile.create_device(**fields)


def _electrode_column(electrodes: Any, n_nodes: int) -> list[Any]:
    from hdmf.common import DynamicTableRegion, VectorIndex

    region = DynamicTableRegion(
        name="electrodes",
        description="Electrode that the unit was recorded with.",
        data=np.arange(n_nodes),
        table=electrodes,
    )
    stops = np.arange(1, n_nodes + 1)
    return [region, VectorIndex(name="electrodes_index", target=region, data=stops)]


def add_traces(
    nwbfile: Any,
    signal: Any,
    device: Mapping[str, Any],
    plane: Mapping[str, Any],
    alternatives: Sequence[Any] = (),
) -> None:
    """
    Add a signal with a trace per node as an ROI response series.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        The traces.
    device : mapping of str to str
        Fields of the recording device, as far as they are known.
    plane : mapping of str to object
        Fields of the imaging plane, as far as they are known, and ``emission_lambda``.
    alternatives : sequence of neo.AnalogSignal or neo.IrregularlySampledSignal
        Other traces of the same nodes.
    """
    from pynwb.ophys import Fluorescence, RoiResponseSeries

    nodes = nodes_of_signal(signal)
    n_planes = len(nwbfile.imaging_planes)
    suffix = "" if n_planes == 0 else f"_{n_planes + 1}"
    table = _plane_segmentation(nodes, _add_plane(nwbfile, device, plane, suffix), suffix)
    for column in _array_columns(signal):
        table.add_column(name=column.name, description=column.description, data=column.data)
    add_to_module(nwbfile, "ophys", _segmentation(table))
    traces = Fluorescence(name=f"Fluorescence{suffix}")
    add_to_module(nwbfile, "ophys", traces)
    for item in (signal, *alternatives):
        rois = table.create_roi_table_region(
            region=list(range(len(nodes))), description="ROI of each column of the traces."
        )
        fields = series_fields(item, f"Traces of {len(nodes)} {several(nodes.kind)}.", "ROI traces")
        if alternatives and item is signal:
            fields["comments"] = CHOSEN_COMMENT
        series = RoiResponseSeries(**fields, rois=rois)
        # The series comes last: its reference to the ROIs is checked as soon as it has a parent.
        traces.add_roi_response_series(series)


def _array_columns(signal: Any) -> list[Any]:
    """Further columns of what every channel of the traces is annotated with."""
    from pynwb.ophys import PlaneSegmentation

    columns = []
    for name, values in signal.array_annotations.items():
        array = np.asarray(values)
        missing = array.dtype.kind == "f" and bool(np.isnan(array).all())
        is_free = is_free_name(name, PlaneSegmentation) and name not in _OWN_ANNOTATIONS | {
            "column"
        }
        if is_free and array.ndim == 1 and array.dtype.kind in "biufU" and not missing:
            columns.append(make_column(name, f"Annotation '{name}' of the traces.", array))
    return columns


def _segmentation(table: Any) -> Any:
    from pynwb.ophys import ImageSegmentation

    name = table.name.replace("PlaneSegmentation", "ImageSegmentation")
    return ImageSegmentation(name=name, plane_segmentations=[table])


def _plane_segmentation(nodes: Nodes, plane: Any, suffix: str) -> Any:
    from pynwb.ophys import PlaneSegmentation

    # PyNWB demands a mask; a block knows none, and an empty one says so.
    no_masks = "The masks are not known: each is a single pixel of weight 0."
    columns = [
        make_column("image_mask", no_masks, np.zeros((len(nodes), 1, 1))),
        *_node_columns(nodes, ROI_NAME),
    ]
    if nodes.positions_um is not None:
        columns.append(make_column("position_um", NODE_COLUMNS["position_um"], nodes.positions_um))
    return PlaneSegmentation(
        name=f"PlaneSegmentation{suffix}",
        description=f"The {len(nodes)} {several(nodes.kind)} whose traces stand in this file.",
        imaging_plane=plane,
        id=list(range(len(nodes))),
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _add_plane(
    nwbfile: Any, device: Mapping[str, Any], plane: Mapping[str, Any], suffix: str
) -> Any:
    """Add the imaging plane; what is not known of it stands there as NaN or "unknown"."""
    from pynwb.ophys import OpticalChannel

    fields = {
        "name": f"ImagingPlane{suffix}",
        "description": "Imaging plane; the recording does not say more about it.",
        "excitation_lambda": np.nan,
        "indicator": UNKNOWN,
        "location": UNKNOWN,
        **plane,
    }
    channel = OpticalChannel(
        name="OpticalChannel",
        description="Optical channel of the traces.",
        emission_lambda=float(fields.pop("emission_lambda", np.nan)),
    )
    return nwbfile.create_imaging_plane(
        optical_channel=channel, device=_add_device(nwbfile, device), **fields
    )
