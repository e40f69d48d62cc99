"""From latent variables back to graphs, and how far those graphs are from the observed ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tavrnn_ephys.methods.tavrnn.nn._pairs import score_pairs

__all__ = [
    "InnerDecoder",
    "PairScale",
    "PairTarget",
    "UnfoldedDecoder",
    "chance_loss",
    "reconstruction_loss",
    "reconstruction_losses",
]

# Pairs that are decoded at a time: a few arrays of this size stay in the second-level cache.
_BLOCK_PAIRS = 2**17


class PairScale(NamedTuple):
    """
    What the losses of pairs are multiplied with.

    Parameters
    ----------
    factor : float
        Of their sum.
    edge_weight : float
        Of an edge in the cross-entropy.
    """

    factor: float
    edge_weight: float = 1.0


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

    @cached_property
    def scale(self) -> PairScale:
        """Factor of the summed losses, and weight of an edge; counted once."""
        n_pairs = _n_pairs(self)
        if not self.binary:
            return PairScale(0.5 / (max(n_pairs, 1) * self.variance))
        n_edges = _n_edges(self)
        n_gaps = max(n_pairs - n_edges, 1.0)
        return PairScale(1.0 / (2.0 * n_gaps), n_gaps / max(n_edges, 1.0))


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
        left, right = latents, latents
        if basis is not None:
            shared = basis.expand_as(latents)
            left, right = torch.cat([shared, latents], 2), torch.cat([latents, shared], 2)
            left = 0.5 * left
        losses, collected = [], torch.empty_like(right.mT, memory_format=torch.contiguous_format)
        lefts, rights = left.mT.contiguous(), right.mT.contiguous()
        for index, target in enumerate(targets):
            factors = lefts[index], rights[index], offset
            losses.append(_score(factors, target, collected[index]) * target.scale.factor)
        factors_of = latents.new_tensor([target.scale.factor for target in targets])
        collected *= factors_of[:, None, None] * (2.0 if basis is None else 1.0)
        ctx.is_unfolded, ctx.size = basis is not None, latents.shape[2]
        ctx.save_for_backward(collected)
        return latents.new_tensor(losses)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        """Hand the kept gradients on."""
        (collected,) = ctx.saved_tensors
        collected = collected * upstream[:, None, None]
        if not ctx.is_unfolded:
            return None, collected.mT, None, None
        of_basis, of_latents = collected.split(ctx.size, dim=1)
        return of_basis.sum(dim=0).T, of_latents.mT, None, None


_Factors = tuple[Tensor, Tensor, Tensor | None]


def _score(factors: _Factors, target: PairTarget, collected: Tensor) -> float:
    """Sum the loss over pairs, and fill in ``Σ_j s_ij r_j``; one vertex per column."""
    left, right, offset = factors
    if target.present is not None and not bool(target.present.all()):
        (kept,) = torch.nonzero(target.present, as_tuple=True)
        whole = dataclasses.replace(target, values=target.values[kept][:, kept], present=None)
        part = None if offset is None else offset[kept][:, kept]
        some = torch.empty_like(right[:, kept])
        loss = _score((left[:, kept], right[:, kept], part), whole, some)
        collected.zero_().index_copy_(1, kept, some)
        return loss
    compiled = left.device.type == "cpu" and left.dtype == target.values.dtype == torch.float32
    return (_score_compiled if compiled else _score_by_blocks)(factors, target, collected)


def _score_compiled(factors: _Factors, target: PairTarget, collected: Tensor) -> float:
    left, right, offset = factors
    return score_pairs(
        left.numpy(),
        right.numpy(),
        None if offset is None else offset.contiguous().numpy(),
        target.values.contiguous().numpy(),
        np.float32(target.scale.edge_weight if target.binary else -1.0),
        target.diagonal,
        collected.numpy(),
    )


def _score_by_blocks(factors: _Factors, target: PairTarget, collected: Tensor) -> float:
    left, right, offset = factors
    n, total = left.shape[1], 0.0
    pairs = _binary_pairs if target.binary else _signed_pairs
    n_rows = max(1, _BLOCK_PAIRS // n)
    for first in range(0, n, n_rows):
        rows = slice(first, min(first + n_rows, n))
        decoded = left[:, rows].T @ right
        if offset is not None:
            decoded += offset[rows]
        observed = target.values[rows].to(decoded.dtype)
        loss, slope = pairs(decoded, observed, target.scale)
        if not target.diagonal:
            loss, slope = _without_diagonal(loss, slope, first)
        total += float(loss.sum())
        collected[:, rows] = right @ slope.T
    return total


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


def _binary_pairs(logits: Tensor, edges: Tensor, scale: PairScale) -> tuple[Tensor, Tensor]:
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


def _signed_pairs(weights: Tensor, observed: Tensor, scale: PairScale) -> tuple[Tensor, Tensor]:
    """Squared distance and its slope."""
    error = weights.sub_(observed)
    return error * error, error * 2.0


def _without_diagonal(loss: Tensor, slope: Tensor, first: int) -> tuple[Tensor, Tensor]:
    for matrix in (loss, slope):
        matrix[:, first : first + len(matrix)].fill_diagonal_(0.0)
    return loss, slope
