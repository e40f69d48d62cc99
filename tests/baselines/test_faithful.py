"""Each method reproduces a property that its paper claims, on a toy."""

import warnings

import numpy as np
import pytest

from tavrnn_ephys.core.errors import ChanceLossWarning
from tavrnn_ephys.methods import (
    UASE,
    VGAE,
    VGRNN,
    DynAE,
    DynAERNN,
    DynGEM,
    DynRNN,
    EvolveGCN,
    GraphERT,
)
from tavrnn_ephys.methods.graphert import biased_walks
from tests.baselines.toys import auc, moving_community, sequence_of, switching_weights


def community_weights(n_windows=20, n_nodes=20, seed=0):
    """Two communities in every window: edges within are likely, between them rare."""
    rng = np.random.default_rng(seed)
    same = np.equal.outer(np.arange(n_nodes) < n_nodes // 2, np.arange(n_nodes) < n_nodes // 2)
    upper = np.triu(rng.random((n_windows, n_nodes, n_nodes)) < np.where(same, 0.8, 0.05), 1)
    return (upper + np.swapaxes(upper, 1, 2)).astype(float), same


def test_dyngem_reconstructs_and_keeps_joined_nodes_close():
    weights, _ = switching_weights(n_windows=30)
    graphs = sequence_of(weights)
    model = DynGEM(latent_size=4, hidden_sizes=(64, 32), density=0.45, n_steps=300).fit(graphs)
    edges = weights > 0.3
    assert auc(model.reconstruct(graphs), edges) > 0.9
    latent = model.transform(graphs).mean
    distance = np.linalg.norm(latent[:, :, None] - latent[:, None], axis=3)
    assert auc(-distance, edges) > 0.8


def test_dyngem_is_started_from_the_window_before():
    weights, _ = switching_weights(n_windows=20, dwell=20)
    graphs = sequence_of(weights)
    options = {"latent_size": 4, "hidden_sizes": (32,), "n_steps": 100}
    warm = DynGEM(**options).fit(graphs).transform(graphs).mean
    fresh = [DynGEM(**options, seed=k).fit(graphs[k : k + 1]) for k in range(20)]
    cold = np.stack([m.transform(graphs[k : k + 1]).mean[0] for k, m in enumerate(fresh)])

    def jump(latent):
        return np.linalg.norm(np.diff(latent, axis=0)) / np.linalg.norm(latent)

    assert jump(warm) < 0.5 * jump(cold)


@pytest.mark.parametrize(("method", "n_steps"), [(DynAE, 300), (DynRNN, 600), (DynAERNN, 300)])
def test_row_predictors_foresee_where_a_community_moves(method, n_steps):
    weights = moving_community()
    graphs = sequence_of(weights)
    model = method(
        latent_size=8,
        hidden_sizes=(64, 32),
        density=10 / 190,
        n_steps=n_steps,
        windows_per_step=12,
        learning_rate=5e-3,
    ).fit(graphs[:40])
    foreseen = model.predict_next(graphs[40:])[model.valid_from : -1]
    following = weights[41 + model.valid_from :]
    assert auc(foreseen, following) > 0.93
    # It is the next window that it foresees, not the present one that it repeats.
    present = weights[40 + model.valid_from : -1]
    assert auc(foreseen, following) > auc(foreseen, present) + 0.02


def test_walks_have_the_stated_statistics():
    adjacency = np.zeros((5, 5))
    for a, b in [(0, 1), (1, 2), (0, 2), (1, 3), (1, 4)]:
        adjacency[a, b] = adjacency[b, a] = 1.0
    p, q = 4.0, 0.25
    rng = np.random.default_rng(0)
    walks = biased_walks(adjacency, np.zeros(60_000, int), 3, p=p, q=q, rng=rng)
    through = walks[walks[:, 1] == 1]
    counts = np.bincount(through[:, 2], minlength=5)
    # From 0 to 1: back to 0 with 1/p, to 2 (joined to 0) with 1, to 3 or 4 with 1/q each.
    expected = np.array([1 / p, 0, 1, 1 / q, 1 / q])
    expected /= expected.sum()
    assert counts[1] == 0
    # Five standard deviations of a binomial share.
    error = 5 * np.sqrt(expected * (1 - expected) / len(through))
    assert np.all(np.abs(counts / len(through) - expected) <= error)
    assert abs((walks[:, 1] == 1).mean() - 0.5) < 0.015


def test_walks_go_along_edges_and_stay_where_there_is_none():
    rng = np.random.default_rng(1)
    adjacency = np.triu(rng.random((9, 9)) < 0.4, 1).astype(float)
    adjacency += adjacency.T
    adjacency[8] = adjacency[:, 8] = 0
    walks = biased_walks(adjacency, np.repeat(np.arange(9), 20), 8, p=2.0, q=0.5, rng=rng)
    assert np.all(walks[walks[:, 0] == 8] == 8)
    moved = walks[walks[:, 0] < 8]
    alive = adjacency.sum(axis=1)[moved[:, :-1]] > 0
    assert np.all(adjacency[moved[:, :-1], moved[:, 1:]][alive] > 0)


def test_graphert_tells_windows_apart_by_time():
    rng = np.random.default_rng(0)
    weights = np.stack([np.roll(np.eye(16), k, axis=1) for k in (1, 3, 5, 7)])
    weights = weights + np.swapaxes(weights, 1, 2)
    graphs = sequence_of(weights + 0 * rng.random(weights.shape))
    model = GraphERT(density=32 / 240, n_steps=300, walks_per_node=8).fit(graphs)
    # Chance is ln 4 for the window and ln 16 for a node.
    assert np.mean(model.history_[-20:]) < 0.75 * (np.log(4) + np.log(16))
    assert np.mean(model.history_[:3]) > 0.95 * (np.log(4) + np.log(16))


@pytest.mark.parametrize(
    "method",
    [
        VGAE(latent_size=4, density=0.4, n_steps=200),
        EvolveGCN(latent_size=4, density=0.4, n_steps=200),
        VGRNN(latent_size=4, density=0.4, n_steps=200),
    ],
    ids=lambda method: method.name,
)
def test_inner_products_give_back_communities_in_unseen_windows(method):
    weights, same = community_weights()
    graphs = sequence_of(weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChanceLossWarning)
        method.fit(graphs[:14])
    latent = method.transform(graphs[14:]).mean
    scores = latent @ np.swapaxes(latent, 1, 2)
    assert auc(scores, np.broadcast_to(same, scores.shape)) > 0.9


def test_weights_of_evolvegcn_change_from_window_to_window():
    weights, _ = community_weights(n_windows=1)
    graphs = sequence_of(np.repeat(weights, 6, axis=0))
    latent = EvolveGCN(latent_size=4, density=0.4, n_steps=30).fit(graphs).transform(graphs).mean
    # The graph stays the same; what changes stems from the weights.
    assert np.linalg.norm(latent[1] - latent[0]) > 1e-3 * np.linalg.norm(latent[0])


def test_vgae_knows_no_time():
    weights, _ = switching_weights(n_windows=10)
    graphs = sequence_of(weights)
    model = VGAE(latent_size=4, n_steps=20).fit(graphs)
    order = np.array([3, 1, 4, 0, 2])
    alone = model.transform(sequence_of(weights[order])).mean
    np.testing.assert_allclose(alone, model.transform(graphs).mean[order], atol=1e-5)


def test_uase_is_stable_across_nodes_and_windows():
    weights, _ = switching_weights(n_windows=12, noise=0.0, dwell=3)
    graphs = sequence_of(weights)
    latent = UASE(latent_size=2).fit(graphs).transform(graphs).mean
    np.testing.assert_allclose(latent[0], latent[1], atol=1e-5)
    # Nodes of one half and one parity behave alike: one place in every window, but for the
    # missing loop of each.
    alike = [0, 2, 4]
    assert np.ptp(latent[:, alike], axis=1).max() < 0.2 * np.ptp(latent, axis=1).max()


def test_smoothing_is_a_causal_exponential_mean():
    weights, _ = switching_weights(n_windows=4)
    graphs = sequence_of(weights)
    plain = UASE(latent_size=2).fit(graphs).transform(graphs).mean
    smooth = UASE(latent_size=2, smoothing=0.75).fit(graphs).transform(graphs).mean
    np.testing.assert_array_equal(smooth[0], plain[0])
    np.testing.assert_allclose(smooth[1], 0.75 * plain[0] + 0.25 * plain[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(smooth[2], 0.75 * smooth[1] + 0.25 * plain[2], rtol=1e-5, atol=1e-6)
