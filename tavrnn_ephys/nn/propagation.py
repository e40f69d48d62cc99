"""What a vertex hears from its neighbours: normalised adjacency and graph convolution."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn

__all__ = ["GraphConvolution", "normalized_operator"]


def normalized_operator(adjacency: scipy.sparse.csr_array) -> Tensor:
    """
    Normalise an adjacency symmetrically: ``Â = D^-½ A D^-½`` with ``D_ii = Σ_j |A_ij|``.

    Parameters
    ----------
    adjacency : scipy.sparse.csr_array, shape (n_vertices, n_vertices)
        Symmetric, binary or signed, with self-loops.

    Returns
    -------
    torch.Tensor
        Dense, ``float32``, shape (n_vertices, n_vertices).  For binary weights this is the
        propagation rule of Kipf & Welling (2017); absolute degrees keep signed weights bounded.
    """
    degree = np.asarray(abs(adjacency).sum(axis=1), dtype=np.float64).ravel()
    scale = scipy.sparse.diags_array(1.0 / np.sqrt(degree))
    dense = (scale @ adjacency @ scale).toarray().astype(np.float32)
    return torch.from_numpy(dense)


class GraphConvolution(nn.Module):
    """
    Mix the features of neighbours: ``Â X W``, plus ``X W_self`` and a bias if asked for.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Feature widths.
    bias : bool
        Whether a bias is added.
    self_path : bool
        Whether the vertex itself has weights of its own.

    Notes
    -----
    Shapes: operator (n_vertices, n_vertices), features (n_vertices, n_inputs), result
    (n_vertices, n_outputs).
    """

    def __init__(self, n_inputs: int, n_outputs: int, *, bias: bool, self_path: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_inputs, n_outputs))
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(n_outputs)) if bias else None
        self.self_weight = None
        if self_path:
            self.self_weight = nn.Parameter(torch.empty(n_inputs, n_outputs))
            nn.init.xavier_uniform_(self.self_weight)

    def forward(self, operator: Tensor, features: Tensor) -> Tensor:
        """
        Propagate once.

        Parameters
        ----------
        operator : torch.Tensor, shape (n_vertices, n_vertices)
            Normalised adjacency.
        features : torch.Tensor, shape (n_vertices, n_inputs)
            Input.

        Returns
        -------
        torch.Tensor
            Shape (n_vertices, n_outputs).
        """
        result = operator @ (features @ self.weight)
        if self.self_weight is not None:
            result = result + features @ self.self_weight
        return result if self.bias is None else result + self.bias
