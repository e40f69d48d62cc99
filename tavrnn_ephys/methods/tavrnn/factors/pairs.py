"""Pairs of nodes in a row, those of an undirected graph once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["NodePairs"]


class NodePairs:
    """
    The pairs of nodes of a graph, in a row.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    directed : bool
        Whether a pair has two weights; else those above the diagonal stand for all.
    device : torch.device
        Where tensors are.

    Examples
    --------
    >>> pairs = NodePairs(3, directed=False, device=torch.device("cpu"))
    >>> pairs.taken(torch.arange(9).reshape(3, 3))
    tensor([1, 2, 5])
    >>> pairs.laid_out(torch.tensor([[1.0, 2.0, 5.0]]))[0]
    tensor([[0., 1., 2.],
            [1., 0., 5.],
            [2., 5., 0.]])
    """

    def __init__(self, n_nodes: int, *, directed: bool, device: torch.device) -> None:
        self.n_nodes, self.directed = n_nodes, directed
        everything = np.arange(n_nodes**2, dtype=np.int64).reshape(n_nodes, n_nodes)
        places = everything.ravel() if directed else everything[np.triu_indices(n_nodes, 1)]
        self._places = torch.from_numpy(places).to(device)

    def __len__(self) -> int:
        return len(self._places)

    def taken(self, matrices: Tensor) -> Tensor:
        """
        Take the pairs out of matrices.

        Parameters
        ----------
        matrices : torch.Tensor, shape (..., n_nodes, n_nodes)
            Values of all pairs.

        Returns
        -------
        torch.Tensor, shape (..., n_pairs)
            The values.
        """
        return matrices.flatten(-2)[..., self._places]

    def laid_out(self, values: Tensor) -> Tensor:
        """
        Lay pairs out as matrices.

        Parameters
        ----------
        values : torch.Tensor, shape (n, n_pairs)
            Values of all pairs.

        Returns
        -------
        torch.Tensor, shape (n, n_nodes, n_nodes)
            Zeros where there is no pair; symmetric where graphs are undirected.
        """
        found = values.new_zeros(len(values), self.n_nodes**2)
        found[:, self._places] = values
        found = found.reshape(-1, self.n_nodes, self.n_nodes)
        return found if self.directed else found + found.transpose(1, 2)

    def chunks(self, size: int) -> Iterator[slice]:
        """
        Go through all pairs.

        Parameters
        ----------
        size : int
            Most pairs at once.

        Yields
        ------
        slice
            Some pairs.
        """
        for first in range(0, len(self), max(size, 1)):
            yield slice(first, min(first + max(size, 1), len(self)))
