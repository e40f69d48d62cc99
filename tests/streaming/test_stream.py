"""A stream says what the whole recording says, however it comes in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import DriftMonitor
from tests.streaming.models import BIN_S, STEP_S, WINDOW_S, committed, fitted

N_WINDOW, N_STEP = round(WINDOW_S / BIN_S), round(STEP_S / BIN_S)
BOTH = ["state_space", "recurrent"]
OPTIONS = [
    {},
    {"profile": "state_space"},
    {"profile": "state_space", "threshold": 0.1, "embedding": "attended"},
    {"threshold": 0.2},
    {"measure": "covariance"},
    {"ablation": "no_history_node"},
    {"ablation": "vgae", "threshold": 0.1},
    {"n_layers": 2, "embedding": "attended"},
    {"smoothing": "causal"},
    {"propagation": "binary", "self_path": False, "threshold": 0.1, "embedding": "weighted"},
    {"attention_memory": "attended", "attention_values": "linear", "bias": "recurrence"},
]


def in_chunks(stream, values, sizes, **first):
    """Push all bins, some at a time."""
    updates, done = [], 0
    for size in sizes:
        updates += stream.push(values[:, done : done + size], **first)
        done, first = done + size, {}
    return updates + (stream.push(values[:, done:]) if done < values.shape[1] else [])


@pytest.mark.parametrize("options", OPTIONS, ids=lambda item: "-".join(map(str, item.values())))
def test_committed_output_is_that_of_transform(options):
    model, activity, _, offline = fitted(**options)
    updates = te.Stream(model).push(activity.values)
    assert len(updates) == len(offline.windows)
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)
    assert np.allclose(np.stack([item.std for item in updates]), offline.std, atol=1e-5)
    assert np.allclose([item.t_start_s for item in updates], offline.windows.start_s)


@pytest.mark.parametrize("profile", BOTH)
@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 90), max_size=12), provisional=st.booleans())
def test_chunks_and_provisional_embeddings_change_no_bit(sizes, provisional, profile):
    model, activity, _, offline = fitted(profile=profile)
    values = np.asarray(activity.values)[:, :200]
    whole = committed(te.Stream(model).push(values))
    parts = committed(in_chunks(te.Stream(model, provisional=provisional), values, sizes))
    assert np.array_equal(whole, parts)
    assert np.allclose(parts, offline.mean[: len(parts)], atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), n_chunks=st.integers(1, 40))
def test_spikes_in_any_chunks_give_the_same(seed, n_chunks):
    model, activity, _, offline = fitted()
    rng = np.random.default_rng(seed)
    values = np.asarray(activity.values)[:, :120]
    nodes, bins = np.nonzero(values)
    repeats = values[nodes, bins]
    nodes, bins = np.repeat(nodes, repeats), np.repeat(bins, repeats)
    times = (bins + rng.uniform(0.01, 0.99, len(bins))) * BIN_S
    limits = np.sort(rng.uniform(0, 120 * BIN_S, n_chunks - 1))
    limits = np.concatenate([[0.0], limits, [120 * BIN_S]])
    stream, updates = te.Stream(model, t_start_s=0.0), []
    for start, stop in zip(limits[:-1], limits[1:], strict=True):
        here = rng.permutation(np.flatnonzero((times >= start) & (times < stop)))
        ids = stream.node_ids[nodes[here]]
        updates += stream.push_spikes(times[here], ids, until_s=stop)
    assert np.allclose(committed(updates), offline.mean[: len(updates)], atol=1e-5)
    assert len(updates) == (120 - N_WINDOW) // N_STEP + 1
    assert not stream.losses


def test_nothing_is_said_before_a_whole_window():
    model, activity, *_ = fitted()
    stream = te.Stream(model, provisional=True)
    assert stream.push(activity.values[:, : N_WINDOW - 1]) == []
    (update,) = stream.push(activity.values[:, N_WINDOW - 1])
    assert update.committed
    assert update.state == "settling"


def test_first_windows_that_attention_reaches_are_settling():
    model, activity, *_ = fitted()
    states = [item.state for item in te.Stream(model).push(activity.values)]
    assert states[:11] == ["settling"] * 10 + ["running"]


@pytest.mark.parametrize("profile", BOTH)
def test_provisional_embedding_follows_the_last_commit_and_leaves_no_trace(profile):
    model, activity, graphs, _ = fitted(profile=profile)
    stream = te.Stream(model, provisional=True)
    updates = stream.push(activity.values[:, : N_WINDOW + 3])
    assert [item.committed for item in updates] == [True, False, False, False]
    windows = te.Windows(start_s=[0.0, 0.15], stop_s=[2.0, 2.15])
    connectivity = te.compute_connectivity(activity, windows)
    state = model.initial_state()
    state, _ = model.step(state, graphs[:1])
    provisional = te.build_graphs(connectivity)[1:]
    _, expected = model.step(state, provisional)
    assert np.allclose(updates[-1].embedding, expected.mean[0], atol=1e-5)


def test_recording_that_does_not_start_at_zero_keeps_its_clock():
    model, activity, _, offline = fitted()
    updates = te.Stream(model).push(activity.values, t_start_s=1234.5)
    assert np.allclose([item.t_start_s for item in updates], offline.windows.start_s + 1234.5)


# ---- gaps, duplicates, late spikes ----------------------------------------------------


def test_a_few_missing_bins_are_left_out_of_the_window():
    model, activity, *_ = fitted()
    values = np.asarray(activity.values)
    stream = te.Stream(model)
    stream.push(values[:, :20], t_start_s=0.0)
    (update,) = stream.push(values[:, 22:N_WINDOW], t_start_s=22 * BIN_S)
    expected = np.corrcoef(np.delete(values[:, :N_WINDOW], [20, 21], axis=1))
    np.fill_diagonal(expected, 0.0)
    assert update.n_missed_bins == 2
    assert update.committed
    assert np.allclose(stream.gram.weights(), np.nan_to_num(expected), atol=1e-6)
    assert stream.losses == {"gap": 2}


def test_more_than_five_per_cent_missing_is_no_commit_and_nan():
    model, activity, *_ = fitted()
    values = np.asarray(activity.values)
    stream = te.Stream(model)
    stream.push(values[:, :20], t_start_s=0.0)
    (update,) = stream.push(values[:, 23:N_WINDOW], t_start_s=23 * BIN_S)
    assert not update.committed
    assert update.state == "missing"
    assert np.isnan(update.embedding).all()
    assert stream.n_windows == 0


def test_a_gap_longer_than_a_window_warms_up_afresh():
    model, activity, *_ = fitted()
    values = np.asarray(activity.values)
    stream, later = te.Stream(model), 100 + N_WINDOW + 7
    stream.push(values[:, :100], t_start_s=0.0)
    after = stream.push(values[:, later:], t_start_s=later * BIN_S)
    fresh = te.Stream(model).push(values[:, later:])
    assert np.array_equal(committed(after), committed(fresh))
    assert after[0].t_start_s == pytest.approx(later * BIN_S)
    assert after[0].state == "settling"
    assert [item.kind for item in stream.events()] == ["restart"]


def test_bins_that_come_twice_are_dropped_and_counted():
    model, activity, *_ = fitted()
    values = np.asarray(activity.values)
    stream = te.Stream(model)
    first = stream.push(values[:, :60], t_start_s=0.0)
    again = stream.push(values[:, 50:120], t_start_s=50 * BIN_S)
    whole = te.Stream(model).push(values[:, :120])
    assert np.array_equal(committed(first + again), committed(whole))
    assert stream.losses == {"duplicate": 10}


def test_late_spikes_are_counted_and_never_moved():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01, 0.06], [0, 1], until_s=0.1)
    stream.push_spikes([0.04, 0.12], [3, 4], until_s=0.15)
    assert stream.gram.total.tolist()[:5] == [1, 1, 0, 0, 1]
    assert stream.losses == {"late": 1}


def test_a_spike_behind_what_the_source_vouches_for_closes_no_bin():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01, 0.12], [0, 1], until_s=0.05)
    stream.push_spikes([0.07], [2], until_s=0.15)
    assert stream.gram.total.tolist()[:3] == [1, 1, 1]
    assert not stream.losses


def test_first_spikes_of_a_stream_that_say_nothing_are_refused():
    with pytest.raises(InputError, match="Say t_start_s or until_s"):
        te.Stream(fitted()[0]).push_spikes([], [])


def test_bins_wait_for_late_spikes_as_long_as_asked():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0, lateness_s=0.05)
    stream.push_spikes([0.01, 0.06], [0, 1], until_s=0.1)
    stream.push_spikes([0.07], [3], until_s=0.15)
    assert stream.n_bins == 2
    assert stream.gram.total.tolist()[:4] == [1, 1, 0, 1]
    assert not stream.losses


def test_spikes_that_come_twice_are_counted_once():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01, 0.01], [0, 0], until_s=0.02)
    stream.push_spikes([0.01], [0], until_s=0.1)
    assert stream.gram.total[0] == 1
    assert stream.losses == {"duplicate": 2}


def test_a_stretch_without_known_spikes_is_missing():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01], [0], until_s=0.1)
    stream.push_spikes([0.21], [0], t_start_s=0.2, until_s=0.3)
    assert stream.n_bins == 6
    assert stream.gram.n_missing == 2


def test_a_long_stretch_without_known_spikes_starts_afresh():
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01], [0], until_s=0.1)
    stream.push_spikes([9.01], [2], t_start_s=9.0, until_s=9.1)
    assert stream.n_bins == 2
    assert stream.gram.total.tolist()[:3] == [0, 0, 1]
    assert stream.losses["restart"] > N_WINDOW


# ---- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"smoothing": "two_sided"}, "needs windows that have not come yet"),
        ({"smoothing": "two_sided", "profile": "state_space"}, "that have not come yet"),
        ({"embedding": "sample"}, "draws noise"),
        ({"node_features": "graph"}, "no streaming path"),
        ({"attention_width": None}, "grow without bound"),
        ({"measure": "spearman"}, "The measure 'spearman' has no streaming path"),
        ({"threshold": te.DensityThreshold(density=0.5)}, "The threshold DensityThreshold"),
    ],
)
def test_what_has_no_streaming_path_is_refused(options, sentence):
    model, *_ = fitted(seconds=8, **options)
    with pytest.raises(InputError, match=sentence):
        te.Stream(model)


def test_a_method_without_a_step_is_refused():
    with pytest.raises(InputError, match="UASE has no streaming path"):
        te.Stream(te.UASE())


def test_a_model_that_does_not_know_its_bins_is_refused():
    weights = np.random.default_rng(0).uniform(-1, 1, (9, 5, 5))
    connectivity = te.ConnectivitySequence.from_array(weights + weights.transpose(0, 2, 1))
    with pytest.warns(te.ChanceLossWarning):
        model = te.TAVRNN(training_epochs=1).fit(te.build_graphs(connectivity))
    with pytest.raises(InputError, match="does not say the width of a bin"):
        te.Stream(model)


def test_counts_of_other_nodes_are_refused():
    model, *_ = fitted()
    with pytest.raises(InputError, match="counts must have shape"):
        te.Stream(model).push(np.zeros((3, 4), int))
    with pytest.raises(InputError, match="nodes that the fit did not have: .foreign"):
        te.Stream(model).push_spikes([0.1], ["foreign"])


def test_bins_of_another_clock_are_refused():
    model, activity, *_ = fitted()
    stream = te.Stream(model)
    stream.push(activity.values[:, 0], t_start_s=0.0)
    with pytest.raises(InputError, match="lies across bins"):
        stream.push(activity.values[:, 1], t_start_s=0.075)


# ---- saving ---------------------------------------------------------------------------


@pytest.mark.parametrize("profile", BOTH)
@pytest.mark.parametrize("at", [3, 57, 131])
def test_a_saved_stream_goes_on_to_the_last_bit(at, tmp_path, profile):
    model, activity, _, offline = fitted(profile=profile)
    values = np.asarray(activity.values)[:, :200]
    monitor = DriftMonitor(offline)
    whole = te.Stream(model, provisional=True).push(values)
    stream = te.Stream(model, provisional=True, reference=monitor)
    before = stream.push(values[:, :at])
    stream.save(tmp_path / "state.npz")
    again = te.Stream.load(tmp_path / "state.npz", model, provisional=True, reference=monitor)
    after = again.push(values[:, at:])
    assert np.array_equal(
        np.stack([item.embedding for item in before + after]),
        np.stack([item.embedding for item in whole]),
    )


def test_open_spikes_are_saved_too(tmp_path):
    model, *_ = fitted()
    stream = te.Stream(model, t_start_s=0.0)
    stream.push_spikes([0.01, 0.07], [0, 1], until_s=0.08)
    stream.save(tmp_path / "state.npz")
    again = te.Stream.load(tmp_path / "state.npz", model)
    again.push_spikes([], [], until_s=0.1)
    assert again.gram.total.tolist()[:2] == [1, 1]


def test_a_state_of_another_model_is_refused(tmp_path):
    model, *_ = fitted()
    other, *_ = fitted(threshold=0.2)
    te.Stream(model).save(tmp_path / "state.npz")
    with pytest.raises(InputError, match="stream of another model"):
        te.Stream.load(tmp_path / "state.npz", other)


@pytest.mark.parametrize("profile", BOTH)
def test_a_model_file_streams_like_the_model(tmp_path, profile):
    model, activity, *_ = fitted(profile=profile)
    model.save(tmp_path / "model.npz")
    values = activity.values[:, :80]
    one, two = te.Stream(model).push(values), te.Stream(tmp_path / "model.npz").push(values)
    assert np.array_equal(committed(one), committed(two))


# ---- drift ----------------------------------------------------------------------------


def test_drift_is_an_event_after_a_minute_beyond_the_fit():
    model, activity, _, offline = fitted()
    stream = te.Stream(model, reference=DriftMonitor(offline, hold_s=3.0))
    stream.push(activity.values)
    assert "drift" not in stream.losses
    together = np.repeat(np.asarray(activity.values)[:1, :120], 20, axis=0)
    stream.push(together)
    assert stream.losses["drift"] == 1


def test_unit_of_bins_comes_from_the_model():
    model, *_ = fitted()
    info = te.Stream(model).info
    assert (info.bin_size_s, info.window_length_s, info.step_s) == (BIN_S, WINDOW_S, STEP_S)
    assert info.n_nodes == 20
    assert info.width == 16
