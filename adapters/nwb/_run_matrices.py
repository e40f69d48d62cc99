"""Connectivity of a run as a table, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.adapters.nwb._run_columns import Column, Wrap, row_chunks, stored_columns
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.triangles import triangle

__all__ = ["connectivity_table", "is_mirrored", "window_table"]

# Rows compared at once where a whole matrix would not fit into the cache.
_STRIPE = 32


def connectivity_table(
    connectivity: ConnectivitySequence, run: str, windows: Any, form: str, wrap: Wrap
) -> tuple[Any, dict[str, Any]]:
    """
    Build the table of connectivity.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Connectivity of every window.
    run : str
        Name of the run.
    windows : pynwb.epoch.TimeIntervals
        The table of windows.
    form : {"triangle", "full"}
        Whether whole matrices are stored; those of directed connectivity always are.
    wrap : callable
        Marks an array for chunked storage.

    Returns
    -------
    table : hdmf.common.DynamicTable
        One row per window.
    notes : dict of str to object
        How the columns are to be read back.
    """
    exact = not connectivity.directed and _is_mirrored(connectivity)
    columns = [*_weight_columns(connectivity, form == "triangle" and exact)]
    stored, notes = stored_columns("connectivity", columns, wrap)
    notes |= {"connectivity.measure": connectivity.measure,
              "connectivity.directed": connectivity.directed}  # fmt: skip
    table = window_table(
        table_name(run, "connectivity"),
        f"Functional connectivity ({connectivity.measure}) between the {connectivity.n_nodes} "
        f"nodes of '{table_name(run, 'nodes')}', one row per window of "
        f"'{table_name(run, 'windows')}'.",
        stored,
        windows,
    )
    return table, notes


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
