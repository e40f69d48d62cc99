"""Wells of MaxWell recordings: where they lie in the file, their electrodes, spikes and clock."""

from __future__ import annotations

import datetime
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import file_name, load_columns, scalar
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError

__all__ = [
    "EmptyWellError",
    "Place",
    "Well",
    "places_of",
    "read_well",
    "size_of_well",
    "start_of",
    "where_is",
]

_LEGACY_RATE_HZ = 20000.0
# The spike table of the device begins and ends up to some 0.2 s before the stored frames; more
# than this means that frame numbers are damaged.
_SLACK_S = 10.0
_MAPPING = {"channel": "iu", "electrode": "iu", "x": "f", "y": "f"}
_SPIKES = {"frameno": "iu", "channel": "iu"}


class EmptyWellError(FileFormatError):
    """A well has no electrodes, or neither frames nor spikes; others of the plate may have."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a well of a recording lies in the file."""

    recording: str
    well: str
    group: Any
    legacy: bool


@dataclass(frozen=True, kw_only=True)
class Well:
    """Spikes, nodes and clock of one well in one recording; samples begin at ``lead_s``."""

    place: Place
    nodes: Nodes
    electrodes: NDArray[np.int64]
    channels: NDArray[np.int64]
    times_s: NDArray[np.float64]
    owners: NDArray[np.int64]
    lead_s: float
    duration_s: float
    rate_hz: float
    n_unmapped: int


def places_of(file: Any) -> list[Place]:
    """Find the wells of all recordings, in order."""
    if "recordings" not in file:
        if "mapping" not in file:
            raise FileFormatError(
                f"'{file_name(file)}' lacks the group 'recordings' of MaxWell files. Name the "
                "adapter of its format."
            )
        return [Place(recording="rec0000", well="well000", group=file, legacy=True)]
    places = [
        Place(recording=recording, well=well, group=file["recordings"][recording][well],
               legacy=False)
        for recording in sorted(file["recordings"])
        for well in sorted(file["recordings"][recording])
    ]  # fmt: skip
    if not places:
        raise FileFormatError(
            f"'{file_name(file)}' holds no recording of any well. Check the assay that wrote it."
        )
    return places


def read_well(place: Place, several: bool, unmapped: str) -> Well:
    """Read electrodes, spikes and clock of a well; raise ``EmptyWellError`` if it has none."""
    group = place.group
    rate_hz = _LEGACY_RATE_HZ if place.legacy else scalar(group, "settings/sampling")
    if rate_hz <= 0:
        raise FileFormatError(f"The sampling rate of '{file_name(group)}' is {rate_hz:g} Hz.")
    mapping = _mapping(place)
    spikes = load_columns(group, "proc0/spikeTimes" if place.legacy else "spikes", _SPIKES)
    frames = spikes["frameno"].astype(np.int64)
    first, duration_s = _clock(place, frames, rate_hz)
    times_s = (frames - first) / rate_hz
    if len(times_s) and (times_s.min() < -_SLACK_S or times_s.max() > duration_s + _SLACK_S):
        raise FileFormatError(
            f"Spikes of '{file_name(group)}' ({where_is(place)}) lie between {times_s.min():g} s "
            f"and {times_s.max():g} s of a recording of {duration_s:g} s: frame numbers of spikes "
            "and samples do not agree. Copy the file again."
        )
    mapping, owners, kept = _owners(mapping, spikes["channel"].astype(np.int64), unmapped, place)
    # Frames, not seconds, are shifted: the first spike then lies at 0 s exactly.
    lead = max(0, first - int(frames.min())) if len(frames) else 0
    label = f"{place.well}/" if several else ""
    nodes = Nodes(
        ids=[f"{label}{channel}" for channel in mapping["channel"]],
        kind="channel",
        groups=[place.well] * len(mapping["channel"]),
        positions_um=np.column_stack([mapping["x"], mapping["y"]]),
    )
    return Well(
        place=place, nodes=nodes, electrodes=mapping["electrode"], channels=mapping["channel"],
        times_s=(frames[kept] - (first - lead)) / rate_hz, owners=owners, lead_s=lead / rate_hz,
        duration_s=duration_s + lead / rate_hz, rate_hz=rate_hz,
        n_unmapped=int((~kept).sum()),
    )  # fmt: skip


