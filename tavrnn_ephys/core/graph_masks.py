"""Which nodes exist in each window of a sequence of graphs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError

__all__ = ["check_node_mask"]


def check_node_mask(
    mask: NDArray[np.bool_], weights: Iterable[scipy.sparse.csr_array], n_nodes: int
) -> None:
    """
    Refuse a mask of another shape, and edges at nodes that do not exist.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (n_windows, n_nodes)
        Which nodes exist in each window.
    weights : iterable of scipy.sparse.csr_array, each of shape (n_nodes, n_nodes)
        Weights of the edges of each window.
    n_nodes : int
        Number of nodes.

    Raises
    ------
    InputError
        If the shape or the type differs, or an edge ends at a node that does not exist.

    Examples
    --------
    >>> check_node_mask(np.array([[True, False]]), [scipy.sparse.csr_array((2, 2))], 2)
    """
    graphs = tuple(weights) if not hasattr(weights, "__len__") else weights
    n_windows = len(graphs)  # type: ignore[arg-type]
    if mask.shape != (n_windows, n_nodes) or mask.dtype != bool:
        raise InputError(
            f"node_mask has shape {mask.shape} and type {mask.dtype}; "
            f"({n_windows}, {n_nodes}) and bool are expected."
        )
    for index, (matrix, present) in enumerate(zip(graphs, mask, strict=True)):
        degree = np.asarray(abs(matrix).sum(axis=1))
        if np.any(degree[~present] > 0):
            raise InputError(f"Graph {index} has edges at nodes that node_mask says do not exist.")
