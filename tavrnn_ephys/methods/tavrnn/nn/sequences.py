"""What goes into the network, what comes out, and what it remembers between windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget
from tavrnn_ephys.methods.tavrnn.nn.latent import Gaussian
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator

__all__ = ["NetworkState", "SequenceOutput", "WindowInput"]


@dataclass(frozen=True, kw_only=True)
class WindowInput:
    """
    One window as tensors.

    Parameters
    ----------
    operator : torch.Tensor or SparseOperator, shape (n_vertices, n_vertices)
        Normalised adjacency.
    features : torch.Tensor, shape (n_vertices, n_features), or None
        Vertex features; ``None`` stands for the identity.
    target : PairTarget
        What the decoder is held against.
    """

    operator: Tensor | SparseOperator
    features: Tensor | None
    target: PairTarget


class SequenceOutput(NamedTuple):
    """
    What the network says of a sequence of windows.

    Parameters
    ----------
    posterior, prior : Gaussian
        Distributions of the latent variable, shapes (n_windows, n_vertices, latent_size).
    latent : torch.Tensor, shape (n_windows, n_vertices, latent_size)
        The samples.
    attention : list of torch.Tensor
        Per window the weights of the remembered windows, oldest first, and of the present,
        last; empty without attention.
    """

    posterior: Gaussian
    prior: Gaussian
    latent: Tensor
    attention: list[Tensor]

    def from_window(self, first: int) -> SequenceOutput:
        """
        Leave out the first windows.

        Parameters
        ----------
        first : int
            First window that is kept.

        Returns
        -------
        SequenceOutput
            The rest.
        """
        return SequenceOutput(
            Gaussian(*(value[first:] for value in self.posterior)),
            Gaussian(*(value[first:] for value in self.prior)),
            self.latent[first:],
            self.attention[first:],
        )


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
