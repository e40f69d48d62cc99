"""One window through a fitted network, without what only training needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.methods.tavrnn._step_memory import AttentionMemory, ReadoutMemory
from tavrnn_ephys.methods.tavrnn._step_operator import step_operator
from tavrnn_ephys.methods.tavrnn.nn.attention import TemporalAttention
from tavrnn_ephys.methods.tavrnn.nn.latent import SMALLEST_STD
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis
from tavrnn_ephys.methods.tavrnn.sessions import Session

__all__ = ["SingleStep"]


class SingleStep:
    """
    The network of a session, one window at a time, on the CPU.

    Parameters
    ----------
    session : Session
        What a fit learnt.

    Raises
    ------
    InputError
        If the options of the network ask for something that a stream cannot give.
    """

    def __init__(self, session: Session) -> None:
        options = session.network.options
        _refuse(options)
        self.options, self.units, self.node_ids = options, session.units, session.node_ids
        network = session.network
        self._n_nodes, self._n_vertices = len(session.node_ids), network.n_vertices
        self._operator = step_operator(
            self._n_nodes,
            history=network.n_vertices > self._n_nodes,
            signed=options.propagation == "signed",
        )
        attends = network.attention is not None
        self.lookback = cast(int, options.attention_width) if attends else 0
        with torch.no_grad():
            self._take_weights(session)
        self._hidden = [self._room(options.hidden_size) for _ in range(options.n_layers)]
        self._pending = [item.clone() for item in self._hidden]
        self._attention = [
            AttentionMemory(options, weights, self._n_vertices) for weights in self._maps
        ]
        self._readout = ReadoutMemory(options, self._n_vertices, attends=attends)
        self._gathered = self._room((2 if options.self_path else 1) * options.hidden_size)
        # The history node has no coordinates: its row stays the bias, as it leaves the ReLU.
        self._projected = self._project_bias.relu().repeat(self._n_vertices, 1)
        self.reset()

    def _room(self, width: int) -> Tensor:
        return torch.zeros(self._n_vertices, width)

    def _take_weights(self, session: Session) -> None:
        network, basis = session.network, cast(SpectralBasis, session.basis)
        encoder = network.encoder
        size = network.options.hidden_size
        weights = network._loop_weights()
        self._from_state, self._of_moments = weights.from_state.cpu(), weights.moments.cpu()
        self._latent, self._latent_bias = weights.latent.cpu(), weights.latent_bias.cpu()
        self._gates = [type(item)(*(part.cpu() for part in item)) for item in weights.gates]
        self._project = network.project_features.weight.T.cpu()
        self._project_bias = network.project_features.bias.cpu()
        weight, bias = encoder.shared.stacked_weight(0, size), encoder.shared.bias_or_zeros()
        if network.recurrence is not None:
            layer = network._layers()[0]
            weight = torch.cat([weight, layer.from_input.stacked_weight(0, size)], dim=1)
            bias = torch.cat([bias, layer.stacked().bias])
        self._shared, self._shared_bias = weight.cpu(), bias.cpu()
        self._moment_bias = torch.cat([encoder.mean.bias_or_zeros(), encoder.std.bias_or_zeros()])
        self._moment_bias = self._moment_bias.cpu()
        self._residual = None if encoder.residual is None else encoder.residual.cpu()
        # Projected in double precision once: a difference of two large products loses digits.
        mean = np.asarray(basis.mean, np.float64) @ np.asarray(basis.directions, np.float64)
        self._directions = torch.from_numpy(np.asarray(basis.directions / basis.scale, np.float32))
        self._mean = torch.from_numpy((mean / basis.scale).astype(np.float32))
        self._maps = [
            type(found)(*(part.cpu() for part in found))
            for found in (
                cast(TemporalAttention, layer).weights() for layer in network.attention or ()
            )
        ]

    def reset(self) -> None:
        """Forget every window."""
        for tensor in (*self._hidden, *self._pending):
            tensor.zero_()
        for memory in self._attention:
            memory.reset()
        self._readout.reset()

    def embed(self, graph: DenseGraph) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Embed a window that follows the last one that was committed.

        Parameters
        ----------
        graph : DenseGraph
            Its graph.

        Returns
        -------
        tuple of numpy.ndarray of float32
            Mean and standard deviation of each node, both of shape (n_nodes, width).
        """
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            self._operator.take(graph)
            weights = torch.from_numpy(graph.weights)
            features = torch.addmm(self._mean, weights, self._directions, beta=-1.0)
            moments, latent, states, gates = self._encode(features)
            if self._gates:
                self._recur(latent, states, gates)
            mean, raw = moments.chunk(2, dim=1)
            shares = self._attention[-1].shares if self._attention else None
            std = softplus(raw.contiguous()).add_(SMALLEST_STD)
            return self._readout.embed(mean, std, shares, self._n_nodes)

    def commit(self) -> None:
        """Remember the window that was embedded last."""
        self._hidden, self._pending = self._pending, self._hidden
        for memory in self._attention:
            memory.commit()
        self._readout.commit()

    def weights(self) -> list[NDArray[Any]]:
        """
        Return all that the embedding depends on beside the windows.

        Returns
        -------
        list of numpy.ndarray
            Weights of the network, and the spectral basis.
        """
        tensors = [
            self._from_state, self._of_moments, self._latent, self._latent_bias, self._project,
            self._project_bias, self._shared, self._shared_bias, self._moment_bias,
            self._directions, self._mean, *([] if self._residual is None else [self._residual]),
            *(part for layer in (*self._gates, *self._maps) for part in layer),
        ]  # fmt: skip
        return [tensor.detach().numpy() for tensor in tensors]

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        found = {f"hidden/{k}": item.numpy().copy() for k, item in enumerate(self._hidden)}
        for k, memory in enumerate(self._attention):
            found |= {f"attention/{k}/{name}": value for name, value in memory.state().items()}
        return found | {f"readout/{name}": value for name, value in self._readout.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another step of the same model remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        for k, item in enumerate(self._hidden):
            item.copy_(torch.from_numpy(state[f"hidden/{k}"]))
        for k, memory in enumerate(self._attention):
            memory.restore(_part(state, f"attention/{k}/"))
        self._readout.restore(_part(state, "readout/"))

    def _gather(self, values: Tensor) -> Tensor:
        """Give ``[Â X, X]``, or ``Â X`` without a self path; the next call overwrites it."""
        out, width = self._gathered, values.shape[1]
        self._operator.multiply(values, out[:, :width])
        if self.options.self_path:
            out[:, width:].copy_(values)
        return out

    def _encode(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Infer the latent variable; also what state and features say to the recurrence."""
        size, n = self.options.hidden_size, self._n_nodes
        torch.addmm(self._project_bias, features, self._project, out=self._projected[:n])
        gathered = self._gather(self._projected.relu_())
        from_features = torch.addmm(self._shared_bias, gathered, self._shared)
        states = self._gather(self._hidden[-1]) @ self._from_state
        encoded = torch.add(from_features[:, :size], states[:, :size]).relu_()
        gathered = self._gather(encoded)
        moments = torch.addmm(self._moment_bias, gathered, self._of_moments)
        if self._residual is not None:
            moments[:n, : self.options.latent_size].addmm_(features, self._residual)
        return moments, moments[:, : self.options.latent_size], states, from_features[:, size:]

    def _recur(self, latent: Tensor, states: Tensor, base: Tensor) -> None:
        size, many = self.options.hidden_size, len(self._gates) > 1
        below = torch.addmm(self._latent_bias, latent, self._latent).relu_()
        for index, layer in enumerate(self._gates):
            hidden = self._hidden[index]
            into = torch.addmm(
                base if index == 0 else layer.bias, self._gather(below), layer.inputs
            )
            if many:
                from_state = self._gather(hidden) @ layer.gates
            else:
                from_state = states[:, size:]
            gates = torch.add(into[:, : 2 * size], from_state).sigmoid_()
            passed = self._gather(gates[:, size:] * hidden)
            candidate = torch.addmm(into[:, 2 * size :], passed, layer.candidate).tanh_()
            below = torch.lerp(candidate, hidden, gates[:, :size])
            # The next layer reads the state before attention; the next window the one after it.
            after = self._attention[index].attend(below) if self._attention else below
            self._pending[index].copy_(after)


def _part(state: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }


def _refuse(options: NetworkOptions) -> None:
    """Say in one sentence what has no streaming path."""
    wrong = {
        'smoothing="two_sided" needs windows that have not come yet. Fit with smoothing="causal"': (
            options.smoothing == "two_sided"
        ),
        'embedding="sample" draws noise, which a stream does not. Fit with embedding="joined"': (
            options.embedding == "sample"
        ),
        'node_features="graph" has no streaming path. Fit with node_features="spectral"': (
            options.node_features != "spectral"
        ),
        "attention_width=None remembers every window, so that memory and time would grow without "
        "bound. Fit with attention_width=10": (
            options.attention != "none"
            and options.recurrence != "none"
            and options.attention_width is None
        ),
    }
    for sentence, found in wrong.items():
        if found:
            raise InputError(f"{sentence}.")
