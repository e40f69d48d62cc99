"""A culture that plays Pong and is watched: the loop is closed, and repeatable."""

import threading
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import StateDecoder
from tavrnn_ephys.streaming.sources.pong_source import pong_of

CONFIG = te.PongConfig(game_s=20.0, feedback="silent", dwell_s=10.0, mean_rate_hz=15.0)


@cache
def watcher():
    """A model of one session of a culture, and a decoder of its segregated state."""
    game = te.play_pong(replace(CONFIG, game_s=80.0), nodes=40, seed=1)
    segment = te.pong_block(game).segments[0]
    activity = te.bin_activity(segment, bin_size=0.05 * pq.s)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=0.5 * pq.s)
    graphs = te.build_graphs(te.compute_connectivity(activity, windows), threshold=0.0)
    model = te.TAVRNN(
        profile="recurrent", training_epochs=3, seed=0, options={"attention_width": 4}
    )
    with warnings.catch_warnings():
        # What this model learns is of no interest.
        warnings.simplefilter("ignore", te.ChanceLossWarning)
        model.fit(graphs)
    embedding = model.transform(graphs)
    (state,) = [epoch for epoch in segment.epochs if epoch.name == "state"]
    middle = (windows.start_s + windows.stop_s) / 2
    place = np.searchsorted(state.times.magnitude, middle, side="right") - 1
    return model, StateDecoder.fit(embedding, state.labels[place], "segregated")


def watch(*, seed=2, is_closed=True, speed=None, seconds=20.0):
    """Stream a game of the same culture, with or without the stimulator."""
    model, decoder = watcher()
    source = te.sources.pong(
        te.PongGame(replace(CONFIG, game_s=seconds), nodes=40, seed=seed), speed
    )
    trigger = te.Trigger(decoder, above=0.6, hold_s=1.0, refractory_s=5.0, marker="noise")
    stream, events = te.Stream(model, provisional=True), []
    ends = [te.sinks.callback(on_event=events.append)]
    if is_closed:
        ends.append(source.stimulator)
    for _ in stream.run(source, sinks=ends, triggers=[trigger]):
        pass
    return source.game, stream, events


def spikes(game):
    return np.concatenate([tick.times_s for tick in game.ticks])


def test_triggers_stimulate_the_culture_in_the_next_tick():
    game, _, events = watch()
    fired = [event.t_s for event in events if event.kind == "trigger"]
    asked = [item for item in game.pulses if item.asked == "noise"]
    assert game.n_asked == len(fired) > 0
    first = min(item.times_s[0] for item in asked)
    assert fired[0] <= first
    assert {item.kind for item in asked} == {"noise"}


def test_equal_seeds_give_equal_loops_to_the_last_spike():
    (one, _, said), (two, _, again) = watch(), watch()
    assert np.array_equal(spikes(one), spikes(two))
    assert [item.t_s for item in said] == [item.t_s for item in again]
    other = te.play_pong(CONFIG, nodes=40, seed=3)
    assert not np.array_equal(spikes(one), spikes(other))


def test_a_loop_that_is_open_leaves_the_culture_as_it_is():
    watched, stream, _ = watch(is_closed=False)
    alone = te.play_pong(CONFIG, nodes=40, seed=2)
    assert stream.losses["trigger"] > 0
    assert np.array_equal(spikes(watched), spikes(alone))


def test_what_is_streamed_is_the_recording():
    game, stream, _ = watch()
    activity = te.bin_activity(te.pong_block(game).segments[0], bin_size=0.05 * pq.s)
    again = te.Stream(watcher()[0], provisional=True)
    again.push(activity.values[:, : stream.n_bins])
    assert stream.n_bins == activity.values.shape[1]
    assert np.array_equal(stream.gram.gram, again.gram.gram)
    assert set(stream.losses) <= {"trigger"}


def test_in_real_time_the_loop_is_closed_in_another_thread():
    game, stream, events = watch(speed=20.0)
    assert game.is_over
    assert game.n_asked == sum(event.kind == "trigger" for event in events)
    assert stream.losses["gap"] == 0


def test_a_source_that_is_closed_stops_playing():
    source = te.sources.pong(te.PongGame(CONFIG, nodes=40), speed=1.0)
    source.open(te.Stream(watcher()[0]).info)
    threading.Timer(0.2, source.close).start()
    assert 1 <= len(list(source.chunks())) < 60


def test_another_culture_lacks_nodes_of_the_fit():
    source = te.sources.pong(te.PongGame(CONFIG, nodes=30))
    with pytest.raises(InputError, match="missing: 'ch0030'"):
        source.open(te.Stream(watcher()[0]).info)


def test_a_text_says_which_game():
    source = te.sources.find_source("pong:culture=4,seed=2,nodes=30,game_s=9,feedback=silent@max")
    game = source.game
    assert (game.culture, game.seed, len(game.nodes)) == (4, 2, 30)
    assert (game.config.game_s, game.config.feedback, source.speed) == (9.0, "silent", None)
    assert pong_of("seed=1").speed == 1.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ball=1", "'ball=1' says nothing of a game of Pong"),
        ("seed=x", "seed of a game of Pong must be a whole number, got 'x'"),
        ("seed=1@fast", "speed of a game of Pong must be a number, got 'fast'"),
        ("feedback=loud", "feedback must be"),
    ],
)
def test_a_text_that_says_something_else_is_refused(text, sentence):
    with pytest.raises(InputError, match=sentence):
        pong_of(text)


def test_the_command_closes_the_loop_and_tells_the_score(tmp_path, capsys):
    model, decoder = watcher()
    model.save(tmp_path / "model.npz")
    replace(decoder, threshold=0.05).save(tmp_path / "decoder.npz")
    arguments = ["stream", str(tmp_path / "model.npz"), "--provisional", "--trigger"]
    arguments += [str(tmp_path / "decoder.npz"), "--out", str(tmp_path / "log.nwb")]
    source = "pong:seed=2,nodes=40,game_s=20,feedback=silent@max"
    assert main([*arguments, "--source", source]) == 0
    said = capsys.readouterr().out
    assert "PongGame: 20 of 20 s" in said
    assert "0 stimulations" not in said
