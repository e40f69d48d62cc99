"""Products of sparse symmetric matrices with the narrow matrices of vertex features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["SparseOperator"]


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

    def multiply(self, features: Tensor) -> Tensor:
        """
        Multiply without recording derivatives.

        Parameters
        ----------
        features : torch.Tensor of float32, shape (n, n_features)
            Features on the CPU.

        Returns
        -------
        torch.Tensor
            Shape (n, n_features).
        """
        scaled = features if self.scale is None else features * self.scale
        source = scaled.detach().contiguous().numpy()
        result = np.empty_like(source)
        if self.values is None:
            _add_rows(self.starts, self.columns, source, result)
        else:
            _add_weighted_rows(self.starts, self.columns, self.values, source, result)
        product = torch.from_numpy(result)
        return product if self.scale is None else product.mul_(self.scale)


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


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    options: dict[str, Any] = {"fastmath": True, "nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile each time.
        return numba.njit(**options)(function)


@_compiled
def _add_rows(starts, columns, source, result):
    n_features = source.shape[1]
    for i in range(len(starts) - 1):
        row = result[i]
        row[:] = 0.0
        k, end = starts[i], starts[i + 1]
        # Eight neighbours at a time: the sum stays in registers between them.
        while k + 8 <= end:
            a, b, c, d = (source[columns[k]], source[columns[k + 1]], source[columns[k + 2]],
                          source[columns[k + 3]])  # fmt: skip
            e, f, g, h = (source[columns[k + 4]], source[columns[k + 5]], source[columns[k + 6]],
                          source[columns[k + 7]])  # fmt: skip
            for j in range(n_features):
                row[j] += ((a[j] + b[j]) + (c[j] + d[j])) + ((e[j] + f[j]) + (g[j] + h[j]))
            k += 8
        while k < end:
            a = source[columns[k]]
            for j in range(n_features):
                row[j] += a[j]
            k += 1


@_compiled
def _add_weighted_rows(starts, columns, values, source, result):
    n_features = source.shape[1]
    for i in range(len(starts) - 1):
        row = result[i]
        row[:] = 0.0
        k, end = starts[i], starts[i + 1]
        while k + 4 <= end:
            a, b, c, d = (source[columns[k]], source[columns[k + 1]], source[columns[k + 2]],
                          source[columns[k + 3]])  # fmt: skip
            p, q, r, s = values[k], values[k + 1], values[k + 2], values[k + 3]
            for j in range(n_features):
                row[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j])
            k += 4
        while k < end:
            a, p = source[columns[k]], values[k]
            for j in range(n_features):
                row[j] += p * a[j]
            k += 1
