"""From latent variables back to graphs, and how far those graphs are from the observed ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = [
    "InnerDecoder",
    "PairTarget",
    "UnfoldedDecoder",
    "chance_loss",
    "reconstruction_loss",
]

# Pairs that are decoded at a time: a few arrays of this size stay in the second-level cache.
_BLOCK_PAIRS = 2**17


@dataclass(frozen=True, kw_only=True)
class PairTarget:
    """
    What the decoder is held against in one window.

    Parameters
    ----------
    values : torch.Tensor, shape (n, n)
        Edges as 0 and 1, or signed weights, symmetric; n counts nodes or vertices.
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


def chance_loss(target: PairTarget) -> float:
    """
    Return the loss of a decoder that knows nothing of a window.

    Parameters
    ----------
    target : PairTarget
        The window.

    Returns
    -------
    float
        For signed weights ½, the score of the mean graph.  For edges ln 2, the balanced
        cross-entropy of a coin; but 0 where all pairs are edges, or none: one constant says
        all there is to say.
    """
    if not target.binary:
        return 0.5
    n_pairs, n_edges = _counts(target)
    return math.log(2.0) if 0 < n_edges < n_pairs else 0.0


class InnerDecoder(nn.Module):
    """Pair value ``z zᵀ`` (Kipf & Welling 2016)."""

    def factors(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """
        Write the pair values as ``½ (L Rᵀ + R Lᵀ) + offset``.

        Parameters
        ----------
        latent : torch.Tensor, shape (n, latent_size)
            Latent variable of each vertex.

        Returns
        -------
        tuple of torch.Tensor
            Left and right factors, both (n, latent_size), and no offset.
        """
        return latent, latent, None


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

    def factors(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """
        Write the pair values as ``½ (L Rᵀ + R Lᵀ) + offset``.

        Parameters
        ----------
        latent : torch.Tensor, shape (n, latent_size)
            Latent variable of each node.

        Returns
        -------
        tuple of torch.Tensor
            Basis and latent variable, both (n, latent_size), and the offset (n, n).
        """
        return self.basis, latent, self.offset


def reconstruction_loss(
    factors: tuple[Tensor, Tensor, Tensor | None], target: PairTarget
) -> Tensor:
    """
    Measure the distance of a decoded graph to the observed one.

    Parameters
    ----------
    factors : tuple of torch.Tensor
        Left and right factors of the decoded pair values, and their offset.
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

    The decoded matrix is never whole in memory: rows are decoded block by block, and loss and
    gradient are taken in the same pass.
    """
    left, right, offset = factors
    return _PairLoss.apply(left, right, offset, target)


class _PairLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, offset: Tensor | None, target: PairTarget
    ) -> Tensor:
        """Sum the loss over blocks of rows, and keep its gradient."""
        n = left.shape[0]
        same = left is right
        left_gradient, right_gradient = torch.empty_like(left), torch.empty_like(right)
        both = (left, right) if same else (torch.cat([left, right], 1), torch.cat([right, left], 1))
        pairs = _binary_pairs if target.binary else _signed_pairs
        scale = _scale(target, n)
        total = left.new_zeros(())
        n_rows = max(1, _BLOCK_PAIRS // n)
        for first in range(0, n, n_rows):
            rows = slice(first, min(first + n_rows, n))
            decoded = both[0][rows] @ both[1].T
            if not same:
                decoded *= 0.5
            if offset is not None:
                decoded += offset[rows]
            loss, slope = pairs(decoded, target.values[rows], scale)
            if not target.diagonal:
                loss, slope = _without_diagonal(loss, slope, first)
            total = total + loss.sum()
            # The slope is symmetric as a whole: rows of it give rows of the gradient.
            torch.mm(slope, right, out=left_gradient[rows])
            if not same:
                torch.mm(slope, left, out=right_gradient[rows])
        if same:
            right_gradient = left_gradient
        factor = scale.factor
        ctx.save_for_backward(left_gradient * factor, right_gradient * factor)
        return total * factor

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Hand the kept gradient on."""
        left, right = ctx.saved_tensors
        return left * gradient, right * gradient, None, None


@dataclass(frozen=True)
class _Scale:
    factor: float
    edge_weight: float = 1.0


def _scale(target: PairTarget, n: int) -> _Scale:
    if not target.binary:
        n_pairs = n * n if target.diagonal else n * (n - 1)
        return _Scale(0.5 / (n_pairs * target.variance))
    n_pairs, n_edges = _counts(target)
    n_gaps = max(n_pairs - n_edges, 1.0)
    return _Scale(1.0 / (2.0 * n_gaps), n_gaps / max(n_edges, 1.0))


def _counts(target: PairTarget) -> tuple[int, float]:
    """Count the pairs of a binary target, and the edges among them."""
    n = len(target.values)
    n_edges = float(target.values.sum())
    if target.diagonal:
        return n * n, n_edges
    return n * (n - 1), n_edges - float(target.values.diagonal().sum())


def _binary_pairs(logits: Tensor, edges: Tensor, scale: _Scale) -> tuple[Tensor, Tensor]:
    """Cross-entropy ``softplus(x) (1 + (w − 1) a) − w a x`` and its slope."""
    weight = edges * (scale.edge_weight - 1.0)
    weight += 1.0
    slope = torch.sigmoid(logits)
    # softplus(x) = x − log σ(x); where σ(x) underflows it is zero.
    loss = torch.sub(logits, slope.clamp_min(torch.finfo(slope.dtype).tiny).log_()).relu_()
    loss *= weight
    loss.addcmul_(edges, logits, value=-scale.edge_weight)
    slope *= weight
    slope.sub_(edges, alpha=scale.edge_weight)
    return loss, slope


def _signed_pairs(weights: Tensor, observed: Tensor, scale: _Scale) -> tuple[Tensor, Tensor]:
    """Squared distance and its slope."""
    error = weights.sub_(observed)
    return error * error, error * 2.0


def _without_diagonal(loss: Tensor, slope: Tensor, first: int) -> tuple[Tensor, Tensor]:
    for matrix in (loss, slope):
        matrix[:, first : first + len(matrix)].fill_diagonal_(0.0)
    return loss, slope
