"""The pass over pairs against automatic differentiation, and pairs that do not count."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from tavrnn_ephys.methods.tavrnn.nn.decoder import (
    InnerDecoder,
    PairTarget,
    UnfoldedDecoder,
    chance_loss,
    reconstruction_loss,
    reconstruction_losses,
)


def random_target(n, *, binary, diagonal, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(n, n, generator=generator)
    values = values + values.T
    values = (values > 0.5).float() if binary else values
    values.fill_diagonal_(1.0)
    if binary and n > 2:
        # At least one edge and one gap.
        values[0, 1:3] = values[1:3, 0] = torch.tensor([0.0, 1.0])
    return PairTarget(values=values, binary=binary, diagonal=diagonal, variance=1.7)


def plain_loss(decoded, target):
    """Write the loss out for all pairs."""
    n, values = len(decoded), target.values.to(decoded.dtype)
    pairs = torch.ones(n, n, dtype=torch.bool) if target.diagonal else ~torch.eye(n, dtype=bool)
    if not target.binary:
        return 0.5 * (decoded - values)[pairs].square().mean() / target.variance
    n_pairs, n_edges = int(pairs.sum()), values[pairs].sum()
    entropy = functional.binary_cross_entropy_with_logits(
        decoded[pairs], values[pairs], pos_weight=(n_pairs - n_edges) / n_edges
    )
    return entropy * n_pairs / (2 * (n_pairs - n_edges))


def plain_decoding(decoder, latent):
    if isinstance(decoder, InnerDecoder):
        return latent @ latent.T
    half = decoder.basis @ latent.T
    return decoder.offset + 0.5 * (half + half.T)


def decoder_of(kind, n, dtype):
    generator = torch.Generator().manual_seed(1)
    offset = torch.randn(n, n, generator=generator, dtype=dtype)
    basis = torch.randn(n, 3, generator=generator, dtype=dtype)
    return InnerDecoder() if kind == "inner" else UnfoldedDecoder(offset + offset.T, basis)


# Less than one block of four rows, rows that are left over, more than one stripe; float64 goes
# block by block, float32 through compiled code.
@pytest.mark.parametrize("n", [3, 5, 130, 600])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["inner", "unfolded"])
@pytest.mark.parametrize(("binary", "diagonal"), [(True, True), (True, False), (False, False)])
def test_losses_and_gradients_equal_automatic_differentiation(n, dtype, kind, binary, diagonal):
    targets = [random_target(n, binary=binary, diagonal=diagonal, seed=seed) for seed in (0, 1)]
    decoder, weights = decoder_of(kind, n, dtype), torch.tensor([1.0, 3.0], dtype=dtype)
    latents = torch.randn(2, n, 3, dtype=dtype, requires_grad=True)
    found = reconstruction_losses(decoder, latents, targets)
    (found * weights).sum().backward()
    exact = latents.detach().double().requires_grad_()
    slow = decoder_of(kind, n, dtype).double()
    expected = torch.stack(
        [plain_loss(plain_decoding(slow, z), t) for z, t in zip(exact, targets, strict=True)]
    )
    (expected * weights).sum().backward()
    tolerance = 2e-6 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=tolerance)
    pairs = [(latents, exact), *zip(decoder.parameters(), slow.parameters(), strict=True)]
    for mine, other in pairs:
        scale = float(other.grad.abs().max())
        np.testing.assert_allclose(mine.grad, other.grad, atol=tolerance * scale)


def test_many_standard_deviations_away_the_loss_stays_right():
    latent = torch.tensor([[15.0, 0.0], [-15.0, 0.0], [0.1, 0.0], [0.0, 9.0], [0.0, 0.0]])
    target = random_target(5, binary=True, diagonal=True)
    found = reconstruction_loss((latent, latent, None), target)
    expected = plain_loss((latent @ latent.T).double(), target)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("kind", ["inner", "unfolded"])
def test_pairs_of_absent_nodes_do_not_count(kind, binary):
    n, present = 9, torch.tensor([True] * 6 + [False] * 3)
    decoder = decoder_of(kind, n, torch.float32)
    target = random_target(n, binary=binary, diagonal=False)
    latents = torch.randn(1, n, 3, requires_grad=True)
    masked = dataclasses.replace(target, present=present)
    found = reconstruction_losses(decoder, latents, [masked])
    found.sum().backward()
    part = dataclasses.replace(target, values=target.values[:6, :6])
    expected = plain_loss(plain_decoding(decoder, latents[0])[:6, :6].detach(), part)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert not latents.grad[0, 6:].any()
    assert latents.grad[0, :6].any(dim=1).all()
    assert chance_loss(masked) == chance_loss(part)
