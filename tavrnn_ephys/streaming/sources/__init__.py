"""Where the bins of a stream come from."""

from tavrnn_ephys.streaming.sources.contract import StreamSource as StreamSource
from tavrnn_ephys.streaming.sources.finding import find_source as find_source
from tavrnn_ephys.streaming.sources.finding import list_sources as list_sources
from tavrnn_ephys.streaming.sources.lsl_source import LslSource as LslSource
from tavrnn_ephys.streaming.sources.lsl_source import LslSource as lsl
from tavrnn_ephys.streaming.sources.openephys_source import OpenEphysSource as OpenEphysSource
from tavrnn_ephys.streaming.sources.openephys_source import OpenEphysSource as openephys
from tavrnn_ephys.streaming.sources.pong_source import PongSource as PongSource
from tavrnn_ephys.streaming.sources.pong_source import PongSource as pong
from tavrnn_ephys.streaming.sources.pong_source import PongStimulator as PongStimulator
from tavrnn_ephys.streaming.sources.pushed import PushSource as PushSource
from tavrnn_ephys.streaming.sources.pushed import PushSource as push
from tavrnn_ephys.streaming.sources.replay_source import ReplaySource as ReplaySource
from tavrnn_ephys.streaming.sources.replay_source import ReplaySource as replay

__all__ = [
    "LslSource",
    "OpenEphysSource",
    "PongSource",
    "PongStimulator",
    "PushSource",
    "ReplaySource",
    "StreamSource",
    "find_source",
    "list_sources",
    "lsl",
    "openephys",
    "pong",
    "push",
    "replay",
]
