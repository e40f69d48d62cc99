"""Sequences of graphs in one file of plain NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.containers import Nodes, Origin, Windows
from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = ["read_fields", "write_fields"]

_KIND = "tavrnn_ephys.GraphSequence"
_VERSION = 1
_NODE_FIELDS = ("ids", "groups", "positions_um", "rows")
_COLUMN = "column:"


def write_fields(
    path: str | Path,
    *,
    weights: tuple[scipy.sparse.csr_array, ...],
    windows: Windows,
    nodes: Nodes,
    arrays: Mapping[str, Any],
    history_node: bool,
    directed: bool,
    origin: Origin,
    overwrite: bool,
) -> None:
    """
    Write the fields of a sequence.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    weights : tuple of scipy.sparse.csr_array
        One matrix per window.
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    arrays : mapping of str to array_like or None
        Further fields.
    history_node : bool
        Whether there is one.
    directed : bool
        Whether entries are arrows.
    origin : Origin
        How the graphs were made.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.
    """
    fields: dict[str, Any] = {
        "history_node": np.array(history_node),
        "directed": np.array(directed),
        "n_edges": np.array([matrix.nnz for matrix in weights]),
        "indptr": np.stack([matrix.indptr for matrix in weights]),
        "indices": np.concatenate([matrix.indices for matrix in weights]),
        "data": np.concatenate([matrix.data for matrix in weights]),
        "start_s": windows.start_s,
        "stop_s": windows.stop_s,
        "segment_index": windows.segment_index,
        "node_kind": np.array(nodes.kind),
        "node_table": np.array(nodes.table),
    }
    fields |= {f"{_COLUMN}{name}": values for name, values in windows.columns.items()}
    fields |= {f"node_{name}": getattr(nodes, name) for name in _NODE_FIELDS}
    fields |= dict(arrays)
    known = {name: value for name, value in fields.items() if value is not None}
    write_archive(
        path,
        kind=_KIND,
        version=_VERSION,
        arrays=known,
        about={"origin": origin.to_facts()},
        overwrite=overwrite,
    )


def read_fields(path: str | Path) -> dict[str, Any]:
    """
    Read the fields of a sequence.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict of str to object
        Arguments of ``GraphSequence``.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or holds something else.
    """
    about, fields = read_archive(path, kind=_KIND, version=_VERSION, noun="saved graphs")
    try:
        # Files of earlier versions say nothing of the origin.
        origin = Origin.from_facts(about.get("origin", {}))
        return {**_arguments(fields), "origin": origin}
    except (KeyError, InputError) as error:
        raise FileFormatError(f"'{path}' lacks a part of the saved graphs: {error}") from None


def _arguments(fields: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    nodes = Nodes(
        kind=str(fields["node_kind"]),
        table=str(fields["node_table"]),
        **{name: fields.get(f"node_{name}") for name in _NODE_FIELDS},
    )
    windows = Windows(
        start_s=fields["start_s"],
        stop_s=fields["stop_s"],
        segment_index=fields["segment_index"],
        columns={
            name.removeprefix(_COLUMN): values
            for name, values in fields.items()
            if name.startswith(_COLUMN)
        },
    )
    limits = np.cumsum(fields["n_edges"])[:-1]
    parts = zip(
        np.split(fields["data"], limits),
        np.split(fields["indices"], limits),
        fields["indptr"],
        strict=True,
    )
    shape = (len(nodes), len(nodes))
    return {
        "weights": tuple(scipy.sparse.csr_array(part, shape=shape) for part in parts),
        "windows": windows,
        "nodes": nodes,
        "features": fields.get("features"),
        "node_mask": fields.get("node_mask"),
        "history_node": bool(fields["history_node"]),
        # Graphs of earlier versions are undirected.
        "directed": bool(fields.get("directed", False)),
        "standard_errors": fields.get("standard_errors"),
    }
