"""Connectivity of a run as a table, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._run_columns import Column, row_chunks
from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun, options_below
from tavrnn_ephys.core.containers import ConnectivitySequence, Origin
from tavrnn_ephys.core.triangles import from_triangle, triangle

__all__ = [
    "is_mirrored",
    "read_connectivity",
    "read_weights",
    "read_window_of_connectivity",
    "stored_connectivity",
    "window_table",
    "write_connectivity",
]

# Rows compared at once where a whole matrix would not fit into the cache.
_STRIPE = 32


def write_connectivity(tables: RunTables) -> None:
    """Add the table of connectivity, unless the graphs alone are to tell it."""
    connectivity = stored_connectivity(tables)
    if connectivity is None:
        return
    exact = not connectivity.directed and _is_mirrored(connectivity)
    halved = tables.placement.connectivity == "triangle" and exact
    stored, notes = tables.stored("connectivity", _weight_columns(connectivity, halved))
    notes |= {"connectivity.measure": connectivity.measure,
              "connectivity.directed": connectivity.directed}  # fmt: skip
    facts = connectivity.origin.to_facts()
    notes |= {f"connectivity.origin.{name}": value for name, value in facts.items()}
    table = window_table(
        tables.name("connectivity"),
        f"Functional connectivity ({connectivity.measure}) between the {connectivity.n_nodes} "
        f"nodes of '{tables.name('nodes')}', one row per window of '{tables.name('windows')}'.",
        stored,
        tables.table("windows"),
    )
    tables.add("connectivity", table, notes)


def stored_connectivity(tables: RunTables) -> ConnectivitySequence | None:
    """
    Give the connectivity that the file holds.

    Parameters
    ----------
    tables : RunTables
        The tables of the run.

    Returns
    -------
    ConnectivitySequence or None
        The connectivity; None where there is none beyond the edges of the graphs.
    """
    return None if tables.placement.connectivity == "edges" else tables.results.connectivity


def read_connectivity(run: NwbRun) -> ConnectivitySequence | None:
    """Read the connectivity."""
    if "connectivity" not in run.groups:
        return None
    return ConnectivitySequence(
        weights=read_weights(run),
        windows=run.windows,
        nodes=run.nodes,
        measure=str(run.options["connectivity.measure"]),
        mean_activity=run.restored("connectivity", "mean_activity"),
        lags_s=run.restored("connectivity", "lags"),
        directed=bool(run.options["connectivity.directed"]),
        standard_errors=run.restored("connectivity", "standard_errors"),
        origin=Origin.from_facts(options_below("connectivity.origin.", run.options)),
    )


def read_window_of_connectivity(
    run: NwbRun, index: int, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Read the connectivity of one window."""
    if "connectivity" not in run.groups:
        return {}
    here = slice(index, index + 1)
    activity = run.restored("connectivity", "mean_activity", here)
    fields = {"weights": read_weights(run, here)[0]}
    return fields if activity is None else {**fields, "mean_activity": activity[0]}


def read_weights(run: NwbRun, windows: slice = slice(None)) -> NDArray[Any]:
    """
    Read matrices of connectivity.

    Parameters
    ----------
    run : NwbRun
        The run.
    windows : slice
        Which windows.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_nodes, n_nodes).

    Raises
    ------
    FileFormatError
        If the file lacks them.
    """
    upper = run.restored("connectivity", "weights_upper", windows)
    if upper is not None:
        return from_triangle(upper, run.n_nodes)
    return run.needed("connectivity", "weights", windows)


def _is_mirrored(connectivity: ConnectivitySequence) -> bool:
    """Symmetry to the last bit, so that one half tells the other."""
    return all(is_mirrored(matrix) for matrix in connectivity.weights)


