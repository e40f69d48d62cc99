"""Connectivity as a table of pairs and as labelled arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.containers._frames import edges_frame
from tavrnn_ephys.core.containers._labelled import (
    load_xarray,
    node_attributes,
    node_coordinates,
    node_fields,
    require_variables,
    window_coordinates,
    window_fields,
)
from tavrnn_ephys.core.containers.nodes import Nodes
from tavrnn_ephys.core.containers.origin import Origin
from tavrnn_ephys.core.containers.windows import Windows
from tavrnn_ephys.core.pairs import node_pairs

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["connectivity_fields", "connectivity_frame", "connectivity_labelled"]

_ORIGIN = "origin_"


def connectivity_frame(connectivity: Any) -> pandas.DataFrame:
    """
    Give a row per window and pair of nodes.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        The connectivity.

    Returns
    -------
    pandas.DataFrame
        As :meth:`tavrnn_ephys.ConnectivitySequence.to_dataframe` describes it.
    """
    n_nodes, lags = len(connectivity.nodes), connectivity.lags_s
    row, column = node_pairs(n_nodes, directed=connectivity.directed)
    entries = (
        {
            "row": row,
            "column": column,
            "weight": matrix[row, column],
            **({} if lags is None else {"lag_s": lags[index][row, column]}),
        }
        for index, matrix in enumerate(connectivity.weights)
    )
    return edges_frame(
        connectivity.windows, connectivity.nodes, entries, directed=connectivity.directed
    )


def connectivity_labelled(connectivity: Any) -> xarray.Dataset:
    """
    Give labelled arrays.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        The connectivity.

    Returns
    -------
    xarray.Dataset
        As :meth:`tavrnn_ephys.ConnectivitySequence.to_xarray` describes it.
    """
    pairs = ("window", "node", "node_to")
    variables: dict[str, Any] = {"weights": (pairs, np.asarray(connectivity.weights))}
    if connectivity.mean_activity is not None:
        variables["mean_activity"] = (("window", "node"), connectivity.mean_activity)
    if connectivity.lags_s is not None:
        variables["lags_s"] = (pairs, connectivity.lags_s, {"units": "s"})
    known = connectivity.origin.to_facts().items()
    # Attributes of NetCDF are no booleans.
    facts = {
        f"{_ORIGIN}{name}": int(value) if isinstance(value, bool) else value
        for name, value in known
    }
    return load_xarray().Dataset(
        variables,
        coords={
            **window_coordinates(connectivity.windows),
            **node_coordinates(connectivity.nodes, twice=True),
        },
        attrs={
            **node_attributes(connectivity.nodes),
            "measure": connectivity.measure,
            "directed": int(connectivity.directed),
            **facts,
        },
    )


def connectivity_fields(data: xarray.Dataset) -> dict[str, Any]:
    """
    Read back what :func:`connectivity_labelled` gave.

    Parameters
    ----------
    data : xarray.Dataset
        The labelled arrays.

    Returns
    -------
    dict of str to object
        Fields of :class:`tavrnn_ephys.ConnectivitySequence`.

    Raises
    ------
    InputError
        If a variable is missing.
    """
    require_variables(
        data, ("weights", "start_s", "stop_s", "node"), "ConnectivitySequence.from_xarray"
    )
    facts = {
        str(name).removeprefix(_ORIGIN): value
        for name, value in data.attrs.items()
        if str(name).startswith(_ORIGIN)
    }
    if "binary" in facts:
        facts["binary"] = bool(facts["binary"])
    optional = {name: data[name].values for name in ("mean_activity", "lags_s") if name in data}
    return {
        "weights": data["weights"].values,
        **optional,
        "windows": Windows(**window_fields(data)),
        "nodes": Nodes(**node_fields(data)),
        "measure": str(data.attrs.get("measure", "custom")),
        "directed": bool(data.attrs.get("directed", 0)),
        "origin": Origin.from_facts(facts),
    }
