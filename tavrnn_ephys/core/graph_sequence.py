"""One graph per window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.containers import Nodes, Origin, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_adjacency import AdjacencyOfWindows, mirrored_graphs
from tavrnn_ephys.core.graph_conversion import graphs_frame, to_networkx
from tavrnn_ephys.core.graph_files import read_fields, write_fields
from tavrnn_ephys.core.graph_masks import check_node_mask
from tavrnn_ephys.core.graphs_on_demand import (
    GraphsOnDemand,
    chosen_graphs,
    entries_of,
    same_graphs,
    shapes_of,
)
from tavrnn_ephys.core.names import several
from tavrnn_ephys.core.vertex_features import (
    FeaturesOnDemand,
    chosen_features,
    same_arrays,
    same_features,
)

if TYPE_CHECKING:
    import networkx
    import pandas
    from torch_geometric.data import Data

__all__ = ["GraphSequence"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GraphSequence(AdjacencyOfWindows):
    """
    One graph per window over the same nodes, or over some of them.

    Parameters
    ----------
    weights : tuple of scipy.sparse.csr_array, each of shape (n_nodes, n_nodes)
        Signed weights of the edges, ``float32``, without diagonal; an edge is a stored entry.
        Where the connectivity lies in a file, a sequence that builds each when it is asked for.
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    features : numpy.ndarray of float32, shape (n_windows, n_vertices, n_features), or None
        Features of each vertex; ``None`` stands for the identity matrix.
    history_node : bool
        Whether a further vertex, the last one, is joined to all others in every window.
    node_mask : numpy.ndarray of bool, shape (n_windows, n_nodes), optional
        Which nodes exist in each window, where units are lost or found; ``None`` if all do.  A
        node that does not exist has its self-loop only, so that every vertex has a degree.
    origin : Origin
        How the graphs were made; unknown by default, and no part of their equality.
    directed : bool
        Whether an entry is an arrow from its row to its column; else all graphs are symmetric.
    standard_errors : numpy.ndarray of float32, shape (n_windows, n_nodes, n_nodes), optional
        How far chance moves each weight, edge or not; NaN where that is unknown.

    Raises
    ------
    InputError
        If the lengths disagree, or an edge ends at a node that does not exist.

    Examples
    --------
    >>> matrix = scipy.sparse.csr_array(np.array([[0, 0.8], [0.8, 0]], dtype=np.float32))
    >>> graphs = GraphSequence(
    ...     weights=(matrix, -matrix),
    ...     windows=Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0]),
    ...     nodes=Nodes(ids=["a", "b"]),
    ... )
    >>> graphs
    GraphSequence: 2 windows x 2 units + history node, density 1.00 to 1.00, 3 features
    >>> graphs[1:].weights[0].toarray()
    array([[ 0. , -0.8],
           [-0.8,  0. ]], dtype=float32)
    """

    weights: tuple[scipy.sparse.csr_array, ...] | GraphsOnDemand
    windows: Windows
    nodes: Nodes
    features: NDArray[np.float32] | FeaturesOnDemand | None = None
    history_node: bool = True
    node_mask: NDArray[np.bool_] | None = None
    origin: Origin = field(default_factory=Origin, compare=False)
    directed: bool = False
    standard_errors: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.windows):
            raise InputError(f"{len(self.weights)} graphs stand for {len(self.windows)} windows.")
        for index, shape in enumerate(shapes_of(self.weights)):
            if shape != (self.n_nodes, self.n_nodes):
                raise InputError(f"Graph {index} has shape {shape} for {self.n_nodes} nodes.")
        if self.features is not None and self.features.shape[:2] != (len(self), self.n_vertices):
            raise InputError(
                f"features has shape {self.features.shape}; "
                f"({len(self)}, {self.n_vertices}, n_features) is expected."
            )
        errors, shape = self.standard_errors, (len(self), self.n_nodes, self.n_nodes)
        if errors is not None and errors.shape != shape:
            raise InputError(f"standard_errors has shape {errors.shape}; {shape} is expected.")
        if self.node_mask is not None:
            check_node_mask(self.node_mask, self.weights, self.n_nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GraphSequence):
            return NotImplemented
        plain = ("windows", "nodes", "history_node", "directed")
        if any(getattr(self, name) != getattr(other, name) for name in plain):
            return False
        return (
            same_arrays(self.node_mask, other.node_mask)
            and same_arrays(self.standard_errors, other.standard_errors)
            and same_features(self.features, other.features)
            and same_graphs(self.weights, other.weights)
        )

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, the history node not counted."""
        return len(self.nodes)

    @property
    def n_vertices(self) -> int:
        """Number of vertices, the history node counted."""
        return self.n_nodes + int(self.history_node)

    @property
    def n_features(self) -> int:
        """Width of the features of a vertex."""
        return self.n_vertices if self.features is None else self.features.shape[2]

    @property
    def n_present(self) -> NDArray[np.int64]:
        """Number of nodes that exist in each window, shape (n_windows,)."""
        if self.node_mask is None:
            return np.full(len(self), self.n_nodes)
        return self.node_mask.sum(axis=1)

    @property
    def density(self) -> NDArray[np.float64]:
        """Share of the possible edges between existing nodes that exist, shape (n_windows,)."""
        possible = np.maximum(self.n_present * (self.n_present - 1), 1)
        return entries_of(self.weights) / possible

    def select(self, index: Any) -> GraphSequence:
        """
        Return some of the windows as a sequence of its own.

        Parameters
        ----------
        index : slice, array_like of int or array_like of bool
            Which windows, in chronological order.

        Returns
        -------
        GraphSequence
            Shorter sequence over the same nodes.
        """
        chosen = np.arange(len(self))[index]
        errors = self.standard_errors
        return replace(
            self,
            weights=chosen_graphs(self.weights, chosen),
            windows=self.windows.select(chosen),
            features=chosen_features(self.features, chosen),
            node_mask=None if self.node_mask is None else self.node_mask[chosen],
            standard_errors=None if errors is None else errors[chosen],
        )

    def symmetrized(self) -> GraphSequence:
        """
        Drop the direction: the mean of both directions is the weight of a pair.

        Returns
        -------
        GraphSequence
            Undirected graphs, without standard errors; itself where it is undirected already.
        """
        if not self.directed:
            return self
        return replace(
            self,
            weights=mirrored_graphs(self.weights),
            directed=False,
            standard_errors=None,
            origin=self.origin.with_option("symmetrized", "mean"),
        )

    def to_networkx(self, window_index: int) -> networkx.Graph:
        """
        Return the graph of a window for NetworkX.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        networkx.Graph or networkx.DiGraph
            The nodes that exist, by id, in order, with ``group`` and ``position_um`` where they
            are known; edges with their signed ``weight``.  Neither self-loops nor history node.

        Examples
        --------
        >>> matrix = scipy.sparse.csr_array(np.array([[0, 0.5], [0.5, 0]], dtype=np.float32))
        >>> one = {"windows": Windows(start_s=[0.0], stop_s=[1.0]), "nodes": Nodes(ids="ab")}
        >>> list(GraphSequence(weights=(matrix,), **one).to_networkx(0).edges(data="weight"))
        [('a', 'b', 0.5)]
        """
        position = range(len(self))[window_index]
        present = None if self.node_mask is None else self.node_mask[position]
        return to_networkx(self.nodes, self.weights[position], present, directed=self.directed)

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return a row per window and edge: limits of the window, both ends, and signed ``weight``.

        Returns
        -------
        pandas.DataFrame
            The rows.
        """
        return graphs_frame(self.windows, self.nodes, self.weights, directed=self.directed)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """
        Save the sequence in one file of NumPy arrays, without pickled objects.

        Parameters
        ----------
        path : str or pathlib.Path
            The file, usually ``.npz``; it appears whole or not at all.
        overwrite : bool
            Whether an existing file may be replaced.

        Raises
        ------
        OutputError
            If the file exists or cannot be written.
        """
        write_fields(
            path,
            weights=tuple(self.weights),
            windows=self.windows,
            nodes=self.nodes,
            arrays={
                "features": self.features,
                "node_mask": self.node_mask,
                "standard_errors": self.standard_errors,
            },
            directed=self.directed,
            history_node=self.history_node,
            origin=self.origin,
            overwrite=overwrite,
        )

    @classmethod
    def load(cls, path: str | Path) -> GraphSequence:
        """
        Load a sequence that :meth:`save` wrote.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.

        Returns
        -------
        GraphSequence
            Equal to the one that was saved.

        Raises
        ------
        FileFormatError
            If the file is missing, damaged, or holds something else.
        """
        return cls(**read_fields(path))

    def __getitem__(self, index: Any) -> Data | GraphSequence:
        if not isinstance(index, int | np.integer):
            return self.select(index)
        import torch
        from torch_geometric.data import Data

        position = range(len(self))[int(index)]
        edges = self.signed_adjacency(position).tocoo()
        return Data(
            x=torch.from_numpy(np.array(self.vertex_features(position))),
            edge_index=torch.from_numpy(np.stack([edges.row, edges.col]).astype(np.int64)),
            edge_weight=torch.from_numpy(np.array(edges.data)),
            num_nodes=self.n_vertices,
        )

    def __repr__(self) -> str:
        density = self.density
        return (
            f"GraphSequence: {len(self)} windows x {self.n_nodes} {several(self.nodes.kind)}"
            f"{' + history node' if self.history_node else ''}"
            f"{', directed' if self.directed else ''}, density "
            f"{density.min():.2f} to {density.max():.2f}, {self.n_features} features"
        )

    def _repr_html_(self) -> str:
        chosen = np.unique(np.linspace(0, len(self) - 1, 4).round().astype(int))
        small = [_html.shrunk(self.weights[index].toarray(), 48, 48) for index in chosen]
        picture = _html.image(_html.tiles(small), "weights of edges", signed=True, width=400)
        which = ", ".join(map(str, chosen))
        return _html.card(repr(self), picture, f"edges of windows {which}; blue negative")
