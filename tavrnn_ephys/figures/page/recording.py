"""What of the recording itself is shown: spikes or traces, and behaviour."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.binning import bin_recordings
from tavrnn_ephys.activity.stretches import selected_segment
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.core.errors import DataLossWarning, TavrnnEphysError
from tavrnn_ephys.core.spec import RecordingSpec, SelectionSpec, from_facts
from tavrnn_ephys.figures.page.packing import evenly
from tavrnn_ephys.figures.raster import held_bins, z_scores
from tavrnn_ephys.io.blocks.behaviors import SegmentBehaviors, behaviors_of_segment
from tavrnn_ephys.io.reading import read

__all__ = ["BehaviorTrace", "EpochRow", "RecordingView", "view_recording"]

_MOST_SPIKES = 30_000
# More marks than these in the row of a node merge into black on a page of usual width.
_MOST_PER_NODE = 350
_MOST_SAMPLES = 2_000
_MOST_TRACES = 6
_ASKED = re.compile(r"config\.behavior\d*\.name")
_RATE_BINS = 500
_MOST_CELLS = 120_000
_MOST_EPOCHS, _MOST_INTERVALS = 4, 400


@dataclass(frozen=True, kw_only=True)
class BehaviorTrace:
    """
    A behaviour over time.

    Parameters
    ----------
    name, unit : str
        What it is.
    times_s, values : numpy.ndarray, shape (n_samples,)
        The samples that are shown.
    every : int
        Of how many samples one is shown.
    """

    name: str
    unit: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    every: int


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """
    A table of intervals.

    Parameters
    ----------
    name : str
        Its name.
    start_s, stop_s : numpy.ndarray, shape (n_shown,)
        Limits of the intervals that are shown, in seconds.
    labels : tuple of str
        Their labels.
    every : int
        Of how many intervals one is shown.
    """

    name: str
    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]
    labels: tuple[str, ...]
    every: int


@dataclass(frozen=True, kw_only=True)
class RecordingView:
    """
    What of a recording is shown.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_shown,)
        Times of spikes in seconds; empty for traces.
    node_index : numpy.ndarray of int, shape (n_shown,)
        Node of each.
    n_spikes : int
        How many spikes there are.
    every : int
        Of how many spikes of each node one is shown.
    population : BehaviorTrace, optional
        Spikes of all nodes per second, in 500 equal stretches.
    image : numpy.ndarray, shape (n_nodes, n_columns), optional
        z-scores of traces, averaged over equal stretches of time, NaN in gaps; or spikes per
        second in such stretches, where spikes are many.
    image_of : {"trace", "rate"}
        Which of both.
    image_step_s, t_start_s : float
        Length of such a stretch, and where the first begins.
    behavior : tuple of BehaviorTrace
        Behaviours.
    n_behaviors : int
        How many there are.
    epochs : tuple of EpochRow
        Tables of intervals.
    notices : tuple of str
        What reading and binning warned of, and whether the recording is the one analysed.
    missing : str
        Why nothing of the recording can be shown; empty otherwise.
    """

    times_s: NDArray[np.float64]
    node_index: NDArray[np.int64]
    n_spikes: int = 0
    every: int = 1
    population: BehaviorTrace | None = None
    image: NDArray[np.float64] | None = None
    image_of: str = "trace"
    image_step_s: float = 0.0
    t_start_s: float = 0.0
    behavior: tuple[BehaviorTrace, ...] = ()
    n_behaviors: int = 0
    epochs: tuple[EpochRow, ...] = ()
    notices: tuple[str, ...] = ()
    missing: str = ""


def view_recording(path: Path, facts: Mapping[str, Any], nodes: Nodes) -> RecordingView:
    """
    Read the recording that a run stands beside.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    facts : mapping of str to object
        Provenance of the run, by dotted key.
    nodes : Nodes
        Nodes of the run.

    Returns
    -------
    RecordingView
        What can be shown of it, and what it warned of.
    """
    nothing: dict[str, Any] = {"times_s": np.zeros(0), "node_index": np.zeros(0, dtype=np.int64)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DataLossWarning)
        try:
            segment = _segment(path, facts)
            shown = _activity(segment, facts, nodes)
            held = behaviors_of_segment(segment, asked_by="view_recording")
        except TavrnnEphysError as error:
            return RecordingView(**nothing, missing=str(error))
    said = dict.fromkeys(str(item.message) for item in caught)
    notices = (*shown.pop("notices", ()), *said)
    traces = _behavior(held, facts)
    return RecordingView(
        **{**nothing, **shown},
        behavior=tuple(traces[:_MOST_TRACES]),
        n_behaviors=len(traces),
        epochs=_epochs(held),
        notices=notices,
    )


def _segment(path: Path, facts: Mapping[str, Any]) -> Any:
    spec = from_facts(RecordingSpec, facts).copied()
    # The file holds the one segment that was analysed.
    return read(path, adapter=spec.adapter, **spec.options).segments[0]


def _activity(segment: Any, facts: Mapping[str, Any], nodes: Nodes) -> dict[str, Any]:
    size_s = facts.get("config.analysis.bin_size_s")
    shown: dict[str, Any] = {}
    binned = None
    if size_s is not None:
        # The nodes and the time that were analysed: a checksum of others says nothing.
        selection = from_facts(SelectionSpec, facts)
        chosen = selected_segment(segment, selection, float(size_s), asked_by="view_recording")
        segment = chosen.segment
        binned = bin_recordings(chosen.recorded, float(size_s), gaps="hold")
        then = facts.get("origin.activity_sha256")
        if then is not None and then != binned.sha256:
            shown["notices"] = (
                "The recording in this file is not the one that was analysed: its binned activity "
                "has another checksum. What is drawn of it below may not belong to the results.",
            )
    if len(segment.spiketrains):
        return shown | _spikes(segment, nodes)
    return shown | (_image(binned, nodes) if binned is not None else {})


def _spikes(segment: Any, nodes: Nodes) -> dict[str, Any]:
    position = {str(name): index for index, name in enumerate(nodes.ids)}
    times = {}
    for number, train in enumerate(segment.spiketrains):
        index = position.get(str(train.annotations.get("node_id", number)))
        if index is not None:
            times[index] = np.asarray(train.times.rescale("s").magnitude, dtype=np.float64)
    n_spikes = sum(map(len, times.values()))
    if n_spikes > _MOST_PER_NODE * len(nodes):
        return {"n_spikes": n_spikes, **_rates(times, len(nodes))}
    every = max(1, -(-n_spikes // _MOST_SPIKES))
    # Every node begins elsewhere, or else their first spikes would stand in one line.
    chosen = {
        index: values[(index % every) % max(len(values), 1) :: every]
        for index, values in times.items()
    }
    return {
        "times_s": np.concatenate([*chosen.values(), np.zeros(0)]),
        "node_index": np.repeat(list(chosen), [len(item) for item in chosen.values()]),
        "n_spikes": n_spikes,
        "every": every,
        "population": _population(np.concatenate([*times.values(), np.zeros(0)])),
    }


def _rates(times: dict[int, NDArray[np.float64]], n_nodes: int) -> dict[str, Any]:
    """Rate of each node as a z-score: as many marks would fill its row with black."""
    everything = np.concatenate(list(times.values()))
    first, last = float(everything.min()), float(everything.max())
    n_columns = max(1, min(_RATE_BINS, _MOST_CELLS // n_nodes))
    width_s = max(last - first, 1e-3) / n_columns
    image = np.zeros((n_nodes, n_columns))
    for index, values in times.items():
        limits = (first, first + n_columns * width_s)
        image[index] = np.histogram(values, bins=n_columns, range=limits)[0] / width_s
    return {
        "image": z_scores(image),
        "image_of": "rate",
        "image_step_s": width_s,
        "t_start_s": first,
        "population": _population(everything),
    }


def _population(times_s: NDArray[np.float64]) -> BehaviorTrace | None:
    if not len(times_s):
        return None
    first, last = float(times_s.min()), float(times_s.max())
    length_s = max(last - first, 1e-3)
    width_s = length_s / _RATE_BINS
    counts, edges = np.histogram(times_s, bins=_RATE_BINS, range=(first, first + length_s))
    return BehaviorTrace(
        name="all nodes",
        unit="spikes/s",
        times_s=(edges[:-1] + edges[1:]) / 2,
        values=counts / width_s,
        every=1,
    )


def _image(binned: BinnedActivity, nodes: Nodes) -> dict[str, Any]:
    position = {str(name): index for index, name in enumerate(binned.nodes.ids)}
    rows = [position[name] for name in map(str, nodes.ids) if name in position]
    if len(rows) < len(nodes):
        return {}
    values = np.asarray(binned.values, dtype=np.float64)[rows]
    scores = z_scores(values)
    scores[:, held_bins(values)] = np.nan
    n_columns = max(1, min(values.shape[1], _MOST_CELLS // len(rows)))
    step = -(-values.shape[1] // n_columns)
    starts = np.arange(0, values.shape[1], step)
    counts = np.diff(np.append(starts, values.shape[1]))
    return {
        "image": np.add.reduceat(scores, starts, axis=1) / counts,
        "image_step_s": step * binned.bin_size_s,
        "t_start_s": binned.t_start_s,
    }


def _epochs(held: SegmentBehaviors) -> tuple[EpochRow, ...]:
    rows = []
    for name, kind, epoch in held.markers:
        if kind != "epoch" or not len(epoch):
            continue
        chosen = evenly(len(epoch), _MOST_INTERVALS)
        start_s = np.asarray(epoch.times.rescale("s").magnitude, dtype=np.float64)
        length_s = np.asarray(epoch.durations.rescale("s").magnitude, dtype=np.float64)
        rows.append(
            EpochRow(
                name=name,
                start_s=start_s[chosen],
                stop_s=(start_s + length_s)[chosen],
                labels=tuple(map(str, np.asarray(epoch.labels)[chosen])),
                every=int(chosen[1]) if len(chosen) > 1 else 1,
            )
        )
    return tuple(rows[:_MOST_EPOCHS])


def _behavior(held: SegmentBehaviors, facts: Mapping[str, Any]) -> list[BehaviorTrace]:
    """Give all signals, those that were asked for first: of many the others are left out."""
    traces = []
    asked = {value for key, value in facts.items() if _ASKED.fullmatch(key)}
    for name, (times_s, values, unit) in sorted(
        held.columns.items(), key=lambda item: item[0] not in asked
    ):
        if not np.isfinite(values).any():
            continue
        chosen = evenly(len(values), _MOST_SAMPLES)
        traces.append(
            BehaviorTrace(
                name=name,
                unit=unit,
                times_s=times_s[chosen],
                values=values[chosen],
                every=int(chosen[1]) if len(chosen) > 1 else 1,
            )
        )
    return traces
