"""
How each part of a run is written and read: the adapter's half of the table of parts.

A new part is one row of ``tavrnn_ephys.core.run_parts.RUN_PARTS``, and here one writer and one
reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.adapters.nwb._run_frames import list_tables, read_tables, write_tables
from tavrnn_ephys.adapters.nwb._run_graph_reading import read_graphs, read_window_of_graphs
from tavrnn_ephys.adapters.nwb._run_graphs import write_graphs
from tavrnn_ephys.adapters.nwb._run_matrices import (
    read_connectivity,
    read_window_of_connectivity,
    write_connectivity,
)
from tavrnn_ephys.adapters.nwb._run_nodes import (
    read_node_values,
    read_nodes,
    write_node_values,
    write_nodes,
)
from tavrnn_ephys.adapters.nwb._run_reader import PartReader
from tavrnn_ephys.adapters.nwb._run_windows import (
    list_embedding,
    read_embedding,
    read_window_of_embedding,
    read_window_values,
    read_windows,
    write_embedding,
    write_window_values,
    write_windows,
)

__all__ = ["READERS", "WRITERS"]


def _listed_as(part: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    return lambda groups: (part,) if part in groups else ()


#: Writers of the parts, in the order in which they fill the tables.
WRITERS: dict[str, Callable[[RunTables], None]] = {
    "nodes": write_nodes,
    "node_values": write_node_values,
    "windows": write_windows,
    "window_values": write_window_values,
    "embedding": write_embedding,
    "connectivity": write_connectivity,
    "graphs": write_graphs,
    "tables": write_tables,
}

#: Readers of the parts, in the order in which a listing names them.
READERS = {
    "nodes": PartReader(read=read_nodes),
    "windows": PartReader(read=read_windows),
    "embedding": PartReader(
        read=read_embedding, window=read_window_of_embedding, contents=list_embedding
    ),
    "connectivity": PartReader(
        read=read_connectivity,
        window=read_window_of_connectivity,
        contents=_listed_as("connectivity"),
    ),
    "graphs": PartReader(
        read=read_graphs, window=read_window_of_graphs, contents=_listed_as("graphs")
    ),
    "window_values": PartReader(read=read_window_values),
    "node_values": PartReader(read=read_node_values),
    "tables": PartReader(read=read_tables, contents=list_tables),
}
