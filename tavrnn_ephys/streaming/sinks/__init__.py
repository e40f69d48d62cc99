"""Where the updates of a stream go."""

from tavrnn_ephys.streaming.sinks.contract import StreamSink as StreamSink
from tavrnn_ephys.streaming.sinks.functions import FunctionSink as FunctionSink
from tavrnn_ephys.streaming.sinks.functions import FunctionSink as callback
from tavrnn_ephys.streaming.sinks.live_page import LivePage as LivePage
from tavrnn_ephys.streaming.sinks.live_page import LivePage as live_page
from tavrnn_ephys.streaming.sinks.lsl_outlets import EmbeddingOutlet as EmbeddingOutlet
from tavrnn_ephys.streaming.sinks.lsl_outlets import EmbeddingOutlet as lsl_embeddings
from tavrnn_ephys.streaming.sinks.lsl_outlets import MarkerOutlet as MarkerOutlet
from tavrnn_ephys.streaming.sinks.lsl_outlets import MarkerOutlet as lsl_markers
from tavrnn_ephys.streaming.sinks.nwb_log import NwbLog as NwbLog
from tavrnn_ephys.streaming.sinks.nwb_log import NwbLog as nwb_log
from tavrnn_ephys.streaming.sinks.nwb_log import finish_log as finish_log

__all__ = [
    "EmbeddingOutlet",
    "FunctionSink",
    "LivePage",
    "MarkerOutlet",
    "NwbLog",
    "StreamSink",
    "callback",
    "finish_log",
    "live_page",
    "lsl_embeddings",
    "lsl_markers",
    "nwb_log",
]
