"""Self-loops and the history node, put into the rows of a sparse matrix at once."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

__all__ = ["with_loops"]


def with_loops(
    weights: scipy.sparse.csr_array, joined: NDArray[np.float32] | None = None
) -> scipy.sparse.csr_array:
    """
    Add a self-loop of weight 1 to every vertex, and a last vertex that others are joined with.

    Parameters
    ----------
    weights : scipy.sparse.csr_array, shape (n_nodes, n_nodes)
        Weights between different nodes.
    joined : numpy.ndarray, optional
        Weight between each node and the further vertex, shape (n_nodes,); 0 for no edge.

    Returns
    -------
    scipy.sparse.csr_array
        ``float32``, columns in order, shape (n_vertices, n_vertices).

    Examples
    --------
    >>> edges = scipy.sparse.csr_array(np.array([[0, 0.5], [0.5, 0]]))
    >>> with_loops(edges, np.array([0.25, 0], dtype=np.float32)).toarray()
    array([[1.  , 0.5 , 0.25],
           [0.5 , 1.  , 0.  ],
           [0.25, 0.  , 1.  ]], dtype=float32)
    """
    if not weights.has_sorted_indices:
        weights = weights.sorted_indices()
    n_nodes, lengths = weights.shape[0], np.diff(weights.indptr)
    rows = np.repeat(np.arange(n_nodes), lengths)
    behind = weights.indices > rows
    ends = np.zeros(n_nodes, dtype=bool) if joined is None else joined != 0
    last = np.array([] if joined is None else [ends.sum() + 1], dtype=np.int64)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([lengths + 1 + ends, last]))])
    indices = np.empty(int(indptr[-1]), dtype=np.int32)
    values = np.empty(len(indices), dtype=np.float32)
    # Entries behind the diagonal make room for the self-loop.
    places = np.arange(len(rows)) + (indptr[:n_nodes] - weights.indptr[:-1])[rows] + behind
    indices[places], values[places] = weights.indices, weights.data
    before = lengths - np.bincount(rows[behind], minlength=n_nodes)
    loops = indptr[:n_nodes] + before
    indices[loops], values[loops] = np.arange(n_nodes), 1.0
    if joined is not None:
        edges = indptr[1 : n_nodes + 1][ends] - 1
        indices[edges], values[edges] = n_nodes, joined[ends]
        first = int(indptr[n_nodes])
        indices[first:], values[first:] = np.append(np.flatnonzero(ends), n_nodes), 1.0
        values[first:-1] = joined[ends]
    shape = (len(indptr) - 1, len(indptr) - 1)
    return scipy.sparse.csr_array((values, indices, indptr.astype(np.int32)), shape=shape)
