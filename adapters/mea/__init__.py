"""Files of multi-electrode arrays."""

from tavrnn_ephys.adapters.mea.spike_hdf5 import SpikeHdf5Adapter

__all__ = ["SpikeHdf5Adapter"]
