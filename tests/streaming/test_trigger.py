"""A state is told, and acted on, no more often by chance than was asked for."""

import dataclasses

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import StateDecoder, Update
from tavrnn_ephys.streaming.trigger import _values_and_gap
from tests.streaming.models import fitted


def update(score, t_s, *, latency_ms=1.0, state="running"):
    """An update whose first coordinate is the score."""
    return Update(
        embedding=np.array([[score]]),
        std=np.ones((1, 1)),
        t_start_s=t_s - 1.0,
        t_stop_s=t_s,
        committed=True,
        state=state,
        latency_ms=latency_ms,
    )


class Plain:
    state, threshold = "game", 0.5

    def score(self, embedding):
        return float(embedding[0, 0])


def judged(trigger, scores, **options):
    events = [trigger.judge(update(score, float(t), **options)) for t, score in enumerate(scores)]
    return [(t, event.kind) for t, event in enumerate(events) if event]


def wander(rng, n, shape, keep=0.8):
    """Autocorrelated noise."""
    noise = rng.normal(size=(n, *shape))
    for index in range(1, n):
        noise[index] = keep * noise[index - 1] + np.sqrt(1 - keep**2) * noise[index]
    return noise


def test_false_alarms_on_shifted_labels_are_as_many_as_asked_for():
    rates = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = wander(rng, 400, (3, 2))
        labels = np.roll(np.repeat(["a", "b"] * 10, 20), rng.integers(400))
        decoder = StateDecoder.fit(values[:200], labels[:200], "a", gap=5)
        margins = np.tensordot(values[200:], decoder.weights, 2) + decoder.offset
        scores = 1 / (1 + np.exp(-margins))
        rates.append((scores[labels[200:] != "a"] > decoder.threshold).mean())
    assert 0.03 <= np.mean(rates) <= 0.07


def test_score_is_that_of_the_decoder_of_the_evaluation():
    from sklearn.linear_model import LogisticRegression

    from tavrnn_ephys.evaluation.standardizing import standardized

    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b"] * 4, 10)
    values = rng.normal(size=(80, 4, 30)) + (labels == "a")[:, None, None]
    decoder = StateDecoder.fit(values, labels, "a", gap=1)
    flat = values.reshape(80, -1)
    train, _ = standardized(flat, flat)
    model = LogisticRegression(C=0.01, class_weight="balanced", tol=1e-6, max_iter=5000)
    expected = model.fit(train, labels == "a").predict_proba(train)[:, 1]
    found = [decoder.score(item) for item in values]
    assert np.allclose(found, expected, atol=5e-3)


@pytest.mark.filterwarnings("ignore")
def test_decoder_of_a_real_embedding_takes_the_gap_of_its_windows():
    _, _, _, offline = fitted(seconds=120)
    n_windows = len(offline.windows)
    labels = np.where(np.arange(n_windows) // 30 % 2, "odd", "even")
    decoder = StateDecoder.fit(offline, labels, "odd")
    assert decoder.weights.shape == (20, 16)
    assert 0.0 <= decoder.balanced_accuracy <= 1.0


@pytest.mark.filterwarnings("ignore")
def test_the_gap_of_a_model_without_a_width_is_what_its_attention_reaches():
    _, _, _, offline = fitted(seconds=120)
    n_windows = len(offline.windows)
    lags = np.subtract.outer(np.arange(n_windows), np.arange(n_windows))
    decays = np.where(lags >= 0, 0.5 ** np.maximum(lags, 0), 0.0)
    config = {key: value for key, value in offline.config.items() if "width" not in key}
    embedding = dataclasses.replace(offline, attention=decays, config=config)
    # A half, a quarter, an eighth ...: the fifth share is the first beyond .95 of them all.
    assert _values_and_gap(embedding, None)[1] == offline.windows.overlap + 4
    assert _values_and_gap(embedding, 2)[1] == 2


def test_saved_decoder_scores_alike(tmp_path):
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(100, 2, 2)), np.repeat(["a", "b"] * 5, 10)
    decoder = StateDecoder.fit(values, labels, "a", gap=1)
    decoder.save(tmp_path / "decoder.npz")
    again = StateDecoder.load(tmp_path / "decoder.npz")
    assert again.score(values[0]) == decoder.score(values[0])
    assert again.threshold == decoder.threshold


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["a"] * 100, "inside and outside"),
        (["a", "b"], "2 labels stand beside 100 windows"),
        ((["a"] * 9 + ["b"]) * 10, "cannot tell 5 % false alarms"),
    ],
)
def test_decoder_that_cannot_be_fitted_says_why(labels, sentence):
    with pytest.raises(InputError, match=sentence):
        StateDecoder.fit(np.random.default_rng(0).normal(size=(100, 2, 2)), labels, "a", gap=1)


def test_trigger_fires_when_the_state_has_lasted():
    trigger = te.Trigger(Plain(), above=0.8, hold_s=2.0, refractory_s=5.0)
    assert judged(trigger, [0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9]) == [(5, "trigger")]


def test_trigger_rests_after_firing():
    trigger = te.Trigger(Plain(), above=0.8, hold_s=0.0, refractory_s=4.0)
    assert judged(trigger, [0.9] * 9) == [(0, "trigger"), (4, "trigger"), (8, "trigger")]


def test_trigger_refuses_an_old_update():
    trigger = te.Trigger(Plain(), above=0.8, hold_s=0.0, refractory_s=0.0)
    assert judged(trigger, [0.9], latency_ms=101.0) == [(0, "refused")]
    assert judged(trigger, [0.9], latency_ms=99.0) == [(0, "trigger")]


def test_missing_window_ends_the_state():
    trigger = te.Trigger(Plain(), above=0.8, hold_s=1.0, refractory_s=0.0)
    trigger.judge(update(0.9, 0.0))
    assert trigger.judge(update(0.9, 1.0, state="missing")) is None
    assert trigger.judge(update(0.9, 2.0)) is None


def test_stream_gives_scores_and_tells_sinks_of_triggers():
    model, activity, _, offline = fitted()

    class Always(Plain):
        def score(self, embedding):
            return 0.9

    events = []
    trigger = te.Trigger(Always(), above=0.8, hold_s=1.0, refractory_s=5.0, marker="stimulate")
    stream = te.Stream(model)
    sink = te.sinks.callback(on_event=events.append)
    source = te.sources.replay(activity)
    updates = list(stream.run(source, triggers=[trigger], sinks=[sink]))
    assert updates[-1].score == 0.9
    assert [event.t_s for event in events] == pytest.approx([3.0, 8.0, 13.0, 18.0, 23.0, 28.0])
    assert {event.facts["marker"] for event in events} == {"stimulate"}
    assert len(offline.windows) == len(updates)
