"""Streams and files of a model whose windows are of kinds that return."""

import copy

import numpy as np
import pytest

from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors.kinds import Kinds
from tavrnn_ephys.streaming import StateDecoder
from tests.factors.made_recall import model_of, two_states, without_kinds


@pytest.mark.parametrize("embedding", ["joined", "attended", "mean"])
def test_steps_of_a_stream_equal_transform(embedding):
    graphs, _, _ = two_states()
    model = model_of(embedding=embedding).fit(graphs[:60])
    state, whole, parts = model.initial_state(), model.transform(graphs[40:]), []
    for part in (graphs[40:41], graphs[41:70], graphs[70:]):
        state, embedded = model.step(state, part)
        parts.append(embedded)
    for name in ("mean", "std"):
        found = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(found, getattr(whole, name), atol=1e-6)


def _dense_graph(matrix):
    dense = matrix.toarray()
    return DenseGraph(
        weights=dense, degrees=np.abs(dense).sum(axis=1), n_edges=(dense != 0).sum(axis=1)
    )


def test_single_steps_of_a_stream_say_what_transform_says(fitted):
    model, graphs, _, _ = fitted
    step, whole = model.stream_step(), model.transform(graphs[50:])
    for index, matrix in enumerate(graphs.weights[50:]):
        kept = step.state()
        step.embed(_dense_graph(graphs.weights[0]))
        step.commit()
        step.restore(kept)
        mean, std = step.embed(_dense_graph(matrix))
        step.commit()
        np.testing.assert_allclose(mean, whole.mean[index], atol=1e-5)
        np.testing.assert_allclose(std, whole.std[index], atol=1e-5)
    step.reset()
    first, _ = step.embed(_dense_graph(graphs.weights[50]))
    np.testing.assert_allclose(first, whole.mean[0], atol=1e-5)


def test_a_state_of_an_earlier_version_begins_anew(fitted):
    model, graphs, _, _ = fitted
    step = model.stream_step()
    fresh, _ = step.embed(_dense_graph(graphs.weights[60]))
    step.commit()
    old = {name: value for name, value in step.state().items() if name != "kinds"}
    step.restore(old)
    np.testing.assert_array_equal(step.embed(_dense_graph(graphs.weights[60]))[0], fresh)


def test_a_stream_has_settled_once_the_kinds_before_it_are_forgotten(fitted):
    model, graphs = copy.deepcopy(fitted[0]), fitted[1]
    lookback = model.stream_step().lookback
    whole = model.kinds_of_windows(graphs)
    moved = [
        np.abs(model.kinds_of_windows(graphs[first:])[lookback] - whole[first + lookback]).max()
        for first in range(1, 40)
    ]
    assert np.mean(moved) <= 0.05
    # Kinds that windows hardly tell apart are remembered for as long as they stay.
    model.network_.kinds.centres.mul_(0.1)
    model.network_.kinds.stay.fill_(0.9999)
    assert lookback < model.stream_step().lookback == 200


def test_a_trigger_leaves_out_what_an_embedding_depends_on_and_no_more(fitted):
    model, graphs = fitted[:2]
    embedding = model.transform(graphs)
    lookback = model.stream_step().lookback
    assert embedding.config["model.lookback"] == lookback
    assert embedding.attention[-1][: -10 - lookback].sum() > 0.5
    labels = np.arange(len(graphs)) // 3 % 2
    decoder = StateDecoder.fit(embedding, labels, 1, false_alarms=0.2)
    by_hand = StateDecoder.fit(
        embedding, labels, 1, false_alarms=0.2, gap=embedding.windows.overlap + lookback
    )
    assert decoder.threshold == by_hand.threshold
    assert "model.lookback" not in without_kinds(model).transform(graphs).config


def test_kinds_are_forgotten_the_sooner_the_less_they_stay_and_the_farther_apart_they_are():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, 4))

    def forgotten(size, stay):
        kinds = Kinds(np.eye(4), size * centres, np.zeros(4), np.full(3, 1 / 3), stay)
        return kinds.forgotten_after(0.05, 200)

    assert forgotten(0.5, 0.0) == 0
    assert forgotten(4.0, 0.9) < forgotten(0.5, 0.5) < forgotten(0.5, 0.9) < 200


def test_a_model_without_kinds_is_the_same_to_a_stream_as_before_there_were_any(fitted):
    with_kinds = fitted[0].stream_step()
    without = without_kinds(fitted[0]).stream_step()
    n_before = len([name for name, _ in fitted[0].network_.named_buffers() if "." not in name])
    assert len(without.weights()) == n_before < len(with_kinds.weights())


def test_saved_model_says_the_same(fitted, tmp_path):
    model, graphs, _, _ = fitted
    model.save(tmp_path / "model.npz")
    loaded = TAVRNN.load(tmp_path / "model.npz")
    assert loaded.transform(graphs) == model.transform(graphs)
    assert loaded.score(graphs) == model.score(graphs)
    here, there = model.returning_kinds(), loaded.returning_kinds()
    assert here[1:] == there[1:]
    for one, other in zip(here.kinds, there.kinds, strict=True):
        np.testing.assert_array_equal(one, other)


def test_model_of_an_earlier_version_decays(fitted, tmp_path):
    model, graphs, _, _ = fitted
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if "/kinds." not in name}
    np.savez(tmp_path / "old.npz", **arrays)
    old = TAVRNN.load(tmp_path / "old.npz")
    assert old.returning_kinds() == (None, 0, 0.0, 0.0)
    assert old.transform(graphs) == without_kinds(model).transform(graphs)
    assert not np.allclose(old.transform(graphs).mean, model.transform(graphs).mean)
