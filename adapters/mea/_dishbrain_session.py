"""A session of the DishBrain server as a Neo block: who the nodes are, what the game did."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.mea._dishbrain_files import Layout, read_layout
from tavrnn_ephys.adapters.mea._dishbrain_server import (
    ServerEvents,
    find_files,
    read_events,
    read_map,
    read_replay,
    read_spikes,
)
from tavrnn_ephys.adapters.mea._parts import choose, in_span, span_within, spiketrains_of_table
from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["SessionOptions", "read_session"]

_LABELS = {"ball return": "hit", "ball missed": "miss", "ball bounce": "bounce"}
_MOTOR_LAYOUT = "motor layout: "
# Electrodes of two maps are the same place below half the pitch of MaxOne, 17.5 um.
_SAME_PLACE_UM = 8.0
# A channel takes the subregion of the layout's nearest electrode up to this distance.
_NEAR_UM = 150.0
# Events this long before or behind the spikes have other clocks.
_APART_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """What of a session is read, and how."""

    asked: tuple[float, float]
    sampling_rate_hz: float
    channels: Sequence[Any] | None = None
    layout: str | Path | None = None
    electrodes: str | Path | None = None
    unplaced: str = "keep"


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """Frames of the server as seconds behind the first spike or event."""

    first_frame: int
    rate_hz: float

    def seconds(self, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray((frames - self.first_frame) / self.rate_hz, dtype=np.float64)


def read_session(path: Path, options: SessionOptions) -> neo.Block:
    """
    Read a session of the server.

    Parameters
    ----------
    path : pathlib.Path
        Any of its files, or its folder.
    options : SessionOptions
        What is read.

    Returns
    -------
    neo.Block
        One segment.

    Raises
    ------
    FileFormatError
        If a file is missing or damaged.
    InputError
        If an option names what is not there.
    """
    import neo

    one_of(options.unplaced, ("keep", "drop"), "unplaced")
    files = find_files(path, options.electrodes)
    frames, channels, amplitudes = read_spikes(files.spikes)
    events = None if files.events is None else read_events(files.events)
    limits = [frames[0], frames[-1]]
    if events is not None:
        _check_clock(events.frames, frames, options.sampling_rate_hz, files.events)
        limits = [min(limits[0], events.frames[0]), max(limits[1], events.frames[-1])]
    clock = _Clock(first_frame=int(limits[0]), rate_hz=options.sampling_rate_hz)
    stop_s = float(clock.seconds(np.array([limits[1] + 1]))[0])
    span = span_within(options.asked, (0.0, stop_s), files.spikes.name)
    layout = read_layout(files.spikes, options.layout)
    places = layout.positions_um if files.electrodes is None else read_map(files.electrodes)
    nodes = _nodes(channels, places, layout, files.electrodes, options)
    position = np.full(max(channels.max(), nodes.rows.max()) + 1, -1)
    position[nodes.rows] = np.arange(len(nodes))
    kept = position[channels] >= 0
    name = files.spikes.name.removesuffix("spikes.bin").strip("._-") or files.spikes.parent.name
    segment = neo.Segment(name=name, file_origin=files.spikes.name)
    segment.spiketrains.extend(
        spiketrains_of_table(
            clock.seconds(frames[kept]), position[channels[kept]], nodes, span,
            sampling_rate_hz=options.sampling_rate_hz, arrays={"amplitude": amplitudes[kept]},
        )
    )  # fmt: skip
    block = neo.Block(name=name, file_origin=files.spikes.name)
    block.segments.append(segment)
    block.annotate(first_frame=clock.first_frame)
    if events is not None:
        _add_game(segment, events, clock, span)
        block.rec_datetime = events.started
        block.annotate(**_about(events.settings))
    if files.replay is not None:
        _add_replay(segment, files.replay, clock, span)
    return block


def _check_clock(
    events: NDArray[np.int64], spikes: NDArray[np.int64], rate_hz: float, path: Path | None
) -> None:
    """Refuse events of another session; say where spikes end long before the events."""
    name = "events.txt" if path is None else path.name
    apart_s = max(spikes[0] - events[0], events[-1] - spikes[-1]) / rate_hz
    if apart_s > _APART_S:
        raise FileFormatError(
            f"'{name}' lies {apart_s:.0f} s apart from the spikes: it is damaged, or of another "
            "session. Put the files of one session together."
        )
    missing_s = (events[-1] - spikes[-1]) / rate_hz
    usual_s = (spikes[-1] - spikes[0]) / rate_hz / len(spikes)
    if missing_s > max(1.0, 20 * usual_s):
        warnings.warn(
            f"The spikes end {missing_s:.1f} s before the last event of '{name}': the spikes may "
            "be cut short. Compare the size of the file with its source.",
            DataLossWarning,
            stacklevel=5,
        )


def _nodes(
    channels: NDArray[np.int64],
    places: dict[int, tuple[float, float]],
    layout: Layout,
    electrodes: Path | None,
    options: SessionOptions,
) -> Nodes:
    """Channels that spiked or have an electrode; subregions by place."""
    numbers = np.union1d(channels, np.array(sorted(places), dtype=np.int64))
    unplaced = np.array([places.get(int(number)) is None for number in numbers], dtype=bool)
    if places and unplaced.all():
        raise FileFormatError(
            f"The electrode map names none of the recorded channels, such as "
            f"{some(map(str, numbers))}. Name the right one: electrodes=…"
        )
    words = [_about_places(channels, numbers[unplaced], electrodes, options.unplaced)]
    if options.unplaced == "drop" and places:
        numbers = numbers[~unplaced]
    names = [str(number) for number in numbers]
    numbers = numbers[choose(options.channels, names, "channel", "the session")]
    groups, n_elsewhere = _subregions(numbers, places, layout)
    if n_elsewhere:
        words.append(
            f"{n_elsewhere} channels lie elsewhere than in the layout and take the subregion of "
            "its nearest electrode."
        )
    if any(words) and places:
        warnings.warn(" ".join(filter(None, words)), DataLossWarning, stacklevel=5)
    nowhere = (np.nan, np.nan)
    positions = [places.get(int(number), nowhere) for number in numbers] if places else None
    return Nodes(ids=numbers, kind="channel", groups=groups, positions_um=positions, rows=numbers)


def _about_places(
    channels: NDArray[np.int64], unplaced: NDArray[np.int64], electrodes: Path | None, how: str
) -> str:
    if len(unplaced) == 0:
        return ""
    n_spikes = int(np.isin(channels, unplaced).sum())
    where = "the layout" if electrodes is None else f"'{electrodes.name}'"
    kept = (
        'They are kept without a place; unplaced="drop" leaves them out.'
        if how == "keep"
        else "They are left out."
    )
    return (
        f"{len(unplaced)} channels have no place in {where}; {n_spikes} of {len(channels)} spikes "
        f"are theirs. {kept}"
    )


def _subregions(
    numbers: NDArray[np.int64], places: dict[int, tuple[float, float]], layout: Layout
) -> tuple[list[str], int]:
    """Subregion of each channel by its place, and how many lie elsewhere than in the layout."""
    if not layout.positions_um:
        return [layout.subregions.get(int(number), "") for number in numbers], 0
    known = [number for number in layout.positions_um if number in layout.subregions]
    where = np.array([layout.positions_um[number] for number in known]).reshape(-1, 2)
    groups, n_elsewhere = [], 0
    for number in map(int, numbers):
        if number not in places or not known:
            groups.append("")
            continue
        own = np.array(places[number])
        listed = layout.positions_um.get(number)
        if listed is not None and np.hypot(*(own - listed)) <= _SAME_PLACE_UM:
            groups.append(layout.subregions.get(number, ""))
            continue
        distances = np.hypot(*(where - own).T)
        nearest = int(distances.argmin())
        n_elsewhere += 1
        near = distances[nearest] <= _NEAR_UM
        groups.append(layout.subregions[known[nearest]] if near else "")
    return groups, n_elsewhere


def _add_game(
    segment: neo.Segment, events: ServerEvents, clock: _Clock, span: tuple[float, float]
) -> None:
    """Add the events, the game, its episodes and its motor layouts."""
    import neo
    import quantities as pq

    times_s = clock.seconds(events.frames)
    is_layout = np.array([text.startswith(_MOTOR_LAYOUT) for text in events.texts])
    labels = np.array([_LABELS.get(text, text) for text in events.texts], dtype=str)
    marks = ~is_layout & in_span(times_s, span)
    if marks.any():
        segment.events.append(neo.Event(times_s[marks] * pq.s, labels=labels[marks], name="game"))
    begins = times_s[labels == "game begin"]
    start_s = float(begins[0]) if len(begins) else 0.0
    misses_s, hits_s = times_s[labels == "miss"], times_s[labels == "hit"]
    _add_epochs(segment, "phase", np.array([start_s]), span[1], ["gameplay"], span)
    chosen = np.flatnonzero(is_layout)
    if len(chosen):
        numbers = [events.texts[index].removeprefix(_MOTOR_LAYOUT) for index in chosen]
        _add_epochs(segment, "motor_layout", times_s[chosen], span[1], numbers, span)
    ends_s = np.unique(misses_s[misses_s > start_s])
    if len(ends_s):
        starts_s = np.concatenate([[start_s], ends_s[:-1]])
        counts = np.searchsorted(hits_s, ends_s) - np.searchsorted(hits_s, starts_s)
        _add_epochs(
            segment, "episodes", starts_s, float(ends_s[-1]), ["episode"] * len(ends_s), span,
            hit_count=counts,
        )  # fmt: skip


def _add_epochs(
    segment: neo.Segment,
    name: str,
    starts_s: NDArray[np.float64],
    stop_s: float,
    labels: Sequence[str],
    span: tuple[float, float],
    **arrays: NDArray[Any],
) -> None:
    """Add intervals that begin in a span, each up to the next start, the last up to the stop."""
    import neo
    import quantities as pq

    durations_s = np.diff(np.append(starts_s, max(stop_s, float(starts_s[-1]))))
    kept = in_span(starts_s, span) & (durations_s > 0)
    if kept.any():
        segment.epochs.append(
            neo.Epoch(
                starts_s[kept] * pq.s, durations=durations_s[kept] * pq.s,
                labels=np.array(labels, dtype=str)[kept], name=name,
                array_annotations={key: values[kept] for key, values in arrays.items()},
            )
        )  # fmt: skip


def _add_replay(segment: neo.Segment, path: Path, clock: _Clock, span: tuple[float, float]) -> None:
    frames, values = read_replay(path)
    times_s = clock.seconds(frames)
    inside = in_span(times_s, span)
    if not inside.any():
        raise InputError(
            f"'{path.name}' lies outside of the session, from {times_s[0]:g} s to "
            f"{times_s[-1]:g} s. Put the files of one session together."
        )
    segment.irregularlysampledsignals.append(
        make_signal(
            values[inside], name="replay", role="behavior", times_s=times_s[inside],
            columns=["bat_y", "ball_x", "ball_y"],
            description="Height of the bat, place and height of the ball, in pixels of the field.",
        )
    )  # fmt: skip


def _about(settings: dict[str, str]) -> dict[str, str]:
    """Keep what was recorded; paths and hosts of the laboratory are left out."""
    names = {
        "recording chip id": "chip_id", "experiment tag": "experiment_tag",
        "time limit (seconds)": "time_limit_s", "git description": "server_version",
    }  # fmt: skip
    return {key: settings[name] for name, key in names.items() if name in settings}
