"""Distances against distances, and change points against change points."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.association import (
    associate_distances,
    change_points,
    match_change_points,
)


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def test_correlation_equals_scipy(rng):
    features, behavior = rng.normal(size=(40, 3)), rng.normal(size=40)
    expected = spearmanr(pdist(features), pdist(behavior[:, None])).statistic
    assert associate_distances(features, behavior).correlation == pytest.approx(expected)


def test_windows_that_share_time_make_no_pair(rng):
    found = associate_distances(rng.normal(size=(40, 3)), rng.normal(size=40), overlap=2)
    assert found.n_pairs == 40 * 39 // 2 - 39 - 38


def test_holding_the_cause_constant_leaves_chance(rng):
    cause = rng.normal(size=80)
    features, behavior = np.column_stack([cause, cause**2]), cause + 0.1 * rng.normal(size=80)
    plain = associate_distances(features, behavior)
    held = associate_distances(features, behavior, covariates=cause[:, None])
    assert plain.p_value < 0.05
    assert plain.correlation > 0.3
    assert abs(held.correlation) < 0.5 * plain.correlation


def test_changes_of_the_mean_are_found_where_they_are(rng):
    levels = np.repeat([[0, 0, 0], [2, 0, -2], [0, 2, 0]], [30, 25, 45], axis=0)
    found = change_points(levels + 0.5 * rng.normal(size=levels.shape))
    np.testing.assert_allclose(found, [30, 55], atol=1)


def test_noise_does_not_change(rng):
    counts = [len(change_points(rng.normal(size=(100, 4)))) for _ in range(30)]
    assert np.sum(counts) <= 2


def test_overlapping_windows_of_noise_do_not_change(rng):
    noise = rng.normal(size=(310, 4))
    overlapping = np.stack([noise[t : t + 5].mean(axis=0) for t in range(300)])
    assert len(change_points(overlapping, min_length=5)) <= 1


def test_best_cut_is_that_of_brute_force(rng):
    points = rng.normal(size=(20, 1))
    points[9:] += 6.0
    costs = [points[:c].var() * c + points[c:].var() * (20 - c) for c in range(2, 19)]
    assert change_points(points).tolist() == [2 + int(np.argmin(costs))]


def test_matching_changes_are_counted():
    match = match_change_points([20, 60, 90], [21, 59, 75], n_windows=120, tolerance=2)
    assert match.matched == pytest.approx(2 / 3)
    assert match.p_value < 0.1


def test_shifts_that_match_as_many_changes_are_ranked_by_their_distance():
    match = match_change_points([20, 60, 90], [20, 50, 75], n_windows=120, tolerance=2)
    assert match.distance == pytest.approx((0 + 10 + 15) / 3)
    is_beyond = match.null > match.matched + 1e-9
    is_tied = np.isclose(match.null, match.matched)
    is_nearer = is_tied & (match.null_distance <= match.distance + 1e-9)
    assert is_nearer.sum() < is_tied.sum()
    n_at_least = is_beyond.sum() + is_nearer.sum()
    assert match.p_value == (1 + n_at_least) / (1 + len(match.null))


def test_no_change_is_refused():
    with pytest.raises(InputError, match="network has no change point"):
        match_change_points([], [3], n_windows=50)
    with pytest.raises(InputError, match="too few for two stretches"):
        change_points(np.zeros((4, 2)), min_length=2)


def test_a_long_recording_is_cut_by_its_leading_components_as_by_all(monkeypatch):
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.normal(size=(4, 60)), 40, axis=0)
    features = levels + rng.normal(size=(160, 60))
    cuts = change_points(features, min_length=3)
    module = sys.modules["tavrnn_ephys.statistics.association.change_points"]
    monkeypatch.setattr(module, "_FULL_DECOMPOSITION", 10)
    np.testing.assert_array_equal(change_points(features, min_length=3), cuts)
    np.testing.assert_array_equal(cuts, [40, 80, 120])


@pytest.mark.parametrize("most", [10, 500])
def test_features_that_never_change_have_no_change_point(most, monkeypatch):
    module = sys.modules["tavrnn_ephys.statistics.association.change_points"]
    monkeypatch.setattr(module, "_FULL_DECOMPOSITION", most)
    assert len(change_points(np.ones((160, 60)))) == 0
