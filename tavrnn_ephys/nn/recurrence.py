"""Graph GRU: a gated recurrent unit whose gates are graph convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tavrnn_ephys.nn.propagation import GraphConvolution

__all__ = ["GraphGRU"]


class GraphGRU(nn.Module):
    """
    One recurrent step per layer on a graph.

    ``s = σ(GC(u) + GC(H))``, ``r = σ(GC(u) + GC(H))``, ``c = tanh(GC(u) + GC(r ∘ H))``,
    ``Ĥ = s ∘ H + (1 − s) ∘ c`` (Hajiramezanali et al. 2019); the layer above takes ``Ĥ`` as
    its ``u``.

    Parameters
    ----------
    n_inputs, hidden_size, n_layers : int
        Width of the input, width of the state, number of layers.
    self_path : bool
        Whether the convolutions have weights of their own for the vertex itself.
    """

    def __init__(self, n_inputs: int, hidden_size: int, n_layers: int, *, self_path: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _GraphGRULayer(n_inputs if index == 0 else hidden_size, hidden_size, self_path)
            for index in range(n_layers)
        )

    def forward(self, operator: Tensor, inputs: Tensor, hidden: list[Tensor]) -> list[Tensor]:
        """
        Advance the state by one window.

        Parameters
        ----------
        operator : torch.Tensor, shape (n_vertices, n_vertices)
            Normalised adjacency.
        inputs : torch.Tensor, shape (n_vertices, n_inputs)
            ``[φx(X), φz(z)]``.
        hidden : list of torch.Tensor, each of shape (n_vertices, hidden_size)
            State of each layer before.

        Returns
        -------
        list of torch.Tensor
            State of each layer after.
        """
        states = []
        for layer, state in zip(self.layers, hidden, strict=True):
            inputs = layer(operator, inputs, state)
            states.append(inputs)
        return states


class _GraphGRULayer(nn.Module):
    def __init__(self, n_inputs: int, hidden_size: int, self_path: bool) -> None:
        super().__init__()
        # Update gate, reset gate and candidate stand side by side in one product.
        self.from_input = GraphConvolution(
            n_inputs, 3 * hidden_size, bias=True, self_path=self_path
        )
        self.gates = GraphConvolution(hidden_size, 2 * hidden_size, bias=True, self_path=self_path)
        self.candidate = GraphConvolution(hidden_size, hidden_size, bias=True, self_path=self_path)

    def forward(self, operator: Tensor, inputs: Tensor, hidden: Tensor) -> Tensor:
        from_input = self.from_input(operator, inputs).chunk(3, dim=1)
        update, reset = self.gates(operator, hidden).chunk(2, dim=1)
        update = torch.sigmoid(from_input[0] + update)
        reset = torch.sigmoid(from_input[1] + reset)
        candidate = torch.tanh(from_input[2] + self.candidate(operator, reset * hidden))
        return update * hidden + (1.0 - update) * candidate
