"""Events and sampled voltage of MCS HDF5 files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import attribute, file_name, load, open_hdf5, text
from tavrnn_ephys.adapters.mea._parts import in_span
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.lazy_signals import LazySignal

if TYPE_CHECKING:
    import neo

__all__ = ["events_of_stream", "traces_of_stream"]

_MICROSECOND = 1e-6


def events_of_stream(stream: Any, span: tuple[float, float]) -> list[neo.Event | neo.Epoch]:
    """
    Read the events of a stream; those that last become epochs.

    Parameters
    ----------
    stream : h5py.Group
        An ``EventStream``.
    span : tuple of float
        Limits in seconds.

    Returns
    -------
    list of neo.Event or neo.Epoch
        One per entity.

    Raises
    ------
    FileFormatError
        If an entity is not a table of times and durations.
    """
    name = attribute(stream, "Label", "events")
    found = []
    for row in load(stream, "InfoEvent", kinds="V"):
        dataset = f"EventEntity_{int(row['EventID'])}"
        if dataset not in stream:
            continue
        table = load(stream, dataset, kinds="iu").astype(np.float64) * _MICROSECOND
        if table.ndim != 2 or len(table) < 2:
            raise FileFormatError(
                f"'{dataset}' of '{file_name(stream)}' has the shape {table.shape}; rows of times "
                "and durations are needed. Export it again."
            )
        label = text(row["Label"]) or text(row["SourceChannelLabels"])
        found.append(_event(name, label, table[0], table[1], span))
    return found


def _event(
    name: str,
    label: str,
    times_s: NDArray[np.float64],
    durations_s: NDArray[np.float64],
    span: tuple[float, float],
) -> neo.Event | neo.Epoch:
    import neo
    import quantities as pq

    order = np.argsort(times_s, kind="stable")
    order = order[in_span(times_s[order], span)]
    about = {"labels": np.full(len(order), label, dtype=str), "name": name}
    if np.any(durations_s > 0):
        return neo.Epoch(times_s[order] * pq.s, durations=durations_s[order] * pq.s, **about)
    return neo.Event(times_s[order] * pq.s, **about)


def traces_of_stream(
    path: Path, stream: Any, wanted: Sequence[str], span: tuple[float, float]
) -> LazySignal | None:
    """
    Stand for the sampled voltage of a stream without loading it.

    Parameters
    ----------
    path : pathlib.Path
        The file, opened again for each part that is loaded.
    stream : h5py.Group
        An ``AnalogStream`` of electrodes.
    wanted : sequence of str
        Node ids that were asked for.
    span : tuple of float
        Limits of the part in seconds.

    Returns
    -------
    LazySignal or None
        Voltages in microvolts; None where the part has none.

    Raises
    ------
    FileFormatError
        If the stream has gaps or no sampling rate.
    """
    info = load(stream, "InfoChannel", kinds="V")
    labels = [text(item) for item in info["Label"]]
    chosen = [index for index, label in enumerate(labels) if label in set(wanted)]
    chosen = chosen or list(range(len(labels)))
    stamps = load(stream, "ChannelDataTimeStamps", kinds="iu")
    ticks = np.unique(info["Tick"])
    name = attribute(stream, "Label", "traces")
    if len(stamps) != 1 or len(ticks) != 1 or ticks[0] <= 0:
        raise FileFormatError(
            f"The traces '{name}' of '{file_name(stream)}' have gaps or several sampling rates, "
            "which one signal cannot hold. Read the spikes alone: traces=False."
        )
    rate_hz, start_s = 1e6 / float(ticks[0]), float(stamps[0, 0]) * _MICROSECOND
    scale, zero = _scales(info)
    rows = [int(row) for row in info["RowIndex"][chosen]]
    signal = LazySignal(
        _reader(path, f"{stream.name}/ChannelData", rows, scale[chosen], zero[chosen]),
        n_samples=stream["ChannelData"].shape[1],
        n_channels=len(chosen),
        sampling_rate_hz=rate_hz,
        t_start_s=start_s,
        name=name,
        array_annotations={"node_id": np.array(labels)[chosen]},
        annotations={"role": "raw", "node_kind": "channel"},
    )
    first = max(0, round((span[0] - start_s) * rate_hz))
    last = min(signal.shape[0], round((span[1] - start_s) * rate_hz))
    return signal.part(start=first, stop=last) if first < last else None


def _scales(info: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Microvolts per step, and the step of zero volts."""
    exponent = info["Exponent"].astype(np.float64) + 6.0
    return info["ConversionFactor"] * 10.0**exponent, info["ADZero"].astype(np.float64)


def _reader(
    path: Path,
    dataset: str,
    rows: list[int],
    scale: NDArray[np.float64],
    zero: NDArray[np.float64],
) -> Any:
    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[Any]:
        index = np.arange(len(rows)) if channels is None else np.asarray(channels)
        ascending, back = np.unique(np.asarray(rows)[index], return_inverse=True)
        with open_hdf5(path) as file:
            samples = file[dataset][ascending.tolist(), start:stop]
        return (samples[back].T - zero[index]) * scale[index]

    return read_part
