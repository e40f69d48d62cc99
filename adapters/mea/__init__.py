"""Files of multi-electrode arrays."""

from tavrnn_ephys.adapters.mea.axion import AxionAdapter
from tavrnn_ephys.adapters.mea.biocam import BiocamAdapter
from tavrnn_ephys.adapters.mea.cl1 import Cl1Adapter
from tavrnn_ephys.adapters.mea.dishbrain import DishBrainAdapter
from tavrnn_ephys.adapters.mea.maxwell import MaxwellAdapter
from tavrnn_ephys.adapters.mea.mcs import McsAdapter
from tavrnn_ephys.adapters.mea.spike_hdf5 import SpikeHdf5Adapter

__all__ = [
    "AxionAdapter",
    "BiocamAdapter",
    "Cl1Adapter",
    "DishBrainAdapter",
    "MaxwellAdapter",
    "McsAdapter",
    "SpikeHdf5Adapter",
]
