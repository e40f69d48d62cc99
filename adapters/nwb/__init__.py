"""NWB files: recordings in and out, and results beside them."""

from tavrnn_ephys.adapters.nwb.adapter import NwbAdapter

__all__ = ["NwbAdapter"]
