"""What is in a recording, in a few lines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.adapter_options import option_text
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import several
from tavrnn_ephys.core.spec import RecordingSpec
from tavrnn_ephys.io.blocks import (
    behavior_columns,
    loaded_segment,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
    segment_limits_s,
)
from tavrnn_ephys.io.choices import Choice, choices_of
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.studies.advice.suggestion import Suggestion, suggest
from tavrnn_ephys.studies.recording import read_block

if TYPE_CHECKING:
    import neo

    from tavrnn_ephys.core.containers import Nodes

__all__ = ["FileSummary", "NodesSummary", "SegmentSummary", "describe_file", "inspect_file"]


@dataclass(frozen=True, kw_only=True)
class NodesSummary:
    """
    What is known of the nodes of one array of traces, or of all spike trains of a segment.

    Parameters
    ----------
    kind : str
        Channel, unit or ROI.
    n_nodes : int
        How many.
    subregions : dict of str to int
        Number of nodes of each.
    has_positions : bool
        Whether positions in micrometres are known.
    n_spikes, n_silent : int, optional
        Number of spikes, and of nodes without any; None of traces.
    median_rate_hz : float, optional
        Median over nodes, in hertz; None of traces.
    signal : str, optional
        Name of the traces; None of spike trains.
    n_samples : int, optional
        Samples of each trace; None of spike trains.
    """

    kind: str
    n_nodes: int
    subregions: dict[str, int]
    has_positions: bool
    n_spikes: int | None = None
    n_silent: int | None = None
    median_rate_hz: float | None = None
    signal: str | None = None
    n_samples: int | None = None

    def lines(self) -> Iterator[str]:
        """
        Describe the nodes for a person.

        Yields
        ------
        str
            One line after the other.
        """
        if self.signal is None:
            yield f"Nodes:       {self.n_nodes} {several(self.kind)} with spike trains"
            yield (
                f"Spikes:      {self.n_spikes}, median rate {self.median_rate_hz:.3g} Hz, "
                f"{self.n_silent} silent"
            )
        else:
            yield (
                f"Nodes:       {self.n_nodes} {several(self.kind)} with traces "
                f"'{self.signal}', {self.n_samples} samples"
            )
        groups = [f"{name} ({count})" for name, count in self.subregions.items()]
        more = f" and {len(groups) - 12} more" if len(groups) > 12 else ""
        yield f"Positions:   {'known, micrometres' if self.has_positions else 'unknown'}"
        yield f"Subregions:  {', '.join(groups[:12]) + more or 'none'}"


@dataclass(frozen=True, kw_only=True)
class SegmentSummary:
    """
    What is in one segment of a recording.

    Parameters
    ----------
    t_start_s, t_stop_s : float, optional
        Its limits in seconds; None where there are no nodes.
    nodes : tuple of NodesSummary
        Spike trains first, then arrays of traces.
    raw : tuple of dict
        Raw voltage: name, n_channels, n_samples, duration_s.
    behaviors : tuple of str
        Names of behaviour signals.
    epochs : tuple of dict
        Name, n_intervals and labels.
    events : tuple of dict
        Name and n_events.
    """

    t_start_s: float | None
    t_stop_s: float | None
    nodes: tuple[NodesSummary, ...]
    raw: tuple[dict[str, Any], ...]
    behaviors: tuple[str, ...]
    epochs: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]

    def lines(self) -> Iterator[str]:
        """
        Describe the segment for a person.

        Yields
        ------
        str
            One line after the other.
        """
        if self.t_start_s is None or self.t_stop_s is None:
            yield "Nodes:       none"
        else:
            lasts = f"{self.t_stop_s - self.t_start_s:.6g} s"
            yield f"Duration:    {lasts}, from {self.t_start_s:.6g} s to {self.t_stop_s:.6g} s"
        for nodes in self.nodes:
            yield from nodes.lines()
        for raw in self.raw:
            yield (
                f"Raw voltage: '{raw['name']}', {raw['n_channels']} channels, "
                f"{raw['n_samples']} samples, {raw['duration_s']:.6g} s"
            )
        yield f"Behaviour:   {some(self.behaviors, limit=12) if self.behaviors else 'none'}"
        for epoch in self.epochs:
            found = some(epoch["labels"])
            yield f"Epochs:      '{epoch['name']}', {epoch['n_intervals']} intervals: {found}"
        for event in self.events:
            yield f"Events:      '{event['name']}', {event['n_events']}"


@dataclass(frozen=True, kw_only=True)
class FileSummary:
    """
    What is in a recording.

    Parameters
    ----------
    file : str
        Its path.
    adapter : str
        Adapter that reads it.
    description : str
        What the adapter reads.
    recorded : str, optional
        Date of the recording; None where it is not known.
    segments : tuple of SegmentSummary
        Its segments.
    choices : tuple of Choice
        What the adapter chose among several things: all candidates, and the reason.
    suggestion : Suggestion, optional
        Bin, window and step that suit the first segment; None where none do.
    suggested_command : str
        Ready command that analyses the file so; empty where nothing suits.
    obstacle : str
        Why nothing suits; empty where something does.
    """

    file: str
    adapter: str
    description: str
    recorded: str | None
    segments: tuple[SegmentSummary, ...]
    choices: tuple[Choice, ...] = ()
    suggestion: Suggestion | None = None
    suggested_command: str = ""
    obstacle: str = ""

    def __str__(self) -> str:
        lines = [
            f"File:        {self.file}",
            f"Adapter:     {self.adapter} ({self.description})",
            f"Recorded:    {self.recorded or 'unknown'}",
        ]
        for index, segment in enumerate(self.segments):
            if len(self.segments) > 1:
                lines.append(f"Segment {index}:")
            lines += segment.lines()
        lines += [f"Choice:      {choice.line()}" for choice in self.choices]
        if self.suggestion is not None:
            lines += ["Suggested:", str(self.suggestion), "Command:", f"  {self.suggested_command}"]
        elif self.obstacle:
            lines += [f"Suggested:   nothing. {self.obstacle}"]
        return "\n".join(lines)


def inspect_file(
    path: str | Path, *, adapter: str | None = None, options: Mapping[str, Any] | None = None
) -> FileSummary:
    """
    Find out what is in a recording.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    adapter : str, optional
        Adapter that reads it; found by content by default.
    options : mapping of str to object, optional
        Options of the adapter.

    Returns
    -------
    FileSummary
        Format, segments, nodes, duration, behaviours, subregions, epochs; its text is for people.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    found = find_adapter(path, adapter)
    spec = RecordingSpec(adapter=found.name, options=dict(options or {}))
    block = read_block(path, spec)
    suggestion, obstacle = _suggested(block)
    return FileSummary(
        file=str(path),
        adapter=found.name,
        description=found.description,
        recorded=None if block.rec_datetime is None else str(block.rec_datetime),
        segments=tuple(_segment(segment) for segment in block.segments),
        choices=choices_of(block),
        suggestion=suggestion,
        suggested_command=_command(suggestion, path, adapter, spec.options),
        obstacle=obstacle,
    )