def is_mirrored(matrix: NDArray[Any]) -> bool:
    """
    Say whether a matrix equals its mirror image to the last bit.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n_nodes, n_nodes)
        The matrix; NaN equals NaN.

    Returns
    -------
    bool
        Whether one half tells the other.
    """
    # Stripes and their mirror images: far fewer cache misses than the whole at once.
    for first in range(0, len(matrix), _STRIPE):
        stripe, mirrored = matrix[first : first + _STRIPE, first:], matrix[first:]
        mirrored = mirrored[:, first : first + _STRIPE].T
        if not np.array_equal(stripe, mirrored):
            # Rarely: NaN equals nothing, and its comparison takes longer.
            nan = matrix.dtype.kind == "f" and np.array_equal(stripe, mirrored, equal_nan=True)
            if not nan:
                return False
    return True


def _weight_columns(connectivity: ConnectivitySequence, halved: bool) -> Iterator[Column]:
    n_windows, n_nodes = len(connectivity.windows), connectivity.n_nodes
    weights, derive = connectivity.weights, None
    if connectivity.is_file_backed and _needs_encoding(weights):
        weights = np.asarray(weights)
    elif connectivity.is_file_backed:
        derive = np.asarray
    elif weights.dtype == np.float16:
        weights = weights.astype(np.float32)
    what = "signed weight of each pair of nodes, unitless for correlations"
    whole = Column(
        name="weights",
        text=f"Connectivity matrix of the window: {what}; {n_nodes} x {n_nodes}, from the node of "
        "the row to the node of the column.",
        values=weights,
        chunks=(1, n_nodes, n_nodes),
        compress=False,
        derive=derive,
    )
    if not halved or _needs_encoding(weights):
        yield whole
    else:
        yield Column(
            name="weights_upper",
            text=f"Upper triangle of the symmetric connectivity matrix of the window: {what}. "
            f"Row by row with the diagonal, as numpy.triu_indices({n_nodes}) counts: entries "
            f"(0, 0), (0, 1), ..., (0, {n_nodes - 1}), (1, 1), and so on.",
            values=weights,
            chunks=(1, n_nodes * (n_nodes + 1) // 2),
            compress=False,
            derive=triangle,
        )
    if connectivity.mean_activity is not None:
        yield Column(
            name="mean_activity",
            text="Mean activity of each node in the window: events per second for spike counts, "
            "the unit of the trace otherwise.",
            values=connectivity.mean_activity,
            chunks=row_chunks(n_windows, n_nodes),
        )
    if connectivity.lags_s is not None:
        yield Column(
            name="lags",
            text="Lag in seconds at which each weight was taken: positive where the node of the "
            "column follows the node of the row.",
            values=connectivity.lags_s,
            chunks=(1, n_nodes, n_nodes),
        )
    if connectivity.standard_errors is not None:
        yield Column(
            name="standard_errors",
            text="How far chance moves each weight, in its unit; NaN where there is no weight.",
            values=connectivity.standard_errors,
            chunks=(1, n_nodes, n_nodes),
        )


def _needs_encoding(weights: NDArray[Any]) -> bool:
    """Tell values that the inspector wants as booleans, or not at all."""
    head = weights[0]
    return bool(np.isin(head, (0, 1)).all() or (head.dtype.kind == "f" and np.isnan(head).all()))


def window_table(
    name: str, text: str, columns: list[Any], windows: Any, ragged: list[Any] | None = None
) -> Any:
    """
    Build a table with a row per window, which points to the windows.

    Parameters
    ----------
    name, text : str
        Name and description.
    columns : list of hdmf.common.VectorData
        Its columns.
    windows : pynwb.epoch.TimeIntervals
        The table of windows.
    ragged : list of hdmf.common.VectorIndex, optional
        Further columns with several values per row.

    Returns
    -------
    hdmf.common.DynamicTable
        The table.
    """
    from hdmf.common import DynamicTable, DynamicTableRegion

    n_windows = len(windows.id)
    window = DynamicTableRegion(
        name="window",
        description="The window that the row belongs to.",
        data=list(range(n_windows)),
        table=windows,
    )
    all_columns: list[Any] = [window, *columns]
    for index in ragged or []:
        all_columns += [index, index.target]
    return DynamicTable(
        name=name,
        description=text,
        id=list(range(n_windows)),
        columns=all_columns,
        colnames=["window", *(column.name for column in columns),
                  *(index.target.name for index in ragged or [])],
    )  # fmt: skip
