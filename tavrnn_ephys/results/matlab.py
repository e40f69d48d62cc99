"""A run as structures of MATLAB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import Results

__all__ = ["matlab_fields"]

# Files of version 5, which SciPy writes and every MATLAB reads, hold no larger array.
_MOST_BYTES = 2**31 - 1
_LONGEST = 63


def matlab_fields(results: Results) -> dict[str, Any]:
    """
    Give a run as nested dictionaries that become structures of MATLAB.

    Parameters
    ----------
    results : Results
        The run.

    Returns
    -------
    dict of str to object
        ``windows`` (``start_s``, ``stop_s``, ``segment_index`` and every column), ``nodes``,
        ``connectivity``, ``embedding``, ``edges`` and ``tables``; text as cells.  Axes stand in
        the order of Python: windows first.  Indices of nodes and windows count from 1.

    Raises
    ------
    InputError
        If an array is too large for a file of MATLAB 5.

    Examples
    --------
    >>> connectivity = ConnectivitySequence.from_array(np.ones((3, 2, 2)))
    >>> matlab_fields(Results(connectivity=connectivity))["connectivity"]["weights"].shape
    (3, 2, 2)
    """
    found: dict[str, Any] = {
        "windows": _windows(results.windows, results.window_values),
        "nodes": _nodes(results.nodes, results.node_values),
    }
    if results.connectivity is not None:
        found["connectivity"] = _connectivity(results.connectivity)
    if results.embedding is not None:
        found["embedding"] = _embedding(results.embedding)
    if results.graphs is not None:
        found["edges"] = _edges(results)
    tables = {name: getattr(table, "frame", table) for name, table in results.tables.items()}
    if tables:
        found["tables"] = {name: _structure(dict(frame.items())) for name, frame in tables.items()}
    return found


def _windows(windows: Windows, values: Mapping[str, Any]) -> dict[str, Any]:
    limits = {
        "start_s": windows.start_s,
        "stop_s": windows.stop_s,
        "segment_index": windows.segment_index,
    }
    return _structure({**limits, **windows.columns, **values})


def _nodes(nodes: Nodes, values: Mapping[str, Any]) -> dict[str, Any]:
    return _structure({**dict(nodes.to_dataframe().drop(columns="kind").items()), **values})


def _connectivity(connectivity: ConnectivitySequence) -> dict[str, Any]:
    _require_room(connectivity.weights.nbytes, "connectivity")
    optional = {name: getattr(connectivity, name) for name in ("mean_activity", "lags_s")}
    return {
        "weights": np.asarray(connectivity.weights),
        "measure": connectivity.measure,
        "directed": connectivity.directed,
        **{name: values for name, values in optional.items() if values is not None},
    }


def _embedding(embedding: NodeEmbedding) -> dict[str, Any]:
    _require_room(embedding.mean.nbytes, "embedding")
    names = ("mean", "std", "attention", "history")
    arrays = {name: getattr(embedding, name) for name in names}
    return {name: values for name, values in arrays.items() if values is not None}


def _edges(results: Results) -> dict[str, Any]:
    parts: list[tuple[NDArray[Any], ...]] = []
    for index, matrix in enumerate(results.graphs.weights):
        each = matrix.tocoo()
        window = np.full(len(each.data), index + 1.0)
        parts.append((window, each.row + 1.0, each.col + 1.0, each.data.astype(np.float64)))
    names = ("window", "from", "to", "weight")
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def _structure(columns: Mapping[Any, Any]) -> dict[str, Any]:
    """Name fields as MATLAB allows, and write text as cells."""
    names = _field_names(map(str, columns))
    return {
        name: _column(np.asarray(values))
        for name, values in zip(names, columns.values(), strict=True)
    }


def _column(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "biuf":
        return values
    cells = np.empty(len(values), dtype=object)
    cells[:] = [str(value) for value in values]
    return cells


def _field_names(names: Iterable[str]) -> list[str]:
    """
    Turn names into those of fields: letters, digits and underscores behind a letter.

    Examples
    --------
    >>> _field_names(["score", "game:rally", "game rally"])
    ['score', 'game_rally', 'game_rally_2']
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "x"
        plain = (plain if plain[0].isalpha() else f"x_{plain}")[:_LONGEST]
        n_taken, free = 1, plain
        while free in found:
            n_taken += 1
            free = f"{plain[: _LONGEST - 4]}_{n_taken}"
        found.append(free)
    return found


def _require_room(n_bytes: int, what: str) -> None:
    if n_bytes > _MOST_BYTES:
        raise InputError(
            f"The {what} takes {n_bytes / 1e9:.1f} GB, and a file of MATLAB 5 holds arrays of at "
            "most 2 GB. Read the NWB file in MATLAB with MatNWB, or export some of the windows."
        )
