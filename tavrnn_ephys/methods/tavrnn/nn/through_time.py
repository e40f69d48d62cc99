"""
The loop over windows as one function, with its gradient written out by hand.

Automatic differentiation of the loop records some eighty small operations per window, and spends
more time on the records than on the products.  Here every window runs through the encoder, the
graph GRU and the attention once forwards and once backwards; what is shared by all windows, above
all the gradients of the weights, is one product at the end (Werbos 1990, back-propagation
through time).

With ``S(X)`` the neighbourhood of X, ``H`` the top state before the window, ``A`` and ``B`` what
features and biases contribute, the encoder of one window is

    s = S(H) W_s,   E = ReLU(A + s),   (μ, ρ) = B + S(E) W_m,   z = μ + (softplus ρ + ε₀) ε,

and ``ReLU(z P + p)`` is the input of the graph GRU.  With ``∂L/∂z`` from the GRU, and the
gradients of ``μ`` and ``ρ`` that the losses hand in,

    ∂L/∂μ += ∂L/∂z,   ∂L/∂ρ += ∂L/∂z ∘ ε ∘ σ(ρ),   ∂L/∂A = ∂L/∂s = [E > 0] ∘ Sᵀ(∂L/∂(μ, ρ) W_mᵀ),
    ∂L/∂H += Sᵀ(∂L/∂s W_sᵀ).

With one layer, ``s`` also holds what the state says to the gates of the GRU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import softplus

from tavrnn_ephys.methods.tavrnn.nn._attention_steps import AttentionSteps, AttentionWeights
from tavrnn_ephys.methods.tavrnn.nn._gru_steps import GruSteps
from tavrnn_ephys.methods.tavrnn.nn._tapes import Gathering, Tape
from tavrnn_ephys.methods.tavrnn.nn.latent import SMALLEST_STD
from tavrnn_ephys.methods.tavrnn.nn.recurrence import GateWeights
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator

__all__ = ["LoopResult", "LoopSettings", "LoopWeights", "gather_all", "run_through_time"]


class LoopWeights(NamedTuple):
    """
    Stacked weights that every window of a pass uses.

    Parameters
    ----------
    from_state : torch.Tensor
        From the neighbourhood of the top state to the encoder and, with one layer, the gates.
    moments : torch.Tensor
        From the neighbourhood of ``E`` to mean and pre-activation of σ.
    latent, latent_bias : torch.Tensor
        From the latent variable to the input of the recurrence.
    gates : list of GateWeights
        Weights of each layer.
    attention : list of AttentionWeights
        Of each layer; empty without attention.
    """

    from_state: Tensor
    moments: Tensor
    latent: Tensor
    latent_bias: Tensor
    gates: list[GateWeights]
    attention: list[AttentionWeights]


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """
    What the loop needs to know beside its weights.

    Parameters
    ----------
    self_path : bool
        Whether convolutions have weights of their own for the vertex itself.
    per_node, bounded, attended : bool
        Options of the attention, as of :class:`AttentionSteps`.
    width : int or None
        Number of earlier windows that are attended to.
    recency : float
        Slope by which scores fall with each window back.
    """

    self_path: bool
    per_node: bool
    bounded: bool
    attended: bool
    width: int | None
    recency: float


class LoopResult(NamedTuple):
    """
    What the loop leaves behind.

    Parameters
    ----------
    moments : torch.Tensor, shape (n_windows, n_vertices, 2 · latent_size)
        Mean and pre-activation of σ.
    before : torch.Tensor, shape (n_windows, n_vertices, hidden_size)
        Top state before each window.
    hidden : list of torch.Tensor
        State of each layer after the last window; no gradient flows to it.
    memory : list of list of torch.Tensor
        What attention can reach from there, per layer.
    attention : list of torch.Tensor
        Weights of the top layer, per window.
    """

    moments: Tensor
    before: Tensor
    hidden: list[Tensor]
    memory: list[list[Tensor]]
    attention: list[Tensor]


def gather_all(
    operators: Sequence[Tensor | SparseOperator], features: Tensor, *, self_path: bool
) -> Tensor:
    """
    Gather the neighbourhoods of all windows.

    Parameters
    ----------
    operators : sequence of torch.Tensor or SparseOperator
        Normalised adjacency of each window.
    features : torch.Tensor, shape (n_windows, n_vertices, n_features)
        Vertex features of each window.
    self_path : bool
        Whether the features themselves stand beside.

    Returns
    -------
    torch.Tensor
        Shape (n_windows, n_vertices, n_features), or twice as wide with ``self_path``.
    """
    return cast(Tensor, _GatherAll.apply(Gathering(operators, self_path), features))


def run_through_time(
    operators: Sequence[Tensor | SparseOperator],
    prepared: tuple[Tensor, Tensor],
    weights: LoopWeights,
    state: tuple[list[Tensor], list[list[Tensor]]],
    noise: Tensor,
    settings: LoopSettings,
) -> LoopResult:
    """
    Pass through consecutive windows.

    Parameters
    ----------
    operators : sequence of torch.Tensor or SparseOperator
        Normalised adjacency of each window, symmetric.
    prepared : tuple of torch.Tensor
        What features and biases contribute: to ``E`` and, beside it, to the gates and the
        candidate of the first layer, shape (n_windows, n_vertices, hidden_size) without
        recurrence or (n_windows, n_vertices, 4 · hidden_size); and to the moments, shape
        (n_windows, n_vertices or 1, 2 · latent_size).
    weights : LoopWeights
        Weights.
    state : tuple of lists
        State of each layer and what attention remembers; no gradient flows to them.
    noise : torch.Tensor, shape (n_windows, n_vertices, latent_size)
        Noise of the samples.
    settings : LoopSettings
        Options.

    Returns
    -------
    LoopResult
        Moments and states, and what comes after.
    """
    tensors = _flattened(prepared, weights)
    keep = torch.is_grad_enabled() and any(
        item is not None and item.requires_grad for item in tensors
    )
    loop = _Loop(operators, weights, state, noise, settings, keep)
    moments, before = cast(tuple[Tensor, Tensor], _ThroughTime.apply(loop, *tensors))
    return LoopResult(moments, before, loop.hidden, loop.memory, loop.rows)


def _flattened(prepared: tuple[Tensor, Tensor], weights: LoopWeights) -> list[Tensor | None]:
    layers = [item for layer in weights.gates for item in layer]
    attention = [item for layer in weights.attention for item in layer]
    return [*prepared, *weights[:4], *layers, *attention]


class _GatherAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gathering: Gathering, features: Tensor) -> Tensor:
        """Gather window by window."""
        ctx.gathering = gathering
        n_windows, n_vertices, n_features = features.shape
        gathered = features.new_empty(n_windows, n_vertices, gathering.width(n_features))
        for t, (item, out) in enumerate(zip(features.unbind(), gathered.unbind(), strict=True)):
            gathering.gather(t, item, out)
        return gathered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[None, Tensor]:
        """Take the gradient back window by window."""
        parts = [ctx.gathering.scatter(t, item) for t, item in enumerate(upstream.unbind())]
        return None, torch.stack(parts)


class _ThroughTime(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loop: _Loop, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run the loop; the tensors are those that it holds, named for their gradients."""
        ctx.loop = loop
        return loop.forward(*cast(tuple[Tensor, Tensor], tensors[:2]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_moments: Tensor, of_before: Tensor) -> tuple[Tensor | None, ...]:
        """Run it backwards, and let go of what was kept: graphs outlive their backward pass."""
        loop, ctx.loop = ctx.loop, None
        if loop is None:
            raise RuntimeError(
                "The loop over windows was already run backwards, and can be only once. "
                "Run the network again."
            )
        return (None, *loop.backward(of_moments, of_before, ctx.needs_input_grad[1:]))


class _Loop:
    """Windows, weights and what is kept of a forward pass for the backward one."""

    def __init__(
        self,
        operators: Sequence[Tensor | SparseOperator],
        weights: LoopWeights,
        state: tuple[list[Tensor], list[list[Tensor]]],
        noise: Tensor,
        settings: LoopSettings,
        keep: bool,
    ) -> None:
        self.weights, self.noise, self.keep = weights, noise, keep
        self.gathering = Gathering(operators, settings.self_path)
        self.hidden, self.memory = list(state[0]), list(state[1])
        self.rows: list[Tensor] = []
        like, n_windows = self.hidden[-1], len(operators)
        size, wide = like.shape[1], self.gathering.width(like.shape[1])
        self.n_windows, self.size = n_windows, size
        self.state = Tape(like, n_windows, wide, keep=keep)
        # E, then the update gate, the reset gate and the candidate of the first layer; the
        # backward pass puts their gradients in the same places.
        self.joined = Tape(like, n_windows, (4 if weights.gates else 1) * size, keep=keep)
        self.encoded = self.joined.columns(0, size)
        self.gathered = Tape(like, n_windows, wide, keep=keep)
        self.latent = Tape(like, n_windows, noise.shape[2], keep=keep)
        self.below = Tape(like, n_windows, size, keep=keep)
        rooms = [self.joined.all[:, :, size:]]
        rooms += [Tape(like, n_windows, 3 * size, keep=keep).all for _ in weights.gates[1:]]
        self.layers = [
            GruSteps(
                self.gathering,
                like,
                layer,
                own_state=len(weights.gates) > 1,
                own_bias=index > 0,
                keep=keep,
                room=rooms[index],
            )
            for index, layer in enumerate(weights.gates)
        ]
        self.attention = [
            AttentionSteps(
                past,
                like,
                layer,
                n_windows=n_windows,
                width=settings.width,
                recency=settings.recency,
                per_node=settings.per_node,
                bounded=settings.bounded,
                attended=settings.attended,
                keep=keep,
            )
            for layer, past in zip(weights.attention, self.memory, strict=False)
        ]

    def forward(self, joined: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Run through all windows."""
        size, latent_size, self.n_offsets = self.size, self.noise.shape[2], offsets.shape[1]
        top = self.hidden[-1]
        self.moments = Tape(top, self.n_windows, 2 * latent_size)
        means = self.moments.columns(0, latent_size)
        raws = self.raws = self.moments.columns(latent_size, 2 * latent_size)
        before = Tape(top, self.n_windows, size)
        shared, gates = joined[:, :, :size].unbind(), joined[:, :, size:].unbind()
        moments, noises = offsets.unbind(), self.noise.unbind()
        states = top.new_empty(len(top), self.weights.from_state.shape[1])
        of_encoded, of_gates = states[:, :size], states[:, size:]
        for t in range(self.n_windows):
            before[t].copy_(self.hidden[-1])
            gathered = self.gathering.gather(t, self.hidden[-1], self.state[t])
            torch.mm(gathered, self.weights.from_state, out=states)
            encoded = torch.add(shared[t], of_encoded, out=self.encoded[t]).relu_()
            gathered = self.gathering.gather(t, encoded, self.gathered[t])
            torch.addmm(moments[t], gathered, self.weights.moments, out=self.moments[t])
            if self.layers:
                # Strided values take the slow way through softplus.
                std = softplus(raws[t].contiguous()).add_(SMALLEST_STD)
                torch.addcmul(means[t], std, noises[t], out=self.latent[t])
                self._advance(t, gates[t], of_gates)
        if self.attention:
            self.memory = [layer.memory() for layer in self.attention]
            self.rows = self.attention[-1].rows
        return self.moments.all, before.all

    def _advance(self, t: int, base: Tensor, from_state: Tensor) -> None:
        weights = self.weights
        below = torch.addmm(weights.latent_bias, self.latent[t], weights.latent, out=self.below[t])
        below.relu_()
        for index, layer in enumerate(self.layers):
            added = base if index == 0 else layer.weights.bias
            below = layer.forward(t, below, added, from_state, self.hidden[index])
            attended = self.attention[index].forward(t, below) if self.attention else below
            self.hidden[index] = attended

    def backward(
        self, of_moments: Tensor, of_before: Tensor, needed: Sequence[bool]
    ) -> list[Tensor | None]:
        """Run through all windows from the last to the first."""
        latent_size, n_layers = self.noise.shape[2], len(self.layers)
        weights, like, before = self.weights, self.hidden[-1], of_before.unbind()
        self.of_moments = Tape(like, self.n_windows, of_moments.shape[2])
        self.of_moments.all.copy_(of_moments)
        self.of_means = self.of_moments.columns(0, latent_size)
        self.of_raws = self.of_moments.columns(latent_size, 2 * latent_size)
        slopes = torch.sigmoid(self.moments.all[:, :, latent_size:]).mul_(self.noise)
        self.slopes = slopes.unbind()
        of_states = self.joined.columns(0, weights.from_state.shape[1])
        carried = [torch.zeros_like(state) for state in self.hidden]
        for t in reversed(range(self.n_windows)):
            if n_layers:
                self._retreat(t, carried)
            upstream = self.gathering.scatter(t, self.of_moments[t] @ weights.moments.T)
            self.encoded[t].copy_(_through_relu(upstream, self.encoded[t]))
            top = self.gathering.scatter(t, of_states[t] @ weights.from_state.T)
            carried[-1] = top.add_(before[t]).add_(carried[-1])
        return [
            self.joined.all,
            self._of_offsets(self.n_offsets),
            *self._weight_gradients(needed[2:]),
        ]

    def _retreat(self, t: int, carried: list[Tensor]) -> None:
        """Go back through the layers of one window, from the last to the sample."""
        carry: Tensor | None = None
        for index in reversed(range(len(self.layers))):
            upstream = carried[index]
            if self.attention:
                upstream = self.attention[index].backward(t, upstream)
            if carry is not None:
                upstream = upstream + carry
            carry, carried[index] = self.layers[index].backward(t, upstream)
        of_below = self.below[t].copy_(_through_relu(cast(Tensor, carry), self.below[t]))
        of_latent = of_below @ self.weights.latent.T
        self.of_means[t].add_(of_latent)
        self.of_raws[t].addcmul_(of_latent, self.slopes[t])

    def _of_offsets(self, n_vertices: int) -> Tensor:
        """Sum the gradient of the moments over vertices where these share an offset."""
        whole = self.of_moments.all
        return whole.sum(dim=1, keepdim=True) if n_vertices == 1 else whole

    def _weight_gradients(self, needed: Sequence[bool]) -> list[Tensor | None]:
        states = self.joined.rows[:, : self.weights.from_state.shape[1]]
        gradients: list[Tensor | None] = [
            self.state.rows.T @ states,
            self.gathered.rows.T @ self.of_moments.rows,
        ]
        if not self.layers:
            return [*gradients, None, None]
        of_below = self.below.rows
        gradients += [self.latent.rows.T @ of_below, of_below.sum(dim=0)]
        for layer in self.layers:
            wanted = any(needed[len(gradients) :][:4])
            gradients += layer.weight_gradients() if wanted else [None] * 4
        for attention in self.attention:
            gradients += attention.weight_gradients()
        return gradients


def _through_relu(upstream: Tensor, result: Tensor) -> Tensor:
    """Take a gradient back through a rectification, whose result is positive where it passed."""
    return torch.ops.aten.threshold_backward(upstream, result, 0)
