"""Whether windows return to kinds: judged on what is known to, and on what is not."""

import time

import numpy as np
import pytest

from tavrnn_ephys.methods.tavrnn.factors import kinds_fit
from tavrnn_ephys.methods.tavrnn.factors.kinds import MOST_KINDS, KindsOfWindows
from tavrnn_ephys.methods.tavrnn.factors.kinds_fit import _gains, _Windows, judge_kinds
from tests.factors.made_kinds import decaying_windows, returning_windows


def _judged(said, precision=None, **more):
    if precision is None:
        precision = np.eye(said.shape[1])
    more.setdefault("stretches", [np.arange(len(said))])
    return judge_kinds(said, precision, **more)


def _read(judged, said, precision=None):
    if precision is None:
        precision = np.eye(said.shape[1])
    every = np.tile(precision, (len(said), 1, 1))
    return KindsOfWindows.read(judged.kinds, said, every, np.zeros(0))


def _told(judged, said, precision=None):
    return _read(judged, said, precision).probability


@pytest.mark.parametrize("n_kinds", [2, 3])
def test_kinds_that_return_are_found(n_kinds):
    said, kinds = returning_windows(400, n_kinds=n_kinds, stay=0.8)
    judged = _judged(said)
    assert judged.n_kinds == n_kinds
    assert judged.kinds.stay == pytest.approx(0.8, abs=0.06)
    np.testing.assert_allclose(judged.kinds.share, 1 / n_kinds, atol=0.1)
    assert judged.kinds.spread.max() < 0.3
    probability = _told(judged, said)
    for kind in range(n_kinds):
        of_kind = probability[kinds == kind].mean(axis=0)
        assert of_kind.max() > 0.95


def test_centres_and_spread_are_those_of_the_windows():
    said, kinds = returning_windows(600, stay=0.5)
    rng = np.random.default_rng(3)
    said = said + rng.normal(size=said.shape)
    judged = _judged(said)
    expected = _told(judged, said) @ judged.kinds.centres @ judged.kinds.basis.T
    for kind in range(3):
        of_kind = said[kinds == kind].mean(axis=0)
        np.testing.assert_allclose(expected[kinds == kind].mean(axis=0), of_kind, atol=0.2)
    np.testing.assert_allclose(judged.kinds.spread, 1.0, atol=0.3)


@pytest.mark.parametrize("stay", [0.0, 0.5, 0.9])
def test_how_long_kinds_stay_is_found(stay):
    said, _ = returning_windows(600, stay=stay, seed=1)
    assert _judged(said).kinds.stay == pytest.approx(stay, abs=0.06)


def test_moves_within_stretches_alone_tell_how_long_kinds_stay():
    said, _ = returning_windows(600, stay=0.8)
    judged = _judged(said, stretches=np.array_split(np.arange(600), 200))
    assert judged.kinds.stay == pytest.approx(0.8, abs=0.08)


def test_a_kind_that_is_seldom_entered_has_a_small_share():
    rng = np.random.default_rng(0)
    seldom = rng.random(400) < 0.1
    said = 6.0 * seldom[:, np.newaxis] + rng.normal(size=(400, 2))
    found = _judged(said).kinds
    high = (found.centres @ np.linalg.inv(found.basis)).mean(axis=1) > 3
    assert found.share[high].sum() == pytest.approx(seldom.mean(), abs=0.02)


def test_the_better_of_two_starts_is_taken(monkeypatch):
    likelihood = {1: [], kinds_fit._N_STARTS: []}
    for n_starts, found in likelihood.items():
        monkeypatch.setattr(kinds_fit, "_N_STARTS", n_starts)
        for seed in range(6):
            said, _ = returning_windows(n_factors=4, n_kinds=4, seed=seed)
            every = np.arange(len(said))
            windows = _Windows.of(said, np.eye(4), [every], every >= 0)
            found.append(_gains(windows.told, windows.learn(4)))
    one, two = (np.array(found) for found in likelihood.values())
    assert (two > one - 0.1).all()
    assert (two > one + 10).any()


def test_gain_is_what_later_windows_gain():
    said, _ = returning_windows(400, stay=0.8)
    judged = _judged(said)
    again = _judged(returning_windows(4000, stay=0.8)[0])
    assert judged.gain == pytest.approx(again.gain, abs=3 * judged.gain_error)
    assert again.gain_error < judged.gain_error < judged.gain


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "made",
    [
        lambda seed: decaying_windows(decay=0.95, seed=seed),
        lambda seed: decaying_windows(decay=0.6, seed=seed),
        lambda seed: decaying_windows(size=0.0, seed=seed + 20),
        lambda seed: decaying_windows(size=0.0, seed=seed) + np.linspace(-3, 3, 200)[:, None],
    ],
    ids=["slow", "fast", "noise", "drift"],
)
def test_windows_of_no_kind_are_left_to_a_decay(made, seed):
    judged = _judged(made(seed))
    assert judged.kinds is None
    assert judged.n_kinds >= 2
    assert judged.gain <= judged.gain_error


