"""The latent variable: what the encoder infers and what the prior expects."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from tavrnn_ephys.methods.tavrnn.nn.propagation import GraphConvolution

__all__ = ["SMALLEST_STD", "Encoder", "Gaussian", "Prior", "kl_divergence"]

#: Keeps divisions and logarithms of a standard deviation finite in float32.
SMALLEST_STD = 1e-6


class Gaussian(NamedTuple):
    """
    Independent normal distributions.

    Parameters
    ----------
    mean, std : torch.Tensor, shape (…, n_vertices, latent_size)
        Mean and standard deviation of each.
    """

    mean: Tensor
    std: Tensor


class Encoder(nn.Module):
    """
    Weights of the posterior of the latent variable given a graph and the state before it.

    ``E = ReLU(GC([φ, H]))``, ``μ = GC(E)``, ``σ = softplus(GC(E))`` (Hajiramezanali et al.
    2019); with ``residual``, ``μ`` also gets a linear map of the vertex features, so that
    training refines the coordinates that it is given.

    Parameters
    ----------
    hidden_size, latent_size : int
        Widths.
    bias, self_path : bool
        Options of the convolutions.
    residual : torch.Tensor, shape (n_features, latent_size), optional
        Initial linear map from the vertex features to the mean.
    """

    def __init__(
        self,
        hidden_size: int,
        latent_size: int,
        *,
        bias: bool,
        self_path: bool,
        residual: Tensor | None = None,
    ) -> None:
        super().__init__()
        options = {"bias": bias, "self_path": self_path}
        self.shared = GraphConvolution(2 * hidden_size, hidden_size, **options)
        self.mean = GraphConvolution(hidden_size, latent_size, **options)
        self.std = GraphConvolution(hidden_size, latent_size, **options)
        self.residual = None if residual is None else nn.Parameter(residual.clone())
        if residual is not None:
            # The learnt correction starts small beside the coordinates that it corrects.
            with torch.no_grad():
                for weight in (self.mean.weight, self.mean.self_weight):
                    if weight is not None:
                        weight.mul_(0.1)

    def bias_of_moments(self, features: Tensor | None, n_windows: int) -> Tensor:
        """
        Collect what adds to mean and pre-activation of σ without depending on the state.

        Parameters
        ----------
        features : torch.Tensor, shape (n_windows, n_vertices, n_features), or None
            Vertex features; ``None`` stands for the identity.
        n_windows : int
            Number of windows.

        Returns
        -------
        torch.Tensor
            Biases, and the residual map of the features: broadcastable to
            (n_windows, n_vertices, 2 · latent_size).
        """
        bias = torch.cat([self.mean.bias_or_zeros(), self.std.bias_or_zeros()])
        if self.residual is None:
            return bias.expand(n_windows, 1, -1)
        mapped = self.residual.unsqueeze(0) if features is None else features @ self.residual
        padded = torch.nn.functional.pad(mapped, (0, mapped.shape[-1]))
        return (padded + bias).expand(n_windows, -1, -1)


class Prior(nn.Module):
    """
    Distribution of the latent variable expected from the state alone.

    ``P = ReLU(H W + b)``, ``μ⁰ = P W + b``, ``σ⁰ = softplus(P W + b)``.

    Parameters
    ----------
    hidden_size, latent_size : int
        Widths.
    """

    def __init__(self, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.shared = nn.Linear(hidden_size, hidden_size)
        self.mean = nn.Linear(hidden_size, latent_size)
        self.std = nn.Linear(hidden_size, latent_size)

    def forward(self, hidden: Tensor) -> Gaussian:
        """
        Expect the latent variable of the next window.

        Parameters
        ----------
        hidden : torch.Tensor, shape (…, n_vertices, hidden_size)
            State after the window before.

        Returns
        -------
        Gaussian
            Prior.
        """
        shared = torch.relu(self.shared(hidden))
        return Gaussian(self.mean(shared), softplus(self.std(shared)) + SMALLEST_STD)


def kl_divergence(posterior: Gaussian, prior: Gaussian) -> Tensor:
    """
    Kullback-Leibler divergence, summed over latent dimensions, averaged over vertices.

    Parameters
    ----------
    posterior, prior : Gaussian
        Shapes (…, n_vertices, latent_size).

    Returns
    -------
    torch.Tensor
        Shape (…), in nats per vertex.
    """
    # The logarithm of the quotient, not the difference of two logarithms, which loses digits
    # where posterior and prior nearly agree.
    ratio = (posterior.std / prior.std).square()
    distance = ((posterior.mean - prior.mean) / prior.std).square()
    return 0.5 * (ratio + distance - 1.0 - ratio.log()).sum(dim=-1).mean(dim=-1)
