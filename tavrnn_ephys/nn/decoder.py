"""From latent variables back to a graph, and how far that graph is from the observed one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["CHANCE_LOSS", "InnerDecoder", "PairTarget", "UnfoldedDecoder", "reconstruction_loss"]

#: Loss per window of a decoder that knows nothing of the window: the balanced cross-entropy of
#: a coin, and half the squared distance to the mean graph in units of its variance.
CHANCE_LOSS = {"binary": math.log(2.0), "signed": 0.5}


@dataclass(frozen=True, kw_only=True)
class PairTarget:
    """
    What the decoder is held against in one window.

    Parameters
    ----------
    values : torch.Tensor, shape (n, n)
        Edges as 0 and 1, or signed weights; n counts nodes or vertices.
    binary : bool
        Which of the two.
    diagonal : bool
        Whether the diagonal counts.
    variance : float
        Variance of the signed weights around the mean training graph.
    """

    values: Tensor
    binary: bool
    diagonal: bool
    variance: float = 1.0


class InnerDecoder(nn.Module):
    """Pair value ``z zᵀ`` (Kipf & Welling 2016)."""

    def forward(self, latent: Tensor) -> Tensor:
        """
        Decode the value of each pair.

        Parameters
        ----------
        latent : torch.Tensor, shape (n, latent_size)
            Latent variable of each vertex.

        Returns
        -------
        torch.Tensor
            Shape (n, n).
        """
        return latent @ latent.T


class UnfoldedDecoder(nn.Module):
    """
    Pair value ``M + ½ (U zᵀ + z Uᵀ)`` with a basis shared by all windows.

    The form of the unfolded adjacency spectral embedding (Gallagher et al. 2021): what
    differs between windows is written in ``z``, what they share in ``U`` and the offset
    ``M``.

    Parameters
    ----------
    offset : torch.Tensor, shape (n, n)
        Mean training graph; not trained.
    basis : torch.Tensor, shape (n, latent_size)
        Initial basis; trained.
    """

    offset: Tensor

    def __init__(self, offset: Tensor, basis: Tensor) -> None:
        super().__init__()
        self.register_buffer("offset", offset)
        self.basis = nn.Parameter(basis.clone())

    def forward(self, latent: Tensor) -> Tensor:
        """
        Decode the value of each pair.

        Parameters
        ----------
        latent : torch.Tensor, shape (n, latent_size)
            Latent variable of each node.

        Returns
        -------
        torch.Tensor
            Shape (n, n), symmetric.
        """
        half = self.basis @ latent.T
        return self.offset + 0.5 * (half + half.T)


def reconstruction_loss(decoded: Tensor, target: PairTarget) -> Tensor:
    """
    Measure the distance of a decoded graph to the observed one.

    Parameters
    ----------
    decoded : torch.Tensor, shape (n, n)
        Logits for a binary target, weights for a signed one.
    target : PairTarget
        The observed graph.

    Returns
    -------
    torch.Tensor
        Scalar, averaged over pairs: the cross-entropy in which edges and gaps weigh the same,
        or ``½ (w − ŵ)² / variance``.

    Notes
    -----
    With ``n`` pairs of which ``m`` are edges, the cross-entropy has ``pos_weight = (n − m)/m``
    and is multiplied by ``n / (2 (n − m))`` (Kipf & Welling 2016).  In an empty or complete
    graph the count that would be zero is taken as one, so that the loss stays finite.
    """
    n = decoded.shape[0]
    if target.diagonal:
        mask, n_pairs = None, n * n
    else:
        mask = ~torch.eye(n, dtype=torch.bool, device=decoded.device)
        n_pairs = n * (n - 1)
    if not target.binary:
        error = (decoded - target.values).square()
        total = error.sum() if mask is None else error.sum() - error.diagonal().sum()
        return 0.5 * total / (n_pairs * target.variance)
    if mask is None:
        logits, values = decoded.reshape(-1), target.values.reshape(-1)
    else:
        logits, values = decoded[mask], target.values[mask]
    n_edges = values.sum()
    gaps = (n_pairs - n_edges).clamp(min=1.0)
    entropy = binary_cross_entropy_with_logits(
        logits, values, pos_weight=gaps / n_edges.clamp(min=1.0)
    )
    return entropy * n_pairs / (2.0 * gaps)
