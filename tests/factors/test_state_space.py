"""The profile that learns factors whose states decay."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.core import learnt_windows
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning, InputError
from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors.labels import LabelEvidence, label_columns
from tests.factors.made_networks import graphs_of, switching_graphs


def _model(**more):
    return TAVRNN(profile="state_space", latent_size=3, **more)


def _told_apart(vectors, states):
    """Distance of the means of two states, in standard deviations within states."""
    means = [vectors[states == state].mean(axis=0) for state in (0, 1)]
    axis = means[1] - means[0]
    values = vectors @ axis
    within = np.mean([values[states == state].std() for state in (0, 1)])
    return (values[states == 1].mean() - values[states == 0].mean()) / within


def test_windows_that_fit_did_not_see_are_told_apart():
    graphs, states, _ = switching_graphs(n_windows=160)
    model = _model().fit(graphs[:100])
    vectors = model.transform(graphs[100:]).window_embedding()
    assert _told_apart(vectors, states[100:]) > 2.5


def test_windows_of_fit_are_embedded_as_if_fit_had_not_seen_them():
    graphs, states, _ = switching_graphs(n_windows=200, size=0.5)
    spans = {}
    for left_out in (True, False):
        model = _model(options={"left_out": left_out, "embedding": "mean"}).fit(graphs[:100])
        parts = [model.transform(graphs[:100]), model.transform(graphs[100:])]
        seen, unseen = (part.window_embedding() for part in parts)
        spans[left_out] = seen.std(axis=0).max() / unseen.std(axis=0).max()
    assert abs(spans[True] - 1) < 0.15 < spans[False] - 1


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
def test_noise_of_windows_of_fit_is_no_larger_and_no_slower_than_that_of_later_ones():
    rng = np.random.default_rng(0)
    noise = graphs_of(rng.normal(size=(400, 16, 16)) * ~np.eye(16, dtype=bool))
    spans, lasts = {}, {}
    for left_out in (True, False):
        model = _model(options={"left_out": left_out, "gate": False, "embedding": "mean"})
        model.fit(noise[:80])
        seen, unseen = (
            model.transform(part).window_embedding() for part in (noise[:80], noise[80:])
        )
        spans[left_out] = seen.std() / unseen.std()
        lasts[left_out] = np.mean(
            [np.corrcoef(column[1:], column[:-1])[0, 1] for column in seen.T if column.std() > 0]
        )
    assert abs(spans[True] - 1) < 0.15
    assert spans[False] > 1.5
    assert abs(lasts[True]) < 0.15 < lasts[False]


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
def test_windows_that_share_bins_with_a_block_are_left_out_with_it():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(409, 16, 16)) * ~np.eye(16, dtype=bool)
    # Each window shares nine tenths of its bins with the next.
    graphs = graphs_of(sum(noise[first : first + 400] for first in range(10)), length_s=10.0)
    model = _model(options={"gate": False, "embedding": "mean"}).fit(graphs[:200])
    parts = (graphs[:200], graphs[200:])
    seen, later = (model.transform(part).window_embedding() for part in parts)
    limits = np.add.outer([40, 80, 120, 160], np.arange(-5, 5)).ravel()
    assert np.abs(seen[limits]).mean() / np.abs(later).mean() < 1.2


def test_scale_of_pairs_that_hardly_vary_is_near_that_of_all():
    rng = np.random.default_rng(0)
    graphs, _, kind = switching_graphs(n_windows=160)
    weights = np.stack([item.toarray() for item in graphs.weights])
    there = ~np.eye(20, dtype=bool)
    seldom = there & (kind == 0) & (rng.random(kind.shape) < 0.5)
    rare = np.where(rng.random(weights.shape) < 0.02, 0.3 * weights, 0.0)
    scale = _model().fit(graphs_of(np.where(seldom, rare, weights))).network_.scale.numpy()
    varies = scale > 0
    assert weights[:, seldom].std() > 10 * rare[:, seldom].std()
    assert scale[seldom & varies].min() > 0.5 * scale[there & ~seldom].mean()


def test_couplings_that_switch_are_recovered():
    graphs, states, kind = switching_graphs(n_windows=160)
    model = _model().fit(graphs[:100])
    change = model.expected_change(graphs[100:])
    first = change[states[100:] == 0].mean(axis=0)
    assert first[kind == 1].mean() > 5 * np.abs(first[kind == 0]).mean()
    assert first[kind == 2].mean() < -5 * np.abs(first[kind == 0]).mean()


def test_a_factor_counts_in_expected_graphs_as_far_as_left_out_windows_tell_it():
    graphs, states, kind = switching_graphs(n_windows=160, size=0.35, seed=3)
    model = TAVRNN(latent_size=6, options={"recall": False}).fit(graphs[:120])
    network, later = model.network_, graphs[120:]
    counts = network.reliability.numpy()
    assert counts.max() > 0.4 > np.median(counts) >= 0
    there, now = kind > 0, np.where(states[120:] == 0, 1, 2)

    def told():
        change = model.expected_change(later)
        pairs = zip(now, change, strict=True)
        return np.mean([roc_auc_score(kind[there] == on, row[there]) for on, row in pairs])

    weighed = told()
    network.reliability.fill_(1.0)
    assert weighed > told() + 0.02
    whole = TAVRNN(latent_size=6, options={"left_out": False}).fit(graphs[:120]).network_
    np.testing.assert_array_equal(whole.reliability, whole.told.double())


def test_decay_is_learnt_with_its_interval():
    decays = []
    for share in (0.03, 0.35):
        switches = np.random.default_rng(0).random(200) < share
        graphs, _, _ = switching_graphs(n_windows=200, states=np.cumsum(switches) % 2)
        network = _model().fit(graphs).network_
        factor = network.active[0]
        assert network.decay_low[factor] <= network.decay[factor] <= network.decay_high[factor]
        decays.append(float(network.decay[factor]))
    assert decays[0] > 0.85 > 0.6 > decays[1]


def test_independent_noise_warns_and_all_factors_but_one_move_no_coupling():
    rng = np.random.default_rng(0)
    noise = graphs_of(rng.normal(size=(160, 20, 20)) * ~np.eye(20, dtype=bool))
    coupled, _, _ = switching_graphs(n_windows=160)
    with pytest.warns(ChanceLossWarning, match="No factor"):
        model = _model().fit(noise[:80])
    moved = model.expected_change(noise[80:]).std()
    assert moved < 0.03
    assert len(model.network_.active) == 1
    assert _model().fit(coupled[:80]).expected_change(coupled[80:]).std() > 5 * moved


def test_states_are_told_in_windows_that_share_bins():
    _, states, kind = switching_graphs(n_windows=160)
    rng = np.random.default_rng(1)
    bins = np.where(states[:, None, None] == 0, kind == 1, kind == 2) + rng.normal(
        size=(160, 20, 20)
    ) * np.sqrt(2)
    shared = (bins[1:] + bins[:-1]) / 2 * ~np.eye(20, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = _model().fit(graphs_of(shared, length_s=2.0))
    assert len(model.network_.active) >= 1
    noise = rng.normal(size=(160, 20, 20)) * ~np.eye(20, dtype=bool)
    with pytest.warns(ChanceLossWarning, match="No factor"):
        _model().fit(graphs_of((noise[1:] + noise[:-1]) / 2, length_s=2.0))


def test_a_factor_moves_the_embedding_as_much_as_it_moves_couplings():
    graphs, _, _ = switching_graphs()
    network = _model().fit(graphs).network_
    strength = network.loadings.square().sum(dim=(1, 2)).sqrt().numpy()
    moved = np.abs(network.node_coordinates()).max(axis=(0, 1))
    np.testing.assert_allclose(moved / moved.max(), strength / strength.max(), atol=0.15)
    assert strength.min() < 0.4 * strength.max()


def test_order_of_nodes_changes_nothing():
    graphs, _, _ = switching_graphs()
    weights = np.stack([item.toarray() for item in graphs.weights])
    order = np.random.default_rng(1).permutation(20)
    moved = graphs_of(weights, order=order)
    here = _model().fit(graphs).transform(graphs)
    there = _model().fit(moved).transform(moved)
    np.testing.assert_allclose(there.mean, here.mean[:, order], atol=2e-3 * here.mean.std())


def test_where_not_all_windows_have_room_stretches_spread_evenly_are_learnt_from(monkeypatch):
    graphs, states, _ = switching_graphs(n_windows=400)
    labels = np.where(np.arange(400) < 300, states, np.nan)
    monkeypatch.setattr(learnt_windows, "MOST_KEPT", 4 * 20**2 * 128)
    with pytest.warns(DataLossWarning, match="from 128 of 300 windows"):
        model = _model().fit(graphs[:300], labels[:300])
    assert len(model.network_.seen) == 128
    vectors = model.transform(graphs[300:]).window_embedding()
    assert _told_apart(vectors, states[300:]) > 2


def test_later_windows_change_nothing():
    graphs, _, _ = switching_graphs()
    model = _model().fit(graphs[:80])
    whole, part = model.transform(graphs[80:]), model.transform(graphs[80:100])
    np.testing.assert_array_equal(whole.mean[:20], part.mean)


def test_smoothing_both_ways_uses_later_windows():
    graphs, states, _ = switching_graphs(n_windows=160, size=0.6)
    scores = []
    for smoothing in ("none", "two_sided"):
        options = {"smoothing": smoothing, "embedding": "attended", "recall": False}
        model = _model(options=options)
        vectors = model.fit(graphs[:100]).transform(graphs[100:]).window_embedding()
        scores.append(_told_apart(vectors, states[100:]))
    assert scores[1] > scores[0]


def test_steps_of_a_stream_equal_transform():
    graphs, _, _ = switching_graphs()
    model = _model().fit(graphs[:80])
    state, whole = model.initial_state(), model.transform(graphs[60:])
    parts = []
    for first in (60, 61, 75):
        last = {60: 61, 61: 75, 75: 120}[first]
        state, embedding = model.step(state, graphs[first:last])
        parts.append(embedding.mean)
    np.testing.assert_allclose(np.concatenate(parts), whole.mean, atol=1e-6)


def test_saved_model_embeds_alike(tmp_path):
    graphs, _, _ = switching_graphs()
    model = _model().fit(graphs[:80])
    model.save(tmp_path / "model.npz")
    assert TAVRNN.load(tmp_path / "model.npz").transform(graphs) == model.transform(graphs)


def test_model_of_an_earlier_version_is_read_and_says_what_it_lacks(tmp_path):
    graphs, _, _ = switching_graphs()
    model = _model().fit(graphs[:80])
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["session/0/weight/seen_states"] = np.zeros((80, 3))
    del arrays["session/0/weight/seen_evidence"]
    np.savez(tmp_path / "old.npz", **arrays)
    with pytest.warns(DataLossWarning, match="earlier version.*Fit it again"):
        old = TAVRNN.load(tmp_path / "old.npz")
    assert old.transform(graphs[80:]) == model.transform(graphs[80:])


def test_fits_are_repeatable():
    graphs, _, _ = switching_graphs()
    assert _model().fit(graphs).transform(graphs) == _model().fit(graphs).transform(graphs)


def test_attention_falls_with_lag_and_sums_to_one():
    graphs, _, _ = switching_graphs()
    attention = _model(options={"recall": False}).fit(graphs).transform(graphs).attention
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)
    assert (np.diff(attention[-1]) >= 0).all()


def test_sessions_share_the_decay_and_adapt_keeps_it():
    first, _, _ = switching_graphs(n_windows=80)
    second, _, _ = switching_graphs(n_windows=80, n_nodes=16, seed=1)
    third, states, _ = switching_graphs(n_windows=80, n_nodes=24, seed=2)
    model = _model().fit([first, second])
    model.adapt(third, session="third")
    decays = [session.network.decay.numpy() for session in model.sessions_.values()]
    np.testing.assert_array_equal(decays[0], decays[1])
    np.testing.assert_array_equal(decays[0], decays[2])
    assert _told_apart(model.transform(third).window_embedding(), states) > 2


def test_score_prefers_graphs_like_those_of_fit():
    graphs, _, _ = switching_graphs()
    other, _, _ = switching_graphs(seed=9)
    model = _model().fit(graphs[:80])
    assert model.score(graphs[80:]) > model.score(other[80:])


def test_absent_nodes_are_nan_and_disturb_nobody():
    import dataclasses

    graphs, _, _ = switching_graphs()
    mask = np.ones((120, 20), dtype=bool)
    mask[100:, 3] = False
    weights = []
    for index, item in enumerate(graphs.weights):
        dense = item.toarray()
        dense[~mask[index]] = 0
        dense[:, ~mask[index]] = 0
        weights.append(type(item)(dense))
    masked = dataclasses.replace(graphs, weights=tuple(weights), node_mask=mask)
    embedding = _model().fit(masked).transform(masked)
    assert np.isnan(embedding.mean[100:, 3]).all()
    assert np.isfinite(embedding.mean[mask]).all()


def test_few_labels_find_what_graphs_alone_do_not():
    rng = np.random.default_rng(3)
    graphs, states, _ = switching_graphs(n_windows=200, size=0.24, dwell=5, seed=3)
    labels = np.array(["aligned", "segregated"])[states]
    labels[100:] = ""
    labels[rng.random(200) < 0.2] = ""
    options = {"embedding": "attended"}
    with pytest.warns(ChanceLossWarning):
        alone = _model(options=options).fit(graphs[:100])
    helped = _model(options=options).fit(graphs[:100], labels[:100])
    scores = [
        _told_apart(model.transform(graphs[100:]).window_embedding(), states[100:])
        for model in (alone, helped)
    ]
    assert scores[1] > scores[0] + 0.3
    assert helped.transform(graphs).config["model.supervision"] == "label"
    assert alone.transform(graphs).config["model.supervision"] == "none"


def test_labels_of_the_wrong_number_are_refused():
    graphs, states, _ = switching_graphs()
    with pytest.raises(InputError, match="120 windows"):
        _model().fit(graphs, states[:7])
    with pytest.raises(InputError, match="all the same"):
        _model().fit(graphs, np.ones(120))


def test_labels_that_say_nothing_are_disregarded():
    graphs, states, _ = switching_graphs(n_windows=160)
    noise = np.random.default_rng(0).normal(size=100)
    vectors = _model().fit(graphs[:100], noise).transform(graphs[100:]).window_embedding()
    assert _told_apart(vectors, states[100:]) > 2


def test_labels_of_windows_that_are_left_out_are_not_looked_at():
    rng = np.random.default_rng(0)
    columns = label_columns(rng.integers(0, 2, 40).astype(str), 40)
    held = np.arange(40) < 10
    states, evidence = rng.normal(size=(2, 40, 3))
    precision = np.tile(np.eye(3), (40, 1, 1))
    found = []
    for turned in (1.0, -1.0):
        other = np.where(held[:, np.newaxis], turned * columns, columns)
        labels = LabelEvidence(other).without(held)
        labels.learn(states, 0.1 * precision)
        found.append(labels.joined(evidence, precision))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][0][held], evidence[held])
    np.testing.assert_array_equal(found[0][1][held], precision[held])
    assert (found[0][0][~held] != evidence[~held]).all()


def test_single_trials_in_random_order_are_told_apart():
    states = np.random.default_rng(0).integers(0, 2, 200)
    graphs, _, _ = switching_graphs(n_windows=200, states=states)
    vectors = _model().fit(graphs[:120]).transform(graphs[120:]).window_embedding()
    assert _told_apart(vectors, states[120:]) > 2


def test_single_steps_of_a_stream_say_what_transform_says():
    graphs, _, _ = switching_graphs()
    model = _model().fit(graphs[:80])
    step, whole = model.stream_step(), model.transform(graphs[70:])
    for index, matrix in enumerate(graphs.weights[70:]):
        dense = matrix.toarray()
        n_edges = (dense != 0).sum(axis=1)
        graph = DenseGraph(weights=dense, degrees=np.abs(dense).sum(axis=1), n_edges=n_edges)
        step.embed(graph)
        kept = step.state()
        mean, _ = step.embed(graph)
        step.commit()
        np.testing.assert_allclose(mean, whole.mean[index], atol=1e-5)
        step.restore(kept)
        step.embed(graph)
        step.commit()


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("verbose", [True, False])
def test_bars_of_progress_are_shown_where_they_are_asked_for(monkeypatch, verbose):
    graphs, _, _ = switching_graphs(n_windows=20)
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    _model(verbose=verbose).fit(graphs)
    shown = terminal.getvalue()
    for bar in ("training", "judging factors", "leaving out"):
        assert (bar in shown) == verbose


def test_windows_are_read_by_what_the_network_has_learnt_last():
    graphs, _, _ = switching_graphs(40)
    model = _model(options={"recall": False}).fit(graphs)
    before = model.transform(graphs).mean
    with torch.no_grad():
        model.network_.decay.mul_(0.5)
    after = model.transform(graphs).mean
    assert not np.allclose(before, after)
    again = copy.deepcopy(model)
    assert again.network_.reader is None
    np.testing.assert_array_equal(again.transform(graphs).mean, after)


def test_steps_read_with_one_reader():
    graphs, _, _ = switching_graphs(40)
    model = _model().fit(graphs)
    state, _ = model.step(model.initial_state(), graphs[:20])
    reader = model.network_.reader[1]
    model.step(state, graphs[20:21])
    assert model.network_.reader[1] is reader


@pytest.mark.parametrize("dwell", [4, 30])
def test_a_stream_has_settled_when_attention_reaches_known_windows_alone(dwell):
    graphs, _, _ = switching_graphs(n_windows=120, dwell=dwell, size=0.5)
    model = _model(options={"recall": False}).fit(graphs)
    lookback = model.stream_step().lookback
    back = model.transform(graphs).attention[-1][::-1].cumsum()
    assert lookback >= 1
    assert back[lookback] >= 0.95 > back[lookback - 1]


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
def test_states_without_memory_have_nothing_to_settle():
    graphs, _, _ = switching_graphs()
    model = _model(options={"recurrence": "independent"}).fit(graphs)
    assert model.stream_step().lookback == 0
