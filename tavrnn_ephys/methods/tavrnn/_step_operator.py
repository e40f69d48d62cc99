"""
The normalised adjacency of one window, as a stream multiplies by it.

With ``s = degree^-½``, the history node joined to all others by ``h`` and ``Y = s ∘ X``,

    (Â X)_i = s_i (Σ_j w_ij Y_j + Y_i + h Y_last),   (Â X)_last = s_last (h Σ_i Y_i + Y_last).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.methods.stepping import DenseGraph

__all__ = ["StepOperator", "step_operator"]

# Up to here a call costs more than its arithmetic: Â is written out, and one product does all.
_MOST_WRITTEN_OUT = 256


class StepOperator(Protocol):
    """Multiplies by the normalised adjacency of the window that it was given last."""

    def take(self, graph: DenseGraph) -> None:
        """Take the graph of the next window."""
        ...

    def multiply(self, values: Tensor, out: Tensor) -> None:
        """Fill ``out`` with ``Â X``, both of shape (n_vertices, width)."""
        ...


def step_operator(n_nodes: int, *, history: bool, signed: bool) -> StepOperator:
    """Choose what is faster for so many nodes."""
    kind = _WrittenOut if n_nodes <= _MOST_WRITTEN_OUT else _Factored
    return kind(n_nodes, history=history, signed=signed)


class _Degrees:
    """Weight of the edges to the history node, and the inverse roots of the degrees."""

    def __init__(self, n_nodes: int, *, history: bool, signed: bool) -> None:
        self.n_nodes, self.history, self.signed = n_nodes, history, signed
        self.joined = 1.0

    def inverse_roots(self, graph: DenseGraph) -> NDArray[np.float64]:
        """Give ``s`` of every vertex, and set the weight of the edges to the history node."""
        n = self.n_nodes
        own = graph.degrees if self.signed else graph.n_edges
        if self.signed:
            n_edges = int(graph.n_edges.sum())
            self.joined = float(graph.degrees.sum()) / n_edges if n_edges else 0.0
        degree = np.empty(n + self.history)
        degree[:n] = own
        degree[:n] += 1.0 + self.joined * self.history
        degree[n:] = n * self.joined + 1.0
        return 1.0 / np.sqrt(degree)

    def weights(self, graph: DenseGraph) -> NDArray[np.float32]:
        """Give the weights of the edges between nodes."""
        return graph.weights if self.signed else (graph.weights != 0).astype(np.float32)


class _WrittenOut:
    """``Â`` as a matrix: the fewest calls."""

    def __init__(self, n_nodes: int, *, history: bool, signed: bool) -> None:
        self._degrees = _Degrees(n_nodes, history=history, signed=signed)
        self._matrix = np.zeros((n_nodes + history,) * 2, np.float32)
        self._tensor = torch.from_numpy(self._matrix)

    def take(self, graph: DenseGraph) -> None:
        matrix, degrees = self._matrix, self._degrees
        roots, n = degrees.inverse_roots(graph).astype(np.float32), degrees.n_nodes
        matrix[:n, :n] = degrees.weights(graph)
        matrix[n:, :n] = matrix[:n, n:] = degrees.joined
        # Weights are zero on the diagonal: there stands the path of a vertex to itself.
        np.fill_diagonal(matrix, 1.0)
        matrix *= roots
        matrix *= roots[:, np.newaxis]

    def multiply(self, values: Tensor, out: Tensor) -> None:
        torch.mm(self._tensor, values, out=out)


class _Factored:
    """``Â`` by its factors, never built: the fewest passes over the weights."""

    def __init__(self, n_nodes: int, *, history: bool, signed: bool) -> None:
        self._degrees = _Degrees(n_nodes, history=history, signed=signed)
        self._scale = torch.zeros(n_nodes + history, 1)
        self._weights = torch.zeros(0)

    def take(self, graph: DenseGraph) -> None:
        roots = self._degrees.inverse_roots(graph)
        self._scale.copy_(torch.from_numpy(roots)[:, None])
        self._weights = torch.from_numpy(self._degrees.weights(graph))

    def multiply(self, values: Tensor, out: Tensor) -> None:
        n, joined = self._degrees.n_nodes, self._degrees.joined
        scaled = values * self._scale
        inner = torch.addmm(scaled[:n], self._weights, scaled[:n])
        if self._degrees.history:
            inner.add_(scaled[n:], alpha=joined)
            total = scaled[:n].sum(dim=0)
            torch.mul(total.mul_(joined).add_(scaled[n]), self._scale[n], out=out[n])
        torch.mul(inner, self._scale[:n], out=out[:n])
