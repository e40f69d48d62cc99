"""Directed graphs for methods that read undirected ones."""

from __future__ import annotations

import warnings

from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.core.graph_sequence import GraphSequence


def undirected(
    graphs: GraphSequence, reader: str, *, warn: bool = True, way_out: str = ""
) -> GraphSequence:
    """Give the mean of both directions of every pair, and say so."""
    if not graphs.directed:
        return graphs
    if warn:
        warnings.warn(
            f"{reader} reads undirected graphs: the mean of both directions stands for each pair. "
            + (way_out or "Call graphs.symmetrized() to do so yourself."),
            DataLossWarning,
            stacklevel=4,
        )
    return graphs.symmetrized()
