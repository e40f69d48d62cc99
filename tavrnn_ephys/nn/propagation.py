"""What a vertex hears from its neighbours: normalised adjacency and graph convolution."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn

__all__ = ["GraphConvolution", "neighbourhood", "normalized_operator"]


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


def neighbourhood(operator: Tensor, features: Tensor, *, self_path: bool) -> Tensor:
    """
    Gather what graph convolutions of the same features share: ``Â X``, and ``X`` itself.

    Parameters
    ----------
    operator : torch.Tensor, shape (…, n_vertices, n_vertices)
        Normalised adjacency.
    features : torch.Tensor, shape (…, n_vertices, n_inputs)
        Vertex features.
    self_path : bool
        Whether the convolutions have weights of their own for the vertex itself.

    Returns
    -------
    torch.Tensor
        Shape (…, n_vertices, n_inputs), or twice as wide with ``self_path``.
    """
    gathered = operator @ features
    return torch.cat([gathered, features], dim=-1) if self_path else gathered


class GraphConvolution(nn.Module):
    """
    Mix the features of neighbours: ``Â X W``, plus ``X W_self`` and a bias if asked for.

    The product with ``Â`` is left to :func:`neighbourhood`, because several convolutions share
    it; ``(Â X) W`` equals ``Â (X W)``.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Feature widths.
    bias : bool
        Whether a bias is added.
    self_path : bool
        Whether the vertex itself has weights of its own.
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

    def stacked_weight(self, first: int = 0, last: int | None = None) -> Tensor:
        """
        Return the weights that a neighbourhood of some of the inputs is multiplied with.

        Parameters
        ----------
        first, last : int
            Range of the input features.

        Returns
        -------
        torch.Tensor
            Shape (n_inputs, n_outputs), or twice as high with a self path.
        """
        weight = self.weight[first:last]
        if self.self_weight is None:
            return weight
        return torch.cat([weight, self.self_weight[first:last]])

    def bias_or_zeros(self) -> Tensor:
        """
        Return the bias, or zeros where there is none.

        Returns
        -------
        torch.Tensor
            Shape (n_outputs,).
        """
        return self.weight.new_zeros(self.weight.shape[1]) if self.bias is None else self.bias
