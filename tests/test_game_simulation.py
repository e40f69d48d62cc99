"""The simulated game holds what it promises: what follows skill, and what does not."""

import numpy as np
import pytest

from tavrnn_ephys.activity.behavior import episodes_of_segment
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.game import GameConfig, game_block, play_game
from tavrnn_ephys.io.blocks import behavior_columns


def rates(game, chosen):
    """Spikes per second and node within some seconds."""
    seconds = game.times_s.astype(int)
    counts = np.bincount(game.sources[chosen[seconds]], minlength=len(game.nodes))
    return counts / chosen.sum()


def halves(game):
    middle = np.nanmedian(game.skill)
    return game.skill > middle, game.skill < middle


@pytest.mark.parametrize("effect", ["alignment", "independent", "none"])
def test_rates_do_not_follow_skill(effect):
    game = play_game(GameConfig(effect=effect, game_s=600.0), nodes=40, seed=2)
    high, low = (rates(game, chosen).mean() for chosen in halves(game))
    assert high / low == pytest.approx(1.0, abs=0.05)
    assert high == pytest.approx(5.0, abs=0.4)


def test_rates_follow_skill_where_they_should():
    game = play_game(GameConfig(effect="rate", game_s=600.0), nodes=40, seed=2)
    high, low = (rates(game, chosen).mean() for chosen in halves(game))
    assert high > 1.5 * low


def coincidences(game, chosen):
    """Mean correlation of 20 ms counts between sensory and motor nodes."""
    n_bins = int(game.duration_s * 50)
    flat = np.bincount(
        game.sources * n_bins + (game.times_s * 50).astype(int), minlength=40 * n_bins
    )
    counts = flat.reshape(40, n_bins)[:, np.repeat(chosen, 50)]
    sensory = np.asarray(game.nodes.groups) == "sensory"
    return np.corrcoef(counts)[np.ix_(sensory, ~sensory)].mean()


def test_sensory_and_motor_nodes_couple_with_skill():
    with_effect = play_game(GameConfig(game_s=600.0), nodes=40, seed=3)
    high, low = (coincidences(with_effect, chosen) for chosen in halves(with_effect))
    without = play_game(GameConfig(effect="none", game_s=600.0), nodes=40, seed=3)
    chance = abs(np.subtract(*(coincidences(without, chosen) for chosen in halves(without))))
    assert high - low > 4 * chance


def test_skill_decides_on_hits():
    game = play_game(GameConfig(game_s=2000.0), nodes=20, seed=1)
    at_hits = game.skill[game.hits_s.astype(int)].mean()
    at_misses = game.skill[game.misses_s.astype(int)].mean()
    assert at_hits > at_misses + 0.1
    assert len(game.hits_s) / 2000 == pytest.approx(0.6, abs=0.08)


def test_equal_seeds_give_equal_games():
    first, second = (play_game(GameConfig(game_s=20.0), nodes=20, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.times_s, second.times_s)
    assert not np.array_equal(play_game(GameConfig(game_s=20.0), nodes=20).skill, first.skill)


def test_block_holds_the_game():
    game = play_game(GameConfig(game_s=60.0, rest_s=20.0), nodes=20, seed=5)
    segment = game_block(game).segments[0]
    assert len(segment.spiketrains) == 20
    assert sum(map(len, segment.spiketrains)) == len(game.times_s)
    assert segment.epochs[0].labels.tolist() == ["rest", "gameplay"]
    times, skill = behavior_columns(segment)["skill"]
    assert np.isnan(skill[times < 20]).all()
    assert np.isfinite(skill[times >= 20]).all()
    episodes = episodes_of_segment(segment)
    assert episodes.start_s[0] == 20.0
    assert len(episodes.hits) == len(game.misses_s)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effect": "magic"}, "effect must be one of"),
        ({"effect_size": 1.5}, "effect_size must lie in"),
        ({"game_s": 0.0}, "game_s must be a positive number"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GameConfig(**options)
