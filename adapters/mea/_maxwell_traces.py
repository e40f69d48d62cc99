"""Raw voltage of MaxWell files, which stays in the file and needs the vendor's HDF5 filter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import file_name, load, open_hdf5, scalar
from tavrnn_ephys.core.errors import FileFormatError, MissingDependencyError
from tavrnn_ephys.io.lazy_signals import LazySignal

if TYPE_CHECKING:
    from tavrnn_ephys.adapters.mea._maxwell_wells import Well

__all__ = ["traces_of_well"]


def traces_of_well(
    path: Path, well: Well, channels: Any, start_s: float, stop_s: float
) -> LazySignal | None:
    """
    Stand for the raw voltage of a well without loading it.

    Parameters
    ----------
    path : pathlib.Path
        The file, opened again for each part that is loaded.
    well : Well
        The well, its file still open.
    channels : sequence of str or int, optional
        Node ids that were asked for.
    start_s, stop_s : float
        Limits of the part in seconds.

    Returns
    -------
    LazySignal or None
        The mapped channels that are wanted, in microvolts; None if the part has none.

    Raises
    ------
    FileFormatError
        If no traces are stored.
    MissingDependencyError
        If the vendor's HDF5 filter is absent.
    """
    dataset, rows = _stored(well)
    _require_filters(dataset)
    names = [str(item) for item in well.nodes.ids]
    wanted = set(names) if channels is None else {str(item) for item in np.ravel(channels)}
    nodes = [
        index for index, channel in enumerate(well.channels)
        if names[index] in wanted and int(channel) in rows
    ]  # fmt: skip
    if not nodes:
        return None
    positions = well.nodes.positions_um
    signal = LazySignal(
        _reader(path, dataset.name, [rows[int(well.channels[index])] for index in nodes],
                _microvolts_per_bit(well)),
        n_samples=dataset.shape[1],
        n_channels=len(nodes),
        sampling_rate_hz=well.rate_hz,
        t_start_s=well.lead_s,
        name=f"traces of {well.place.well}",
        array_annotations=_about(well, nodes, positions),
        annotations={"role": "raw", "node_kind": "channel"},
    )  # fmt: skip
    first = max(0, round((start_s - well.lead_s) * well.rate_hz))
    last = min(dataset.shape[1], round((stop_s - well.lead_s) * well.rate_hz))
    return signal.part(start=first, stop=last) if first < last else None


def _about(well: Well, nodes: list[int], positions: Any) -> dict[str, Any]:
    import quantities as pq

    return {
        "node_id": well.nodes.ids[nodes],
        "node_group": well.nodes.groups[nodes],
        "x": positions[nodes, 0] * pq.um,
        "y": positions[nodes, 1] * pq.um,
    }


def _stored(well: Well) -> tuple[Any, dict[int, int]]:
    """Dataset of samples, and the row of each channel in it."""
    group = well.place.group
    if well.place.legacy and "sig" in group:
        rows = range(group["sig"].shape[0])
        return group["sig"], {row: row for row in rows}
    for item in group.get("groups", {}).values() if not well.place.legacy else ():
        if "raw" in item:
            channels = load(item, "channels")
            return item["raw"], {int(channel): row for row, channel in enumerate(channels)}
    raise FileFormatError(
        f"'{file_name(group)}' stores no traces of {well.place.well}: only spikes were kept. "
        "Read it with traces=False."
    )


def _require_filters(dataset: Any) -> None:
    import h5py

    plan = dataset.id.get_create_plist()
    codes = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    absent = [code for code in codes if not h5py.h5z.filter_avail(code)]
    if absent:
        raise MissingDependencyError(
            f"Reading traces of '{file_name(dataset)}' needs MaxWell's HDF5 filter "
            f"({absent[0]}). Set the environment variable HDF5_PLUGIN_PATH to the folder of its "
            "library; the spike table can be read without: traces=False."
        )


def _microvolts_per_bit(well: Well) -> float:
    return 1e6 * scalar(well.place.group, "settings/lsb")


def _reader(path: Path, dataset: str, rows: list[int], scale: float) -> Any:
    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[Any]:
        chosen = rows if channels is None else [rows[index] for index in channels]
        ascending, back = np.unique(chosen, return_inverse=True)
        with open_hdf5(path) as file:
            samples = file[dataset][ascending.tolist(), start:stop]
        return samples[back].T.astype(np.float32) * np.float32(scale)

    return read_part
