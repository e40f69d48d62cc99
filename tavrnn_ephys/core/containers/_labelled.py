"""Containers as labelled arrays of xarray, and back."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.containers._frames import AXES
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import xarray


__all__ = [
    "load_xarray",
    "node_attributes",
    "node_coordinates",
    "node_fields",
    "require_variables",
    "window_coordinates",
    "window_fields",
]

_OF_WINDOWS = ("window", "start_s", "stop_s", "segment_index")
_TAKEN = (
    *_OF_WINDOWS, "node", "node_to", "node_group", "node_row", *AXES, "latent", "attended", "bin",
    "weights", "lags_s", "mean_activity", "mean", "std", "attention", "history",
)  # fmt: skip


def load_xarray() -> ModuleType:
    """
    Import xarray.

    Returns
    -------
    module
        The package.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise InputError(
            "Labelled arrays need the package xarray. Install it: "
            "pip install 'tavrnn_ephys[xarray]'."
        ) from None
    module: ModuleType = xarray
    return module


def window_coordinates(windows: Any) -> dict[str, Any]:
    """
    Give limits, segment and further columns of windows as coordinates.

    Parameters
    ----------
    windows : Windows
        The windows.

    Returns
    -------
    dict of str to object
        Coordinates along ``window``.

    Raises
    ------
    InputError
        If a column has the name of an axis or a variable.
    """
    taken = [name for name in windows.columns if name in _TAKEN]
    if taken:
        raise InputError(
            f"The window column '{taken[0]}' has the name of an axis or variable of the labelled "
            "arrays. Rename it first."
        )
    return {
        "window": np.arange(len(windows)),
        "start_s": ("window", windows.start_s, {"units": "s"}),
        "stop_s": ("window", windows.stop_s, {"units": "s"}),
        "segment_index": ("window", windows.segment_index),
        **{name: ("window", values) for name, values in windows.columns.items()},
    }


def window_fields(data: xarray.Dataset) -> dict[str, Any]:
    """
    Read back what :func:`window_coordinates` gave.

    Parameters
    ----------
    data : xarray.Dataset
        The labelled arrays.

    Returns
    -------
    dict of str to object
        Fields of :class:`tavrnn_ephys.Windows`.
    """
    along = [name for name in data.coords if data[name].dims == ("window",)]
    return {
        **{name: data[name].values for name in _OF_WINDOWS[1:]},
        "columns": {str(name): data[name].values for name in along if name not in _OF_WINDOWS},
    }


def node_coordinates(nodes: Any, *, twice: bool = False) -> dict[str, Any]:
    """
    Give identity, group and place of nodes as coordinates.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    twice : bool
        Whether there is a second axis of nodes, ``node_to``.

    Returns
    -------
    dict of str to object
        Coordinates along ``node``.
    """
    found: dict[str, Any] = {
        "node": nodes.ids,
        "node_group": ("node", nodes.groups),
        "node_row": ("node", nodes.rows),
    }
    if nodes.positions_um is not None:
        places = np.asarray(nodes.positions_um)
        found |= {
            name: ("node", places[:, index], {"units": "um"})
            for index, name in enumerate(AXES[: places.shape[1]])
        }
    return {**found, **({"node_to": nodes.ids} if twice else {})}


def node_attributes(nodes: Any) -> dict[str, str]:
    """
    Give what all nodes have in common.

    Parameters
    ----------
    nodes : Nodes
        The nodes.

    Returns
    -------
    dict of str to str
        Attributes of the labelled arrays.
    """
    return {"node_kind": nodes.kind, "node_table": nodes.table}


def node_fields(data: xarray.Dataset) -> dict[str, Any]:
    """
    Read back what :func:`node_coordinates` and :func:`node_attributes` gave.

    Parameters
    ----------
    data : xarray.Dataset
        The labelled arrays.

    Returns
    -------
    dict of str to object
        Fields of :class:`tavrnn_ephys.Nodes`.
    """
    places = [data[name].values for name in AXES if name in data.coords]
    return {
        "ids": data["node"].values,
        "kind": str(data.attrs.get("node_kind", "unit")),
        "groups": data["node_group"].values if "node_group" in data.coords else None,
        "positions_um": np.column_stack(places) if places else None,
        "rows": data["node_row"].values if "node_row" in data.coords else None,
        "table": str(data.attrs.get("node_table", "")),
    }


def require_variables(data: Any, names: tuple[str, ...], what: str) -> None:
    """
    Refuse labelled arrays of another kind.

    Parameters
    ----------
    data : object
        What was given.
    names : tuple of str
        Variables and coordinates that are needed.
    what : str
        What was expected, for the message.

    Raises
    ------
    InputError
        If it is no xarray.Dataset, or one of them is missing.
    """
    known: Mapping[Any, Any] = getattr(data, "variables", {})
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(
            f"{what} needs an xarray.Dataset with {', '.join(names)}, as to_xarray() makes it; "
            f"'{missing[0]}' is missing."
        )
