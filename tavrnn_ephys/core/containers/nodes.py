"""Who the vertices of the graphs are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.containers._base import (
    Container,
    freeze,
    frozen_array,
    require,
    text_array,
)
from tavrnn_ephys.core.containers._frames import nodes_frame
from tavrnn_ephys.core.containers._labelled import (
    load_xarray,
    node_attributes,
    node_coordinates,
    node_fields,
    require_variables,
)
from tavrnn_ephys.core.names import several
from tavrnn_ephys.core.plain_arrays import in_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas
    import xarray

__all__ = ["Nodes"]

NODE_KINDS = ("unit", "channel", "roi")
# So many names are shown in a notebook.
_MOST_NAMED = 8


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Nodes(Container):
    """
    Identity of the vertices of a graph: what they are, where they lie, what they belong to.

    Parameters
    ----------
    ids : array_like of str, shape (n_nodes,)
        Unique names.
    kind : {"unit", "channel", "roi"}
        Sorted unit, recording site or segmented cell.
    groups : array_like of str, shape (n_nodes,), optional
        Subregion of each node; an empty string where there is none.
    positions_um : array_like of float, shape (n_nodes, 2 or 3), optional
        Coordinates in micrometres, NaN where unknown.
    rows : array_like of int, shape (n_nodes,), optional
        Row of each node in the table of the file it comes from (units, electrodes or
        ROIs), -1 where unknown.
    table : str, optional
        Name of that table inside its file; empty where unknown.

    Raises
    ------
    InputError
        If there is no node, an id stands twice, or the lengths differ.

    Examples
    --------
    >>> Nodes(ids=["u1", "u2"], kind="unit", groups=["sensory", "motor"])
    Nodes: 2 units in 2 groups (motor, sensory)
    """

    ids: Any
    kind: str = "unit"
    groups: Any = None
    positions_um: Any = None
    rows: Any = None
    table: str = ""

    def __post_init__(self) -> None:
        one_of(self.kind, NODE_KINDS, "kind")
        ids = text_array(self.ids)
        require(len(ids) > 0, "A recording without nodes cannot be analysed: node_ids is empty.")
        names, counts = np.unique(ids, return_counts=True)
        require(
            bool(np.all(counts == 1)),
            f"node_ids must be unique; more than once: {some(names[counts > 1])}.",
        )
        groups = text_array(self.groups if self.groups is not None else [""] * len(ids))
        positions = self.positions_um
        if positions is not None:
            positions = in_unit(positions, "um", "positions_um")
            positions = frozen_array(positions, dtype=np.float64)
            require(
                positions.ndim == 2 and positions.shape[1] in (2, 3),
                f"positions_um must have shape (n_nodes, 2 or 3), got {positions.shape}.",
            )
        rows = self.rows if self.rows is not None else np.full(len(ids), -1)
        rows = frozen_array(rows, dtype=np.int64)
        for name, value in (("groups", groups), ("positions_um", positions), ("rows", rows)):
            if value is not None:
                require(
                    len(value) == len(ids),
                    f"{name} has {len(value)} entries for {len(ids)} nodes.",
                )
        freeze(self, ids=ids, groups=groups, positions_um=positions, rows=rows)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return map(str, self.ids)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return str(self.ids[index])
        places = self.positions_um
        return Nodes(
            ids=self.ids[index],
            kind=self.kind,
            groups=self.groups[index],
            positions_um=None if places is None else places[index],
            rows=self.rows[index],
            table=self.table,
        )

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return the nodes as a table.

        Returns
        -------
        pandas.DataFrame
            One row per node: ``node_id``, ``group``, ``kind``, and ``x_um``, ``y_um``, ``z_um``
            where positions are known.

        Examples
        --------
        >>> Nodes(ids=["u1", "u2"]).to_dataframe()["node_id"].tolist()
        ['u1', 'u2']
        """
        return nodes_frame(self)

    def to_xarray(self) -> xarray.Dataset:
        """
        Return the nodes as coordinates of xarray, along ``node``.

        Returns
        -------
        xarray.Dataset
            Groups, rows and places as coordinates; kind and table as attributes.

        Raises
        ------
        InputError
            If xarray is not installed.
        """
        return load_xarray().Dataset(coords=node_coordinates(self), attrs=node_attributes(self))

    @classmethod
    def from_xarray(cls, data: xarray.Dataset) -> Nodes:
        """
        Take the nodes of labelled arrays.

        Parameters
        ----------
        data : xarray.Dataset
            As :meth:`to_xarray` of any container makes it.

        Returns
        -------
        Nodes
            Equal to those that it was made of.

        Raises
        ------
        InputError
            If it has no axis of nodes.
        """
        require_variables(data, ("node",), "Nodes.from_xarray")
        return cls(**node_fields(data))

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups that have at least one node, in alphabetical order."""
        return tuple(str(name) for name in np.unique(self.groups) if name)

    def __repr__(self) -> str:
        names = self.group_names
        where = f" in {len(names)} groups ({', '.join(names)})" if names else ""
        return f"Nodes: {len(self)} {several(self.kind)}{where}"

    def _repr_html_(self) -> str:
        shown = ", ".join(map(str, self.ids[:_MOST_NAMED]))
        more = f" and {len(self) - _MOST_NAMED} more" if len(self) > _MOST_NAMED else ""
        return _html.card(repr(self), "", f"{shown}{more}")


class OverNodes(Container):
    """Shortcuts shared by the containers that carry nodes."""

    nodes: Nodes

    @property
    def node_ids(self) -> NDArray[np.str_]:
        """Names of the nodes, shape (n_nodes,)."""
        return self.nodes.ids

    @property
    def node_kind(self) -> str:
        """Kind of the nodes: ``"unit"``, ``"channel"`` or ``"roi"``."""
        return self.nodes.kind

    @property
    def node_groups(self) -> NDArray[np.str_]:
        """Subregion of each node, shape (n_nodes,); empty where there is none."""
        return self.nodes.groups

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)
