"""Calcium imaging: what suite2p and CaImAn write, and tables of traces."""

from tavrnn_ephys.adapters.calcium.caiman import CaimanAdapter as CaimanAdapter
from tavrnn_ephys.adapters.calcium.csv_traces import CalciumCsvAdapter as CalciumCsvAdapter
from tavrnn_ephys.adapters.calcium.suite2p import Suite2pAdapter as Suite2pAdapter
