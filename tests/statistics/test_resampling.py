"""Sign flips, permutations and the bootstrap, each arrangement at most once."""

import itertools

import numpy as np
import pytest
from scipy.stats import bootstrap

from tavrnn_ephys.evaluation import paired_difference, unit_bootstrap
from tavrnn_ephys.statistics.resampling import (
    arrangements,
    bootstrap_means,
    n_arrangements,
    sign_flip_null,
)


def distinct(rows):
    return {tuple(row) for row in rows.tolist()}


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [2, 1, 1, 3, 2], [5], [0, 0, 0], [4, 3, 2, 1]])
def test_every_distinct_order_comes_once(labels):
    rows = arrangements(np.array(labels), most=9999, rng=np.random.default_rng(0))
    assert len(rows) == n_arrangements(labels)
    assert distinct(rows) == set(itertools.permutations(labels))
    assert rows[0].tolist() == labels


def test_random_orders_come_once_and_the_given_one_first():
    labels = np.arange(8)
    rows = arrangements(labels, most=999, rng=np.random.default_rng(0))
    assert len(distinct(rows)) == len(rows) == 1000
    np.testing.assert_array_equal(rows[0], labels)


def test_random_orders_are_even():
    rows = arrangements(np.arange(9) < 4, most=60, rng=np.random.default_rng(1))
    assert rows[1:].mean() == pytest.approx(4 / 9)
    assert np.abs(rows[1:].mean(axis=0) - 4 / 9).max() < 0.25


def test_all_flips_are_gone_through_once():
    null = sign_flip_null(np.array([1.0, 2.0, 4.0]))
    # In units of the largest effect, means of ±1 ± 2 ± 4 but the observed one.
    expected = [a + b + c for a in (1, -1) for b in (2, -2) for c in (4, -4)][1:]
    np.testing.assert_allclose(np.sort(null.values * 12), np.sort(expected))
    assert null.p_value == null.smallest_p == 2 / 8


def test_random_flips_come_once():
    null = sign_flip_null(2.0 ** np.arange(14), n_flips=5000)
    assert len(set(null.values.tolist())) == 5000
    assert null.observed not in null.values
    assert null.smallest_p == 1 / 5001


def test_many_units_are_flipped():
    effects = np.random.default_rng(0).normal(0.5, 1, 70)
    assert sign_flip_null(effects, n_flips=999).p_value == 0.001


def test_an_effect_of_zero_cannot_speak():
    null = sign_flip_null(np.array([0.0, 1.0, 2.0]))
    assert null.p_value == null.smallest_p == 4 / 8
    assert sign_flip_null(np.zeros(3)).smallest_p == 1.0


@pytest.mark.parametrize("unit", [1e-15, 1.0, 1e15])
def test_the_unit_of_effects_does_not_matter(unit):
    effects = np.array([0.3, 0.9, 0.2, 0.7, 0.1, -0.2])
    assert sign_flip_null(unit * effects).p_value == sign_flip_null(effects).p_value


def test_paired_difference_says_the_smallest_p_value():
    found = paired_difference([0.8, 0.9, 0.7, 0.8], [0.6, 0.6, 0.6, 0.6])
    assert found.p_value == found.smallest_p == 2 / 16


def test_bootstraps_are_those_of_scipy():
    values = np.random.default_rng(0).normal(size=9)
    for method in ("percentile", "BCa"):
        expected = bootstrap(
            (values,), np.mean, n_resamples=500, method=method, rng=np.random.default_rng(3)
        ).confidence_interval
        found = bootstrap_means(values, n_resamples=500, seed=3, method=method)
        np.testing.assert_allclose(found, tuple(expected))
    np.testing.assert_allclose(
        unit_bootstrap(values, n_draws=500), bootstrap_means(
            values, n_resamples=500, method="percentile"
        )
    )  # fmt: skip


def test_difference_of_two_groups_is_covered():
    rng = np.random.default_rng(0)
    covered = []
    for seed in range(60):
        low, high = bootstrap_means(
            rng.normal(1, 1, 12), rng.normal(0, 2, 12), n_resamples=299, seed=seed
        )
        covered.append(low <= 1 <= high)
    assert 0.85 <= np.mean(covered) <= 1.0
