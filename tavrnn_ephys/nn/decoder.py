"""From latent variables back to graphs, and how far those graphs are from the observed ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tavrnn_ephys.nn._pairs import score_pairs

__all__ = [
    "InnerDecoder",
    "PairTarget",
    "UnfoldedDecoder",
    "chance_loss",
    "reconstruction_loss",
    "reconstruction_losses",
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
    present : torch.Tensor of bool, shape (n,), optional
        Which nodes exist in the window; pairs of others do not count.
    """

    values: Tensor
    binary: bool
    diagonal: bool
    variance: float = 1.0
    present: Tensor | None = None


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
    n_pairs, n_edges = _n_pairs(target), _n_edges(target)
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

    The decoded matrix is never whole in memory: loss and gradient are taken in the same pass,
    on the CPU in single precision by compiled code, elsewhere block by block.
    """
    left, right, offset = factors
    basis = None if left is right else left
    return cast(Tensor, _PairLosses.apply(basis, right.unsqueeze(0), offset, [target]))[0]


def reconstruction_losses(
    decoder: InnerDecoder | UnfoldedDecoder, latent: Tensor, targets: Sequence[PairTarget]
) -> Tensor:
    """
    Measure the distance of decoded graphs to the observed ones, window by window.

    Parameters
    ----------
    decoder : InnerDecoder or UnfoldedDecoder
        What decodes.
    latent : torch.Tensor, shape (n_windows, n, latent_size)
        Latent variables.
    targets : sequence of PairTarget
        The observed graphs.

    Returns
    -------
    torch.Tensor
        Shape (n_windows,), as from :func:`reconstruction_loss`.
    """
    if isinstance(decoder, InnerDecoder):
        return cast(Tensor, _PairLosses.apply(None, latent, None, targets))
    return cast(Tensor, _PairLosses.apply(decoder.basis, latent, decoder.offset, targets))


class _PairLosses(torch.autograd.Function):
    """
    Loss of each window, its gradient taken along.

    With the slopes ``s_ij = ∂ℓ/∂x_ij`` over ordered pairs, ``x = z zᵀ`` gives back
    ``∂ℓ/∂z_i = 2 Σ_j s_ij z_j``, and ``x = M + ½ (U zᵀ + z Uᵀ)`` gives
    ``∂ℓ/∂z_i = Σ_j s_ij U_j`` and ``∂ℓ/∂U_i = Σ_j s_ij z_j``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        basis: Tensor | None,
        latents: Tensor,
        offset: Tensor | None,
        targets: Sequence[PairTarget],
    ) -> Tensor:
        """Pass over the pairs of every window, and keep the gradients."""
        losses, gradient = latents.new_empty(len(targets)), torch.empty_like(latents)
        basis_gradient = None if basis is None else torch.empty_like(latents)
        for index, (latent, target) in enumerate(zip(latents, targets, strict=True)):
            left, right = latent, latent
            if basis is not None:
                left, right = torch.cat([basis, latent], 1), torch.cat([latent, basis], 1)
            loss, collected = _score(left, right, offset, target)
            factor = _scale(target).factor
            losses[index] = loss * factor
            if basis_gradient is None:
                torch.mul(collected, 2.0 * factor, out=gradient[index])
            else:
                size = latent.shape[1]
                torch.mul(collected[:, size:], factor, out=gradient[index])
                torch.mul(collected[:, :size], factor, out=basis_gradient[index])
        ctx.save_for_backward(gradient, basis_gradient)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        """Hand the kept gradients on."""
        gradient, basis_gradient = ctx.saved_tensors
        of_basis = None
        if basis_gradient is not None:
            of_basis = torch.einsum("t,tnk->nk", upstream, basis_gradient)
        return of_basis, gradient * upstream[:, None, None], None, None


def _score(
    left: Tensor, right: Tensor, offset: Tensor | None, target: PairTarget
) -> tuple[float, Tensor]:
    """Sum the loss over pairs, and return ``Σ_j s_ij r_j`` for every vertex."""
    values = target.values
    if target.present is not None and not bool(target.present.all()):
        (kept,) = torch.nonzero(target.present, as_tuple=True)
        whole = dataclasses.replace(target, values=values[kept][:, kept], present=None)
        part = None if offset is None else offset[kept][:, kept]
        loss, collected = _score(left[kept], right[kept], part, whole)
        return loss, torch.zeros_like(right).index_copy_(0, kept, collected)
    compiled = left.device.type == "cpu" and left.dtype == values.dtype == torch.float32
    return (_score_compiled if compiled else _score_by_blocks)(left, right, offset, target)


def _score_compiled(
    left: Tensor, right: Tensor, offset: Tensor | None, target: PairTarget
) -> tuple[float, Tensor]:
    half = 1.0 if left is right else 0.5
    columns = (left.detach().T * half).contiguous()
    others = right.detach().T.contiguous()
    collected = torch.empty_like(others)
    loss = score_pairs(
        columns.numpy(),
        others.numpy(),
        None if offset is None else offset.contiguous().numpy(),
        target.values.contiguous().numpy(),
        np.float32(_scale(target).edge_weight if target.binary else -1.0),
        target.diagonal,
        collected.numpy(),
    )
    return loss, collected.T


def _score_by_blocks(
    left: Tensor, right: Tensor, offset: Tensor | None, target: PairTarget
) -> tuple[float, Tensor]:
    n, total = len(left), 0.0
    half = 1.0 if left is right else 0.5
    collected, pairs = torch.empty_like(right), _binary_pairs if target.binary else _signed_pairs
    scale = _scale(target)
    n_rows = max(1, _BLOCK_PAIRS // n)
    for first in range(0, n, n_rows):
        rows = slice(first, min(first + n_rows, n))
        decoded = (half * left[rows]) @ right.T
        if offset is not None:
            decoded += offset[rows]
        loss, slope = pairs(decoded, target.values[rows], scale)
        if not target.diagonal:
            loss, slope = _without_diagonal(loss, slope, first)
        total += float(loss.sum())
        torch.mm(slope, right, out=collected[rows])
    return total, collected


@dataclass(frozen=True)
class _Scale:
    factor: float
    edge_weight: float = 1.0


def _scale(target: PairTarget) -> _Scale:
    n_pairs = _n_pairs(target)
    if not target.binary:
        return _Scale(0.5 / (max(n_pairs, 1) * target.variance))
    n_edges = _n_edges(target)
    n_gaps = max(n_pairs - n_edges, 1.0)
    return _Scale(1.0 / (2.0 * n_gaps), n_gaps / max(n_edges, 1.0))


def _n_pairs(target: PairTarget) -> int:
    present = target.present
    n = len(target.values) if present is None else int(present.sum())
    return n * n if target.diagonal else n * (n - 1)


def _n_edges(target: PairTarget) -> float:
    values, present = target.values, target.present
    if present is not None:
        values = values[present][:, present]
    n_edges = float(values.sum())
    return n_edges if target.diagonal else n_edges - float(values.diagonal().sum())


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
