"""What a model says whose windows are of kinds that return."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.factors.made_networks import graphs_of, switching_graphs
from tests.factors.made_recall import dense, masked, model_of, told_apart, two_states, without_kinds


def test_the_fit_says_which_kinds_there_are(fitted):
    judged = fitted[0].returning_kinds()
    assert judged.n_kinds == len(judged.kinds.centres) >= 2
    assert judged.gain > 3 * judged.gain_error > 0
    assert 0.5 < judged.kinds.stay < 0.95
    assert str(judged).startswith(f"Kinds of windows that return: {judged.n_kinds} (+")


def test_a_returning_state_is_known_at_once_whatever_came_between():
    states = np.repeat([0, 1, 0], [40, 60, 20])
    graphs, _, _ = two_states(states=states, n_windows=120)
    attention = model_of().fit(graphs).transform(graphs).attention
    assert attention[101, :40].sum() > 0.8
    assert attention[101, 40:100].sum() < 0.1


@pytest.mark.parametrize("smoothing", ["none", "two_sided"])
def test_states_are_told_apart(smoothing):
    graphs, states, _ = two_states()
    model = model_of(smoothing=smoothing, embedding="attended").fit(graphs[:60])
    vectors = model.transform(graphs[60:]).window_embedding()
    assert told_apart(vectors, states[60:]) > 0.99


def test_two_sided_smoothing_looks_ahead_and_the_other_does_not():
    graphs, _, _ = switching_graphs(160, size=0.5)
    for smoothing, looks in (("two_sided", True), ("none", False)):
        model = model_of(smoothing=smoothing).fit(graphs[:100])
        assert model.returning_kinds().kinds is not None
        whole, part = (model.transform(item).mean[:20] for item in (graphs[100:], graphs[100:120]))
        assert np.array_equal(whole, part) != looks
        expected = model.reconstruct(graphs[100:])[:20], model.reconstruct(graphs[100:120])
        assert np.array_equal(*expected) != looks


def test_attention_sums_to_one_over_windows_so_far(fitted):
    model, graphs, states, _ = fitted
    attention = model.transform(graphs).attention
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.triu(attention, 1), 0)
    of_kind = states[:-1] == states[-1]
    assert attention[-1, :-1][of_kind].min() > 10 * attention[-1, :-1][~of_kind].max()


def test_couplings_that_are_on_are_expected(fitted):
    model, graphs, states, kind = fitted
    later, now = graphs[60:], np.where(states[60:] == 0, 1, 2)
    change = model.expected_change(later)
    np.testing.assert_allclose(
        model.reconstruct(later), model.network_.mean.numpy() + change, atol=1e-6
    )
    there = kind > 0
    told = [
        roc_auc_score(kind[there] == on, row[there]) for on, row in zip(now, change, strict=True)
    ]
    assert np.mean(told) > 0.9


def test_the_next_graph_is_expected_from_those_before(fitted):
    model, graphs, _, _ = fitted
    later = graphs[60:]
    ahead, weights = model.predict_next(later), dense(later)
    weights[-1] = 9.0
    np.testing.assert_array_equal(model.predict_next(graphs_of(weights))[:-1], ahead[:-1])
    np.testing.assert_array_equal(model.predict_next(graphs_of(weights))[-1], ahead[-1])
    mean = model.network_.mean.numpy()
    actual = dense(later)
    assert np.square(actual - ahead).sum() < np.square(actual - mean).sum()


def test_windows_of_known_kinds_are_likelier(fitted):
    model, graphs, _, _ = fitted
    later = graphs[60:]
    assert model.score(later) > without_kinds(model).score(later)
    order = np.random.default_rng(0).permutation(len(later))
    assert model.score(later) > model.score(graphs_of(dense(later)[order]))
    other, _, _ = two_states(seed=9)
    assert model.score(later) > model.score(other[60:])


def test_score_is_the_log_density_of_a_mixture():
    states = np.random.default_rng(0).integers(0, 2, 90)
    graphs, _, _ = two_states(states=states, n_windows=90)
    model = model_of().fit(graphs[:60])
    network, kinds = model.network_, model.returning_kinds().kinds
    network.kinds.stay.fill_(0.0)
    weights, varies = dense(graphs[60:]), network.scale.numpy() > 0
    mean, scale = network.mean.numpy()[varies], network.scale.numpy()[varies]
    loadings = network.loadings.numpy()[:, varies]
    total = []
    for values in (weights[:, varies] - mean) / scale:
        logs = []
        for centre in kinds.centres:
            basis = loadings.T @ kinds.basis
            covariance = np.eye(len(values)) + basis * kinds.spread @ basis.T
            away = values - basis @ centre
            square = away @ np.linalg.solve(covariance, away)
            logs.append(-0.5 * (square + np.linalg.slogdet(2 * np.pi * covariance)[1]))
        total.append(np.logaddexp.reduce(logs + np.log(kinds.share)) - np.log(scale).sum())
    assert model.score(graphs[60:]) == pytest.approx(np.mean(total) / varies.sum(), rel=1e-5)


def test_absent_nodes_are_nan_and_say_nothing():
    graphs, states, _ = two_states()
    absent = np.zeros((100, 10), dtype=bool)
    absent[30:35, 2], absent[70:, 3], absent[80] = True, True, True
    graphs = masked(graphs, absent)
    model = model_of().fit(graphs[:60])
    assert model.returning_kinds().kinds is not None
    found = model.transform(graphs)
    assert np.isnan(found.mean[absent]).all()
    assert np.isfinite(found.mean[~absent]).all()
    assert np.isfinite(found.std[~absent]).all()
    attention = found.attention[-1, :-1]
    of_kind = states[:-1] == states[-1]
    assert attention[of_kind].mean() > 10 * attention[~of_kind].mean()
    # A window without any node leaves the graph that was expected.
    expected = [model.reconstruct(graphs)[80], model.predict_next(graphs)[80]]
    np.testing.assert_allclose(*expected, atol=1e-5)


def test_states_of_kinds_count_whole_in_expected_graphs(fitted):
    model, graphs, _, _ = fitted
    assert (model.network_.reliability == 1).all()
    assert model_of(recall=False).fit(graphs[:60]).network_.reliability.max() < 1


def test_the_kind_of_each_window_is_told_from_those_so_far(fitted):
    model, graphs, states, _ = fitted
    found = model.kinds_of_windows(graphs)
    assert found.shape == (100, model.returning_kinds().n_kinds)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(model.kinds_of_windows(graphs[:70]), found[:70])
    of_states = [found[states == state].mean(axis=0) for state in (0, 1)]
    assert np.minimum(*of_states).sum() < 0.02
    with pytest.raises(InputError, match="no kinds of windows that return"):
        without_kinds(model).kinds_of_windows(graphs)


def test_an_unknown_session_and_another_profile_are_refused(fitted):
    model, graphs, _, _ = fitted
    with pytest.raises(InputError, match="session must be"):
        model.returning_kinds("elsewhere")
    other = TAVRNN(profile="recurrent", training_epochs=1)
    undirected = graphs_of(dense(graphs) + dense(graphs).swapaxes(1, 2), directed=False)
    with pytest.raises(InputError, match='no kinds of windows. Fit with profile="state_space"'):
        other.fit(undirected).returning_kinds()
