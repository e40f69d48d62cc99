"""The gate keeps what is coupled, of either sign, and nothing else; and the floors behind it."""

import numpy as np
import pytest

from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.methods import EdgeGate, GatedContributions, GatedUASE, node_contributions


def noise(n_windows=60, n_nodes=12, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (n_windows, n_nodes, n_nodes))


@pytest.mark.parametrize("form", ["shrunk", "proportional"])
def test_strength_is_the_written_formula(form):
    weights = noise() + 0.3
    mean, sd = weights.mean(axis=0), weights.std(axis=0, ddof=1)
    z = mean / sd * np.sqrt(60)
    expected = np.sqrt(np.maximum(z**2 - 1, 0) / (z**2 if form == "shrunk" else 1)) / sd
    np.fill_diagonal(expected, 0)
    found = EdgeGate(form=form).fit(weights).strength_
    ratio = found[expected > 0] / expected[expected > 0]
    np.testing.assert_allclose(ratio, ratio[0])
    assert not found[expected == 0].any()


@pytest.mark.parametrize("sign", [1, -1])
def test_couplings_of_either_sign_pass(sign):
    weights = noise()
    weights[:, 2, 5] += sign
    strength = EdgeGate().fit(weights).strength_
    assert strength[2, 5] == strength.max()
    assert strength[2, 5] > 3 * np.median(strength[strength > 0])
    shrunk = EdgeGate(form="shrunk").fit(weights).strength_
    assert shrunk[2, 5] > 1.5 * np.median(shrunk)


def test_edges_that_do_not_vary_say_nothing():
    weights = noise()
    weights[:, 1, 2] = 0.1
    gate = EdgeGate().fit(weights)
    assert gate.strength_[1, 2] == gate.z_[1, 2] == 0
    assert np.isfinite(gate.apply(weights)).all()


def test_windows_that_overlap_are_fewer():
    weights = noise() + 0.5
    alone, overlapping = EdgeGate().fit(weights), EdgeGate().fit(weights, overlap=3)
    np.testing.assert_allclose(overlapping.z_, alone.z_ / 2)


def test_contributions_of_nodes_add_up_to_the_score():
    rng = np.random.default_rng(1)
    gated, loadings = rng.normal(size=(7, 5, 5)), rng.normal(size=(3, 5, 5))
    scores = np.einsum("kij,tij->tk", loadings, gated)
    np.testing.assert_allclose(node_contributions(gated, loadings).sum(axis=1), scores)


@pytest.mark.parametrize("make", [GatedContributions, GatedUASE])
def test_a_gated_floor_finds_what_few_pairs_say_in_much_noise(make):
    state = np.arange(80) // 5 % 2
    weights = noise(80, 20)
    for k in range(8):
        weights[:, k, k + 9] += np.where(state == k % 2, 2.0, 0.0)
    graphs = build_graphs(ConnectivitySequence.from_array(weights, directed=True))
    found = make(latent_size=4, smoothing=0.0, joined=False).fit(graphs[:60]).transform(graphs)
    flat = found.mean.reshape(80, -1)
    centres = [flat[:60][state[:60] == which].mean(axis=0) for which in (0, 1)]
    away = [np.linalg.norm(flat[60:] - centre, axis=1) for centre in centres]
    assert np.mean((away[1] < away[0]) == state[60:]) > 0.85


def test_renaming_nodes_renames_contributions():
    weights = noise()
    weights[:, 0, 3] += np.where(np.arange(60) % 2, 2.0, 0.5)
    order = np.random.default_rng(3).permutation(12)
    mine, renamed = (
        build_graphs(ConnectivitySequence.from_array(item, directed=True))
        for item in (weights, weights[:, order][:, :, order])
    )
    first = GatedContributions(latent_size=2).fit(mine).transform(mine).mean
    second = GatedContributions(latent_size=2).fit(renamed).transform(renamed).mean
    np.testing.assert_allclose(np.abs(first[:, order]), np.abs(second), atol=1e-4)