def size_of_well(place: Place) -> tuple[int, float] | None:
    """Count channels and seconds of a well without its spikes; None where these decide."""
    groups = {} if place.legacy else place.group.get("groups", {})
    if not any("frame_nos" in groups[name] for name in groups):
        return None
    try:
        rate_hz = scalar(place.group, "settings/sampling")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataLossWarning)
            n_channels = len(_mapping(place)["channel"])
        return n_channels, _clock(place, np.empty(0, np.int64), rate_hz)[1]
    except EmptyWellError:
        return 0, 0.0


def _mapping(place: Place) -> dict[str, NDArray[Any]]:
    mapping = load_columns(place.group, "mapping" if place.legacy else "settings/mapping", _MAPPING)
    # Electrodes that are not routed to an amplifier have channel -1.
    routed = mapping["channel"].astype(np.int64) >= 0
    mapping = {key: values[routed] for key, values in mapping.items()}
    channels, counts = np.unique(mapping["channel"], return_counts=True)
    where = f"The electrode map of '{file_name(place.group)}' ({where_is(place)})"
    if len(channels) == 0:
        raise EmptyWellError(
            f"{where} names no channel. Leave the well out, or route electrodes before recording."
        )
    if np.any(counts > 1):
        # Two electrodes can be switched to one amplifier, which then records their sum.
        first = np.sort(np.unique(mapping["channel"], return_index=True)[1])
        mapping = {key: values[first] for key, values in mapping.items()}
        warnings.warn(
            f"{where} names channels more than once: {some(channels[counts > 1])}. Such a channel "
            "records the sum of its electrodes, and takes the place of the first.",
            DataLossWarning,
            stacklevel=5,
        )
    if not (np.isfinite(mapping["x"]).all() and np.isfinite(mapping["y"]).all()):
        raise FileFormatError(f"{where} holds positions that are not finite. Correct the map.")
    return mapping


def _clock(place: Place, spikes: NDArray[np.int64], rate_hz: float) -> tuple[int, float]:
    """First frame and duration; without stored frames the spikes themselves set the clock."""
    if place.legacy:
        # The frame number stands in two rows of the compressed samples, out of reach without
        # the filter; duration alone is in the shape.
        n_frames = place.group["sig"].shape[1] if "sig" in place.group else 0
        first = int(spikes.min()) if len(spikes) else 0
        reach = int(spikes.max()) - first + 1 if len(spikes) else 0
        return first, max(n_frames, reach) / rate_hz
    groups = place.group.get("groups", {})
    for name in sorted(groups):
        frames = groups[name].get("frame_nos")
        if frames is not None and frames.shape[0]:
            first, last = int(frames[0]), int(frames[-1])
            if last < first:
                break
            return first, (last - first + 1) / rate_hz
    if len(spikes) == 0:
        raise EmptyWellError(
            f"{where_is(place)} of '{file_name(place.group)}' has zero length: neither samples nor "
            "spikes. Leave it out with wells=[…] or recordings=[…]."
        )
    first = int(spikes.min())
    return first, (int(spikes.max()) - first + 1) / rate_hz


def _owners(
    mapping: dict[str, NDArray[Any]], channels: NDArray[np.int64], unmapped: str, place: Place
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], NDArray[np.bool_]]:
    """Row of the map for each spike; the map grows by unknown channels that are kept."""
    known = mapping["channel"].astype(np.int64)
    strange = np.setdiff1d(channels, known)
    if len(strange) and unmapped == "keep":
        nowhere = np.full(len(strange), np.nan)
        added = {"channel": strange, "electrode": np.full(len(strange), -1),
                 "x": nowhere, "y": nowhere}  # fmt: skip
        mapping = {key: np.concatenate([mapping[key], added[key]]) for key in mapping}
        known = mapping["channel"].astype(np.int64)
    kept = np.isin(channels, known)
    order = np.argsort(known)
    return mapping, order[np.searchsorted(known[order], channels[kept])], kept


def where_is(place: Place) -> str:
    """Name a well for a message."""
    return f"{place.recording}, {place.well}"


def start_of(place: Place) -> datetime.datetime | None:
    """Read when a well began to be recorded."""
    milliseconds = scalar(place.group, "start_time", -1.0) if not place.legacy else -1.0
    if not 0 < milliseconds < 4e12:
        return None
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
