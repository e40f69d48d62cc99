"""The network equals an independent, straightforward implementation, in training too."""

import numpy as np
import pytest
import torch

from tavrnn_ephys.methods.tavrnn.inputs import build_network, fit_basis, window_inputs
from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget, reconstruction_loss
from tavrnn_ephys.methods.tavrnn.nn.options import options_for
from tests.random_graphs import random_graphs
from tests.straightforward_tavrnn import StraightforwardTavrnn, plain_windows

N_STEPS = 8


def both(profile, density, n_layers, seed=0):
    graphs = random_graphs(n_windows=6, n_nodes=30, density=density, seed=seed)
    options = options_for(profile, n_layers=n_layers, hidden_size=8, latent_size=4, n_spectral=4)
    basis = fit_basis([graphs], options)
    torch.manual_seed(seed)
    network = build_network([graphs], options, basis)
    windows = window_inputs(graphs, options, basis, device=torch.device("cpu"))
    plain = plain_windows(graphs, windows, signed=options.propagation == "signed")
    other = StraightforwardTavrnn.like(network, plain, variance=basis.variance)
    noise = torch.randn(N_STEPS, 6, graphs.n_vertices, 4)
    return network, windows, other, plain, noise


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("density", [0.15, 0.8])
@pytest.mark.parametrize("profile", ["paper", "recurrent"])
def test_losses_gradients_and_embeddings_agree_over_adam_steps(profile, density, n_layers):
    network, windows, other, plain, noise = both(profile, density, n_layers)
    ours = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-2)
    for step in range(N_STEPS):
        output, _ = network(windows, network.initial_state(), noise[step])
        loss = network.loss_terms(windows, output)["loss"]
        expected_loss, expected = other(plain, noise[step])
        expected = expected.detach()
        for model, value in ((network, loss), (other, expected_loss)):
            model.zero_grad()
            value.backward()
        assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-5)
        np.testing.assert_allclose(
            output.latent.detach(), expected, atol=1e-5 * float(expected.abs().max())
        )
        _compare_gradients(network, other)
        ours.step()
        # Both go on from the same weights: Adam divides by gradients, and would turn the
        # rounding of a vanishing one into a step of full size.
        with torch.no_grad():
            theirs_by_name = dict(other.named_parameters())
            for name, mine in network.named_parameters():
                theirs_by_name[name].copy_(mine)


def _compare_gradients(network, other):
    # A gradient is compared on the scale of the largest one: where terms cancel, a single
    # entry is all rounding.
    mine = {name: value.grad for name, value in network.named_parameters()}
    theirs = {name: value.grad for name, value in other.named_parameters()}
    largest = max(float(value.abs().max()) for value in theirs.values() if value is not None)
    for name in theirs:
        if name.endswith("key.bias"):
            assert float(theirs[name].abs().max()) < 1e-5 * largest
        elif theirs[name] is None:
            assert mine[name] is None, name
        else:
            np.testing.assert_allclose(mine[name], theirs[name], atol=1e-5 * largest, err_msg=name)


def test_cross_entropy_stays_right_where_the_sigmoid_underflows():
    latent = torch.tensor([[15.0, 0.0], [-15.0, 0.0], [0.1, 0.0]])
    edges = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    target = PairTarget(values=edges, binary=True, diagonal=True)
    ours = reconstruction_loss((latent, latent, None), target)
    weight = torch.tensor(4.0 / 5.0)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        latent @ latent.T, edges, pos_weight=weight
    )
    assert ours.item() == pytest.approx(expected.item() * 9 / 8, rel=1e-5)
