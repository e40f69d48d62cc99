"""The network against an independent slow computation, and its own rules."""

import itertools

import numpy as np
import pytest
import torch

from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.inputs import window_inputs
from tavrnn_ephys.methods.tavrnn.nn.options import options_for
from tavrnn_ephys.methods.tavrnn.nn.propagation import normalized_operator
from tests.slow_tavrnn import SlowTavrnn, slow_basis

# A few steps on random matrices learn nothing, and need not.
pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


def random_connectivity(n_windows=5, n_nodes=7, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-1, 1, (n_windows, n_nodes, n_nodes))
    weights = (weights + weights.swapaxes(1, 2)) / 2
    for matrix in weights:
        np.fill_diagonal(matrix, 1.0)
    return ConnectivitySequence.from_array(weights)


def fitted(profile, *, n_layers=1, features="weights", threshold=0.3, **options):
    graphs = build_graphs(random_connectivity(), threshold=threshold, features=features)
    model = TAVRNN(
        hidden_size=6, latent_size=3, n_layers=n_layers, training_epochs=3, profile=profile,
        options=options,
    )  # fmt: skip
    return graphs, model.fit(graphs)


def run_fast(graphs, model, noise):
    network = model.network_
    basis = model.sessions_["0"].basis
    windows = window_inputs(graphs, network.options, basis, device=torch.device("cpu"))
    with torch.no_grad():
        output, _ = network(windows, network.initial_state(), torch.from_numpy(noise))
        loss = float(network.loss_terms(windows, output)["loss"])
    return loss, output.latent.numpy(), [row.numpy() for row in output.attention]


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("features", ["weights", "identity"])
def test_paper_profile_equals_slow_computation(n_layers, features):
    graphs, model = fitted("paper", n_layers=n_layers, features=features)
    noise = np.random.default_rng(1).normal(size=(5, 8, 3)).astype(np.float32)
    loss, latents, rows = run_fast(graphs, model, noise)
    slow = SlowTavrnn(model.network_.state_dict(), signed=False, kl_weight=1.0)
    expected_loss, expected, expected_rows = slow.run(
        [graphs.weights[t].toarray().astype(float) for t in range(5)],
        [graphs.vertex_features(t).astype(float) for t in range(5)],
        noise, history_node=True, n_layers=n_layers, hidden_size=6, width=None,
        attended_memory=True, bounded=False,
    )  # fmt: skip
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    np.testing.assert_allclose(latents, expected, atol=1e-5, rtol=1e-5)
    for row, expected_row in zip(rows, expected_rows, strict=True):
        np.testing.assert_allclose(row, expected_row, atol=1e-5)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_recurrent_profile_equals_slow_computation(n_layers):
    graphs, model = fitted("recurrent", n_layers=n_layers, n_spectral=3, attention_width=2)
    noise = np.random.default_rng(1).normal(size=(5, 8, 3)).astype(np.float32)
    loss, latents, rows = run_fast(graphs, model, noise)
    matrices = [graphs.weights[t].toarray().astype(float) for t in range(5)]
    _, coordinates, variance = slow_basis(matrices, 3)
    features = [np.concatenate([x, np.zeros((1, 3))]) for x in coordinates]
    slow = SlowTavrnn(model.network_.state_dict(), signed=True, kl_weight=0.02)
    expected_loss, expected, expected_rows = slow.run(
        matrices, features, noise, history_node=True, n_layers=n_layers, hidden_size=6,
        width=2, attended_memory=False, bounded=True, recency=0.5, variance=variance,
    )  # fmt: skip
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    np.testing.assert_allclose(latents, expected, atol=1e-5, rtol=1e-5)
    for row, expected_row in zip(rows, expected_rows, strict=True):
        np.testing.assert_allclose(row, expected_row, atol=1e-5)


