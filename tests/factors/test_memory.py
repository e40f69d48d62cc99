"""States that decay or return: what a reader asks of either."""

import numpy as np
import pytest

from tavrnn_ephys.methods.tavrnn.factors.filtering import FilterState
from tavrnn_ephys.methods.tavrnn.factors.memory import DecayingStates, ReturningStates
from tavrnn_ephys.methods.tavrnn.factors.network import WindowEvidence
from tests.factors.made_kinds import made_kinds, made_windows


def _evidence(n_windows=8):
    """Evidence of two nodes, which bring a third and two thirds."""
    said, precision = made_windows(n_windows)
    return WindowEvidence(np.stack([said / 3, 2 * said / 3], axis=1), precision)


def _part(evidence, part):
    return WindowEvidence(*(item[part] for item in evidence))


MEMORIES = {
    "decay": lambda evidence, start=None: DecayingStates(
        evidence, np.array([0.9, 0.5, 0.0]), start
    ),
    "kinds": lambda evidence, start=None: ReturningStates(evidence, made_kinds(), start),
}
either = pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)


@either
def test_what_is_known_after_a_window_is_enough_for_the_next(memory):
    evidence = _evidence()
    whole, first = memory(evidence), memory(_part(evidence, slice(0, 5)))
    second = memory(_part(evidence, slice(5, 8)), first.last)
    for name in ("mean", "covariance", "predicted_mean"):
        np.testing.assert_allclose(getattr(second, name), getattr(whole, name)[5:], atol=1e-12)
    np.testing.assert_allclose(second.gains(), whole.gains()[5:], atol=1e-10)


@either
def test_windows_say_all_that_was_not_known_in_the_order_they_come(memory):
    evidence = _evidence(7)
    # How likely windows are together, less how likely the others are without the first.
    whole, later = memory(evidence).gains().sum(), None
    start = memory(_part(evidence, slice(0, 1)))
    later = memory(_part(evidence, slice(1, 7)), start.last).gains().sum()
    assert whole == pytest.approx(start.gains().sum() + later)


@either
def test_smoothing_changes_all_windows_but_the_last_that_says_something(memory):
    evidence = _part(_evidence(), slice(0, 7))
    found = memory(evidence)
    mean, covariance = found.smoothed()
    np.testing.assert_allclose(mean[-1], found.mean[-1])
    np.testing.assert_allclose(covariance[-1], found.covariance[-1])
    assert np.abs(mean[:-1] - found.mean[:-1]).max(axis=1).min() > 1e-6


@either
def test_attention_is_a_share_of_windows_so_far(memory):
    attention = memory(_evidence()).attention()
    assert attention.dtype == np.float32
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(np.triu(attention, 1), 0)


def test_a_state_that_knows_of_no_kinds_is_where_windows_begin():
    start = FilterState(np.full(3, 7.0), np.eye(3))
    fresh, after = (MEMORIES["kinds"](_evidence(), item) for item in (None, start))
    np.testing.assert_array_equal(fresh.mean, after.mean)
