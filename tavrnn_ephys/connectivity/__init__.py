"""Functional connectivity per window, through Elephant."""

from tavrnn_ephys.connectivity.sequence import compute_connectivity as compute_connectivity
from tavrnn_ephys.connectivity.sequence import iter_connectivity as iter_connectivity
