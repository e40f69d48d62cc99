"""The whole network: encoder, prior, recurrence, attention and decoder, window after window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tavrnn_ephys.nn.attention import TemporalAttention
from tavrnn_ephys.nn.decoder import InnerDecoder, PairTarget, UnfoldedDecoder
from tavrnn_ephys.nn.latent import Encoder, Gaussian, Prior
from tavrnn_ephys.nn.options import NetworkOptions
from tavrnn_ephys.nn.recurrence import GraphGRU

__all__ = ["Network", "NetworkState", "WindowInput", "WindowOutput"]


@dataclass(frozen=True, kw_only=True)
class WindowInput:
    """
    One window as tensors.

    Parameters
    ----------
    operator : torch.Tensor, shape (n_vertices, n_vertices)
        Normalised adjacency.
    features : torch.Tensor, shape (n_vertices, n_features), or None
        Vertex features; ``None`` stands for the identity.
    target : PairTarget
        What the decoder is held against.
    """

    operator: Tensor
    features: Tensor | None
    target: PairTarget


class WindowOutput(NamedTuple):
    """
    What the network says of one window.

    Parameters
    ----------
    posterior, prior : Gaussian
        Distributions of the latent variable, shapes (n_vertices, latent_size).
    latent : torch.Tensor, shape (n_vertices, latent_size)
        The sample.
    decoded : torch.Tensor, shape (n_targets, n_targets)
        Pair values.
    attention : torch.Tensor, shape (n_past + 1,), or None
        Weights of the remembered windows, oldest first, and of the present, last.
    """

    posterior: Gaussian
    prior: Gaussian
    latent: Tensor
    decoded: Tensor
    attention: Tensor | None


@dataclass
class NetworkState:
    """
    What the network remembers between windows.

    Parameters
    ----------
    hidden : list of torch.Tensor, each of shape (n_vertices, hidden_size)
        State of each layer.
    memory : list of list of torch.Tensor
        Per layer the states that attention can reach, oldest first.
    """

    hidden: list[Tensor]
    memory: list[list[Tensor]] = field(default_factory=list)

    def detach(self) -> NetworkState:
        """
        Cut the graph of derivatives.

        Returns
        -------
        NetworkState
            The same values, without a past that gradients could flow to.
        """
        return NetworkState(
            [tensor.detach() for tensor in self.hidden],
            [[tensor.detach() for tensor in layer] for layer in self.memory],
        )


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
        self.recurrence = None
        if options.recurrence != "none":
            self.recurrence = GraphGRU(
                2 * hidden_size, hidden_size, options.n_layers, self_path=options.self_path
            )
            self.recurrence.requires_grad_(options.recurrence == "trained")
        self.attention = None
        if options.attention != "none" and self.recurrence is not None:
            self.attention = nn.ModuleList(
                TemporalAttention(
                    hidden_size,
                    per_node=options.attention == "node",
                    bounded=options.attention_values == "bounded",
                )
                for _ in range(options.n_layers)
            )
        self.decoder: nn.Module = InnerDecoder()
        if options.decoder == "unfolded":
            self.decoder = UnfoldedDecoder(offset, basis)

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
        self, window: WindowInput, state: NetworkState, noise: Tensor
    ) -> tuple[WindowOutput, NetworkState]:
        """
        Take in one window.

        Parameters
        ----------
        window : WindowInput
            The window.
        state : NetworkState
            State after the window before; it is not changed.
        noise : torch.Tensor, shape (n_vertices, latent_size)
            Standard normal noise of the sample ``z = μ + σ ε``; zeros for the mean.

        Returns
        -------
        tuple of WindowOutput and NetworkState
            What the network says of the window, and the state after it.
        """
        if window.features is None:
            projected = torch.relu(self.project_features.weight.T + self.project_features.bias)
        else:
            projected = torch.relu(self.project_features(window.features))
        before = state.hidden[-1]
        posterior = self.encoder(window.operator, window.features, projected, before)
        prior = self.prior(before)
        latent = posterior.mean + posterior.std * noise
        decoded = self.decoder(latent[: self.n_targets])
        inputs = torch.cat([projected, torch.relu(self.project_latent(latent))], dim=1)
        state, attention = self._advance(window.operator, inputs, state)
        return WindowOutput(posterior, prior, latent, decoded, attention), state

    def _advance(
        self, operator: Tensor, inputs: Tensor, state: NetworkState
    ) -> tuple[NetworkState, Tensor | None]:
        if self.recurrence is None:
            return state, None
        recurrent = self.recurrence(operator, inputs, state.hidden)
        if self.attention is None:
            return NetworkState(recurrent, state.memory), None
        hidden, memory, weights = [], [], None
        for layer, present, past in zip(self.attention, recurrent, state.memory, strict=True):
            attended, weights = layer(present, past)
            hidden.append(attended)
            kept = attended if self.options.attention_memory == "attended" else present
            width = self.options.attention_width
            memory.append([*past, kept] if width is None else [*past, kept][-width:])
        return NetworkState(hidden, memory), weights


def _initial_residual(options: NetworkOptions, n_features: int) -> Tensor | None:
    if not options.residual:
        return None
    if options.node_features == "spectral":
        return torch.eye(n_features, options.latent_size)
    return nn.init.xavier_uniform_(torch.empty(n_features, options.latent_size))
