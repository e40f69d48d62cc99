"""
The graph GRU forwards and backwards, window by window, without recorded derivatives.

With ``S(X)`` the neighbourhood of X, ``F = S(below) W + base`` split into three and ``u``, ``r``,
``c`` the update gate, the reset gate and the candidate,

    u, r = σ(F_ur + from_state),   c = tanh(F_c + S(r ∘ H) W_c),   Ĥ = u ∘ H + (1 − u) ∘ c.

Let ``g = ∂L/∂Ĥ``.  Then ``∂L/∂H`` begins with ``g ∘ u``, and with ``k = g ∘ (1 − u)``

    ∂L/∂F_c = k ∘ (1 − c²),   ∂L/∂F_u = k ∘ u ∘ (H − c),
    q = Sᵀ(∂L/∂F_c W_cᵀ),     ∂L/∂F_r = q ∘ H ∘ r ∘ (1 − r),   ∂L/∂H += q ∘ r,

and ``∂L/∂below = Sᵀ(∂L/∂F Wᵀ)``.  Gradients of weights are products over all windows at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn._tapes import Gathering, Tape, flat
from tavrnn_ephys.methods.tavrnn.nn.recurrence import GateWeights

__all__ = ["GruSteps"]


class GruSteps:
    """
    One layer in every window of a pass.

    Parameters
    ----------
    gathering : Gathering
        Neighbourhoods.
    like : torch.Tensor, shape (n_vertices, hidden_size)
        A state, for its shape, type and device.
    weights : GateWeights
        Weights of the layer.
    own_state : bool
        Whether the layer multiplies its own state with the weights of the gates; otherwise
        that product is handed in.
    own_bias : bool
        Whether ``base`` is the layer's own bias; otherwise it is a tensor of its own.
    keep : bool
        Whether what the backward pass needs is kept.
    room : torch.Tensor, shape (n_windows, n_vertices, 3 · hidden_size)
        Where the gates and the candidate are kept, and overwritten by the gradients of their
        pre-activations.
    """

    def __init__(
        self,
        gathering: Gathering,
        like: Tensor,
        weights: GateWeights,
        *,
        own_state: bool,
        own_bias: bool,
        keep: bool,
        room: Tensor,
    ) -> None:
        n_windows, size = len(gathering.operators), like.shape[1]
        self.gathering, self.weights, self.size = gathering, weights, size
        self.own_bias = own_bias
        wide = gathering.width(size)
        self.below = Tape(like, n_windows, wide, keep=keep)
        self.passed = Tape(like, n_windows, wide, keep=keep)
        self.state = Tape(like, n_windows, wide, keep=keep) if own_state else None
        self.room, self.whole = room, room.unbind()
        self.update, self.reset, self.candidate = (
            part.unbind() for part in room.split(size, dim=2)
        )
        self.gates = room[:, :, : 2 * size].unbind()
        self.hidden: list[Tensor] = [like] * n_windows
        self.scratch = torch.empty_like(like)
        self.preactivation = like.new_empty(len(like), 3 * self.size)
        self.to_gates, self.to_candidate = self.preactivation.split([2 * self.size, self.size], 1)

    def forward(
        self, t: int, below: Tensor, base: Tensor, from_state: Tensor, hidden: Tensor
    ) -> Tensor:
        """
        Advance the state by one window.

        Parameters
        ----------
        t : int
            The window.
        below : torch.Tensor, shape (n_vertices, n_inputs)
            Input of the layer.
        base : torch.Tensor, shape (n_vertices, 3 · hidden_size) or (3 · hidden_size,)
            What is added to the product of its neighbourhood.
        from_state : torch.Tensor, shape (n_vertices, 2 · hidden_size)
            What the state says to the two gates; a layer with a state of its own passes it over.
        hidden : torch.Tensor, shape (n_vertices, hidden_size)
            State before.

        Returns
        -------
        torch.Tensor
            State after.
        """
        weights = self.weights
        self.hidden[t] = hidden
        into = self.gathering.gather(t, below, self.below[t])
        torch.addmm(base, into, weights.inputs, out=self.preactivation)
        if self.state is not None:
            from_state = self.gathering.gather(t, hidden, self.state[t]) @ weights.gates
        gates, candidate = self.gates[t], self.candidate[t]
        torch.add(self.to_gates, from_state, out=gates).sigmoid_()
        torch.mul(self.reset[t], hidden, out=self.scratch)
        passed = self.gathering.gather(t, self.scratch, self.passed[t])
        torch.addmm(self.to_candidate, passed, weights.candidate, out=candidate)
        return torch.lerp(candidate.tanh_(), hidden, self.update[t])

    def backward(self, t: int, upstream: Tensor) -> tuple[Tensor, Tensor]:
        """
        Take the gradient back through one window.

        Parameters
        ----------
        t : int
            The window.
        upstream : torch.Tensor, shape (n_vertices, hidden_size)
            Gradient of the state after.

        Returns
        -------
        tuple of torch.Tensor
            Gradients of the input and of the state before; the latter without what the
            handed-in product of the state adds.
        """
        weights, hidden = self.weights, self.hidden[t]
        update, reset, candidate = self.update[t], self.reset[t], self.candidate[t]
        before = upstream * update
        remaining, difference = upstream - before, hidden - candidate
        # From here on the gradients take the place of what they are taken of.
        torch.addcmul(remaining, remaining * candidate, candidate, value=-1, out=candidate)
        torch.mul(difference, remaining.mul_(update), out=update)
        passed = self.gathering.scatter(t, candidate @ weights.candidate.T).mul_(reset)
        before += passed
        passed *= hidden
        torch.addcmul(passed, passed, reset, value=-1, out=reset)
        if self.state is not None:
            before += self.gathering.scatter(t, self.gates[t] @ weights.gates.T)
        return self.gathering.scatter(t, self.whole[t] @ weights.inputs.T), before

    def weight_gradients(self) -> list[Tensor | None]:
        """
        Sum the gradients of the weights over windows.

        Returns
        -------
        list of torch.Tensor or None
            Of inputs, gates, candidate and bias, in this order; ``None`` for gates and bias
            that are not its own.
        """
        size, rows = self.size, flat(self.room)
        gates = None
        if self.state is not None:
            gates = self.state.rows.T @ rows[:, : 2 * size]
        candidate = self.passed.rows.T @ rows[:, 2 * size :]
        bias = rows.sum(dim=0) if self.own_bias else None
        return [self.below.rows.T @ rows, gates, candidate, bias]
