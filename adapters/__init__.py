"""Adapters between files and Neo blocks, imported as ``tavrnn_ephys.adapters``."""
