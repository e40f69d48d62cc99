"""Products of sparse symmetric matrices with the narrow matrices of vertex features."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from tavrnn_ephys.methods.tavrnn.nn._sparse_rows import multiply_rows

__all__ = ["SparseOperator"]

# Widths are padded to a multiple of this.
_LANES = 8


class SparseOperator:
    """
    Symmetric sparse matrix that multiplies features with ``@``, forward and backward alike.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape (n, n)
        Symmetric matrix ``D A D``.
    scale : numpy.ndarray, shape (n,), optional
        With it, ``matrix`` is a pattern of ones and ``D`` the diagonal matrix of ``scale``: no
        value is read per edge.

    Raises
    ------
    ValueError
        If the matrix is not square.
    """

    def __init__(
        self, matrix: scipy.sparse.csr_array, scale: NDArray[np.float32] | None = None
    ) -> None:
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"A symmetric matrix is square, got shape {matrix.shape}.")
        self.shape = matrix.shape
        self.starts = matrix.indptr.astype(np.int64)
        # Unsigned, so that no index is checked for being negative.
        self.columns = matrix.indices.astype(np.uint32)
        self.values = None if scale is not None else matrix.data.astype(np.float32)
        self.scale = None if scale is None else torch.from_numpy(scale).unsqueeze(1)

    def __matmul__(self, features: Tensor) -> Tensor:
        return _SymmetricProduct.apply(features, self)

    def multiply(self, features: Tensor, out: Tensor | None = None) -> Tensor:
        """
        Multiply without recording derivatives.

        Parameters
        ----------
        features : torch.Tensor of float32, shape (n, n_features)
            Features on the CPU.
        out : torch.Tensor, shape (n, n_features), optional
            Receives the product.

        Returns
        -------
        torch.Tensor
            Shape (n, n_features).
        """
        width = features.shape[1]
        scaled = features if self.scale is None else features * self.scale
        if width % _LANES:
            scaled = torch.nn.functional.pad(scaled, (0, -width % _LANES))
        source = scaled.detach().contiguous()
        fits = out is not None and out.is_contiguous() and out.shape == source.shape
        product = out if out is not None and fits else torch.empty_like(source)
        arrays = self.starts, self.columns, self.values, source.numpy(), product.numpy()
        multiply_rows(*arrays)
        if self.scale is not None:
            product.mul_(self.scale)
        product = product[:, :width] if width % _LANES else product
        return product if out is None or fits else out.copy_(product)


class _SymmetricProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, operator: SparseOperator) -> Tensor:
        """Multiply, and remember with what."""
        ctx.operator = operator
        return operator.multiply(features)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Multiply the gradient with the transpose, which is the matrix itself."""
        return ctx.operator.multiply(gradient), None
