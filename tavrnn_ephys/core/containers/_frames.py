"""Containers as data frames: a row per window, node, pair of nodes, or vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas

__all__ = ["edges_frame", "nodes_frame", "vectors_frame"]

AXES = ("x_um", "y_um", "z_um")


def nodes_frame(nodes: Any) -> pandas.DataFrame:
    """
    Give a row per node.

    Parameters
    ----------
    nodes : Nodes
        The nodes.

    Returns
    -------
    pandas.DataFrame
        ``node_id``, ``group``, ``kind``, and ``x_um``, ``y_um``, ``z_um`` where they are known.
    """
    import pandas as pd

    columns: dict[str, Any] = {"node_id": nodes.ids, "group": nodes.groups}
    columns["kind"] = np.full(len(nodes), nodes.kind)
    if nodes.positions_um is not None:
        columns |= dict(zip(AXES, np.asarray(nodes.positions_um).T, strict=False))
    return pd.DataFrame(columns)


def edges_frame(
    windows: Any, nodes: Any, entries: Iterable[dict[str, NDArray[Any]]], *, directed: bool
) -> pandas.DataFrame:
    """
    Give a row per window and pair of nodes.

    Parameters
    ----------
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    entries : iterable of dict of str to numpy.ndarray
        For each window positions ``row`` and ``column`` of its pairs, and what is known of them.
    directed : bool
        Whether a pair is an arrow; its ends are named so.

    Returns
    -------
    pandas.DataFrame
        ``window_index``, ``start_s``, ``stop_s``, both ends, and what is known of the pair.
    """
    import pandas as pd

    first, second = ("source", "target") if directed else ("node_a", "node_b")
    parts = []
    for index, found in enumerate(entries):
        known = dict(found)
        row, column = known.pop("row"), known.pop("column")
        about = {
            "window_index": index,
            "start_s": windows.start_s[index],
            "stop_s": windows.stop_s[index],
            first: nodes.ids[row],
            second: nodes.ids[column],
        }
        parts.append(pd.DataFrame({**about, **known}, index=np.arange(len(row))))
    return pd.concat(parts, ignore_index=True)


def vectors_frame(windows: Any, nodes: Any, arrays: dict[str, NDArray[Any]]) -> pandas.DataFrame:
    """
    Give a row per window and node, and a column per dimension of each array.

    Parameters
    ----------
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    arrays : dict of str to numpy.ndarray, each of shape (n_windows, n_nodes, n_dimensions)
        The arrays by name.

    Returns
    -------
    pandas.DataFrame
        ``window_index``, ``start_s``, ``stop_s``, ``node_id``, ``group``, then ``NAME_0``,
        ``NAME_1``, … for each array.
    """
    import pandas as pd

    n_windows, n_nodes = len(windows), len(nodes)
    columns: dict[str, Any] = {
        "window_index": np.repeat(np.arange(n_windows), n_nodes),
        "start_s": np.repeat(windows.start_s, n_nodes),
        "stop_s": np.repeat(windows.stop_s, n_nodes),
        "node_id": np.tile(nodes.ids, n_windows),
        "group": np.tile(nodes.groups, n_windows),
    }
    for name, values in arrays.items():
        flat = np.asarray(values).reshape(n_windows * n_nodes, -1)
        columns |= {f"{name}_{index}": column for index, column in enumerate(flat.T)}
    return pd.DataFrame(columns)
