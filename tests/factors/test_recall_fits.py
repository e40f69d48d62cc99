"""Where a fit finds kinds of windows that return, and where it does not."""

import dataclasses

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn.factors import fit as factor_fit
from tests.factors.made_kinds import decaying_windows
from tests.factors.made_networks import graphs_of, switching_graphs
from tests.factors.made_recall import dense, masked, model_of, told_apart, two_states, without_kinds


def test_without_recall_states_decay_as_where_windows_are_of_no_kind(fitted):
    model, graphs, _, _ = fitted
    without = model_of(recall=False).fit(graphs[:60])
    assert without.returning_kinds() == (None, 0, 0.0, 0.0)
    assert "not looked for" in str(without.returning_kinds())
    other = without_kinds(model).transform(graphs)
    for name in ("mean", "std", "attention"):
        found = getattr(without.transform(graphs), name)
        np.testing.assert_array_equal(found, getattr(other, name))


def test_where_states_decay_recall_changes_nothing():
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(1, 10, 10))
    states = decaying_windows(100, n_factors=1, size=5.0, seed=2) / 5
    weights = np.tensordot(states, loadings, axes=1) + rng.normal(size=(100, 10, 10))
    graphs = graphs_of(weights * ~np.eye(10, dtype=bool))
    models = [model_of(recall=recall).fit(graphs) for recall in (True, False)]
    assert models[0].returning_kinds().kinds is None
    assert models[0].returning_kinds().n_kinds > 0
    assert str(models[0].returning_kinds()).startswith("Kinds of windows that return: none (")
    one, other = (model.transform(graphs) for model in models)
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.attention, other.attention)
    np.testing.assert_array_equal(*(model.reconstruct(graphs) for model in models))


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
@pytest.mark.parametrize("seed", range(4))
def test_factors_of_noise_are_of_no_kind(seed):
    weights = np.random.default_rng(seed).normal(size=(200, 16, 16))
    model = model_of(latent_size=8).fit(graphs_of(weights * ~np.eye(16, dtype=bool)))
    assert model.returning_kinds() == (None, 0, 0.0, 0.0)


@pytest.mark.parametrize("options", [{"left_out": False}, {"recurrence": "independent"}])
def test_kinds_are_not_looked_for_where_nothing_is_left_out_or_remembered(options):
    graphs, _, _ = two_states()
    model = model_of(**options).fit(graphs[:60])
    assert model.returning_kinds() == (None, 0, 0.0, 0.0)


def test_a_session_that_is_adapted_to_has_kinds_of_its_own():
    graphs, _, _ = two_states()
    other, states, _ = switching_graphs(80, n_nodes=12, dwell=6, size=1.5, seed=4)
    model = model_of().fit(graphs[:60]).adapt(other, session="other")
    names = list(model.sessions_)
    first, second = (model.returning_kinds(name).kinds for name in names)
    assert first is not None
    assert second is not None
    assert not np.allclose(first.basis, second.basis)
    attention = model.transform(other).attention[-1, :-1]
    assert attention[states[:-1] == states[-1]].sum() > 0.8
    with pytest.raises(InputError, match="Name the session, one of"):
        model.returning_kinds()


def test_kinds_are_judged_by_whole_windows_that_share_no_bins(monkeypatch):
    graphs, _, _ = two_states(length_s=3.0)
    absent = np.zeros((100, 10), dtype=bool)
    absent[30:35, 2] = True
    told, judge = {}, factor_fit.judge_kinds
    monkeypatch.setattr(
        factor_fit, "judge_kinds", lambda *data, **more: told.update(more) or judge(*data, **more)
    )
    model_of().fit(masked(graphs, absent))
    assert told == {"skipped": [30, 31, 32, 33, 34], "overlap": 2}


@pytest.mark.parametrize("directed", [True, False])
def test_one_factor_tells_two_kinds(directed):
    graphs, states, _ = two_states()
    if not directed:
        weights = dense(graphs)
        graphs = graphs_of((weights + weights.swapaxes(1, 2)) / np.sqrt(2), directed=False)
    model = model_of(latent_size=1).fit(graphs[:60])
    assert model.returning_kinds().kinds is not None
    attention = model.transform(graphs).attention[-1]
    assert attention[states == states[-1]].sum() > 0.9
    assert np.isfinite(model.score(graphs[60:]))


def test_labels_and_kinds_go_together():
    graphs, states, _ = two_states()
    labels = np.where(np.arange(60) < 30, np.array(["rest", "move"])[states[:60]], "")
    model = model_of().fit(graphs[:60], labels)
    assert model.returning_kinds().kinds is not None
    found = model.transform(graphs[60:])
    assert found.config["model.supervision"] == "label"
    assert told_apart(found.window_embedding(), states[60:]) > 0.99


def test_order_of_nodes_changes_nothing(fitted):
    model, graphs, _, _ = fitted
    order = np.random.default_rng(1).permutation(10)
    moved = graphs_of(dense(graphs), order=order)
    other = model_of().fit(moved[:60])
    here, there = model.transform(graphs), other.transform(moved)
    assert model.returning_kinds().gain == pytest.approx(other.returning_kinds().gain, rel=1e-3)
    np.testing.assert_allclose(there.mean, here.mean[:, order], atol=2e-3 * here.mean.std())
    np.testing.assert_allclose(there.attention, here.attention, atol=1e-3)


def test_double_precision_says_the_same(fitted):
    model, graphs, _, _ = fitted
    double = tuple(item.astype(np.float64) for item in graphs.weights)
    other = model_of().fit(dataclasses.replace(graphs, weights=double)[:60])
    here, there = model.returning_kinds(), other.returning_kinds()
    np.testing.assert_allclose(here[1:], there[1:], rtol=1e-4)


def test_windows_that_stand_twice_are_read(fitted):
    twice = graphs_of(np.repeat(dense(fitted[1])[:60], 2, axis=0))
    model = model_of().fit(twice)
    found = model.transform(twice)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.attention).all()
    assert np.isfinite(model.score(twice))


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
@pytest.mark.parametrize("n_windows", [2, 3, 10, 16, 40])
def test_few_windows_of_noise_are_of_no_kind(n_windows):
    weights = np.random.default_rng(3).normal(size=(n_windows, 10, 10))
    graphs = graphs_of(weights * ~np.eye(10, dtype=bool))
    model = model_of(latent_size=8).fit(graphs)
    assert model.returning_kinds().kinds is None
    assert np.isfinite(model.transform(graphs).mean).all()
