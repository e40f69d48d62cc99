"""The three tables of results, each column with a description that explains itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._version import __version__
from tavrnn_ephys.adapters.nwb._encoding import Row, encode_array, option_rows
from tavrnn_ephys.adapters.nwb._names import (
    NODE_COLUMNS,
    NODES_TABLE,
    PROVENANCE_TABLE,
    ROI_NAME,
    UNIT_NAME,
    WINDOWS_TABLE,
    is_free_name,
)
from tavrnn_ephys.adapters.nwb._tables import compressed
from tavrnn_ephys.containers import NodeEmbedding, Nodes, Windows
from tavrnn_ephys.errors import InputError

__all__ = ["nodes_table", "provenance_table", "windows_table"]

_FORMAT_VERSION = 1
_AXES = ("x", "y", "z")

# Compressed together and read together where the row is not the natural unit.
_CHUNK_VALUES = 2**16

_ARRAYS = ("embedding_mean", "embedding_std", "attention", "history")
_BY_NUMBER = "window_column_"


def windows_table(embedding: NodeEmbedding) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of windows with the arrays that have a row per window.

    Parameters
    ----------
    embedding : NodeEmbedding
        The results.

    Returns
    -------
    table : pynwb.epoch.TimeIntervals
        One row per window.
    notes : dict of str to object
        How the columns are to be read back.

    Raises
    ------
    InputError
        If the windows of several segments do not follow each other on one clock.
    """
    from pynwb.epoch import TimeIntervals

    windows = embedding.windows
    if np.any(np.diff(windows.start_s) < 0):
        raise InputError(
            "Windows of several segments must follow each other on the clock of the NWB file, "
            "but these start anew. Write the results of each segment to a file of its own."
        )
    columns = [
        _column("start_time", "Start of the window, in seconds from the start of the session.",
                windows.start_s),
        _column("stop_time", "End of the window, not included, in seconds from the start of the "
                "session.", windows.stop_s),
    ]  # fmt: skip
    parts = [*_window_columns(windows), *_array_columns(embedding)]
    further, notes = _encoded(WINDOWS_TABLE, parts)
    columns += further
    notes |= {f"window_columns.{stored}": name for stored, name in _stored_names(windows).items()}
    table = TimeIntervals(
        name=WINDOWS_TABLE,
        description=(
            f"Sliding windows over the activity of {embedding.n_nodes} nodes and their embedding "
            "by TAVRNN, a temporal attention-enhanced variational graph recurrent neural network. "
            "One row per window, in chronological order; the node axis of each array follows the "
            f"rows of the table '{NODES_TABLE}'; options stand in '{PROVENANCE_TABLE}'."
        ),
        id=list(range(embedding.n_windows)),
        columns=columns,
        colnames=[column.name for column in columns],
    )
    return table, notes


def _window_columns(windows: Windows) -> Iterator[tuple[str, str, NDArray[Any], None]]:
    if np.any(windows.segment_index):
        text = (
            "Position of the Neo segment, a gap-free stretch of recording, that the window is of."
        )
        yield "segment_index", text, np.asarray(windows.segment_index), None
    for stored, name in _stored_names(windows).items():
        yield stored, f"Property '{name}' of the window.", windows.columns[name], None


def _stored_names(windows: Windows) -> dict[str, str]:
    """Name each further column as it is called where NWB allows that, else by number."""
    from pynwb.epoch import TimeIntervals

    taken = {"id", "segment_index", "start_time", "stop_time", *_ARRAYS}
    stored = {}
    for index, name in enumerate(windows.columns):
        numbered = name.startswith(_BY_NUMBER) or name in taken
        fits = is_free_name(name, TimeIntervals) and not numbered
        stored[name if fits else f"{_BY_NUMBER}{index}"] = name
    return stored


def _array_columns(
    embedding: NodeEmbedding,
) -> Iterator[tuple[str, str, NDArray[Any], tuple[int, ...]]]:
    n_windows, n_nodes, size = embedding.mean.shape
    one_window = (1, n_nodes, size)
    yield (
        "embedding_mean",
        f"Embedding of each node in the window: mean of the posterior of its latent variable, "
        f"{n_nodes} nodes x {size} dimensions, unitless.",
        embedding.mean,
        one_window,
    )
    yield (
        "embedding_std",
        f"Standard deviation of the posterior of each node's latent variable in the window, "
        f"{n_nodes} nodes x {size} dimensions, unitless.",
        embedding.std,
        one_window,
    )
    if embedding.attention is not None:
        yield (
            "attention",
            f"Weights with which the window attends to each of the {n_windows} windows, itself "
            "and earlier ones; a row sums to 1, later windows have weight 0.",
            embedding.attention,
            _row_chunks(n_windows, n_windows),
        )
    if embedding.history is not None:
        yield (
            "history",
            "Embedding of the history node, a vertex added to each graph that carries the past "
            f"of the network: mean of its posterior, {size} dimensions, unitless.",
            embedding.history,
            _row_chunks(n_windows, size),
        )


