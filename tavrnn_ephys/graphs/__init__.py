"""From connectivity to a sequence of graphs."""

from tavrnn_ephys.graphs.build import build_graphs as build_graphs
from tavrnn_ephys.graphs.sequence import GraphSequence as GraphSequence
