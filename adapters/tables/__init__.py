"""Tables that everybody's own script writes."""

from tavrnn_ephys.adapters.tables.spike_table import SpikeTableAdapter

__all__ = ["SpikeTableAdapter"]
