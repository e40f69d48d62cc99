"""
The whole network over a sequence of windows.

What does not depend on the state is computed for all windows at once, before the loop over
windows or after it; the loop holds the encoder, the recurrence and the attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from tavrnn_ephys.methods.tavrnn.nn.attention import TemporalAttention
from tavrnn_ephys.methods.tavrnn.nn.decoder import (
    InnerDecoder,
    UnfoldedDecoder,
    reconstruction_losses,
)
from tavrnn_ephys.methods.tavrnn.nn.latent import (
    SMALLEST_STD,
    Encoder,
    Gaussian,
    Prior,
    kl_divergence,
)
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.propagation import neighbourhood
from tavrnn_ephys.methods.tavrnn.nn.recurrence import GateWeights, GraphGRULayer
from tavrnn_ephys.methods.tavrnn.nn.sequences import NetworkState, SequenceOutput, WindowInput
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator
from tavrnn_ephys.methods.tavrnn.nn.through_time import (
    LoopSettings,
    LoopWeights,
    gather_all,
    run_through_time,
)

__all__ = ["Network", "NetworkState", "SequenceOutput", "WindowInput"]


class Network(nn.Module):
    """
    Temporal-attention-enhanced variational graph recurrent network.

    Parameters
    ----------
    options : NetworkOptions
        All switches.
    n_vertices : int
        Number of vertices, the history node counted.
    n_features : int
        Width of the vertex features.
    n_targets : int
        Number of vertices that the decoder answers for.
    offset : torch.Tensor, shape (n_targets, n_targets)
        Mean training graph, for the unfolded decoder.
    basis : torch.Tensor, shape (n_targets, latent_size)
        Initial basis of the unfolded decoder.

    References
    ----------
    .. [1] Khajehnejad et al. (2025), arXiv:2410.00665.
    .. [2] Hajiramezanali et al. (2019), Variational graph recurrent neural networks, NeurIPS.
    """

    def __init__(
        self,
        options: NetworkOptions,
        *,
        n_vertices: int,
        n_features: int,
        n_targets: int,
        offset: Tensor,
        basis: Tensor,
    ) -> None:
        super().__init__()
        hidden_size, latent_size = options.hidden_size, options.latent_size
        self.options = options
        self.n_vertices = n_vertices
        self.n_targets = n_targets
        self.project_features = nn.Linear(n_features, hidden_size)
        self.project_latent = nn.Linear(latent_size, hidden_size)
        self.encoder = Encoder(
            hidden_size,
            latent_size,
            bias=options.bias == "everywhere",
            self_path=options.self_path,
            residual=_initial_residual(options, n_features),
        )
        self.prior = Prior(hidden_size, latent_size)
        self.recurrence: nn.ModuleList | None = None
        if options.recurrence != "none":
            self.recurrence = _recurrence(options)
        self.attention: nn.ModuleList | None = None
        if options.attention != "none" and self.recurrence is not None:
            self.attention = _attention(options)
        self.decoder: InnerDecoder | UnfoldedDecoder = InnerDecoder()
        if options.decoder == "unfolded":
            self.decoder = UnfoldedDecoder(offset, basis)

    def share_with(self, donor: Network) -> None:
        """
        Take over all weights that do not depend on the nodes: those of another network.

        What stays of its own is the projection of the features, their residual map, and the
        decoder.

        Parameters
        ----------
        donor : Network
            A network of the same options for other nodes; both then train the same weights.
        """
        for name in ("project_latent", "prior", "recurrence", "attention"):
            setattr(self, name, getattr(donor, name))
        for name in ("shared", "mean", "std"):
            setattr(self.encoder, name, getattr(donor.encoder, name))

    def initial_state(self) -> NetworkState:
        """
        Return the state before the first window.

        Returns
        -------
        NetworkState
            Zeros, and an empty memory.
        """
        n_layers = self.options.n_layers
        weight = self.project_latent.weight
        zeros = weight.new_zeros(self.n_vertices, self.options.hidden_size)
        return NetworkState([zeros] * n_layers, [[] for _ in range(n_layers)])

    def forward(
        self, windows: Sequence[WindowInput], state: NetworkState, noise: Tensor
    ) -> tuple[SequenceOutput, NetworkState]:
        """
        Take in consecutive windows.

        Parameters
        ----------
        windows : sequence of WindowInput
            The windows.
        state : NetworkState
            State after the window before the first; it is not changed.
        noise : torch.Tensor, shape (n_windows, n_vertices, latent_size)
            Standard normal noise of the samples ``z = μ + σ ε``; zeros for the mean.

        Returns
        -------
        tuple of SequenceOutput and NetworkState
            What the network says of the windows, and the state after the last.
        """
        remembered = [state.hidden, *state.memory]
        if any(tensor.requires_grad for tensors in remembered for tensor in tensors):
            return self._recorded_loop(windows, state, noise)
        options = self.options
        result = run_through_time(
            [window.operator for window in windows],
            self._prepare(windows),
            self._loop_weights(),
            (state.hidden, state.memory),
            noise,
            LoopSettings(
                self_path=options.self_path,
                per_node=options.attention == "node",
                bounded=options.attention_values == "bounded",
                attended=options.attention_memory == "attended",
                width=options.attention_width,
                recency=options.attention_recency,
            ),
        )
        mean, raw = result.moments.chunk(2, dim=2)
        # softplus underflows to 0 below −104, where the divergence would divide by it.
        posterior = Gaussian(mean, softplus(raw) + SMALLEST_STD)
        latents = torch.addcmul(posterior.mean, posterior.std, noise)
        prior = self.prior(result.before)
        output = SequenceOutput(posterior, prior, latents, result.attention)
        return output, NetworkState(result.hidden, result.memory)

    def _recorded_loop(
        self, windows: Sequence[WindowInput], state: NetworkState, noise: Tensor
    ) -> tuple[SequenceOutput, NetworkState]:
        """Record derivatives step by step: they also flow into the state before the first."""
        weights = self._loop_weights()
        prepared = self._prepare(windows)
        before, moments, latents, attention = [], [], [], []
        # Taking windows off with one unbind keeps the backward pass linear in their number.
        parts = [part.unbind() for part in prepared]
        for index, window in enumerate(windows):
            before.append(state.hidden[-1])
            states = self._neighbourhood(window.operator, state.hidden[-1]) @ weights.from_state
            size = self.options.hidden_size
            shared = torch.relu(parts[0][index][:, :size] + states[:, :size])
            moments.append(
                self._neighbourhood(window.operator, shared) @ weights.moments + parts[1][index]
            )
            latents.append(self._sample(moments[-1], noise[index]))
            if self.recurrence is not None:
                state, row = self._advance(
                    window.operator,
                    parts[0][index][:, size:],
                    states[:, size:],
                    latents[-1],
                    state,
                    weights.gates,
                )
                attention += [] if row is None else [row]
        mean, raw = torch.stack(moments).chunk(2, dim=2)
        posterior = Gaussian(mean, softplus(raw) + SMALLEST_STD)
        output = SequenceOutput(
            posterior, self.prior(torch.stack(before)), torch.stack(latents), attention
        )
        return output, state

    def loss_terms(
        self, windows: Sequence[WindowInput], output: SequenceOutput
    ) -> dict[str, Tensor]:
        """
        Compute the loss of a sequence, term by term.

        Parameters
        ----------
        windows : sequence of WindowInput
            The windows.
        output : SequenceOutput
            What the network said of them.

        Returns
        -------
        dict of str to torch.Tensor
            Sums over windows: ``"loss"`` = ``"reconstruction"`` + ``kl_weight`` · ``"kl"``, and
            with ``prediction_weight`` that times ``"prediction"``, the reconstruction of each
            window from the mean of its prior.
        """
        options = self.options
        reconstruction = self._reconstruction(windows, output.latent)
        kl = reconstruction.new_zeros(())
        if options.variational:
            kl = kl_divergence(output.posterior, output.prior).sum()
        if options.kl_scale == "node_mean_twice":
            kl = kl / self.n_vertices
        terms = {"reconstruction": reconstruction, "kl": kl}
        loss = reconstruction + options.kl_weight * kl
        if options.prediction_weight:
            terms["prediction"] = self._reconstruction(windows, output.prior.mean)
            loss = loss + options.prediction_weight * terms["prediction"]
        return {"loss": loss, **terms}

    def _reconstruction(self, windows: Sequence[WindowInput], latents: Tensor) -> Tensor:
        targets = [window.target for window in windows]
        return reconstruction_losses(self.decoder, latents[:, : self.n_targets], targets).sum()

    def _neighbourhood(self, operator: Tensor | SparseOperator, features: Tensor) -> Tensor:
        return neighbourhood(operator, features, self_path=self.options.self_path)

    def _layers(self) -> list[GraphGRULayer]:
        return [cast(GraphGRULayer, layer) for layer in self.recurrence or ()]

    def _loop_weights(self) -> LoopWeights:
        size = self.options.hidden_size
        from_state = [self.encoder.shared.stacked_weight(size)]
        gates = []
        for index, layer in enumerate(self._layers()):
            gates.append(layer.stacked(size if index == 0 else 0))
        if len(gates) == 1:
            from_state.append(gates[0].gates)
        moments = [self.encoder.mean.stacked_weight(), self.encoder.std.stacked_weight()]
        attention = [cast(TemporalAttention, layer).weights() for layer in self.attention or ()]
        return LoopWeights(
            torch.cat(from_state, dim=1),
            torch.cat(moments, dim=1),
            self.project_latent.weight.T,
            self.project_latent.bias,
            gates,
            attention,
        )

    def _prepare(self, windows: Sequence[WindowInput]) -> tuple[Tensor, Tensor]:
        """Compute what the features contribute to each window, whatever the state."""
        size, features = self.options.hidden_size, None
        given = [window.features for window in windows if window.features is not None]
        if not given:
            projected = self.project_features.weight.T + self.project_features.bias
            projected = torch.relu(projected).expand(len(windows), -1, -1)
        else:
            features = torch.stack(given)
            projected = torch.relu(self.project_features(features))
        operators = [window.operator for window in windows]
        gathered = gather_all(operators, projected, self_path=self.options.self_path)
        weight = self.encoder.shared.stacked_weight(0, size)
        bias = self.encoder.shared.bias_or_zeros()
        if self.recurrence is not None:
            layer = self._layers()[0]
            weight = torch.cat([weight, layer.from_input.stacked_weight(0, size)], dim=1)
            bias = torch.cat([bias, layer.stacked().bias])
        joined = torch.nn.functional.linear(gathered, weight.T, bias)
        return joined, self.encoder.bias_of_moments(features, len(windows))

    def _sample(self, moments: Tensor, noise: Tensor) -> Tensor:
        mean, raw = moments.chunk(2, dim=1)
        return torch.addcmul(mean, softplus(raw) + SMALLEST_STD, noise)

    def _advance(
        self,
        operator: Tensor | SparseOperator,
        gates: Tensor,
        from_state: Tensor,
        latent: Tensor,
        state: NetworkState,
        weights: list[GateWeights],
    ) -> tuple[NetworkState, Tensor | None]:
        below = torch.relu(self.project_latent(latent))
        hidden, memory, row = [], [], None
        for index, layer in enumerate(self._layers()):
            previous, weight = state.hidden[index], weights[index]
            base = gates if index == 0 else weight.bias
            from_input = base + self._neighbourhood(operator, below) @ weight.inputs
            if len(weights) > 1:
                from_state = self._neighbourhood(operator, previous) @ weight.gates
            below = layer(operator, from_input, from_state, previous, weight.candidate)
            attended, past, row = self._attend(index, below, state.memory[index])
            hidden.append(attended)
            memory.append(past)
        return NetworkState(hidden, memory), row

    def _attend(
        self, index: int, present: Tensor, past: list[Tensor]
    ) -> tuple[Tensor, list[Tensor], Tensor | None]:
        if self.attention is None:
            return present, past, None
        attended, weights = self.attention[index](present, past)
        kept = attended if self.options.attention_memory == "attended" else present
        width = self.options.attention_width
        return attended, [*past, kept] if width is None else [*past, kept][-width:], weights


def _recurrence(options: NetworkOptions) -> nn.ModuleList:
    layers = nn.ModuleList(
        GraphGRULayer(
            (2 if index == 0 else 1) * options.hidden_size,
            options.hidden_size,
            self_path=options.self_path,
        )
        for index in range(options.n_layers)
    )
    return layers.requires_grad_(options.recurrence == "trained")


def _attention(options: NetworkOptions) -> nn.ModuleList:
    return nn.ModuleList(
        TemporalAttention(
            options.hidden_size,
            per_node=options.attention == "node",
            bounded=options.attention_values == "bounded",
            recency=options.attention_recency,
        )
        for _ in range(options.n_layers)
    )


def _initial_residual(options: NetworkOptions, n_features: int) -> Tensor | None:
    if not options.residual:
        return None
    if options.node_features == "spectral":
        return torch.eye(n_features, options.latent_size)
    return nn.init.xavier_uniform_(torch.empty(n_features, options.latent_size))
