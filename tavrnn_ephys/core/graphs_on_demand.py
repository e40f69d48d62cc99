"""Graphs of connectivity that lies in a file, each built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core.vertex_features import same_arrays

__all__ = [
    "GraphsOnDemand",
    "bytes_of_graphs",
    "chosen_graphs",
    "dense_weights",
    "entries_of",
    "mean_strength",
    "same_graphs",
    "shapes_of",
]

#: Gives the weights of the edges of a window, shape (n_nodes, n_nodes), zero where there is none.
EdgesOf = Callable[[int], NDArray[np.float32]]


class GraphsOnDemand(Sequence[scipy.sparse.csr_array]):
    """
    The graphs of a sequence, in place of a tuple of them.

    Parameters
    ----------
    edges_of : callable
        Gives the weights of the edges of a window.
    n_nodes : int
        Number of nodes.
    n_entries : numpy.ndarray of int, shape (n_windows,)
        Entries of each graph that are no zeros.
    windows : numpy.ndarray of int, shape (n_windows,), optional
        Which windows ``edges_of`` is asked for; from 0 on by default.
    """

    def __init__(
        self,
        edges_of: EdgesOf,
        n_nodes: int,
        n_entries: NDArray[np.int64],
        windows: NDArray[np.int64] | None = None,
    ) -> None:
        self._edges_of = edges_of
        self._windows = np.arange(len(n_entries)) if windows is None else windows
        self._last: tuple[int, NDArray[np.float32]] | None = None
        self.n_nodes = n_nodes
        self.n_entries = n_entries

    def __len__(self) -> int:
        return len(self._windows)

    def __iter__(self) -> Iterator[scipy.sparse.csr_array]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> scipy.sparse.csr_array: ...

    @overload
    def __getitem__(self, index: slice) -> GraphsOnDemand: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.at(np.arange(len(self))[index])
        return scipy.sparse.csr_array(self._edges(index))

    def _edges(self, index: int) -> NDArray[np.float32]:
        """Weights of the edges of a window; a network asks for the same several times in a row."""
        window = int(self._windows[index])
        last = self._last
        if last is None or last[0] != window:
            last = self._last = window, self._edges_of(window)
        return last[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (list(self),)

    def dense(self, index: int) -> NDArray[np.float32]:
        """
        Give the weights of the edges of a window, zeros written out.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        numpy.ndarray
            Shape (n_nodes, n_nodes).
        """
        return self._edges(index).copy()

    def at(self, positions: NDArray[np.intp]) -> GraphsOnDemand:
        """
        Give some of the graphs, built when they are asked for too.

        Parameters
        ----------
        positions : numpy.ndarray of int
            Which.

        Returns
        -------
        GraphsOnDemand
            The graphs.
        """
        return GraphsOnDemand(
            self._edges_of, self.n_nodes, self.n_entries[positions], self._windows[positions]
        )


#: Graphs in memory, or built when they are asked for.
Graphs = tuple[scipy.sparse.csr_array, ...] | GraphsOnDemand


def dense_weights(graphs: Graphs, index: int) -> NDArray[np.float32]:
    """
    Give the weights of the edges of a window, zeros written out.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        The graphs.
    index : int
        Which window.

    Returns
    -------
    numpy.ndarray
        Shape (n_nodes, n_nodes).
    """
    return graphs.dense(index) if isinstance(graphs, GraphsOnDemand) else graphs[index].toarray()


def mean_strength(graphs: Graphs, index: int) -> float:
    """
    Average the absolute weights of the edges of a window.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        The graphs.
    index : int
        Which window.

    Returns
    -------
    float
        The mean; 0 without edges.
    """
    if isinstance(graphs, GraphsOnDemand):
        dense = graphs.dense(index)
        # In the order of the entries of a sparse array, so that the mean is the same.
        entries = dense[dense != 0]
    else:
        entries = graphs[index].data
    return float(np.abs(entries).mean()) if len(entries) else 0.0


def entries_of(graphs: Graphs, index: Any = slice(None)) -> NDArray[np.int64]:
    """
    Count the entries of graphs that are stored, without building any for that.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        The graphs.
    index : int or slice
        Which; all by default.

    Returns
    -------
    numpy.ndarray of int
        Both directions of every edge counted.
    """
    if isinstance(graphs, GraphsOnDemand):
        return np.asarray(graphs.n_entries[index])
    if isinstance(index, slice):
        return np.array([matrix.nnz for matrix in graphs[index]], dtype=np.int64)
    return np.asarray(graphs[index].nnz)


def bytes_of_graphs(sequence: Any) -> int:
    """
    Bound the bytes that graphs and features take in a file.

    Parameters
    ----------
    sequence : GraphSequence
        The graphs.

    Returns
    -------
    int
        Bytes; where graphs follow from stored connectivity, those of the shorter of a list of
        edges and a triangle of weights.
    """
    graphs, features = sequence.weights, sequence.features
    if isinstance(graphs, GraphsOnDemand):
        edges = 6 * int(graphs.n_entries.sum())
        return min(edges, 2 * len(graphs) * graphs.n_nodes * (graphs.n_nodes + 1))
    taken = sum(graph.data.nbytes + graph.indices.nbytes for graph in graphs)
    return taken + (0 if features is None else features.nbytes)


def shapes_of(graphs: Graphs) -> Iterator[tuple[int, ...]]:
    """
    Give the shapes of graphs, without building any for that.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        The graphs.

    Yields
    ------
    tuple of int
        Shapes; one where all graphs have the same.
    """
    if isinstance(graphs, GraphsOnDemand):
        yield graphs.n_nodes, graphs.n_nodes
    else:
        yield from (matrix.shape for matrix in graphs)


def chosen_graphs(graphs: Graphs, positions: NDArray[np.intp]) -> Graphs:
    """
    Take some graphs.

    Parameters
    ----------
    graphs : tuple of scipy.sparse.csr_array or GraphsOnDemand
        The graphs.
    positions : numpy.ndarray of int
        Which.

    Returns
    -------
    tuple of scipy.sparse.csr_array or GraphsOnDemand
        Of the same kind.
    """
    if isinstance(graphs, GraphsOnDemand):
        return graphs.at(positions)
    return tuple(graphs[position] for position in positions)


def same_graphs(a: Graphs, b: Graphs) -> bool:
    """
    Compare graphs, one window after the other.

    Parameters
    ----------
    a, b : tuple of scipy.sparse.csr_array or GraphsOnDemand
        As many graphs.

    Returns
    -------
    bool
        Whether they have the same entries.
    """
    return all(
        same_arrays(getattr(one, name), getattr(two, name))
        for one, two in zip(a, b, strict=True)
        for name in ("indptr", "indices", "data")
    )
