"""Graph GRU: a gated recurrent unit whose gates are graph convolutions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tavrnn_ephys.methods.tavrnn.nn.propagation import GraphConvolution, neighbourhood
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator

__all__ = ["GateWeights", "GraphGRULayer"]


class GateWeights(NamedTuple):
    """
    Weights of one layer, stacked for one product each; the same for all windows of a pass.

    Parameters
    ----------
    inputs : torch.Tensor, shape (…, 3 · hidden_size)
        Update gate, reset gate and candidate, from the neighbourhood of the input.
    gates : torch.Tensor, shape (…, 2 · hidden_size)
        Update and reset gate, from the neighbourhood of the state.
    candidate : torch.Tensor, shape (…, hidden_size)
        Candidate, from the neighbourhood of the state that the reset gate lets through.
    bias : torch.Tensor, shape (3 · hidden_size,)
        Sum of the biases.
    """

    inputs: Tensor
    gates: Tensor
    candidate: Tensor
    bias: Tensor


class GraphGRULayer(nn.Module):
    """
    One recurrent step on a graph.

    ``s = σ(GC(u) + GC(H))``, ``r = σ(GC(u) + GC(H))``, ``c = tanh(GC(u) + GC(r ∘ H))``,
    ``Ĥ = s ∘ H + (1 − s) ∘ c`` (Hajiramezanali et al. 2019).

    Parameters
    ----------
    n_inputs, hidden_size : int
        Widths of the input and of the state.
    self_path : bool
        Whether the convolutions have weights of their own for the vertex itself.
    """

    def __init__(self, n_inputs: int, hidden_size: int, *, self_path: bool) -> None:
        super().__init__()
        self.self_path = self_path
        options = {"bias": True, "self_path": self_path}
        self.from_input = GraphConvolution(n_inputs, 3 * hidden_size, **options)
        self.gates = GraphConvolution(hidden_size, 2 * hidden_size, **options)
        self.candidate = GraphConvolution(hidden_size, hidden_size, **options)

    def stacked(self, first: int = 0) -> GateWeights:
        """
        Stack the weights for a pass over windows.

        Parameters
        ----------
        first : int
            First input feature; the product with those before it is taken elsewhere.

        Returns
        -------
        GateWeights
            The weights.
        """
        bias = torch.cat([self.gates.bias_or_zeros(), self.candidate.bias_or_zeros()])
        return GateWeights(
            self.from_input.stacked_weight(first),
            self.gates.stacked_weight(),
            self.candidate.stacked_weight(),
            self.from_input.bias_or_zeros() + bias,
        )

    def forward(
        self,
        operator: Tensor | SparseOperator,
        from_input: Tensor,
        from_state: Tensor,
        hidden: Tensor,
        candidate: Tensor,
    ) -> Tensor:
        """
        Advance the state by one window.

        Parameters
        ----------
        operator : torch.Tensor or SparseOperator, shape (n_vertices, n_vertices)
            Normalised adjacency.
        from_input : torch.Tensor, shape (n_vertices, 3 · hidden_size)
            What the input says to update gate, reset gate and candidate, biases included.
        from_state : torch.Tensor, shape (n_vertices, 2 · hidden_size)
            What the state says to the two gates.
        hidden : torch.Tensor, shape (n_vertices, hidden_size)
            State before.
        candidate : torch.Tensor
            Stacked weights of the candidate.

        Returns
        -------
        torch.Tensor
            State after, shape (n_vertices, hidden_size).
        """
        size = hidden.shape[1]
        gates = torch.sigmoid(from_input[:, : 2 * size] + from_state)
        update, reset = gates[:, :size], gates[:, size:]
        passed = neighbourhood(operator, reset * hidden, self_path=self.self_path)
        proposal = torch.tanh(torch.addmm(from_input[:, 2 * size :], passed, candidate))
        return torch.lerp(proposal, hidden, update)
