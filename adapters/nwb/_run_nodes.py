"""Nodes of a run and their summaries: one table that points to the recording, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import NODE_COLUMNS, ROI_NAME, UNIT_NAME
from tavrnn_ephys.adapters.nwb._run_columns import Column
from tavrnn_ephys.adapters.nwb._run_drafts import Draft, RunTables
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import NODE_NAMES

__all__ = ["read_node_values", "read_nodes", "write_node_values", "write_nodes"]

_AXES = ("x", "y", "z")


def write_nodes(tables: RunTables) -> None:
    """
    Begin the table of nodes, which points to the rows of the recording that they are.

    Parameters
    ----------
    tables : RunTables
        The tables of the run.

    Raises
    ------
    InputError
        If the nodes are not those of the recording.
    """
    from hdmf.common import DynamicTable, DynamicTableRegion

    nodes = tables.results.nodes
    rows = np.asarray(nodes.rows)
    source = _source_table(nodes, rows, tables.nwbfile, tables.source_name)
    draft = Draft(
        table_class=DynamicTable,
        text=f"The {len(nodes)} vertices of the graphs, each a {NODE_NAMES[nodes.kind]} of the "
        f"recording. The order of the rows is the node axis of the arrays in "
        f"'{tables.name('windows')}'.",
        n_rows=len(nodes),
        taken={"id", "source_row", "node_id", "node_group", *_AXES},
        columns=list(_node_columns(nodes)),
    )
    text = f"Row of the node in the table '{nodes.table}' of this file, counted from 0."
    if source is not None:
        draft.notes["node_table_object_id"] = str(source.object_id)
        draft.last.append(
            DynamicTableRegion(
                name="source_row", data=rows.tolist(), description=text, table=source
            )
        )
    elif np.any(rows != -1):
        unknown = f"{text} -1 where unknown."
        draft.columns.append(Column(name="source_row", text=unknown, values=rows))
    tables.drafts["nodes"] = draft


def write_node_values(tables: RunTables) -> None:
    """Add the summaries to the table of nodes."""
    tables.drafts["nodes"].add_named(
        "node_values",
        tables.results.node_values,
        numbered="node_value_",
        texts=tables.results.descriptions,
        default="Property '{}' of the node.",
    )


def _node_columns(nodes: Nodes) -> Iterator[Column]:
    yield Column(name="node_id", text="Name of the node in the recording.", values=nodes.ids)
    if nodes.group_names:
        yield Column(name="node_group", text=NODE_COLUMNS["node_group"], values=nodes.groups)
    positions = nodes.positions_um if nodes.positions_um is not None else np.empty((len(nodes), 0))
    for axis, values in zip(_AXES, positions.T, strict=False):
        yield Column(
            name=axis, text=f"{axis} coordinate of the node in micrometres.", values=values
        )


def _source_table(
    nodes: Nodes, rows: NDArray[np.int64], nwbfile: Any, source_name: str
) -> Any | None:
    """Find the table that the rows count in; None if they do not count, or it is not unique."""
    from hdmf.common import DynamicTable

    if np.any(rows < 0) or not nodes.table:
        return None
    tables = [
        item
        for item in nwbfile.objects.values()
        if isinstance(item, DynamicTable) and item.name == nodes.table
    ]
    if len(tables) != 1:
        return None
    if rows.max() >= len(tables[0].id):
        raise InputError(
            f"These results know row {rows.max()} of table '{nodes.table}', but '{source_name}' "
            f"has {len(tables[0].id)} rows there. Name the recording that was analysed."
        )
    _compare_names(nodes, rows, tables[0], source_name)
    return tables[0]


def _names_of_rows(table: Any) -> Any:
    """Give the names that the readers give: those of a column where they are unique, else ids."""
    for column in (UNIT_NAME, ROI_NAME):
        if column in table.colnames:
            names = table[column].data[:]
            if len(np.unique(names)) == len(names):
                return names
    return table.id.data[:]


def _compare_names(nodes: Nodes, rows: NDArray[np.int64], table: Any, source_name: str) -> None:
    """Refuse results of another recording: the rows that they count must bear their names."""
    there = np.array([_text(name) for name in _names_of_rows(table)])[rows]
    differs = there != np.asarray(nodes.ids)
    if differs.any():
        index = int(np.argmax(differs))
        raise InputError(
            f"These results are not of '{source_name}': row {rows[index]} of its table "
            f"'{nodes.table}' is '{there[index]}', not '{nodes.ids[index]}'. "
            "Name the recording that was analysed."
        )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_nodes(run: NwbRun) -> Nodes:
    """Read the nodes."""
    axes = [run.restored("nodes", axis) for axis in _AXES]
    known = [values for values in axes if values is not None]
    group = run.groups["nodes"]
    linked = "source_row" in group and "table" in group["source_row"].attrs
    read = run.stored if linked else run.restored
    return Nodes(
        ids=run.restored("nodes", "node_id"),
        kind=str(run.options["node_kind"]),
        groups=run.restored("nodes", "node_group"),
        positions_um=np.column_stack(known) if known else None,
        rows=read("nodes", "source_row"),
        table=str(run.options["node_table"]),
    )


def read_node_values(run: NwbRun) -> dict[str, Any]:
    """Read the summaries of the nodes."""
    return run.named("nodes", "node_values.")
