"""Tables of units of an NWB file: where they stand, and what they say of their nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import UNIT_NAME, known_place, known_text
from tavrnn_ephys.adapters.nwb._tables import plain_column, ragged_column
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.containers.nodes import NODE_KINDS
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.quality import labels_of

__all__ = ["electrode_positions", "find_units", "judgement_of", "unit_nodes"]

# Columns that hold the judgement of a curator, a sorter or a pipeline, in this order.
_JUDGEMENTS = (
    "quality", "cluster_group", "group", "KSLabel", "ks_label", "ks2_label", "unit_quality",
    "default_qc", "label", "accepted", "Accepted", "is_good",
)  # fmt: skip
# Columns of these, and only these, judge by numbers.
_BY_NUMBER = ("accepted", "Accepted", "is_good")
# How our own writer describes what was an annotation: its nodes have been chosen before.
_CHOSEN_BEFORE = "Annotation '"


def find_units(nwbfile: Any) -> list[Any]:
    """
    Find the tables of units whose spikes are known, wherever a file keeps them.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of pynwb.misc.Units
        The file's own units first, then those of processing modules, analysis and scratch.  A
        table with observation intervals alone says that nothing fired in them.
    """
    from pynwb.misc import Units

    places = [module.data_interfaces for module in nwbfile.processing.values()]
    places += [nwbfile.analysis or {}, nwbfile.scratch or {}]
    tables = [nwbfile.units, *(item for place in places for item in place.values())]
    return [
        table
        for table in tables
        if isinstance(table, Units)
        and len(table.id) > 0
        and ("spike_times" in table.colnames or "obs_intervals" in table.colnames)
    ]


def judgement_of(
    table: Any, names: tuple[str, ...] = _JUDGEMENTS, by_number: tuple[str, ...] = _BY_NUMBER
) -> tuple[str, NDArray[np.str_]] | None:
    """
    Find the column of a table that judges its rows.

    Parameters
    ----------
    table : hdmf.common.DynamicTable
        Units or ROIs.
    names : tuple of str
        Columns that can be judgements, in the order of preference.
    by_number : tuple of str
        Those of them that judge by 0 and 1, or by such a number and its probability.

    Returns
    -------
    tuple of str and numpy.ndarray, or None
        Name of the column, and the label of each row in lower case.
    """
    for name in (item for item in names if item in table.colnames):
        if str(table[name].description).startswith(_CHOSEN_BEFORE):
            continue
        values = plain_column(table[name])
        if values is None or len(values) != len(table.id):
            continue
        if values.dtype.kind in "biuf":
            if name not in by_number:
                continue
            values = values if values.ndim == 1 else values.reshape(len(values), -1)[:, 0]
        elif values.ndim != 1:
            continue
        labels = labels_of(values)
        if labels is not None:
            return name, labels
    return None


def unit_nodes(units: Any, file_name: str) -> Nodes:
    """
    Describe the units of a table as nodes.

    Parameters
    ----------
    units : pynwb.misc.Units
        The table.
    file_name : str
        Name of the file, for messages.

    Returns
    -------
    Nodes
        One node per row.

    Raises
    ------
    FileFormatError
        If units point to electrodes that do not exist.
    """
    n_units = len(units.id)
    column = units["electrodes"] if "electrodes" in units.colnames else None
    electrodes, rows, owner = None, np.empty(0, np.int64), np.empty(0, np.int64)
    if column is not None:
        region, stops = ragged_column(column)
        rows = np.asarray(region.data[:], dtype=np.int64)
        owner = np.repeat(np.arange(n_units), np.diff(stops, prepend=0))
        electrodes = region.table
        if len(owner) != len(rows) or np.any((rows < 0) | (rows >= len(electrodes.id))):
            raise FileFormatError(
                f"Units of '{file_name}' point to electrodes that are not in its table of "
                f"{len(electrodes.id)} electrodes. Write the file again."
            )
    return Nodes(
        ids=np.array(_unit_ids(units)),
        kind=_unit_kind(units),
        groups=np.array(_unit_groups(units, electrodes, rows, owner)),
        positions_um=_unit_positions(electrodes, rows, owner, n_units),
        rows=np.arange(n_units),
        table=str(units.name),
    )


def _unit_ids(units: Any) -> list[str]:
    if UNIT_NAME in units.colnames:
        names = plain_column(units[UNIT_NAME])
        if names is not None and len(np.unique(names)) == len(names):
            return [str(name) for name in names]
    return [str(identity) for identity in units.id[:]]


def _unit_kind(units: Any) -> str:
    kinds = plain_column(units["node_kind"]) if "node_kind" in units.colnames else None
    kind = str(kinds[0]) if kinds is not None else ""
    return kind if kind in NODE_KINDS else "unit"


def _unit_groups(
    units: Any, electrodes: Any, rows: NDArray[np.int64], owner: NDArray[np.int64]
) -> list[str]:
    """Take the first source that knows any group; a unit on several electrodes takes the first."""
    groups = [""] * len(units.id)
    if "node_group" in units.colnames:
        own = plain_column(units["node_group"])
        if own is not None and any(known_text(value) for value in own):
            return [known_text(value) for value in own]
    for name in ("node_group", "location"):
        if electrodes is None or name not in electrodes.colnames:
            continue
        values = plain_column(electrodes[name])
        known = [] if values is None else [known_place(value) for value in values]
        if any(known):
            for unit, row in zip(owner[::-1], rows[::-1], strict=True):
                groups[unit] = known[row]
            return groups
    return groups


def _unit_positions(
    electrodes: Any, rows: NDArray[np.int64], owner: NDArray[np.int64], n_units: int
) -> NDArray[np.float64] | None:
    if electrodes is None:
        return None
    positions = electrode_positions(electrodes)
    if positions is None:
        return None
    counts = np.bincount(owner, minlength=n_units)
    sums = [np.bincount(owner, weights=axis[rows], minlength=n_units) for axis in positions.T]
    with np.errstate(invalid="ignore"):
        means = np.column_stack(sums) / counts[:, np.newaxis]
    return None if np.isnan(means).all() else means


def electrode_positions(electrodes: Any) -> NDArray[np.float64] | None:
    """
    Read the coordinates of electrodes.

    Parameters
    ----------
    electrodes : hdmf.common.DynamicTable
        Table of electrodes.

    Returns
    -------
    numpy.ndarray or None
        Micrometres, shape (n_electrodes, 2 or 3); None where they are unknown: x, y and z were
        once mandatory, and 0 for all meant unknown.
    """
    for names in (("x", "y", "z"), ("rel_x", "rel_y", "rel_z")):
        if not all(name in electrodes.colnames for name in names[:2]):
            continue
        columns = [
            np.asarray(electrodes[name].data[:], dtype=np.float64)
            for name in names
            if name in electrodes.colnames
        ]
        positions = np.column_stack(columns)
        if positions.shape[1] == 3 and np.isnan(positions[:, 2]).all():
            positions = positions[:, :2]
        unset = len(positions) > 1 and not np.any(positions)
        if not unset and not np.isnan(positions[:, :2]).all():
            return positions
    return None