def test_transform_gives_the_attended_posterior_means_of_the_slow_computation():
    graphs, model = fitted("recurrent", n_spectral=3, attention_width=2, embedding="attended")
    matrices = [graphs.weights[t].toarray().astype(float) for t in range(5)]
    _, coordinates, variance = slow_basis(matrices, 3)
    features = [np.concatenate([x, np.zeros((1, 3))]) for x in coordinates]
    slow = SlowTavrnn(model.network_.state_dict(), signed=True, kl_weight=0.02)
    _, expected, rows = slow.run(
        matrices, features, np.zeros((5, 8, 3)), history_node=True, n_layers=1, hidden_size=6,
        width=2, attended_memory=False, bounded=True, recency=0.5, variance=variance,
    )  # fmt: skip
    embedding = model.transform(graphs)
    for t, row in enumerate(rows):
        # The windows that a window attends to, averaged.
        attended = np.einsum("k,kvd->vd", row, expected[t + 1 - len(row) : t + 1])
        np.testing.assert_allclose(embedding.mean[t], attended[:7], atol=1e-5)


def initial_and_trained(profile, **options):
    """Weights after a vanishing step and after real ones, from the same seed."""
    _, model = fitted(profile, **options)
    _, fresh = fitted(profile, learning_rate=1e-12, **options)
    return fresh.network_.state_dict(), model.network_.state_dict()


def moved(profile, part, **options):
    before, after = initial_and_trained(profile, **options)
    names = [name for name in after if name.startswith(part)]
    assert names
    return any(not torch.allclose(before[name], after[name], atol=1e-6) for name in names)


def test_recurrence_is_trained_in_the_recurrent_profile_only():
    assert moved("recurrent", "recurrence.")
    assert not moved("paper", "recurrence.")
    assert moved("paper", "encoder.")
    assert moved("paper", "recurrence.", recurrence="trained")


@pytest.mark.parametrize(
    ("decoder", "target", "pairs", "features"),
    list(
        itertools.product(
            ["unfolded", "inner"], ["signed", "binary"], ["nodes", "all"], ["spectral", "graph"]
        )
    ),
)
def test_options_work_together(decoder, target, pairs, features):
    for attention, recurrence in itertools.product(["history", "node", "none"],
                                                   ["trained", "none"]):  # fmt: skip
        _, model = fitted(
            "recurrent", decoder=decoder, target=target, target_pairs=pairs,
            node_features=features, attention=attention, recurrence=recurrence,
        )  # fmt: skip
        assert np.isfinite(model.history_[-1]["loss"])


@pytest.mark.parametrize("profile", ["paper", "recurrent"])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_empty_and_complete_graphs_stay_finite(profile, value):
    weights = np.full((4, 5, 5), value)
    weights[0, 0, 1] = weights[0, 1, 0] = 0.9
    graphs = build_graphs(ConnectivitySequence.from_array(weights))
    model = TAVRNN(latent_size=2, training_epochs=2, profile=profile).fit(graphs)
    assert np.isfinite(model.transform(graphs).mean).all()


def test_attention_width_is_honoured():
    graphs, model = fitted("recurrent", attention_width=2)
    attention = model.transform(graphs).attention
    np.testing.assert_allclose(attention.sum(axis=1), 1.0, rtol=1e-5)
    assert np.all(attention[np.tril_indices(5, -3)] == 0)
    assert np.all(attention[np.triu_indices(5, 1)] == 0)
    assert np.all(np.diag(attention, -2) > 0)


def test_relabelling_nodes_permutes_a_propagation():
    graphs = build_graphs(random_connectivity(), threshold=0.3, history_node=False)
    order = np.random.default_rng(0).permutation(7)
    plain = normalized_operator(graphs.signed_adjacency(0)).numpy()
    permuted = normalized_operator(graphs.signed_adjacency(0)[order][:, order]).numpy()
    np.testing.assert_allclose(permuted, plain[np.ix_(order, order)], atol=1e-7)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"latent_size": 0}, "latent_size"),
        ({"attention": "all"}, "attention"),
        ({"kl_weight": -1.0}, "kl_weight"),
        ({"no_such": 1}, "option"),
    ],
)
def test_bad_option_is_named(changes, word):
    with pytest.raises(InputError, match=word):
        options_for("recurrent", **changes)


def test_unknown_profile_is_named():
    with pytest.raises(InputError, match="'state_space', 'recurrent', 'paper'"):
        options_for("papr")
