"""
Node embeddings inside an NWB file: three tables in a standard module, without an extension.

``tavrnn_windows`` holds one row per window, ``tavrnn_nodes`` one row per node, in the order of
the node axis of every array, and ``tavrnn_provenance`` every option, version and seed.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import Row, decode_array, read_options
from tavrnn_ephys.adapters.nwb._files import one_line, open_nwb, require_nwb
from tavrnn_ephys.adapters.nwb._names import (
    NODES_TABLE,
    PROVENANCE_TABLE,
    RESULT_TABLES,
    WINDOWS_TABLE,
)
from tavrnn_ephys.adapters.nwb._result_tables import (
    nodes_table,
    provenance_table,
    windows_table,
)
from tavrnn_ephys.adapters.nwb._tables import plain_column
from tavrnn_ephys.adapters.nwb._write_beside import add_to_module
from tavrnn_ephys.containers import NodeEmbedding, Nodes, Windows
from tavrnn_ephys.errors import FileFormatError, OutputError
from tavrnn_ephys.output import check_output, whole_file

__all__ = ["check_results_source", "read_results", "write_results"]


def write_results(
    source: str | Path, embedding: NodeEmbedding, out: str | Path, *, overwrite: bool = False
) -> Path:
    """
    Copy an NWB file and add an embedding to the copy.

    The copy appears whole or not at all: it is completed and validated beside its final place.
    The inspector's remark about tables of a single row is the only one that results can call
    forth, for an embedding of one window or one node.

    Parameters
    ----------
    source : str or pathlib.Path
        The recording, which stays byte for byte.
    embedding : NodeEmbedding
        The results.
    out : str or pathlib.Path
        The copy.
    overwrite : bool
        Whether an existing copy may be replaced.

    Returns
    -------
    pathlib.Path
        The copy.

    Raises
    ------
    FileFormatError
        If the source is no intact NWB file.
    InputError
        If the nodes are not rows of the source, the windows of several segments share no clock,
        or an option is of a type that cannot be saved.
    OutputError
        If the copy exists, is the source, cannot be written, or if the source is itself a file
        with results.
    """
    source = Path(source)
    target = check_output(out, inputs=(source,), overwrite=overwrite)
    require_nwb(source)
    try:
        with whole_file(target) as temporary:
            shutil.copyfile(source, temporary)
            _append(temporary, embedding, source.name)
            _validate(temporary, target.name)
    except OSError as error:
        raise OutputError(
            f"Writing '{target}' failed ({one_line(error)}); nothing was left behind. "
            "Check the space and the permissions of its folder."
        ) from error
    return target


def check_results_source(source: str | Path) -> None:
    """
    Refuse a file that already holds results, before any work.

    Parameters
    ----------
    source : str or pathlib.Path
        The recording.

    Raises
    ------
    FileFormatError
        If it is no intact NWB file.
    OutputError
        If it holds results.
    """
    import h5py

    path = Path(source)
    require_nwb(path)
    with h5py.File(path, "r") as file:
        modules = file.get("processing", {})
        if any(name in modules[module] for module in modules for name in RESULT_TABLES):
            raise _holds_results(path.name)


def _holds_results(name: str) -> OutputError:
    return OutputError(
        f"'{name}' already holds results of tavrnn_ephys. "
        "Name the recording that it was made from as the source."
    )


def _append(path: Path, embedding: NodeEmbedding, source_name: str) -> None:
    """Add the three tables in one session: a second one would find half a group after an error."""
    import h5py
    from pynwb import NWBHDF5IO

    with h5py.File(path, "r+") as file, NWBHDF5IO(file=file, mode="r+") as io:
        nwbfile = _read(io, source_name)
        if _find_tables(nwbfile):
            raise _holds_results(source_name)
        windows, window_notes = windows_table(embedding)
        nodes, node_notes = nodes_table(embedding.nodes, nwbfile, source_name)
        provenance = provenance_table(embedding, {**window_notes, **node_notes})
        module = "ophys" if embedding.node_kind == "roi" else "ecephys"
        for table in (windows, nodes, provenance):
            add_to_module(nwbfile, module, table)
        io.write(nwbfile)


def _read(io: Any, source_name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return io.read()
    except Exception as error:
        raise FileFormatError(
            f"PyNWB cannot read '{source_name}': {one_line(error)}. "
            "Check the file with nwbinspector, or write it again with a current version."
        ) from error


def _validate(path: Path, target_name: str) -> None:
    """Refuse the file if the schema objects to what was added; the source's faults stay its own."""
    import pynwb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            errors = pynwb.validate(path=str(path))
        except KeyError:
            # MatNWB 2.4 caches schemas that lack a file; the installed schema serves as well.
            errors = pynwb.validate(path=str(path), use_cached_namespaces=False)
    ours = [error for error in errors if any(name in str(error) for name in RESULT_TABLES)]
    if ours:
        raise OutputError(
            f"The results for '{target_name}' break the NWB schema and were not written: "
            f"{' '.join(str(ours[0]).split())}."
        )


