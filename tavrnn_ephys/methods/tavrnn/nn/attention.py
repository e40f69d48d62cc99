"""Temporal attention: which past network states the present resembles."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tavrnn_ephys.methods.tavrnn.nn._attention_steps import AttentionWeights

__all__ = ["TemporalAttention"]


class TemporalAttention(nn.Module):
    """
    Replace a state by a weighted mean over its past and itself.

    ``a_k = softmax_k(q · k / √h − ρ (t − k))``, ``H = (Σ_k a_k H_k) W_v + b``; the weights sum
    to 1, so that the value map is applied once, after the mean (Vaswani et al. 2017 for the
    form, Press et al. 2022 for the slope ρ by which older windows count less).

    Parameters
    ----------
    hidden_size : int
        Width of the state.
    per_node : bool
        Whether each vertex has weights of its own; otherwise the last vertex, the history
        node, sets one weight per window for all.
    bounded : bool
        Whether the result passes through tanh, which keeps long sequences from diverging.
    recency : float
        Slope ρ per window.
    """

    def __init__(
        self, hidden_size: int, *, per_node: bool, bounded: bool, recency: float = 0.0
    ) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        # A bias would add the same to all scores, which a softmax does not see.
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.per_node = per_node
        self.bounded = bounded
        self.recency = recency

    def weights(self) -> AttentionWeights:
        """
        Return the weights of the maps.

        Returns
        -------
        AttentionWeights
            Maps with their biases.
        """
        # q · K h = (Kᵀ q) · h: query and key map act as one, and keys need not be computed.
        scaled = self.key.weight / math.sqrt(self.key.in_features)
        return AttentionWeights(
            self.query.weight.T @ scaled,
            self.query.bias @ scaled,
            self.value.weight,
            self.value.bias,
        )

    def forward(self, present: Tensor, past: list[Tensor]) -> tuple[Tensor, Tensor]:
        """
        Attend to the past and to the present.

        Parameters
        ----------
        present : torch.Tensor, shape (n_vertices, hidden_size)
            State after the recurrent step.
        past : list of torch.Tensor, each of shape (n_vertices, hidden_size)
            Remembered states, oldest first.

        Returns
        -------
        tuple of torch.Tensor
            The new state (n_vertices, hidden_size), and the weights, oldest first, the present
            last: (n_past + 1,), or (n_past + 1, n_vertices) where each vertex has its own.
        """
        states = torch.stack([*past, present])
        weights_of = self.weights()
        asked = present if self.per_node else present[-1:]
        direction = torch.addmm(weights_of.direction_bias, asked, weights_of.direction)
        age = torch.arange(len(past), -1, -1, dtype=present.dtype, device=present.device)
        if self.per_node:
            scores = (states * direction).sum(dim=2) - self.recency * age[:, None]
            weights = torch.softmax(scores, dim=0)
            mean = (weights.unsqueeze(2) * states).sum(dim=0)
        else:
            weights = torch.softmax(states[:, -1] @ direction[0] - self.recency * age, dim=0)
            mean = (weights @ states.flatten(1)).view_as(present)
        result = self.value(mean)
        return (torch.tanh(result) if self.bounded else result), weights
