"""What kinds say of windows, against Gaussians written out."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from tavrnn_ephys.methods.tavrnn.factors.kinds import (
    MOST_KINDS,
    JudgedKinds,
    KeptKinds,
    Kinds,
    KindsOfWindows,
)
from tests.factors.made_kinds import made_kinds, made_windows

NOTHING = np.zeros(0)


def _read(kinds, said, precision, before=NOTHING):
    return KindsOfWindows.read(kinds, said, precision, before)


def _of_kind(kinds, centre, said, precision):
    """Log-density gained, posterior mean and covariance of the factors' states in a kind."""
    basis = kinds.basis
    prior, middle = basis @ np.diag(kinds.spread) @ basis.T, basis @ centre
    covariance = np.linalg.inv(np.linalg.inv(prior) + precision)
    mean = covariance @ (np.linalg.solve(prior, middle) + said)
    # Bayes' rule at states of zero: prior times likelihood is evidence times posterior.
    gain = multivariate_normal(middle, prior).logpdf(0 * said)
    return gain - multivariate_normal(mean, covariance).logpdf(0 * said), mean, covariance


def _by_bayes(kinds, said, precision, before=None):
    """Filtered probabilities, gains, and the moments of the mixture in every window."""
    ahead = kinds.share if before is None else before
    if before is not None:
        ahead = kinds.stay * ahead + (1 - kinds.stay) * kinds.share
    for here, sure in zip(said, precision, strict=True):
        parts = [_of_kind(kinds, centre, here, sure) for centre in kinds.centres]
        gains, means, covariances = (np.array(item) for item in zip(*parts, strict=True))
        gain = logsumexp(gains + np.log(ahead))
        chance = np.exp(gains + np.log(ahead) - gain)
        mean = chance @ means
        second = np.einsum("k,kij->ij", chance, covariances)
        second += np.einsum("k,ki,kj->ij", chance, means, means)
        yield chance, gain, mean, second - np.outer(mean, mean)
        ahead = kinds.stay * chance + (1 - kinds.stay) * kinds.share


@pytest.mark.parametrize("before", [None, np.array([0.7, 0.1, 0.2])])
def test_windows_are_read_as_a_mixture_of_gaussians(before):
    kinds, (said, precision) = made_kinds(), made_windows()
    found = _read(kinds, said, precision, NOTHING if before is None else before)
    mean, covariance = found.states(kinds)
    for index, expected in enumerate(_by_bayes(kinds, said, precision, before)):
        np.testing.assert_allclose(found.probability[index], expected[0], atol=1e-9)
        np.testing.assert_allclose(found.gain[index], expected[1], atol=1e-8)
        np.testing.assert_allclose(mean[index], expected[2], atol=1e-8)
        np.testing.assert_allclose(covariance[index], expected[3], atol=1e-8)


def test_states_of_kinds_without_spread_are_their_centres():
    kinds, (said, precision) = made_kinds(spread=0.0), made_windows()
    found = _read(kinds, said, precision)
    np.testing.assert_allclose(found.of_kinds, np.tile(kinds.centres, (len(said), 1, 1)))
    np.testing.assert_array_equal(found.within, 0)
    states = kinds.centres @ kinds.basis.T
    gains = said[0] @ states.T - 0.5 * np.einsum("ki,ij,kj->k", states, precision[0], states)
    assert found.gain[0] == pytest.approx(logsumexp(gains, b=kinds.share))


def test_windows_that_say_nothing_leave_what_was_expected():
    kinds, before = made_kinds(), np.array([0.7, 0.1, 0.2])
    found = _read(kinds, np.zeros((2, 3)), np.zeros((2, 3, 3)), before)
    once = kinds.stay * before + (1 - kinds.stay) * kinds.share
    np.testing.assert_allclose(found.probability[0], once)
    np.testing.assert_allclose(found.states(kinds)[0], found.expected(kinds, before))
    np.testing.assert_allclose(found.gain, 0, atol=1e-12)


