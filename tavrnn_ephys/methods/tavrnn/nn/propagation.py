"""What a vertex hears from its neighbours: normalised adjacency and graph convolution."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator

__all__ = ["GraphConvolution", "multiplies_sparsely", "neighbourhood", "normalized_operator"]


# Below this share of stored entries the sparse product is the faster one.
_SPARSE_DENSITY = 0.5


def multiplies_sparsely(
    n_entries: int, n_vertices: int, device: torch.device | str = "cpu"
) -> bool:
    """
    Say whether an adjacency is multiplied faster without its zeros.

    Parameters
    ----------
    n_entries, n_vertices : int
        Entries that are no zeros, and rows.
    device : torch.device or str
        Where it is multiplied.

    Returns
    -------
    bool
        Whether the sparse product is taken.
    """
    on_cpu = torch.device(device).type == "cpu"
    return on_cpu and n_entries < _SPARSE_DENSITY * n_vertices**2


def normalized_operator(
    adjacency: scipy.sparse.csr_array | NDArray[np.float32], *, device: torch.device | str = "cpu"
) -> Tensor | SparseOperator:
    """
    Normalise an adjacency symmetrically: ``Â = D^-½ A D^-½`` with ``D_ii = Σ_j |A_ij|``.

    For binary weights this is the propagation rule of Kipf & Welling (2017); absolute degrees
    keep signed weights bounded.

    Parameters
    ----------
    adjacency : scipy.sparse.csr_array or numpy.ndarray, shape (n_vertices, n_vertices)
        Symmetric, binary or signed, with self-loops; an array is multiplied as one.
    device : torch.device or str
        Where it is multiplied.

    Returns
    -------
    torch.Tensor or SparseOperator
        ``float32``, shape (n_vertices, n_vertices); sparse on the CPU where few pairs are edges.
    """
    # Absolute: signed weights may sum to zero or less, and the self-loop keeps this above zero.
    degree = np.asarray(abs(adjacency).sum(axis=1), dtype=np.float64).ravel()
    scale = 1.0 / np.sqrt(degree)
    if isinstance(adjacency, np.ndarray):
        dense = adjacency
    elif not multiplies_sparsely(adjacency.nnz, adjacency.shape[0], device):
        dense = adjacency.toarray()
    else:
        # Binary graphs keep their scale outside, so that no value is stored per edge.
        if np.all(adjacency.data == 1.0):
            return SparseOperator(adjacency, scale.astype(np.float32))
        diagonal = scipy.sparse.diags_array(scale)
        return SparseOperator(scipy.sparse.csr_array(diagonal @ adjacency @ diagonal))
    dense = dense * scale[:, np.newaxis] * scale
    return torch.from_numpy(dense.astype(np.float32)).to(device)


def neighbourhood(
    operator: Tensor | SparseOperator, features: Tensor, *, self_path: bool
) -> Tensor:
    """
    Gather what graph convolutions of the same features share: ``Â X``, and ``X`` itself.

    Parameters
    ----------
    operator : torch.Tensor or SparseOperator, shape (n_vertices, n_vertices)
        Normalised adjacency.
    features : torch.Tensor, shape (n_vertices, n_inputs)
        Vertex features.
    self_path : bool
        Whether the convolutions have weights of their own for the vertex itself.

    Returns
    -------
    torch.Tensor
        Shape (n_vertices, n_inputs), or twice as wide with ``self_path``.
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
