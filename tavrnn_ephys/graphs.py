"""From connectivity to a sequence of graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys._checks import one_of
from tavrnn_ephys.containers import ConnectivitySequence, Nodes, Windows
from tavrnn_ephys.errors import InputError

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["GraphSequence", "build_graphs"]

FEATURES = ("weights", "identity", "rates")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GraphSequence:
    """
    One undirected graph per window over the same nodes.

    Parameters
    ----------
    weights : tuple of scipy.sparse.csr_array, each of shape (n_nodes, n_nodes)
        Signed weights of the edges, ``float32``, without diagonal; an edge is a stored entry.
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    features : numpy.ndarray of float32, shape (n_windows, n_vertices, n_features), or None
        Features of each vertex; ``None`` stands for the identity matrix.
    history_node : bool
        Whether a further vertex, the last one, is joined to all others in every window.

    Raises
    ------
    InputError
        If the lengths disagree.
    """

    weights: tuple[scipy.sparse.csr_array, ...]
    windows: Windows
    nodes: Nodes
    features: NDArray[np.float32] | None = None
    history_node: bool = True

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.windows):
            raise InputError(f"{len(self.weights)} graphs stand for {len(self.windows)} windows.")
        for index, matrix in enumerate(self.weights):
            if matrix.shape != (self.n_nodes, self.n_nodes):
                raise InputError(
                    f"Graph {index} has shape {matrix.shape} for {self.n_nodes} nodes."
                )
        if self.features is not None and self.features.shape[:2] != (len(self), self.n_vertices):
            raise InputError(
                f"features has shape {self.features.shape}; "
                f"({len(self)}, {self.n_vertices}, n_features) is expected."
            )

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
    def density(self) -> NDArray[np.float64]:
        """Share of the possible edges that exist, shape (n_windows,)."""
        possible = self.n_nodes * (self.n_nodes - 1)
        return np.array([matrix.nnz / possible for matrix in self.weights])

    def adjacency(self, window_index: int) -> scipy.sparse.csr_array:
        """
        Return the binary adjacency of a window, with self-loops and the history node.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        scipy.sparse.csr_array
            Symmetric, ones as ``float32``, shape (n_vertices, n_vertices).
        """
        pattern = self.weights[window_index].astype(bool).astype(np.float32)
        return self._with_loops_and_history(pattern, 1.0)

    def signed_adjacency(self, window_index: int) -> scipy.sparse.csr_array:
        """
        Return the signed weights of a window, with self-loops and the history node.

        The history node is joined with the mean absolute weight of the window's edges, as
        strongly as an average node, whatever the unit of the weights.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        scipy.sparse.csr_array
            Symmetric, ``float32``, ones on the diagonal, shape (n_vertices, n_vertices).
        """
        matrix = self.weights[window_index]
        strength = float(np.abs(matrix.data).mean()) if matrix.nnz else 0.0
        return self._with_loops_and_history(matrix, strength)

    def _with_loops_and_history(
        self, matrix: scipy.sparse.csr_array, strength: float
    ) -> scipy.sparse.csr_array:
        if self.history_node:
            row = scipy.sparse.csr_array(np.full((1, self.n_nodes), strength, dtype=np.float32))
            matrix = scipy.sparse.block_array([[matrix, row.T], [row, None]], format="csr")
        loops = scipy.sparse.eye_array(self.n_vertices, dtype=np.float32, format="csr")
        return scipy.sparse.csr_array(matrix + loops)

    def vertex_features(self, window_index: int) -> NDArray[np.float32]:
        """
        Return the features of a window's vertices.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        numpy.ndarray
            Shape (n_vertices, n_features).
        """
        if self.features is None:
            return np.eye(self.n_vertices, dtype=np.float32)
        return self.features[window_index]

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
        return replace(
            self,
            weights=tuple(self.weights[position] for position in chosen),
            windows=self.windows.select(chosen),
            features=None if self.features is None else self.features[chosen],
        )

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
            f"GraphSequence: {len(self)} windows x {self.n_nodes} {self.nodes.kind}s"
            f"{' + history node' if self.history_node else ''}, density "
            f"{density.min():.2f} to {density.max():.2f}, {self.n_features} features"
        )


def build_graphs(
    connectivity: ConnectivitySequence,
    *,
    threshold: float = 0.0,
    features: str = "weights",
    history_node: bool = True,
) -> GraphSequence:
    """
    Keep the strong connections of each window as the edges of a graph.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Signed weights.  The diagonal plays no part; NaN counts as no connection.
    threshold : float
        An edge joins two nodes whose absolute weight is at least this, and not zero.
    features : {"weights", "identity", "rates"}
        What stands for a vertex: its row of absolute weights before the threshold, its own
        unit vector, or its mean activity.  The history node's weight to all others is 1, its
        activity the mean of all.
    history_node : bool
        Whether each graph gets one more vertex that is joined to all others.

    Returns
    -------
    GraphSequence
        One graph per window, signed weights beside the binary adjacency.

    Raises
    ------
    InputError
        If the threshold is negative or leaves no edge at all, or there is no activity for
        ``"rates"``.

    Examples
    --------
    >>> connectivity = ConnectivitySequence.from_array(
    ...     [[[1.0, 0.8, -0.7], [0.8, 1.0, 0.1], [-0.7, 0.1, 1.0]]]
    ... )
    >>> graphs = build_graphs(connectivity, threshold=0.5, history_node=False)
    >>> graphs.weights[0].toarray()
    array([[ 0. ,  0.8, -0.7],
           [ 0.8,  0. ,  0. ],
           [-0.7,  0. ,  0. ]], dtype=float32)
    """
    one_of(features, FEATURES, "features")
    if not (np.isfinite(threshold) and threshold >= 0):
        raise InputError(f"threshold must be a number of at least 0, got {threshold!r}.")
    graphs, strongest = [], 0.0
    for matrix in connectivity.weights:
        weights = np.nan_to_num(matrix.astype(np.float32), nan=0.0)
        np.fill_diagonal(weights, 0.0)
        strongest = max(strongest, float(np.abs(weights).max()))
        weights[np.abs(weights) < np.float32(threshold)] = 0.0
        graphs.append(scipy.sparse.csr_array(weights))
    if not any(graph.nnz for graph in graphs):
        raise InputError(
            f"threshold of {threshold:g} leaves no edge in any window: the largest absolute "
            f"weight is {strongest:.3g}. Lower it."
        )
    return GraphSequence(
        weights=tuple(graphs),
        windows=connectivity.windows,
        nodes=connectivity.nodes,
        features=_features(connectivity, features, history_node),
        history_node=history_node,
    )


def _features(
    connectivity: ConnectivitySequence, features: str, history_node: bool
) -> NDArray[np.float32] | None:
    if features == "identity":
        return None
    n_windows, n_nodes = connectivity.n_windows, connectivity.n_nodes
    n_vertices = n_nodes + int(history_node)
    if features == "weights":
        rows = np.ones((n_windows, n_vertices, n_vertices), dtype=np.float32)
        for index, matrix in enumerate(connectivity.weights):
            rows[index, :n_nodes, :n_nodes] = np.abs(np.nan_to_num(matrix, nan=0.0))
        return rows
    if connectivity.mean_activity is None:
        raise InputError(
            'features="rates" needs the mean activity of each window, which this connectivity '
            'lacks. Use features="weights".'
        )
    rates = np.empty((n_windows, n_vertices, 1), dtype=np.float32)
    rates[:, :n_nodes, 0] = connectivity.mean_activity
    if history_node:
        rates[:, n_nodes, 0] = connectivity.mean_activity.mean(axis=1)
    return rates
