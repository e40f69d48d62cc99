"""The game of Pong: court, stimuli, states, and the recording that is made of it."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import episodes_of_segment
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.pong._court import Court
from tavrnn_ephys.datasets.pong._stimuli import Stimulator, noise, predictable

REST_S = 60.0


@pytest.fixture(scope="module")
def game():
    """Coarse ticks: what is asked here does not hang on them."""
    config = te.PongConfig(game_s=400.0, rest_s=REST_S, tick_s=0.05, dwell_s=10.0)
    return te.play_pong(config, culture=1, seed=1)


@pytest.fixture(scope="module")
def block(game):
    return te.pong_block(game)


def state_at(game, times_s):
    begun, states = map(np.array, zip(*game.switches, strict=True))
    return states[np.searchsorted(begun, np.asarray(times_s), side="right") - 1]


def spikes(game):
    times = np.concatenate([tick.times_s for tick in game.ticks])
    return times, np.concatenate([tick.nodes for tick in game.ticks])


def test_aligned_culture_hits_and_segregated_one_does_not(game):
    hits, misses = state_at(game, game.hits_s), state_at(game, game.misses_s)
    share = [(hits == s).sum() / ((hits == s).sum() + (misses == s).sum()) for s in (0, 1)]
    assert share[1] > share[0] + 0.2


def test_rates_of_rest_carry_nothing_about_the_state(game):
    times, _ = spikes(game)
    seconds = np.bincount(times[times < REST_S].astype(int), minlength=int(REST_S))
    state = state_at(game, np.arange(REST_S) + 0.5)
    rates = [seconds[state == s].mean() / len(game.nodes) for s in (0, 1)]
    assert rates[0] == pytest.approx(rates[1], rel=0.1)
    assert np.mean(rates) == pytest.approx(6.0, rel=0.1)


def test_nothing_is_stimulated_at_rest(game):
    assert min(item.times_s[0] for item in game.pulses) >= REST_S
    assert min(game.hits_s + game.misses_s) > REST_S


def pulses_behind(game, start_s, seconds, kind):
    chosen = [item for item in game.pulses if item.kind == kind]
    times = np.concatenate([item.times_s for item in chosen])
    sites = np.concatenate([item.sites for item in chosen])
    inside = (times >= start_s - 1e-9) & (times < start_s + seconds - 1e-9)
    return times[inside] - start_s, sites[inside]


def test_a_hit_is_answered_predictably(game):
    times, sites = pulses_behind(game, game.hits_s[0], 0.1, "predictable")
    assert np.allclose(np.unique(times.round(6)), np.arange(10) / 100)
    assert np.bincount(sites).tolist() == [10] * 8


def test_a_miss_is_answered_by_noise_and_a_pause(game):
    times, sites = pulses_behind(game, game.misses_s[0], 4.0, "noise")
    assert len(times) == 20
    assert len(np.unique(np.diff(times).round(3))) > 10
    assert len(np.unique(sites)) > 3
    assert len(pulses_behind(game, game.misses_s[0], 8.0, "sensory")[0]) == 0


def test_silent_feedback_stimulates_neither():
    config = te.PongConfig(game_s=30.0, tick_s=0.05, feedback="silent")
    game = te.play_pong(config, nodes=30, seed=0)
    assert len(game.hits_s) + len(game.misses_s) > 2
    assert {item.kind for item in game.pulses} == {"sensory"}


def test_a_pulse_makes_its_site_fire():
    game = te.PongGame(te.PongConfig(rest_s=5.0, tick_s=0.05, coupled_fraction=0.0), seed=0)
    game.stimulate("predictable")
    evoked = game.advance().nodes
    sensory = np.asarray(game.nodes.groups)[evoked] == "sensory"
    n_sensory = (np.asarray(game.nodes.groups) == "sensory").sum()
    # Five pulses within the tick, each answered by 60 % of the nodes.
    assert sensory.sum() == pytest.approx(5 * 0.6 * n_sensory + 0.3 * n_sensory, rel=0.2)
    assert game.n_asked == 1


def test_noise_ends_a_state_once():
    config = te.PongConfig(rest_s=10.0, game_s=1.0, tick_s=0.05, kick=1.0, dwell_s=1e6)
    game = te.PongGame(config, nodes=30, seed=0)
    before = game.state
    game.stimulate("noise")
    while game.t_s < 9.0:
        game.advance()
    assert [state for _, state in game.switches] == [before, 1 - before]


def test_predictable_stimulation_keeps_a_state():
    config = te.PongConfig(rest_s=10.0, game_s=1.0, tick_s=0.05, dwell_s=0.1, calm_s=5.0)
    game = te.PongGame(config, nodes=30, seed=0)
    game.stimulate("predictable")
    while game.t_s < 9.0:
        game.advance()
    assert game.switches[1][0] > 5.0


def test_rate_tells_how_near_the_ball_is_and_site_how_high():
    def pulses(x, offset):
        stimulator = Stimulator()
        return [stimulator.sensory(k * 0.02, 0.02, x, offset) for k in range(100)]

    counts = [sum(len(item.times_s) for item in pulses(x, 0.0)) for x in (1.0, 0.0)]
    assert counts == pytest.approx([2 * 4, 2 * 40], abs=1)
    heights = (-0.99, 0.01, 0.99)
    sites = [np.concatenate([item.sites for item in pulses(0.0, y)]) for y in heights]
    assert [set(item.tolist()) for item in sites] == [{0}, {4}, {7}]


def test_patterns_are_those_of_dishbrain():
    told, random = predictable(1.0), noise(1.0, np.random.default_rng(0))
    assert (told.millivolts, random.millivolts) == (75.0, 150.0)
    assert (told.times_s.max(), random.times_s.max() < 5.0) == (1.09, True)


def test_a_ball_in_front_of_the_paddle_is_hit_and_another_missed():
    court = Court(1.0, 0.3, np.random.default_rng(0))
    court.x, court.y, court.paddle_y = 0.001, 0.5, 0.5
    court._vx, court._vy = -1.0, 0.0
    assert court.step(0.02, 0.0) == "hit"
    assert court._vx > 0
    court.x, court.y, court._vx, court._vy = 0.001, 0.9, -1.0, 0.0
    assert court.step(0.02, 0.0) == "miss"
    court.move_paddle(10.0, 1.0)
    assert court.paddle_y == 0.85


def test_recording_holds_game_stimuli_and_truth(game, block):
    segment = block.segments[0]
    events = {event.name: event for event in segment.events}
    assert (events["game"].labels == "hit").sum() == len(game.hits_s)
    assert set(events["stims"].labels) == {"sensory", "predictable", "noise"}
    assert set(events["stims"].array_annotations) == {"site", "millivolts", "asked"}
    assert [epoch.name for epoch in segment.epochs] == ["phase", "state"]
    assert len(segment.spiketrains) == 60


def test_measures_of_the_game_are_read_off_the_recording(game, block):
    segment = block.segments[0]
    episodes = episodes_of_segment(segment)
    assert episodes.hits.sum() <= len(game.hits_s)
    activity = te.bin_activity(segment, bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=40 * pq.s, step=40 * pq.s)
    found = te.window_behavior(segment, windows, name="game:hits")
    inside = np.histogram(game.hits_s, np.arange(0, 461, 40))[0][2:]
    assert np.array_equal(found.values[2:], inside)


def test_equal_seeds_play_equal_games_and_another_session_is_another_one():
    config = te.PongConfig(game_s=5.0, tick_s=0.05)
    one, two, other = (te.play_pong(config, nodes=30, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(spikes(one)[0], spikes(two)[0])
    assert not np.array_equal(spikes(one)[0], spikes(other)[0])
    assert np.array_equal(one.nodes.positions_um, other.nodes.positions_um)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: te.PongConfig(feedback="loud"), "feedback must be"),
        (lambda: te.PongConfig(kick=2.0), r"kick must lie in \[0, 1\]"),
        (lambda: te.PongConfig(tick_s=1.0), "tick_s must be at most 0.1 s"),
        (lambda: te.PongGame(nodes=5), "at least 20"),
        (lambda: te.PongGame(nodes=te.Nodes(ids=["a"])), "lack the groups"),
        (lambda: te.pong_block(te.PongGame(nodes=20)), "Nothing was played yet"),
        (lambda: te.PongGame(nodes=20).stimulate("light"), "pattern must be"),
        (lambda: te.play_pong(te.PongConfig(game_s=0.1), nodes=20).advance(), "The game is over"),
    ],
)
def test_what_cannot_be_played_is_refused(act, sentence):
    with pytest.raises(InputError, match=sentence):
        act()
