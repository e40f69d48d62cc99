"""Adjacency of a window's graph: with self-loops, the history node, and weights or ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core.graph_loops import with_loops
from tavrnn_ephys.core.graphs_on_demand import (
    Graphs,
    GraphsOnDemand,
    dense_weights,
    entries_of,
    mean_strength,
)

__all__ = ["AdjacencyOfWindows", "mirrored_graphs"]


class AdjacencyOfWindows:
    """What a sequence of graphs says of the vertices of one window."""

    if TYPE_CHECKING:
        weights: Graphs
        features: Any
        history_node: bool
        node_mask: NDArray[np.bool_] | None

        @property
        def n_nodes(self) -> int:
            """Number of nodes."""

        @property
        def n_vertices(self) -> int:
            """Number of vertices."""

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
            Symmetric unless directed, ones as ``float32``, shape (n_vertices, n_vertices).
        """
        pattern = self.weights[window_index].astype(bool).astype(np.float32)
        return with_loops(pattern, self._joined(1.0, window_index))

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
            Symmetric unless directed, ``float32``, ones on the diagonal, shape
            (n_vertices, n_vertices).
        """
        joined = self._joined(mean_strength(self.weights, window_index), window_index)
        return with_loops(self.weights[window_index], joined)

    def dense_adjacency(self, window_index: int, *, signed: bool) -> NDArray[np.float32]:
        """
        Return what :meth:`signed_adjacency` or :meth:`adjacency` says, zeros written out.

        Parameters
        ----------
        window_index : int
            Which window.
        signed : bool
            Whether weights keep their sign and size.

        Returns
        -------
        numpy.ndarray
            Shape (n_vertices, n_vertices).
        """
        weights = dense_weights(self.weights, window_index)
        strength = mean_strength(self.weights, window_index) if signed else 1.0
        dense = np.zeros((self.n_vertices, self.n_vertices), dtype=np.float32)
        dense[: self.n_nodes, : self.n_nodes] = weights if signed else weights != 0
        joined = self._joined(strength, window_index)
        if joined is not None:
            dense[-1, : self.n_nodes] = dense[: self.n_nodes, -1] = joined
        np.fill_diagonal(dense, 1.0)
        return dense

    def n_entries(self, window_index: int) -> int:
        """
        Count the entries of a window's adjacency that are no zeros.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        int
            Edges in both directions, self-loops and the history node's edges.
        """
        joined = self._joined(1.0, window_index)
        n_joined = 0 if joined is None else int(np.count_nonzero(joined))
        return int(entries_of(self.weights, window_index)) + self.n_vertices + 2 * n_joined

    def _joined(self, strength: float, window_index: int) -> NDArray[np.float32] | None:
        """Weights between the nodes of a window and the history node, if there is one."""
        if not self.history_node:
            return None
        joined = np.full(self.n_nodes, strength, dtype=np.float32)
        if self.node_mask is not None:
            joined[~self.node_mask[window_index]] = 0.0
        return joined

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


def mirrored_graphs(graphs: Graphs) -> Graphs:
    """
    Give the mean of both directions of every pair.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        Directed graphs.

    Returns
    -------
    tuple of scipy.sparse.csr_array or GraphsOnDemand
        Symmetric graphs, of the same kind.
    """
    if not isinstance(graphs, GraphsOnDemand):
        return tuple(scipy.sparse.csr_array(_mirrored(matrix.toarray())) for matrix in graphs)
    counts = [np.count_nonzero(_mirrored(graphs.dense(index))) for index in range(len(graphs))]
    return GraphsOnDemand(
        lambda index: _mirrored(graphs.dense(index)), graphs.n_nodes, np.array(counts)
    )


def _mirrored(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    # A sum in either order is the same to the last bit, so that the result equals its mirror image.
    mean: NDArray[np.float32] = (0.5 * (matrix + matrix.T)).astype(np.float32)
    return mean