def test_reading_in_pieces_equals_reading_at_once():
    kinds, (said, precision) = made_kinds(), made_windows(9)
    whole, before = _read(kinds, said, precision), NOTHING
    for part in (slice(0, 1), slice(1, 5), slice(5, 9)):
        found = _read(kinds, said[part], precision[part], before)
        for name in KindsOfWindows._fields:
            np.testing.assert_allclose(getattr(found, name), getattr(whole, name)[part])
        np.testing.assert_allclose(
            found.expected(kinds, before), whole.expected(kinds, NOTHING)[part]
        )
        before = found.probability[-1]


def test_what_is_expected_is_one_step_ahead():
    kinds, (said, precision) = made_kinds(), made_windows()
    found = _read(kinds, said, precision)
    expected = found.expected(kinds, NOTHING)
    states = kinds.centres @ kinds.basis.T
    np.testing.assert_allclose(expected[0], kinds.share @ states)
    for index in range(1, len(said)):
        moved = kinds.stay * found.probability[index - 1] + (1 - kinds.stay) * kinds.share
        np.testing.assert_allclose(expected[index], moved @ states)


def test_smoothing_leaves_the_last_window_as_it_is():
    kinds, (said, precision) = made_kinds(), made_windows()
    found = _read(kinds, said, precision)
    smoothed = found.smoothed(kinds)
    np.testing.assert_array_equal(smoothed.probability[-1], found.probability[-1])
    np.testing.assert_allclose(smoothed.probability.sum(axis=1), 1)
    assert np.abs(smoothed.probability[:-1] - found.probability[:-1]).max() > 0.01


def _attention(probability, spread=0.0):
    kinds = made_kinds(spread=spread)
    found = KindsOfWindows(probability, *[np.zeros(0)] * 3)
    return found.attention(kinds)


def test_attention_goes_to_windows_of_the_same_kind_however_long_ago():
    kinds = np.array([0, 0, 1, 1, 1, 1, 2, 0])
    attention = _attention(np.eye(3)[kinds])
    assert attention.dtype == np.float32
    np.testing.assert_allclose(attention[-1], [1 / 3, 1 / 3, 0, 0, 0, 0, 0, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(attention[4], [0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(attention[6], np.eye(8)[6])


def test_a_window_attends_to_itself_by_the_spread_within_kinds():
    attention = _attention(np.tile([1.0, 0.0, 0.0], (4, 1)), spread=1.0)
    np.testing.assert_allclose(attention[-1], [1 / 8, 1 / 8, 1 / 8, 1 / 2 + 1 / 8])


def test_attention_sums_to_one_over_windows_so_far():
    probability = np.random.default_rng(0).dirichlet(np.full(3, 0.3), 50)
    probability[:10, 2] = 0.0
    probability[:10] /= probability[:10].sum(axis=1, keepdims=True)
    attention = _attention(probability, spread=0.3)
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)
    assert (attention >= 0).all()
    np.testing.assert_array_equal(np.triu(attention, 1), 0)


def test_kinds_are_kept_to_the_last_digit():
    kinds, kept = made_kinds(), KeptKinds(3)
    assert kept.known() is None
    kept.keep(JudgedKinds(kinds, 3, 0.1, 0.01))
    found = kept.judgement()
    assert found[1:] == (3, 0.1, 0.01)
    for name in Kinds._fields:
        np.testing.assert_array_equal(getattr(found.kinds, name), getattr(kinds, name))


def test_kinds_that_were_not_taken_are_told_of_alone():
    kept = KeptKinds(3)
    kept.keep(JudgedKinds(None, 4, -0.2, 0.1))
    assert kept.judgement() == JudgedKinds(None, 4, -0.2, 0.1)


def test_as_many_kinds_as_are_looked_for_have_room():
    kinds, kept = made_kinds(n_kinds=MOST_KINDS), KeptKinds(3)
    kept.keep(JudgedKinds(kinds, MOST_KINDS, 1.0, 0.1))
    assert len(kept.known().centres) == MOST_KINDS
    assert all(value.dtype == torch.float64 for value in kept.buffers())
