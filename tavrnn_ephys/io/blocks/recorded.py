"""What was recorded of the nodes of a segment: spike trains, or one signal of traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks.nodes import nodes_of_signal, nodes_of_spiketrains
from tavrnn_ephys.io.blocks.segments import loaded_segment, node_signals, require_segment

if TYPE_CHECKING:
    import neo

__all__ = ["SOURCES", "NodeRecordings", "node_recordings", "nothing_of_nodes"]

SOURCES = ("auto", "spiketrains", "traces")


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeRecordings:
    """
    What was recorded of the nodes of a segment, loaded.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    spiketrains : list of neo.SpikeTrain
        One per node; empty where there are traces.
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal, optional
        One trace per node; None where there are spike trains.
    called : str
        What the segment is called in messages.
    """

    nodes: Nodes
    spiketrains: list[neo.SpikeTrain]
    signal: Any = None
    called: str = "the segment"

    @property
    def limits_s(self) -> tuple[float, float]:
        """First start and last stop in seconds."""
        items = self.spiketrains or [self.signal]
        starts = [float(item.t_start.rescale("s")) for item in items]
        stops = [float(item.t_stop.rescale("s")) for item in items]
        return min(starts), max(stops)


def node_recordings(segment: neo.Segment, source: str = "auto", *, asked_by: str) -> NodeRecordings:
    """
    Find what was recorded of the nodes of a segment, and load it.

    Parameters
    ----------
    segment : neo.Segment
        The segment; it is not changed.
    source : {"auto", "spiketrains", "traces"}
        What is wanted; by default the spike trains if there are any, else the traces.
    asked_by : str
        The function that was called, for the message.

    Returns
    -------
    NodeRecordings
        Spike trains, or one signal.

    Raises
    ------
    InputError
        If it is no segment, or it holds neither spike trains nor exactly one signal with a trace
        per node.
    """
    require_segment(segment, asked_by)
    segment = loaded_segment(segment)
    called = f"'{segment.name}'" if segment.name else "the segment"
    if source == "spiketrains" or (source == "auto" and len(segment.spiketrains)):
        trains = list(segment.spiketrains)
        return NodeRecordings(nodes=nodes_of_spiketrains(trains), spiketrains=trains, called=called)
    signals = node_signals(segment)
    if len(signals) != 1:
        raise InputError(f"This segment {nothing_of_nodes(segment)}")
    (signal,) = signals
    return NodeRecordings(
        nodes=nodes_of_signal(signal), spiketrains=[], signal=signal, called=called
    )


def nothing_of_nodes(segment: neo.Segment) -> str:
    """
    Say that a segment holds nothing of nodes, and what leads on.

    Parameters
    ----------
    segment : neo.Segment
        A segment without spike trains, and with no signal of nodes or several.

    Returns
    -------
    str
        The end of a sentence that begins with what the segment is called, and the way out.
    """
    signals = node_signals(segment)
    if len(signals) > 1:
        return (
            f"has {len(signals)} signals with a trace per node and no spike trains; exactly one is "
            "needed. Annotate it with role='nodes', as in "
            "segment.analogsignals[0].annotate(role='nodes'), and no other."
        )
    if len(segment.spiketrains):
        return "has spike trains, and no signal with a trace per node. Take source='spiketrains'."
    raw = [item for item in segment.analogsignals if item.annotations.get("role") == "raw"]
    if raw:
        return (
            f"holds raw voltage ('{raw[0].name}') and neither spike trains nor traces of nodes. "
            "Detect spikes on reading, here above 5 standard deviations of the noise: "
            "tavrnn_ephys.read(path, detect=5), --option detect=5 on the command line."
        )
    if segment.analogsignals or segment.irregularlysampledsignals:
        return (
            "holds neither spike trains nor traces of nodes. Where a signal holds a trace per "
            "node, say so in Python: signal.annotate(role='nodes'). What the file holds is listed "
            "by tavrnn-ephys inspect."
        )
    return (
        "holds neither spike trains nor traces of nodes. What the file holds is listed by "
        "tavrnn-ephys inspect."
    )
