"""Ablations, smoothing, prediction, and other options of the estimator."""

from functools import partial

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.nn.options import ABLATIONS
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


@pytest.mark.parametrize("profile", ["recurrent", "paper"])
@pytest.mark.parametrize("ablation", ABLATIONS)
def test_every_ablation_trains_in_both_networks(profile, ablation):
    graphs, _ = two_state_graphs(threshold=0.1)
    model = TAVRNN(profile=profile, ablation=ablation, training_epochs=3).fit(graphs)
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]
    assert np.isfinite(model.transform(graphs).mean).all()


def test_ablations_take_their_part_away():
    graphs, _ = two_state_graphs()
    fits = {name: recurrent(ablation=name, training_epochs=1).fit(graphs) for name in ABLATIONS}
    assert fits["no_attention"].network_.attention is None
    assert fits["no_attention"].transform(graphs).history is not None
    assert fits["no_history_node"].transform(graphs).history is None
    assert fits["vgrnn"].network_.attention is None
    assert fits["vgrnn"].transform(graphs).history is None
    assert fits["vgae"].network_.recurrence is None
    assert fits["not_variational"].history_[-1]["kl"] == 0.0


def test_without_recurrence_windows_do_not_know_each_other():
    graphs, _ = two_state_graphs()
    model = recurrent(ablation="vgae", training_epochs=2).fit(graphs)
    whole, part = model.transform(graphs), model.transform(graphs[7:8])
    np.testing.assert_allclose(whole.mean[7], part.mean[0], rtol=1e-5, atol=1e-6)


def test_without_variation_training_draws_no_noise():
    graphs, _ = two_state_graphs()
    fits = [
        recurrent(ablation="not_variational", training_epochs=2, options={"kl_weight": weight})
        for weight in (0.0, 1.0)
    ]
    first, second = (model.fit(graphs).transform(graphs) for model in fits)
    np.testing.assert_array_equal(first.mean, second.mean)


def test_prediction_weight_teaches_the_prior():
    graphs, states = two_state_graphs()
    errors = []
    for weight in (0.0, 1.0):
        model = recurrent(options={"prediction_weight": weight}).fit(graphs)
        predicted = model.predict_next(graphs)
        observed = np.stack([matrix.toarray() for matrix in graphs.weights])
        # Windows whose state is that of the window before can be told from the past.
        steady = np.flatnonzero(states[1:] == states[:-1]) + 1
        errors.append(np.square(predicted - observed)[steady][:, ~np.eye(12, dtype=bool)].mean())
    assert errors[1] < 0.5 * errors[0]
    assert "prediction" in model.history_[-1]


def test_prediction_of_a_window_does_not_depend_on_it():
    graphs, _ = two_state_graphs()
    model = recurrent(training_epochs=2, options={"prediction_weight": 1.0}).fit(graphs)
    whole, part = model.predict_next(graphs), model.predict_next(graphs[:9])
    np.testing.assert_allclose(whole[:9], part, atol=1e-5)
    assert whole.shape == (24, 12, 12)


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_reconstruction_comes_close_to_the_observed_graphs(profile):
    graphs, _ = two_state_graphs()
    model = TAVRNN(profile=profile).fit(graphs)
    observed = np.stack([matrix.toarray() for matrix in graphs.weights])
    pairs = ~np.eye(12, dtype=bool)
    errors = np.square(model.reconstruct(graphs) - observed)[:, pairs].mean()
    spread = np.square(observed - observed.mean(axis=0))[:, pairs].mean()
    assert errors < 0.5 * spread


def test_binary_reconstruction_is_a_probability():
    graphs, _ = two_state_graphs(threshold=0.2)
    model = TAVRNN(profile="paper", training_epochs=40).fit(graphs)
    probabilities = model.reconstruct(graphs)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    edges = np.stack([matrix.toarray() != 0 for matrix in graphs.weights])
    assert probabilities[edges].mean() > probabilities[~edges].mean()


def test_attention_of_each_node_sums_to_one():
    graphs, _ = two_state_graphs(n_windows=8)
    model = recurrent(training_epochs=1, options={"attention": "node"}).fit(graphs)
    attention = model.node_attention(graphs)
    assert attention.shape == (8, 8, 13)
    np.testing.assert_allclose(attention.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(model.transform(graphs).attention, attention.mean(axis=2), atol=1e-6)
    assert not np.triu(attention.mean(axis=2), 1).any()
    with pytest.raises(InputError, match="share their attention"):
        recurrent(training_epochs=1).fit(graphs).node_attention(graphs)


def test_smoothed_embedding_is_the_smoothing_of_the_embedding():
    graphs, _ = two_state_graphs()
    plain = recurrent(training_epochs=2).fit(graphs).transform(graphs)
    for how, two_sided in (("causal", False), ("two_sided", True)):
        options = {"smoothing": how, "smoothing_factor": 0.4}
        smoothed = recurrent(training_epochs=2, options=options).fit(graphs).transform(graphs)
        expected = smooth(plain.mean, 0.4, two_sided=two_sided)
        np.testing.assert_allclose(smoothed.mean, expected, atol=1e-6)


def test_weighted_embedding_is_in_units_of_its_deviation():
    graphs, _ = two_state_graphs()
    plain = (
        recurrent(training_epochs=2, options={"embedding": "mean"}).fit(graphs).transform(graphs)
    )
    weighted = recurrent(training_epochs=2, options={"embedding": "weighted"}).fit(graphs)
    np.testing.assert_allclose(weighted.transform(graphs).mean, plain.mean / plain.std, rtol=1e-5)


@pytest.mark.parametrize("attention", ["history", "node"])
def test_attended_embedding_averages_what_attention_reaches(attention):
    graphs, _ = two_state_graphs(n_windows=8)
    options = {"attention": attention, "attention_width": 3}
    model = recurrent(training_epochs=1, options={**options, "embedding": "attended"}).fit(graphs)
    plain = recurrent(training_epochs=1, options={**options, "embedding": "mean"}).fit(graphs)
    embedding, means = model.transform(graphs), plain.transform(graphs).mean
    if attention == "node":
        weights = model.node_attention(graphs)[:, :, :12]
    else:
        weights = np.repeat(embedding.attention[:, :, np.newaxis], 12, axis=2)
    np.testing.assert_allclose(embedding.mean, np.einsum("tkv,kvd->tvd", weights, means), atol=1e-5)


def test_joined_embedding_is_the_window_beside_what_it_attends_to():
    graphs, _ = two_state_graphs(n_windows=8)
    joined, window, attended = (
        recurrent(training_epochs=1, latent_size=3, options={"embedding": how}).fit(graphs)
        for how in ("joined", "mean", "attended")
    )
    found = joined.transform(graphs)
    parts = [model.transform(graphs) for model in (window, attended)]
    for name in ("mean", "std", "history"):
        expected = np.concatenate([getattr(part, name) for part in parts], axis=-1)
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-6)
    np.testing.assert_allclose(joined.reconstruct(graphs), window.reconstruct(graphs), atol=1e-6)


def test_joined_without_attention_is_the_window_alone():
    graphs, _ = two_state_graphs(n_windows=4)
    model = recurrent(training_epochs=1, latent_size=3, ablation="no_attention").fit(graphs)
    assert model.transform(graphs).latent_size == 3


def test_recency_makes_older_windows_count_less():
    graphs, _ = two_state_graphs(n_windows=8)
    shares = [
        recurrent(training_epochs=1, options={"attention_recency": slope})
        .fit(graphs)
        .transform(graphs)
        .attention[-1, -1]
        for slope in (0.0, 0.5, 3.0)
    ]
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.9
