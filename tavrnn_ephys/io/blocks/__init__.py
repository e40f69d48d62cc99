"""How nodes and behaviour stand in a Neo block: one convention for all that read or write."""

from tavrnn_ephys.io.blocks.annotations import annotated_fields as annotated_fields
from tavrnn_ephys.io.blocks.from_arrays import block_from_arrays as block_from_arrays
from tavrnn_ephys.io.blocks.limits import rate_hz as rate_hz
from tavrnn_ephys.io.blocks.limits import recording_start_s as recording_start_s
from tavrnn_ephys.io.blocks.limits import warn_of_units_of_time as warn_of_units_of_time
from tavrnn_ephys.io.blocks.limits import with_samples as with_samples
from tavrnn_ephys.io.blocks.nodes import nodes_of_signal as nodes_of_signal
from tavrnn_ephys.io.blocks.nodes import nodes_of_spiketrains as nodes_of_spiketrains
from tavrnn_ephys.io.blocks.objects import make_signal as make_signal
from tavrnn_ephys.io.blocks.objects import make_spiketrain as make_spiketrain
from tavrnn_ephys.io.blocks.segments import behavior_columns as behavior_columns
from tavrnn_ephys.io.blocks.segments import behavior_signals as behavior_signals
from tavrnn_ephys.io.blocks.segments import choose_segment as choose_segment
from tavrnn_ephys.io.blocks.segments import distinct_names as distinct_names
from tavrnn_ephys.io.blocks.segments import loaded_segment as loaded_segment
from tavrnn_ephys.io.blocks.segments import node_signals as node_signals
from tavrnn_ephys.io.blocks.segments import one_segment as one_segment
from tavrnn_ephys.io.blocks.segments import segment_limits_s as segment_limits_s
