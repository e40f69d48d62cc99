"""What is in a recording, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys._checks import some
from tavrnn_ephys.blocks import (
    behavior_columns,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
    segment_limits_s,
)
from tavrnn_ephys.reading import find_adapter

if TYPE_CHECKING:
    import neo

    from tavrnn_ephys.containers import Nodes

__all__ = ["describe_file"]


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
    found = find_adapter(path, adapter)
    block = found.read(Path(path), **dict(options or {}))
    lines = [
        f"File:        {path}",
        f"Adapter:     {found.name} ({found.description})",
        f"Recorded:    {block.rec_datetime or 'unknown'}",
    ]
    for index, segment in enumerate(block.segments):
        if len(block.segments) > 1:
            lines.append(f"Segment {index}:")
        lines += _segment_lines(segment)
    return "\n".join(lines)


def _segment_lines(segment: neo.Segment) -> list[str]:
    nodes_known = len(segment.spiketrains) > 0 or len(node_signals(segment)) > 0
    if not nodes_known:
        return ["Nodes:       none", *_raw_lines(segment), *_beside_lines(segment)]
    t_start, t_stop = segment_limits_s(segment)
    lines = [f"Duration:    {t_stop - t_start:.6g} s, from {t_start:.6g} s to {t_stop:.6g} s"]
    if len(segment.spiketrains):
        nodes = nodes_of_spiketrains(segment.spiketrains)
        counts = np.array([len(train) for train in segment.spiketrains])
        rates = counts / max(t_stop - t_start, 1e-12)
        lines.append(f"Nodes:       {len(nodes)} {nodes.kind}s with spike trains")
        lines.append(
            f"Spikes:      {counts.sum()}, median rate {np.median(rates):.3g} Hz, "
            f"{int((counts == 0).sum())} silent"
        )
        lines += _node_lines(nodes)
    for signal in node_signals(segment):
        nodes = nodes_of_signal(signal)
        lines.append(
            f"Nodes:       {len(nodes)} {nodes.kind}s with traces '{signal.name}', "
            f"{signal.shape[0]} samples"
        )
        lines += _node_lines(nodes)
    return [*lines, *_raw_lines(segment), *_beside_lines(segment)]


def _raw_lines(segment: neo.Segment) -> list[str]:
    return [
        f"Raw voltage: '{signal.name}', {signal.shape[1]} channels, {signal.shape[0]} samples, "
        f"{float(signal.duration.rescale('s').magnitude):.6g} s"
        for signal in (*segment.analogsignals, *segment.irregularlysampledsignals)
        if signal.annotations.get("role") == "raw"
    ]


def _beside_lines(segment: neo.Segment) -> list[str]:
    behaviors = behavior_columns(segment)
    lines = [f"Behaviour:   {some(behaviors, limit=12) if behaviors else 'none'}"]
    for epoch in segment.epochs:
        labels = sorted({str(label) for label in epoch.labels})
        lines.append(f"Epochs:      '{epoch.name}', {len(epoch)} intervals: {some(labels)}")
    for event in segment.events:
        lines.append(f"Events:      '{event.name}', {len(event)}")
    return lines


def _node_lines(nodes: Nodes) -> list[str]:
    names, counts = np.unique(nodes.groups, return_counts=True)
    groups = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if name]
    known = nodes.positions_um is not None
    text = ", ".join(groups[:12]) + (f" and {len(groups) - 12} more" if len(groups) > 12 else "")
    return [
        f"Positions:   {'known, micrometres' if known else 'unknown'}",
        f"Subregions:  {text or 'none'}",
    ]