def _row_chunks(n_rows: int, width: int) -> tuple[int, int]:
    return min(n_rows, max(1, _CHUNK_VALUES // width)), width


def nodes_table(nodes: Nodes, nwbfile: Any, source_name: str) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of nodes, which points to the rows of the recording that they are.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    nwbfile : pynwb.NWBFile
        The open copy of the recording.
    source_name : str
        Name of the recording, for the message.

    Returns
    -------
    table : hdmf.common.DynamicTable
        One row per node.
    notes : dict of str to object
        How the columns are to be read back.

    Raises
    ------
    InputError
        If a node claims a row that the recording does not have.
    """
    from hdmf.common import DynamicTable, DynamicTableRegion

    parts: list[Any] = [("node_id", "Name of the node in the recording.", nodes.ids, None)]
    if nodes.group_names:
        parts.append(("node_group", NODE_COLUMNS["node_group"], nodes.groups, None))
    positions = nodes.positions_um if nodes.positions_um is not None else np.empty((len(nodes), 0))
    for axis, values in zip(_AXES, positions.T, strict=False):
        parts.append((axis, f"{axis} coordinate of the node in micrometres.", values, None))
    rows = np.asarray(nodes.rows)
    source = _source_table(nodes, rows, nwbfile, source_name)
    text = f"Row of the node in the table '{nodes.table}' of this file, counted from 0."
    if source is None and np.any(rows != -1):
        parts.append(("source_row", f"{text} -1 where unknown.", rows, None))
    columns, notes = _encoded(NODES_TABLE, parts)
    if source is not None:
        columns.append(
            DynamicTableRegion(
                name="source_row", data=rows.tolist(), description=text, table=source
            )
        )
    table = DynamicTable(
        name=NODES_TABLE,
        description=(
            f"The {len(nodes)} vertices of the graphs, each a {nodes.kind} of the recording. The "
            f"order of the rows is the node axis of the arrays in '{WINDOWS_TABLE}'."
        ),
        id=list(range(len(nodes))),
        columns=columns,
        colnames=[column.name for column in columns],
    )
    return table, notes


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


def _encoded(table: str, parts: Any) -> tuple[list[Any], dict[str, Any]]:
    """Store each part in a column where it needs one, and note how to undo it."""
    columns: list[Any] = []
    notes: dict[str, Any] = {}
    for name, description, values, chunks in parts:
        stored, note = encode_array(values)
        if "labels" in note:
            meaning = ", ".join(f"{code}: {label}" for code, label in enumerate(note["labels"]))
            description = f"{description} Codes: {meaning}."
        if stored is not None:
            columns.append(_column(name, description, stored, chunks))
        notes |= {f"columns.{table}.{name}.{key}": value for key, value in note.items()}
    return columns, notes


def _column(
    name: str, description: str, values: NDArray[Any], chunks: tuple[int, ...] | None = None
) -> Any:
    from hdmf.common import VectorData

    data: Any = values.tolist() if values.dtype.kind == "U" else values
    if chunks is not None:
        data = compressed(values, chunks)
    return VectorData(name=name, description=description, data=data)


def provenance_table(embedding: NodeEmbedding, notes: dict[str, Any]) -> Any:
    """
    Build the table of everything that led to the results.

    Parameters
    ----------
    embedding : NodeEmbedding
        The results.
    notes : dict of str to object
        How the columns of the other tables are to be read back.

    Returns
    -------
    hdmf.common.DynamicTable
        Key, value and type per row.
    """
    from hdmf.common import DynamicTable

    options = {
        "software": "tavrnn_ephys",
        "software_version": __version__,
        "format_version": _FORMAT_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "node_kind": embedding.node_kind,
        "node_table": embedding.nodes.table,
        "seed": embedding.seed,
        **{f"config.{key}": value for key, value in embedding.config.items()},
        **{f"versions.{key}": value for key, value in embedding.versions.items()},
        **notes,
    }
    rows: list[Row] = [row for key, value in options.items() for row in option_rows(key, value)]
    texts = {
        "key": "Dotted name of an option: 'config.' options of the analysis, 'versions.' packages "
        "that took part, 'columns.' how a column of the other tables is stored, 'window_columns.' "
        "its original name.",
        "value": "Value of the option as text; for a list or tuple the number of its entries, "
        "which follow under '.0', '.1' and so on.",
        "type": "Type of the value: str, int, float, bool, none, list or tuple.",
    }
    columns = [
        _column(name, texts[name], np.array([row[index] for row in rows], dtype=str))
        for index, name in enumerate(texts)
    ]
    return DynamicTable(
        name=PROVENANCE_TABLE,
        description=f"Software, options and seed that led to the tables '{WINDOWS_TABLE}' and "
        f"'{NODES_TABLE}', and how their columns are stored.",
        id=list(range(len(rows))),
        columns=columns,
        colnames=list(texts),
    )
