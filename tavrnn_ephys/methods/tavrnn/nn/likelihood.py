"""Decoded graphs as matrices, and how likely an observed graph is under them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget

__all__ = ["decode", "expected_graph", "log_likelihood"]


def decode(factors: tuple[Tensor, Tensor, Tensor | None]) -> Tensor:
    """
    Write out the decoded pair values ``½ (L Rᵀ + R Lᵀ) + offset``.

    Parameters
    ----------
    factors : tuple of torch.Tensor
        Left and right factors, both (n, latent_size), and an offset (n, n) or ``None``.

    Returns
    -------
    torch.Tensor
        Shape (n, n): logits of edges, or signed weights.
    """
    left, right, offset = factors
    half = left @ right.T
    decoded = half if left is right else 0.5 * (half + half.T)
    return decoded if offset is None else decoded + offset


def expected_graph(decoded: Tensor, *, binary: bool) -> Tensor:
    """
    Say what graph is expected.

    Parameters
    ----------
    decoded : torch.Tensor, shape (n, n)
        Decoded pair values.
    binary : bool
        Whether they are logits of edges.

    Returns
    -------
    torch.Tensor
        Probabilities of edges in [0, 1], or expected signed weights; shape (n, n).
    """
    return torch.sigmoid(decoded) if binary else decoded


def log_likelihood(decoded: Tensor, target: PairTarget) -> float:
    """
    Return the logarithm of the likelihood of an observed graph.

    Parameters
    ----------
    decoded : torch.Tensor, shape (n, n)
        Decoded pair values.
    target : PairTarget
        The observed graph.

    Returns
    -------
    float
        Sum over pairs of different nodes, each counted once, in nats: Bernoulli for edges,
        normal with the variance of the training weights around their mean for signed weights.
    """
    observed = target.values
    if target.binary:
        # log σ(−x), not log(1 − σ(x)), which is −∞ once σ rounds to 1 (x > 17 in float32).
        pairs = logsigmoid(decoded) * observed + logsigmoid(-decoded) * (1.0 - observed)
    else:
        pairs = -0.5 * (observed - decoded).square() / target.variance
        pairs = pairs - 0.5 * math.log(2.0 * math.pi * target.variance)
    return float(torch.triu(pairs, diagonal=1).double().sum())