def describe_file(
    path: str | Path, *, adapter: str | None = None, options: Mapping[str, Any] | None = None
) -> str:
    """
    Describe a recording for a person.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    adapter : str, optional
        Adapter that reads it; found by content by default.
    options : mapping of str to object, optional
        Options of the adapter.

    Returns
    -------
    str
        Several lines: format, segments, nodes, duration, behaviours, subregions, epochs.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    return str(inspect_file(path, adapter=adapter, options=options))


def _suggested(block: neo.Block) -> tuple[Suggestion | None, str]:
    """Suggest bins and windows of the first segment, or say what stands in the way."""
    if not block.segments:
        return None, ""
    try:
        return suggest(block, segment_index=0), ""
    except InputError as error:
        return None, str(error)


def _command(
    suggestion: Suggestion | None,
    path: str | Path,
    adapter: str | None,
    options: Mapping[str, Any],
) -> str:
    """Write the command, with what the file was read by."""
    if suggestion is None:
        return ""
    parts = [] if adapter is None else ["--adapter", adapter]
    for name, value in options.items():
        parts += ["--option", f"{name}={option_text(value)}"]
    stem = Path(path).stem
    # A name that begins with a hyphen would be taken for an option.
    out = f"{'./' if stem.startswith('-') else ''}{stem}_tavrnn.nwb"
    return shlex.join([*shlex.split(suggestion.command(path)), *parts, "--out", out])


def _segment(segment: neo.Segment) -> SegmentSummary:
    segment = loaded_segment(segment)
    nodes = tuple(_nodes(segment))
    limits = segment_limits_s(segment) if nodes else (None, None)
    return SegmentSummary(
        t_start_s=limits[0],
        t_stop_s=limits[1],
        nodes=nodes,
        raw=tuple(_raw(segment)),
        behaviors=tuple(behavior_columns(segment)),
        epochs=tuple(
            {
                "name": str(epoch.name),
                "n_intervals": len(epoch),
                "labels": sorted({str(label) for label in epoch.labels}),
            }
            for epoch in segment.epochs
        ),
        events=tuple({"name": str(event.name), "n_events": len(event)} for event in segment.events),
    )


def _nodes(segment: neo.Segment) -> Iterator[NodesSummary]:
    if len(segment.spiketrains):
        t_start, t_stop = segment_limits_s(segment)
        counts = np.array([len(train) for train in segment.spiketrains])
        yield NodesSummary(
            **_known_of(nodes_of_spiketrains(segment.spiketrains)),
            n_spikes=int(counts.sum()),
            n_silent=int((counts == 0).sum()),
            median_rate_hz=float(np.median(counts / max(t_stop - t_start, 1e-12))),
        )
    for signal in node_signals(segment):
        known = _known_of(nodes_of_signal(signal))
        yield NodesSummary(**known, signal=str(signal.name), n_samples=int(signal.shape[0]))


def _known_of(nodes: Nodes) -> dict[str, Any]:
    names, counts = np.unique(nodes.groups, return_counts=True)
    return {
        "kind": nodes.kind,
        "n_nodes": len(nodes),
        "subregions": {
            str(name): int(count) for name, count in zip(names, counts, strict=True) if name
        },
        "has_positions": nodes.positions_um is not None,
    }


def _raw(segment: neo.Segment) -> Iterator[dict[str, Any]]:
    for signal in (*segment.analogsignals, *segment.irregularlysampledsignals):
        if signal.annotations.get("role") == "raw":
            yield {
                "name": str(signal.name),
                "n_channels": int(signal.shape[1]),
                "n_samples": int(signal.shape[0]),
                "duration_s": float(signal.duration.rescale("s").magnitude),
            }
