"""States that decay: filter and smoother against one large Gaussian."""

import numpy as np
import pytest

from tavrnn_ephys.methods.tavrnn.factors.filtering import (
    DECAYS,
    decay_likelihood,
    filter_states,
    smooth,
)


def _case(n_windows=6, n_states=2, seed=0):
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(n_windows, n_states))
    factors = rng.normal(size=(n_windows, n_states, n_states))
    return evidence, factors @ factors.swapaxes(1, 2), np.array([0.9, 0.4])


def _whole(evidence, precision, decay):
    """Posterior of all states at once, from the covariance of the process."""
    n_windows, n_states = evidence.shape
    lags = np.abs(np.subtract.outer(np.arange(n_windows), np.arange(n_windows)))
    prior = np.zeros((n_windows, n_states, n_windows, n_states))
    for state in range(n_states):
        prior[:, state, :, state] = decay[state] ** lags
    size = n_windows * n_states
    said = np.zeros((n_windows, n_states, n_windows, n_states))
    for index in range(n_windows):
        said[index, :, index] = precision[index]
    inverse = np.linalg.inv(prior.reshape(size, size)) + said.reshape(size, size)
    covariance = np.linalg.inv(inverse)
    mean = (covariance @ evidence.ravel()).reshape(n_windows, n_states)
    return mean, covariance.reshape(n_windows, n_states, n_windows, n_states)


def test_smoother_equals_the_posterior_of_all_states_at_once():
    evidence, precision, decay = _case()
    mean, covariance = smooth(filter_states(evidence, precision, decay), decay)
    expected, whole = _whole(evidence, precision, decay)
    np.testing.assert_allclose(mean, expected, atol=1e-10)
    for index in range(len(mean)):
        np.testing.assert_allclose(covariance[index], whole[index, :, index], atol=1e-10)


def test_filter_knows_the_windows_up_to_each_alone():
    evidence, precision, decay = _case()
    found = filter_states(evidence, precision, decay)
    for last in range(1, len(evidence) + 1):
        expected, _ = _whole(evidence[:last], precision[:last], decay)
        np.testing.assert_allclose(found.mean[last - 1], expected[-1], atol=1e-10)


def test_filter_that_has_come_to_rest_equals_the_one_before():
    rng = np.random.default_rng(2)
    evidence, decay = rng.normal(size=(60, 2)), np.array([0.9, 0.4])
    precision = np.tile([[1.0, 0.3], [0.3, 0.5]], (60, 1, 1))
    precision[40:] *= 2.0
    mean, covariance = smooth(filter_states(evidence, precision, decay), decay)
    expected, whole = _whole(evidence, precision, decay)
    np.testing.assert_allclose(mean, expected, atol=1e-9)
    np.testing.assert_allclose(covariance[50], whole[50, :, 50], atol=1e-9)


def test_filter_goes_on_where_it_stopped():
    evidence, precision, decay = _case()
    whole = filter_states(evidence, precision, decay)
    first = filter_states(evidence[:2], precision[:2], decay)
    rest = filter_states(evidence[2:], precision[2:], decay, first.last)
    np.testing.assert_array_equal(rest.mean, whole.mean[2:])


def test_a_window_that_says_nothing_leaves_the_prediction():
    found = filter_states(np.zeros((3, 1)), np.zeros((3, 1, 1)), np.array([0.5]))
    np.testing.assert_allclose(found.covariance, 1.0)


@pytest.mark.parametrize("decay", [0.3, 0.9])
def test_likelihood_finds_the_decay(decay):
    rng = np.random.default_rng(1)
    state, said = 0.0, []
    for _ in range(3000):
        state = decay * state + np.sqrt(1 - decay**2) * rng.normal()
        said.append(4.0 * state + 2.0 * rng.normal())
    likelihood = decay_likelihood(np.array(said)[:, None], np.full((3000, 1), 4.0))
    assert abs(DECAYS[likelihood[:, 0].argmax()] - decay) < 0.05