def _find_tables(nwbfile: Any) -> dict[str, Any]:
    for module in nwbfile.processing.values():
        tables = {name: module[name] for name in RESULT_TABLES if name in module.data_interfaces}
        if tables:
            return tables
    return {}


def read_results(path: str | Path) -> NodeEmbedding:
    """
    Read the embedding of a file back.

    Parameters
    ----------
    path : str or pathlib.Path
        A file written by :func:`write_results`.

    Returns
    -------
    NodeEmbedding
        Equal to what was written.

    Raises
    ------
    FileFormatError
        If the file is damaged, not NWB, or holds no results.
    """
    path = Path(path)
    with open_nwb(path) as nwbfile:
        tables = _find_tables(nwbfile)
        if set(tables) != set(RESULT_TABLES):
            raise FileFormatError(
                f"'{path.name}' holds no results of tavrnn_ephys. Analyse the recording first: "
                "tavrnn-ephys analyze."
            )
        options = read_options(_provenance_rows(tables[PROVENANCE_TABLE]))
        return _embedding(tables, options)


def _provenance_rows(table: Any) -> list[Row]:
    columns = [plain_column(table[name]) for name in ("key", "value", "type")]
    return [(str(key), str(value), str(kind)) for key, value, kind in zip(*columns, strict=True)]


def _embedding(tables: dict[str, Any], options: dict[str, Any]) -> NodeEmbedding:
    windows = tables[WINDOWS_TABLE]
    arrays = {
        field: _restored(windows, field, options)
        for field in ("embedding_mean", "embedding_std", "attention", "history")
    }
    mean, std = arrays["embedding_mean"], arrays["embedding_std"]
    if mean is None or std is None:
        raise FileFormatError("These results hold no embedding. Run the analysis again.")
    return NodeEmbedding(
        mean=mean,
        std=std,
        windows=_windows(windows, options),
        nodes=_nodes(tables[NODES_TABLE], options),
        attention=arrays["attention"],
        history=arrays["history"],
        config=_below("config.", options),
        versions=_below("versions.", options),
        seed=options.get("seed"),
    )


def _below(prefix: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(prefix): value
        for key, value in options.items()
        if key.startswith(prefix)
    }  # fmt: skip


def _restored(table: Any, column: str, options: dict[str, Any]) -> NDArray[Any] | None:
    note = _below(f"columns.{table.name}.{column}.", options)
    if not note:
        return None
    stored = plain_column(table[column]) if column in table.colnames else None
    return decode_array(stored, note)


def _windows(table: Any, options: dict[str, Any]) -> Windows:
    further = {
        name: _restored(table, column, options)
        for column, name in _below("window_columns.", options).items()
    }
    return Windows(
        start_s=plain_column(table["start_time"]),
        stop_s=plain_column(table["stop_time"]),
        segment_index=_restored(table, "segment_index", options),
        columns={name: values for name, values in further.items() if values is not None},
    )


def _nodes(table: Any, options: dict[str, Any]) -> Nodes:
    axes = [_restored(table, axis, options) for axis in "xyz"]
    known = [values for values in axes if values is not None]
    rows = (
        np.asarray(table["source_row"].data[:])
        if "source_row" in table.colnames
        else _restored(table, "source_row", options)
    )
    return Nodes(
        ids=_restored(table, "node_id", options),
        kind=str(options["node_kind"]),
        groups=_restored(table, "node_group", options),
        positions_um=np.column_stack(known) if known else None,
        rows=rows,
        table=str(options["node_table"]),
    )
