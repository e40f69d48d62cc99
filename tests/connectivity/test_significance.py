"""A null of connectivity: one half of the surrogates gives moments, the other the deviations."""

import numpy as np
import pytest

from tavrnn_ephys.connectivity.significance import _DEVIATION_STEP, fit_null
from tavrnn_ephys.core.containers import ConnectivitySequence

N_DRAWS, N_NODES = 8, 4
PAIRS = np.triu_indices(N_NODES, 1)


@pytest.fixture
def draws():
    """Surrogates of one window; deviations of the second half are about three times as large."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(N_DRAWS):
        weights = np.zeros((1, N_NODES, N_NODES))
        weights[0, *PAIRS] = rng.normal(0, 0.1 if index < N_DRAWS // 2 else 0.3, len(PAIRS[0]))
        found.append(ConnectivitySequence.from_array(weights + weights.transpose(0, 2, 1)))
    return found


@pytest.fixture
def null(draws):
    return fit_null(iter(draws), n_draws=N_DRAWS, expected_roots=None)


def halves(draws):
    weights = np.array([draw.weights[0][PAIRS] for draw in draws])
    return weights[: N_DRAWS // 2], weights[N_DRAWS // 2 :]


def test_moments_are_those_of_the_first_half(draws, null):
    first, _ = halves(draws)
    np.testing.assert_allclose(null.mean[0][PAIRS], first.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(null.std[0][PAIRS], first.std(axis=0, ddof=1), rtol=1e-5)


def test_exceedances_are_those_of_the_second_half(draws, null):
    first, second = halves(draws)
    deviations = np.abs(second - first.mean(axis=0)) / first.std(axis=0, ddof=1)
    counted = null.exceedances.sum(axis=0)
    assert counted[0] == second.size
    for level in (1.0, 2.0, 4.0):
        # Counted in bins of a hundredth: a deviation at the limit may fall to either side.
        low, high = (np.sum(deviations >= level + d * _DEVIATION_STEP) for d in (1, -1))
        assert low <= counted[round(level / _DEVIATION_STEP)] <= high


def test_smallest_p_follows_from_the_pooled_deviations(draws, null):
    assert null.smallest_p == pytest.approx(1 / (halves(draws)[1].size + 1))
