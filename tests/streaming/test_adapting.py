"""Adapting is asked for and said; it moves the score, and nothing else."""

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import DriftMonitor, MeanAdaptation, StateDecoder, Update
from tests.streaming.models import STEP_S, committed, fitted


@pytest.fixture(scope="module")
def decoder():
    return StateDecoder(state="A", weights=np.full((20, 16), 0.5), offset=0.0, threshold=0.5)


def stream_of(decoder=None, **options):
    model, _, _, offline = fitted()
    return te.Stream(model, decoder=decoder, reference=DriftMonitor(offline), **options)


def test_mean_follows_as_the_formula_says():
    monitor = DriftMonitor(fitted()[3])
    adaptation, rng = MeanAdaptation(monitor, time_s=5.0), np.random.default_rng(0)
    windows = rng.normal(size=(30, 20, 16))
    for item in windows:
        adaptation.take(item, step_s=0.5)
    share = 1 - np.exp(-0.5 / 5.0)
    weights = share * (1 - share) ** np.arange(29, -1, -1)
    expected = (1 - share) ** 30 * monitor.mean + np.tensordot(weights, windows, 1)
    assert np.allclose(adaptation.mean, expected)
    seen = adaptation.recentred(windows[0])
    assert np.allclose(seen, windows[0] - expected + monitor.mean, atol=1e-5)


def test_nothing_adapts_unless_it_is_asked_for(decoder):
    activity = fitted()[1]
    stream = stream_of(decoder)
    updates = stream.push(activity.values)
    assert "adapted" not in stream.losses
    assert all(item.recentred is None for item in updates)
    assert [item.score for item in updates] == [decoder.score(item.embedding) for item in updates]


def test_score_follows_and_embeddings_stay(decoder):
    activity = fitted()[1]
    plain = stream_of(decoder).push(activity.values)
    stream = stream_of(decoder, adapt=4.0)
    adapted = stream.push(activity.values)
    assert np.array_equal(committed(adapted), committed(plain))
    # Windows that are settling teach nothing.
    assert [item.score for item in adapted[:10]] == [item.score for item in plain[:10]]
    assert adapted[-1].score != plain[-1].score
    assert adapted[-1].score == decoder.score(adapted[-1].recentred)


def test_every_adaptation_is_said():
    stream = stream_of(adapt=4.0)
    updates = stream.push(fitted()[1].values)
    events = [item for item in stream.events() if item.kind == "adapted"]
    n_running = sum(item.state == "running" for item in updates)
    assert len(events) == 1 + int(n_running * STEP_S / 4.0)
    assert events[0].text == "Adapting was asked for: the score follows the mean over 4 s."
    assert "standard deviations of the fit" in events[1].text


def test_adapting_hides_no_drift():
    model, activity, _, offline = fitted()
    together = np.repeat(np.asarray(activity.values)[:1, :200], 20, axis=0)
    for adapt in (None, 1.0):
        monitor = DriftMonitor(offline, hold_s=3.0)
        stream = te.Stream(model, reference=monitor, adapt=adapt)
        stream.push(together)
        assert stream.losses["drift"] == 1


def test_a_saved_stream_goes_on_adapting_to_the_last_bit(decoder, tmp_path):
    model, activity, _, offline = fitted()
    values = np.asarray(activity.values)
    whole = stream_of(decoder, adapt=4.0).push(values)
    stream = stream_of(decoder, adapt=4.0)
    stream.push(values[:, :333])
    stream.save(tmp_path / "state.npz")
    options = {"decoder": decoder, "reference": DriftMonitor(offline), "adapt": 4.0}
    again = te.Stream.load(tmp_path / "state.npz", model, **options)
    after = again.push(values[:, 333:])
    assert [item.score for item in after] == [item.score for item in whole[-len(after) :]]


def test_a_trigger_judges_what_the_decoder_sees(decoder):
    shape, trigger = (20, 16), te.Trigger(decoder, hold_s=0.0)
    facts = {"t_start_s": 0.0, "t_stop_s": 1.0, "committed": True, "state": "running"}
    low, high = np.full(shape, -1.0, np.float32), np.ones(shape, np.float32)
    assert trigger.judge(Update(embedding=high, std=high, recentred=low, **facts)) is None
    assert trigger.judge(Update(embedding=low, std=low, recentred=high, **facts)) is not None


def test_adapting_without_the_embedding_of_the_fit_is_refused(capsys):
    model, _, _, offline = fitted()
    with pytest.raises(InputError, match="reference=DriftMonitor"):
        te.Stream(model, adapt=600.0)
    with pytest.raises(InputError, match="adapt must be"):
        stream_of(adapt=0.0)
    few = te.NodeEmbedding(
        mean=offline.mean[:, :5], std=offline.std[:, :5], windows=offline.windows,
        nodes=te.Nodes(ids=offline.nodes.ids[:5]),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"shape \(5, 16\), the model gives \(20, 16\)"):
        te.Stream(model, reference=DriftMonitor(few))
    assert main(["stream", "model.npz", "--source", "lsl:A", "--adapt", "10min"]) == 2
    assert "--reference FILE.nwb" in capsys.readouterr().err
