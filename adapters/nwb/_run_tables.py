"""The tables of windows, nodes and provenance of a run, each column with what it means."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys._version import __version__
from tavrnn_ephys.adapters.nwb._encoding import Row, option_rows
from tavrnn_ephys.adapters.nwb._names import NODE_COLUMNS, ROI_NAME, UNIT_NAME, table_name
from tavrnn_ephys.adapters.nwb._run_columns import (
    Column,
    Wrap,
    free_names,
    row_chunks,
    stored_columns,
)
from tavrnn_ephys.core.containers import NodeEmbedding, Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.provenance import option_digests
from tavrnn_ephys.core.runs import Results

__all__ = ["FORMAT_VERSION", "nodes_table", "provenance_table", "windows_table"]

FORMAT_VERSION = 2
_AXES = ("x", "y", "z")
_ARRAYS = ("embedding_mean", "embedding_std", "attention", "history")


def windows_table(results: Results, run: str, wrap: Wrap) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of windows with the arrays that have a row per window.

    Parameters
    ----------
    results : Results
        The results.
    run : str
        Name of the run.
    wrap : callable
        Marks an array for chunked storage.

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
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    windows = results.windows
    if np.any(np.diff(windows.start_s) < 0):
        raise InputError(
            "Windows of several segments must follow each other on the clock of the NWB file, "
            "but these start anew. Write the results of each segment to a file of its own."
        )
    limits = [
        VectorData(
            name="start_time",
            description="Start of the window, in seconds from the start of the session.",
            data=windows.start_s,
        ),
        VectorData(
            name="stop_time",
            description="End of the window, not included, in seconds from the start of the "
            "session.",
            data=windows.stop_s,
        ),
    ]
    names = _window_names(results)
    parts = [*_window_columns(results, names), *_array_columns(results.embedding)]
    further, notes = stored_columns("windows", parts, wrap)
    for kind, stored_names in names.items():
        notes |= {f"{kind}.{stored}": name for stored, name in stored_names.items()}
    columns = [*limits, *further]
    table = TimeIntervals(
        name=table_name(run, "windows"),
        description=_windows_text(results, run),
        id=list(range(len(windows))),
        columns=columns,
        colnames=[column.name for column in columns],
    )
    return table, notes


def _windows_text(results: Results, run: str) -> str:
    text = f"Windows over the activity of {len(results.nodes)} nodes"
    if results.embedding is not None:
        text += (
            " and their embedding by TAVRNN, a temporal attention-enhanced variational graph "
            "recurrent neural network"
        )
    return (
        f"{text}. One row per window, in chronological order; the node axis of each array follows "
        f"the rows of the table '{table_name(run, 'nodes')}'; options stand in "
        f"'{table_name(run, 'provenance')}'."
    )


def _window_names(results: Results) -> dict[str, dict[str, str]]:
    from pynwb.epoch import TimeIntervals

    taken = {"id", "segment_index", "start_time", "stop_time", *_ARRAYS}
    columns = free_names(
        results.windows.columns, TimeIntervals, taken=taken, numbered="window_column_"
    )
    values = free_names(
        results.window_values,
        TimeIntervals,
        taken={*taken, *columns},
        numbered="window_value_",
    )
    return {"window_columns": columns, "window_values": values}


def _window_columns(results: Results, names: dict[str, dict[str, str]]) -> Iterator[Column]:
    windows = results.windows
    if np.any(windows.segment_index):
        yield Column(
            name="segment_index",
            text="Position of the Neo segment, a gap-free stretch of recording, that the window "
            "is of.",
            values=np.asarray(windows.segment_index),
        )
    given = {"window_columns": windows.columns, "window_values": results.window_values}
    for kind, stored_names in names.items():
        for stored, name in stored_names.items():
            text = results.descriptions.get(name, f"Property '{name}' of the window.")
            yield Column(name=stored, text=text, values=given[kind][name])


def _array_columns(embedding: NodeEmbedding | None) -> Iterator[Column]:
    if embedding is None:
        return
    n_windows, n_nodes, size = embedding.mean.shape
    one_window = (1, n_nodes, size)
    yield Column(
        name="embedding_mean",
        text="Embedding of each node in the window: mean of the posterior of its latent "
        f"variable, {n_nodes} nodes x {size} dimensions, unitless.",
        values=embedding.mean,
        chunks=one_window,
    )
    yield Column(
        name="embedding_std",
        text="Standard deviation of the posterior of each node's latent variable in the window, "
        f"{n_nodes} nodes x {size} dimensions, unitless.",
        values=embedding.std,
        chunks=one_window,
    )
    if embedding.attention is not None:
        yield Column(
            name="attention",
            text=f"Weights with which the window attends to each of the {n_windows} windows, "
            "itself and earlier ones; a row sums to 1, later windows have weight 0.",
            values=embedding.attention,
            chunks=row_chunks(n_windows, n_windows),
        )
    if embedding.history is not None:
        yield Column(
            name="history",
            text="Embedding of the history node, a vertex added to each graph that carries the "
            f"past of the network: mean of its posterior, {size} dimensions, unitless.",
            values=embedding.history,
            chunks=row_chunks(n_windows, size),
        )


def nodes_table(
    results: Results, run: str, nwbfile: Any, source_name: str, wrap: Wrap
) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of nodes, which points to the rows of the recording that they are.

    Parameters
    ----------
    results : Results
        The results.
    run : str
        Name of the run.
    nwbfile : pynwb.NWBFile
        The open copy of the recording.
    source_name : str
        Name of the recording, for the message.
    wrap : callable
        Marks an array for chunked storage.

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

    nodes = results.nodes
    parts = list(_node_columns(nodes))
    rows = np.asarray(nodes.rows)
    source = _source_table(nodes, rows, nwbfile, source_name)
    text = f"Row of the node in the table '{nodes.table}' of this file, counted from 0."
    if source is None and np.any(rows != -1):
        parts.append(Column(name="source_row", text=f"{text} -1 where unknown.", values=rows))
    names = free_names(
        results.node_values,
        DynamicTable,
        taken={"id", "source_row", "node_id", "node_group", *_AXES},
        numbered="node_value_",
    )
    for stored, name in names.items():
        meaning = results.descriptions.get(name, f"Property '{name}' of the node.")
        parts.append(Column(name=stored, text=meaning, values=results.node_values[name]))
    columns, notes = stored_columns("nodes", parts, wrap)
    notes |= {f"node_values.{stored}": name for stored, name in names.items()}
    if source is not None:
        notes["node_table_object_id"] = str(source.object_id)
        columns.append(
            DynamicTableRegion(
                name="source_row", data=rows.tolist(), description=text, table=source
            )
        )
    table = DynamicTable(
        name=table_name(run, "nodes"),
        description=(
            f"The {len(nodes)} vertices of the graphs, each a {nodes.kind} of the recording. The "
            f"order of the rows is the node axis of the arrays in '{table_name(run, 'windows')}'."
        ),
        id=list(range(len(nodes))),
        columns=columns,
        colnames=[column.name for column in columns],
    )
    return table, notes


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


def provenance_table(
    results: Results, run: str, facts: Mapping[str, Any], notes: Mapping[str, Any]
) -> Any:
    """
    Build the table of everything that led to the results.

    Parameters
    ----------
    results : Results
        The results.
    run : str
        Name of the run.
    facts : mapping of str to object
        What is known of the source and of the tables, by dotted key.
    notes : mapping of str to object
        How the columns of the other tables are to be read back.

    Returns
    -------
    hdmf.common.DynamicTable
        Key, value and type per row.
    """
    from hdmf.common import DynamicTable, VectorData

    embedding = results.embedding
    config = {} if embedding is None else dict(embedding.config)
    versions = {} if embedding is None else dict(embedding.versions)
    options = {
        "software": "tavrnn_ephys",
        "software_version": __version__,
        "format_version": FORMAT_VERSION,
        "run": run,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": f"{platform.system()} {platform.machine()}",
        **facts,
        "node_kind": results.nodes.kind,
        "node_table": results.nodes.table,
        "seed": None if embedding is None else embedding.seed,
        "config_digests": option_digests(config),
        **{f"config.{key}": value for key, value in config.items()},
        **{f"versions.{key}": value for key, value in versions.items()},
        **{f"origin.{key}": value for key, value in results.provenance.items()},
        **notes,
    }
    rows: list[Row] = [row for key, value in options.items() for row in option_rows(key, value)]
    texts = {
        "key": "Dotted name of an option: 'source.' the recording, 'tables.' the tables of this "
        "run, 'config.' options of the analysis, 'versions.' packages that took part, 'origin.' "
        "further facts, 'columns.' how a column of the other tables is stored, 'window_columns.', "
        "'window_values.', 'node_values.' and 'table_columns.' its original name.",
        "value": "Value of the option as text; for a list or tuple the number of its entries, "
        "which follow under '.0', '.1' and so on.",
        "type": "Type of the value: str, int, float, bool, none, list or tuple.",
    }
    return DynamicTable(
        name=table_name(run, "provenance"),
        description=f"Software, options and seed that led to the run '{run}', whose other tables "
        "are named under 'tables.', and how their columns are stored.",
        id=list(range(len(rows))),
        columns=[
            VectorData(name=name, description=text, data=[row[index] for row in rows])
            for index, (name, text) in enumerate(texts.items())
        ],
        colnames=list(texts),
    )