def test_kinds_that_gain_less_than_their_error_are_not_taken():
    found = [_judged(returning_windows(100, size=1.2, seed=seed)[0]) for seed in range(12)]
    assert all((item.kinds is not None) == (item.gain > item.gain_error) for item in found)
    assert any(0 < item.gain <= item.gain_error for item in found)
    assert any(item.kinds is not None for item in found)


@pytest.mark.parametrize("n_windows", [0, 1, 10, 15])
def test_few_windows_are_not_judged(n_windows):
    stretches = [np.arange(n_windows)] if n_windows else []
    judged = _judged(np.ones((n_windows, 2)), stretches=stretches)
    assert judged == (None, 0, 0.0, 0.0)


def test_no_more_kinds_are_looked_for_than_windows_tell():
    said, _ = returning_windows(40, n_factors=12, n_kinds=12, stay=0.0, size=8.0)
    assert 2 <= _judged(said).n_kinds <= 5
    said, _ = returning_windows(800, n_factors=16, n_kinds=16, stay=0.5, size=8.0)
    judged = _judged(said)
    assert judged.n_kinds == MOST_KINDS == len(judged.kinds.centres)


def test_scale_and_turn_of_factors_change_no_probability():
    said, _ = returning_windows()
    turn = np.random.default_rng(5).normal(size=(3, 3))
    here, there = _judged(said), _judged(said @ turn, turn.T @ turn)
    np.testing.assert_allclose(
        _told(here, said), _told(there, said @ turn, turn.T @ turn), atol=1e-6
    )
    np.testing.assert_allclose(here[2:], there[2:], rtol=1e-6)


def test_factors_that_say_the_same_count_once():
    said, _ = returning_windows()
    twice = np.random.default_rng(5).normal(size=(3, 5))
    here, there = _judged(said), _judged(said @ twice, twice.T @ twice)
    assert here.n_kinds == there.n_kinds
    np.testing.assert_allclose(here[2:], there[2:], rtol=1e-5)
    np.testing.assert_allclose(
        _told(here, said), _told(there, said @ twice, twice.T @ twice), atol=1e-5
    )


def test_judging_is_repeatable():
    said, _ = returning_windows()
    first, again = _judged(said), _judged(said)
    assert first[1:] == again[1:]
    for one, other in zip(first.kinds, again.kinds, strict=True):
        np.testing.assert_array_equal(one, other)


def test_windows_that_are_skipped_teach_nothing():
    said, _ = returning_windows()
    skipped = [0, 5, 50, 51, 52, 53, 199]
    other = said.copy()
    other[skipped] = 100.0
    here, there = (_judged(item, skipped=skipped) for item in (said, other))
    assert here[1:] == there[1:]
    for one, two in zip(here.kinds, there.kinds, strict=True):
        np.testing.assert_array_equal(one, two)
    assert here[1:] != _judged(said)[1:]


def test_gain_is_counted_per_window_that_is_not_skipped():
    said, _ = returning_windows(400)
    skipped = np.flatnonzero(np.arange(400) % 2)
    found = _judged(said, skipped=skipped)
    assert found.gain == pytest.approx(_judged(said[::2]).gain, rel=0.3)


def test_windows_that_share_bins_are_not_learnt_from_together():
    said, _ = returning_windows(200, stay=0.8)
    spread_out = np.random.default_rng(0).normal(size=(600, 3))
    spread_out[::3] = said
    found, alone = _judged(spread_out, overlap=2), _judged(said)
    assert found[1:] == alone[1:]
    assert found.kinds.stay**3 == pytest.approx(alone.kinds.stay)


def test_stretches_do_not_follow_each_other():
    said, kinds = returning_windows(240, stay=0.0)
    order = np.argsort(kinds, kind="stable")
    whole = _judged(said[order])
    alone = _judged(said[order], stretches=[np.array([index]) for index in range(240)])
    assert whole.kinds.stay > 0.9
    assert alone.kinds.stay == 0.0


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 1e3])
@pytest.mark.parametrize("n_factors", [1, 3])
def test_windows_that_are_all_equal_are_of_no_kind(value, n_factors):
    judged = _judged(np.full((100, n_factors), value))
    assert judged.kinds is None
    assert judged.gain == pytest.approx(0, abs=1e-9)


def test_factors_that_say_nothing_tell_no_kind():
    judged = _judged(decaying_windows(), np.zeros((3, 3)))
    assert judged.kinds is None
    assert np.isfinite(judged[1:]).all()


@pytest.mark.parametrize("skipped", [range(200), range(16, 200), range(20, 199)])
def test_windows_that_teach_may_all_stand_in_one_block(skipped):
    judged = _judged(returning_windows()[0], skipped=skipped)
    assert judged.kinds is None
    assert np.isfinite(judged[1:]).all()


def test_windows_without_noise_are_told():
    said = np.tile([[0.0, 0.0], [9.0, 9.0]], (50, 1))
    judged = _judged(said)
    np.testing.assert_allclose(_read(judged, said).states(judged.kinds)[0], said, atol=1e-6)


def test_thousands_of_windows_are_judged_in_seconds():
    said, _ = returning_windows(5000, n_factors=8, n_kinds=6)
    start = time.process_time()
    _judged(said)
    assert time.process_time() - start < 15
