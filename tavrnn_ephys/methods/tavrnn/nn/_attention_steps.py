"""
Temporal attention forwards and backwards, window by window, without recorded derivatives.

With the states ``S_k`` of the remembered windows and of the present one, ``d = Ĥ M + c``,
``a = softmax_k(S_k · d − ρ (t − k))``, ``m = Σ_k a_k S_k`` and ``H = W_v m + b_v``, perhaps through
tanh; scores come from the last vertex, or from each.  Queries and keys are not computed:
``q · W_k S_k / √h = S_k · d`` with ``M = W_qᵀ W_k / √h`` and ``c = W_kᵀ b_q / √h``, once for all
windows.  Let ``g = ∂L/∂m`` and ``e_k = a_k (g · S_k − Σ_l a_l g · S_l)``, the gradient of the
scores.  Then

    ∂L/∂S_k = a_k g + e_k d,   ∂L/∂d = Σ_k e_k S_k,   ∂L/∂Ĥ += ∂L/∂d Mᵀ.

What a state gets from all later windows is summed when the backward pass arrives at it: one
product over ``g`` and ``d`` of those windows, instead of an addition to every state from each.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn._tapes import Tape, flat

__all__ = ["AttentionSteps", "AttentionWeights"]


class AttentionWeights(NamedTuple):
    """
    Weights of the maps, each of shape (hidden_size, hidden_size) or (hidden_size,).

    Parameters
    ----------
    direction, direction_bias : torch.Tensor
        From a state to the direction that others are scored by: query and key map in one.
    value, value_bias : torch.Tensor
        As of :class:`~tavrnn_ephys.methods.tavrnn.nn.attention.TemporalAttention`.
    """

    direction: Tensor
    direction_bias: Tensor
    value: Tensor
    value_bias: Tensor


class AttentionSteps:
    """
    Attention of one layer in every window of a pass.

    Parameters
    ----------
    past : list of torch.Tensor, each of shape (n_vertices, hidden_size)
        States remembered from before the first window, oldest first.
    like : torch.Tensor, shape (n_vertices, hidden_size)
        A state, for its shape, type and device.
    weights : AttentionWeights
        Weights.
    n_windows : int
        Number of windows.
    width : int or None
        Number of earlier windows that are attended to.
    recency : float
        Slope ρ by which scores fall with each window back.
    per_node, bounded, attended : bool
        Whether each vertex has weights of its own, whether the result passes through tanh, and
        whether later windows see it in place of the state before attention.
    keep : bool
        Whether what the backward pass needs is kept.
    """

    def __init__(
        self,
        past: list[Tensor],
        like: Tensor,
        weights: AttentionWeights,
        *,
        n_windows: int,
        width: int | None,
        recency: float,
        per_node: bool,
        bounded: bool,
        attended: bool,
        keep: bool,
    ) -> None:
        self.n_past, self.n_windows = len(past), n_windows
        self.weights, self.width = weights, width
        self.per_node, self.bounded, self.attended = per_node, bounded, attended
        n_vertices, size = like.shape
        n_slots = self.n_past + n_windows
        # What is added to the scores, oldest first; the last entries serve shorter pasts.
        self.by_age = -recency * torch.arange(n_slots - 1, -1, -1).to(like)
        self.states = like.new_empty(n_slots, n_vertices, size)
        for slot, state in enumerate(past):
            self.states[slot] = state
        self.mean = Tape(like, n_windows, size, keep=keep)
        self.result = Tape(like, n_windows, size, keep=keep) if bounded else None
        self.present = Tape(like, n_windows, size, keep=keep) if attended else None
        asked = like if per_node else like[-1:]
        self.direction = Tape(asked, n_windows, size, keep=keep)
        self.rows: list[Tensor] = []
        if keep:
            shape = (n_windows, n_slots, n_vertices) if per_node else (n_windows, n_slots)
            self.shares, self.of_scores = like.new_zeros(shape), like.new_zeros(shape)
            self.of_value, self.of_bias = like.new_zeros(size, size), like.new_zeros(size)
            self.of_direction = Tape(asked, n_windows, size, keep=keep)

    def _slots(self, t: int) -> slice:
        slot = self.n_past + t
        return slice(0 if self.width is None else max(0, slot - self.width), slot + 1)

    def forward(self, t: int, present: Tensor) -> Tensor:
        """
        Attend to the past and to the present.

        Parameters
        ----------
        t : int
            The window.
        present : torch.Tensor, shape (n_vertices, hidden_size)
            State after the recurrent step.

        Returns
        -------
        torch.Tensor
            State after attention.
        """
        weights, slots = self.weights, self._slots(t)
        self.states[slots.stop - 1] = present
        if self.present is not None:
            self.present[t].copy_(present)
        states = self.states[slots]
        asked = present if self.per_node else present[-1:]
        direction = torch.addmm(
            weights.direction_bias, asked, weights.direction, out=self.direction[t]
        )
        if self.per_node:
            scores = torch.einsum("knh,nh->kn", states, direction)
            shares = torch.softmax(scores + self.by_age[-len(states) :, None], dim=0)
            mean = self.mean[t].copy_(torch.einsum("kn,knh->nh", shares, states))
        else:
            scores = torch.addmv(self.by_age[-len(states) :], states[:, -1], direction[0])
            shares = torch.softmax(scores, dim=0)
            mean = self.mean[t]
            torch.mv(states.flatten(1).T, shares, out=mean.view(-1))
        self.rows.append(shares)
        result = torch.addmm(weights.value_bias, mean, weights.value.T)
        if self.result is not None:
            result = self.result[t].copy_(result.tanh_())
        if self.attended:
            self.states[slots.stop - 1] = result
        return result

    def memory(self) -> list[Tensor]:
        """
        Return what the next pass may attend to.

        Returns
        -------
        list of torch.Tensor
            States, oldest first.
        """
        first = 0 if self.width is None else max(0, len(self.states) - self.width)
        return list(self.states[first:].clone().unbind())

    def backward(self, t: int, upstream: Tensor) -> Tensor:
        """
        Take the gradient back through one window; windows come last to first.

        Parameters
        ----------
        t : int
            The window.
        upstream : torch.Tensor, shape (n_vertices, hidden_size)
            Gradient of the state after attention, from the recurrence of the next window.

        Returns
        -------
        torch.Tensor
            Gradient of the state before attention, shape (n_vertices, hidden_size).
        """
        weights, slots = self.weights, self._slots(t)
        later = self._from_later(t)
        if self.present is not None:
            self.states[slots.stop - 1] = self.present[t]
            upstream = upstream + later
        of_value = upstream
        if self.result is not None:
            result = self.result[t]
            # tanh' from its own result: 1 − H², without the hyperbolic functions.
            of_value = torch.addcmul(upstream, upstream * result, result, value=-1)
        self.of_value.addmm_(of_value.T, self.mean[t])
        self.of_bias += of_value.sum(dim=0)
        # The gradient of the mean takes its place.
        of_mean = torch.mm(of_value, weights.value, out=self.mean[t])
        states, shares = self.states[slots], self.rows[t]
        direction, of_direction = self.direction[t], self.of_direction[t]
        if self.per_node:
            of_shares = torch.einsum("knh,nh->kn", states, of_mean)
            of_scores = shares * (of_shares - (shares * of_shares).sum(dim=0))
            of_direction.copy_(torch.einsum("kn,knh->nh", of_scores, states))
            before = shares[-1, :, None] * of_mean + of_scores[-1, :, None] * direction
        else:
            of_shares = torch.mv(states.flatten(1), of_mean.view(-1))
            of_scores = shares * (of_shares - torch.dot(shares, of_shares))
            torch.mv(states[:, -1].T, of_scores, out=of_direction[0])
            before = of_mean * shares[-1]
            before[-1:].addcmul_(direction, of_scores[-1])
        self.shares[t, slots], self.of_scores[t, slots] = shares, of_scores
        asked = before if self.per_node else before[-1:]
        asked.addmm_(of_direction, weights.direction.T)
        return before if self.attended else before.add_(later)

    def _from_later(self, t: int) -> Tensor:
        """Sum what the later windows say of the state that they remember of this one."""
        slot, last = self.n_past + t, self.n_windows
        if self.width is not None:
            last = min(last, t + self.width + 1)
        window = slice(t + 1, last)
        shares, of_scores = self.shares[window, slot], self.of_scores[window, slot]
        of_mean, direction = self.mean.all[window], self.direction.all[window]
        if self.per_node:
            total = torch.einsum("tn,tnh->nh", shares, of_mean)
            return total + torch.einsum("tn,tnh->nh", of_scores, direction)
        total = torch.mv(of_mean.flatten(1).T, shares).view_as(self.mean[t])
        total[-1] += torch.mv(direction[:, 0].T, of_scores)
        return total

    def weight_gradients(self) -> list[Tensor]:
        """
        Sum the gradients of the weights over windows.

        Returns
        -------
        list of torch.Tensor
            In the order of :class:`AttentionWeights`.
        """
        states = self.states[self.n_past :] if self.present is None else self.present.all
        asked = states if self.per_node else states[:, -1:]
        of_direction = self.of_direction.rows
        return [
            flat(asked).T @ of_direction,
            of_direction.sum(dim=0),
            self.of_value,
            self.of_bias,
        ]
