"""Spikes that BrainWave stored in the wells of BRW files of version 4, and of their results."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import load
from tavrnn_ephys.adapters.mea._parts import choose, span_within, spiketrains_of_table
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError

if TYPE_CHECKING:
    import neo

__all__ = ["EVENTS", "StoredSpikes", "settings_of", "stored_spikes", "wells_of"]

#: Traces of which only stretches around events are kept.
EVENTS = "EventsBasedSparseRaw"
_NEEDED = ("SpikeTimes", "SpikeChIdxs")


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSpikes:
    """
    Spikes of one well, as BrainWave stored them.

    Parameters
    ----------
    well : str
        Name of the well.
    frames : numpy.ndarray of int, shape (n_spikes,)
        Frame of each spike.
    channels : numpy.ndarray of int, shape (n_spikes,)
        Index of its channel in the well.
    known : numpy.ndarray of int
        Indices of all channels that were recorded, ascending.
    rate_hz : float
        Frames per second.
    limits_s : tuple of float
        Start and stop of the recording in seconds.
    """

    well: str
    frames: NDArray[np.int64]
    channels: NDArray[np.int64]
    known: NDArray[np.int64]
    rate_hz: float
    limits_s: tuple[float, float]

    def spiketrains(
        self, file_name: str, *, channels: Any, pitch_um: float | None, asked: tuple[float, float]
    ) -> list[neo.SpikeTrain]:
        """
        Give one spike train per channel.

        Parameters
        ----------
        file_name : str
            Name of the file, for messages.
        channels : sequence of str, optional
            Which channels; all by default.
        pitch_um : float, optional
            Distance of neighbouring electrodes in micrometres.
        asked : tuple of float
            Limits in seconds, infinite where nothing is asked for.

        Returns
        -------
        list of neo.SpikeTrain
            In the order of the channels.
        """
        names, places = _names(self.known)
        chosen = np.array(choose(channels, names, "channel", file_name), dtype=np.int64)
        known = self.known[chosen]
        inside = np.isin(self.channels, known)
        nodes = Nodes(
            ids=[names[index] for index in chosen],
            kind="channel",
            positions_um=None if pitch_um is None or places is None else places[chosen] * pitch_um,
        )
        return spiketrains_of_table(
            self.frames[inside] / self.rate_hz,
            np.searchsorted(known, self.channels[inside]),
            nodes,
            span_within(asked, self.limits_s, file_name),
            sampling_rate_hz=self.rate_hz,
        )


def wells_of(file: Any) -> dict[str, Any]:
    """
    List the wells of a file.

    Parameters
    ----------
    file : h5py.File
        The file.

    Returns
    -------
    dict of str to h5py.Group
        By name, in order; empty in version 3.
    """
    return {
        key: file[key] for key in file if key.startswith("Well_") and hasattr(file[key], "keys")
    }


def settings_of(file: Any, name: str = "ExperimentSettings") -> dict[str, Any]:
    """
    Read what version 4 says of the experiment, in JSON; version 3 has nothing of the kind.

    Parameters
    ----------
    file : h5py.File
        The file.
    name : str
        Which text.

    Returns
    -------
    dict of str to object
        What it says; empty where there is none.
    """
    if name not in file:
        return {}
    try:
        settings = json.loads(np.ravel(file[name][()])[0])
    except (ValueError, TypeError, IndexError):
        return {}
    return settings if isinstance(settings, dict) else {}


def stored_spikes(file: Any, file_name: str) -> StoredSpikes | None:
    """
    Find the spikes that BrainWave stored.

    Parameters
    ----------
    file : h5py.File
        The file.
    file_name : str
        Its name, for messages.

    Returns
    -------
    StoredSpikes or None
        Those of the first well that has any; None where nothing is stored.

    Raises
    ------
    FileFormatError
        If times and channels do not fit each other, or nothing says how long a frame is.

    Warns
    -----
    DataLossWarning
        If several wells hold spikes.
    """
    wells = {
        key: well for key, well in wells_of(file).items() if all(item in well for item in _NEEDED)
    }
    if not wells:
        return None
    name, well = next(iter(wells.items()))
    if len(wells) > 1:
        warnings.warn(
            f"'{file_name}' holds stored spikes of {len(wells)} wells ({some(wells)}); only the "
            f"first, '{name}', is read. Export the others one by one.",
            DataLossWarning,
            stacklevel=4,
        )
    frames, channels = (np.ravel(load(well, item, kinds="iu")) for item in _NEEDED)
    if len(frames) != len(channels):
        raise FileFormatError(
            f"'{file_name}' stores {len(frames)} spike times for {len(channels)} channels of "
            "spikes. Export it again."
        )
    known = np.unique(channels)
    if "StoredChIdxs" in well:
        known = np.union1d(known, np.ravel(load(well, "StoredChIdxs", kinds="iu")))
    rate_hz = _rate_hz(file, file_name)
    limits = load(file, "TOC", kinds="iu").reshape(-1, 2) if "TOC" in file else np.zeros((0, 2))
    first = int(limits.min()) if limits.size else 0
    last = max(int(limits.max()) if limits.size else 0, int(frames.max(initial=0)) + 1)
    return StoredSpikes(
        well=name,
        frames=frames.astype(np.int64),
        channels=channels.astype(np.int64),
        known=known.astype(np.int64),
        rate_hz=rate_hz,
        limits_s=(first / rate_hz, last / rate_hz),
    )


def _rate_hz(file: Any, file_name: str) -> float:
    """Find the frames per second where BrainWave 4 and 5 keep them."""
    settings = settings_of(file).get("TimeConverter", {})
    converter = settings_of(file, "ExperimentInfo").get("SignalConverter", {})
    about = converter.get("SampleToTimeConverter", {}) if isinstance(converter, dict) else {}
    found = [
        item.get(key)
        for item, key in ((settings, "FrameRate"), (about, "FrameRateHertz"))
        if isinstance(item, dict)
    ]
    for rate in found:
        if isinstance(rate, int | float) and np.isfinite(rate) and rate > 0:
            return float(rate)
    raise FileFormatError(
        f"'{file_name}' stores spikes by frames and does not say how many frames a second has. "
        "Export it again from BrainWave."
    )


def _names(known: NDArray[np.int64]) -> tuple[list[str], NDArray[np.float64] | None]:
    """Name channels by row and column of a whole square array, as Neo does, else by index."""
    side = int(np.sqrt(len(known)))
    if side**2 != len(known) or not np.array_equal(known, np.arange(len(known))):
        return [str(index) for index in known], None
    rows, columns = np.divmod(known, side)
    names = [f"ch{row + 1}-{column + 1}" for row, column in zip(rows, columns, strict=True)]
    return names, np.column_stack([columns, rows]).astype(np.float64)
