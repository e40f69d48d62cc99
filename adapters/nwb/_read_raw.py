"""Raw voltage of an NWB file as signals that stay in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5_faults import faults_told
from tavrnn_ephys.adapters.nwb._names import known_place, quantities_unit
from tavrnn_ephys.adapters.nwb._read_units import electrode_positions
from tavrnn_ephys.adapters.nwb._remote import opened_remote
from tavrnn_ephys.adapters.nwb._series import Limits, cut, series_clock, walk_series
from tavrnn_ephys.adapters.nwb._tables import plain_column
from tavrnn_ephys.core.addresses import Address, OpenFile, place_of
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import distinct_names, make_signal
from tavrnn_ephys.io.lazy_signals import LazySignal

__all__ = ["read_raw_signals"]


def read_raw_signals(
    nwbfile: Any,
    file_name: str,
    *,
    limits: Limits = (None, None),
    channels: Sequence[Any] | None = None,
) -> list[Any]:
    """
    Describe the raw recordings of a file without loading them.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.
    file_name : str
        Name of the file, for messages.
    limits : tuple of float or None
        Start and stop in seconds of the part to describe.
    channels : sequence of str or int, optional
        Ids of the electrodes to keep.

    Returns
    -------
    list of LazySignal or neo.IrregularlySampledSignal
        One per ``ElectricalSeries`` with the role ``"raw"``; a series with explicit time stamps
        is loaded, since Neo has no lazy form of it.

    Raises
    ------
    InputError
        If a channel is in none of the series.
    """
    from pynwb.ecephys import ElectricalSeries, SpikeEventSeries

    found = [
        (container, series)
        for container, series in walk_series(nwbfile)
        if isinstance(series, ElectricalSeries)
        and not isinstance(series, SpikeEventSeries)
        and _is_numeric(series)
    ]
    signals = []
    known: list[str] = []
    names = distinct_names([str(series.name) for _, series in found])
    for (container, series), name in zip(found, names, strict=True):
        nodes = _electrode_nodes(series, file_name)
        known += nodes.ids.tolist()
        kept = _kept(nodes, channels)
        if len(kept):
            signals.append(_raw_signal(series, container, name, file_name, nodes, kept, limits))
    missing = [str(name) for name in channels or () if str(name) not in known]
    if missing and found:
        raise InputError(f"'{file_name}' has no channels {some(missing)}. It has: {some(known)}.")
    return signals


def _is_numeric(series: Any) -> bool:
    shape = getattr(series.data, "shape", ())
    return len(shape) in (1, 2) and 0 not in shape


def _kept(nodes: Nodes, channels: Sequence[Any] | None) -> NDArray[np.int64]:
    if channels is None:
        return np.arange(len(nodes))
    wanted = {str(name) for name in channels}
    return np.flatnonzero([str(name) in wanted for name in nodes.ids])


def _electrode_nodes(series: Any, file_name: str) -> Nodes:
    rows = np.asarray(series.electrodes.data[:], dtype=np.int64)
    table = series.electrodes.table
    shape = series.data.shape if len(series.data.shape) == 2 else (len(series.data), 1)
    if shape[1] != len(rows):
        raise FileFormatError(
            f"ElectricalSeries '{series.name}' of '{file_name}' has shape {tuple(shape)} for "
            f"{len(rows)} electrodes; (n_samples, n_channels) is needed. "
            + ("Transpose its data in the file." if shape[0] == len(rows) else "Correct the file.")
        )
    if np.any((rows < 0) | (rows >= len(table.id))):
        raise FileFormatError(
            f"ElectricalSeries '{series.name}' of '{file_name}' points to electrodes that are not "
            f"in its table of {len(table.id)}. Write the file again."
        )
    positions = electrode_positions(table)
    return Nodes(
        ids=[str(identity) for identity in np.asarray(table.id[:])[rows]],
        kind="channel",
        groups=_groups(table)[rows],
        positions_um=None if positions is None else positions[rows],
        rows=rows,
        table="electrodes",
    )


def _groups(table: Any) -> NDArray[np.str_]:
    for name in ("node_group", "location"):
        values = plain_column(table[name]) if name in table.colnames else None
        if values is not None and any(known_place(value) for value in values):
            return np.array([known_place(value) for value in values])
    return np.array([""] * len(table.id))


def _raw_signal(
    series: Any,
    container: str,
    name: str,
    file_name: str,
    nodes: Nodes,
    kept: NDArray[np.int64],
    limits: Limits,
) -> Any:
    clock, part = cut(series_clock(series, file_name), len(series.data), limits)
    if part.stop <= part.start:
        raise InputError(
            f"ElectricalSeries '{series.name}' of '{file_name}' has no sample between t_start and "
            "t_stop. Choose limits within the recording."
        )
    chosen = Nodes(
        ids=nodes.ids[kept], kind="channel", groups=nodes.groups[kept], table=nodes.table,
        positions_um=None if nodes.positions_um is None else nodes.positions_um[kept],
        rows=None if nodes.rows is None else nodes.rows[kept],
    )  # fmt: skip
    read_part = _part_reader(series, part.start, kept.tolist())
    units = quantities_unit(str(series.unit)) or "V"
    about: dict[str, Any] = {"role": "raw", "container": container}
    # A signal of one sample shows how a whole one is annotated.
    template = make_signal(
        np.zeros((1, len(chosen))), name=name, sampling_rate_hz=1.0, units=units,
        nodes=chosen, **about,
    )  # fmt: skip
    if clock.rate_hz is None:
        return make_signal(
            read_part(0, part.stop - part.start, None), name=name, times_s=clock.times_s,
            units=units, nodes=chosen, **about,
        )  # fmt: skip
    return LazySignal(
        read_part,
        n_samples=part.stop - part.start,
        n_channels=len(chosen),
        sampling_rate_hz=clock.rate_hz,
        t_start_s=clock.t_start_s,
        units=units,
        name=name,
        array_annotations=template.array_annotations,
        annotations=template.annotations,
    )


def _part_reader(
    series: Any, first: int, kept: list[int]
) -> Callable[[int, int, Sequence[int] | None], NDArray[np.float32]]:
    """Read parts of a dataset through a file that is opened each time and never kept open."""
    path, name = _place(series)
    flat = len(series.data.shape) == 1
    everything = kept == list(range(1 if flat else series.data.shape[1]))
    factor = float(series.conversion or 1.0)
    offset = float(series.offset or 0.0)
    gains = getattr(series, "channel_conversion", None)
    scale = factor * (np.ones(len(kept)) if gains is None else np.asarray(gains[:])[kept])

    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[np.float32]:
        index = np.arange(len(kept)) if channels is None else np.asarray(channels)
        wanted = [kept[item] for item in index]
        columns: Any = slice(None) if everything and channels is None else wanted
        rows = slice(first + start, first + stop)
        with _opened(path) as file:
            if name not in file:
                raise FileFormatError(
                    f"'{path.name}' has changed: it no longer holds '{name}'. Read it again."
                )
            data = file[name]
            values = data[rows] if flat else _columns(data, rows, columns)
        values = values.reshape(len(values), -1)
        # Counts of 16 bits fit into single precision; wider ones would lose their last digits.
        samples = values.astype(np.result_type(values.dtype, np.float32))
        samples *= scale[index].astype(samples.dtype)
        samples += samples.dtype.type(offset)
        return samples

    return read_part


def _place(series: Any) -> tuple[Path | Address | OpenFile, str]:
    """Where the file or Zarr store with the samples lies, and their name inside it."""
    data = series.data
    if hasattr(data, "file"):
        return place_of(data.file.filename), str(data.name)
    return Path(series.get_read_io().source), str(data.name)


@contextmanager
def _opened(path: Path | Address | OpenFile) -> Iterator[Any]:
    if not isinstance(path, Path):
        with opened_remote(path) as file:
            yield file
        return
    with faults_told(path):
        if path.is_dir():
            import zarr

            yield zarr.open_group(str(path), mode="r")
            return
        import h5py

        with h5py.File(path, "r") as file:
            yield file


def _columns(data: Any, rows: slice, columns: Any) -> NDArray[Any]:
    # Zarr names a choice of rows and listed columns otherwise than HDF5.
    if hasattr(data, "oindex"):
        return np.asarray(data.oindex[rows, columns])
    return np.asarray(data[rows, columns])
