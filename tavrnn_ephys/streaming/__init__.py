"""A fitted model over a recording that is still being made: sources, sinks, triggers."""

from tavrnn_ephys.streaming import sinks as sinks
from tavrnn_ephys.streaming import sources as sources
from tavrnn_ephys.streaming.chunks import Counts as Counts
from tavrnn_ephys.streaming.chunks import Spikes as Spikes
from tavrnn_ephys.streaming.drift import DriftMonitor as DriftMonitor
from tavrnn_ephys.streaming.running_gram import RunningGram as RunningGram
from tavrnn_ephys.streaming.stream import Stream as Stream
from tavrnn_ephys.streaming.trigger import StateDecoder as StateDecoder
from tavrnn_ephys.streaming.trigger import Trigger as Trigger
from tavrnn_ephys.streaming.updates import Event as Event
from tavrnn_ephys.streaming.updates import StreamError as StreamError
from tavrnn_ephys.streaming.updates import StreamInfo as StreamInfo
from tavrnn_ephys.streaming.updates import Update as Update
