"""Correlations over windows, rates held constant, against nulls in time."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, rankdata, spearmanr

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.association import (
    associate,
    associate_edges,
    associate_nodes,
    rate_covariates,
)
from tavrnn_ephys.statistics.time_shifts import correlation_windows, phase_surrogates, time_null


def slow(n, rng, keep=0.8, columns=None):
    """Autoregressive noise, shape (n,) or (n, columns)."""
    series = np.zeros((n, columns or 1))
    for t in range(1, n):
        series[t] = keep * series[t - 1] + rng.normal(size=columns or 1)
    return series if columns else series[:, 0]


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_correlation_equals_scipy(rng):
    features, behavior = rng.normal(size=(60, 4)), rng.normal(size=60)
    expected = [spearmanr(column, behavior).statistic for column in features.T]
    np.testing.assert_allclose(associate(features, behavior)["correlation"], expected)


def test_partial_correlation_equals_that_of_residuals(rng):
    held = rng.normal(size=(60, 2))
    features = rng.normal(size=(60, 3)) + held[:, :1]
    behavior = rng.normal(size=60) + held[:, 1]
    ranks = [rankdata(item, axis=0) for item in (features, behavior, held)]
    design = np.column_stack([np.ones(60), ranks[2]])

    def residual(values):
        return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]

    x, y = residual(ranks[0]), residual(ranks[1])
    expected = [np.corrcoef(column, y)[0, 1] for column in x.T]
    found = associate(features, behavior, covariates=held)
    np.testing.assert_allclose(found["correlation"], expected)
    own = np.repeat(held[:, None], 3, axis=1)
    each = associate(features, behavior, covariates=own)
    np.testing.assert_allclose(each["correlation"], expected)
    np.testing.assert_allclose(each["null_sd"], found["null_sd"])


def test_a_covariate_that_explains_all_leaves_nothing(rng):
    rate = slow(80, rng)
    found = associate(rate[:, None], rate + rng.normal(size=80), covariates=rate[:, None])
    assert np.isnan(found["correlation"][0])


def test_p_value_counts_shifts_by_hand(rng):
    feature, behavior = slow(50, rng), slow(50, rng)
    found = associate(feature[:, None], behavior, min_shift=5).iloc[0]
    null = [spearmanr(feature, np.roll(behavior, shift)).statistic for shift in range(5, 46)]
    observed = spearmanr(feature, behavior).statistic
    assert found["p_value"] == (np.sum(np.abs(null) >= abs(observed)) + 1) / (len(null) + 1)
    assert found["null_sd"] == pytest.approx(np.std(null))


def test_q_values_are_benjamini_hochberg_of_the_pooled_null(rng):
    features, behavior = slow(60, rng, columns=5), slow(60, rng)
    found = associate(features, behavior, min_shift=4)
    null = np.abs(
        [
            [spearmanr(column, np.roll(behavior, shift)).statistic for column in features.T]
            for shift in range(4, 57)
        ]
    ).ravel()
    sizes = found["correlation"].abs().to_numpy()
    tails = [(np.sum(null >= size - 1e-12) + 1) / (len(null) + 1) for size in sizes]
    np.testing.assert_allclose(found["q_value"], false_discovery_control(tails))


def test_slow_noise_is_not_reported_more_often_than_it_should(rng):
    hits = [
        associate(slow(80, rng, columns=10), slow(80, rng), n_nulls=99)["p_family"].min() < 0.05
        for _ in range(60)
    ]
    # Three of sixty expected; permuted labels would report more than half.
    assert np.sum(hits) <= 8


def test_edge_that_follows_is_found_and_others_are_not(rng):
    n_windows, n_nodes = 120, 8
    behavior = slow(n_windows, rng)
    weights = rng.normal(0, 0.1, (n_windows, n_nodes, n_nodes))
    weights[:, 2, 5] += 0.2 * behavior
    weights = np.triu(weights, 1)
    weights = weights + weights.swapaxes(1, 2)
    rates = rng.uniform(1, 5, (n_windows, n_nodes))
    sequence = ConnectivitySequence.from_array(weights)
    windows = sequence.windows
    sequence = ConnectivitySequence(
        weights=weights, windows=windows, nodes=sequence.nodes, measure="r", mean_activity=rates
    )
    table = associate_edges(sequence, behavior)
    best = table.sort_values("p_family").iloc[0]
    assert {best["node_a"], best["node_b"]} == {"2", "5"}
    assert (table["q_value"] < 0.05).sum() == 1


def test_node_that_follows_is_found(rng):
    behavior = slow(100, rng)
    mean = rng.normal(size=(100, 6, 3))
    mean[:, 4] += np.outer(behavior, [1.0, -1.0, 0.5])
    windows = Windows(start_s=np.arange(100.0), stop_s=np.arange(100.0) + 1)
    embedding = NodeEmbedding(
        mean=mean, std=np.ones_like(mean), windows=windows, nodes=Nodes(ids=list("abcdef"))
    )
    table = associate_nodes(embedding, behavior, rates=rng.uniform(size=(100, 6)))
    assert table["node_id"][table["q_value"] < 0.05].tolist() == ["e"]


def test_windows_without_behavior_are_left_out(rng):
    features, behavior = rng.normal(size=(60, 2)), rng.normal(size=60)
    holes = behavior.copy()
    holes[::7] = np.nan
    known = np.isfinite(holes)
    np.testing.assert_allclose(
        associate(features, holes)["correlation"],
        associate(features[known], behavior[known])["correlation"],
    )


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        (np.full(40, np.nan), "known in none of the 40 windows"),
        (np.full(40, 2.0), "is 2 in all 40 windows"),
        (np.arange(12.0), "one row for each of the 12 windows"),
    ],
)
def test_behavior_that_says_nothing_is_refused(behavior, message):
    with pytest.raises(InputError, match=message):
        associate(np.random.default_rng(0).normal(size=(40, 2)), behavior)


def test_short_recordings_are_refused(rng):
    with pytest.raises(InputError, match="19 are needed"):
        associate(rng.normal(size=(15, 2)), np.sin(np.arange(15)))


def test_group_rates_stand_beside_the_mean():
    held = rate_covariates([[1.0, 2.0, 6.0]], ["a", "a", ""])
    np.testing.assert_allclose(held, [[3.0, 1.5]])


def test_phase_surrogates_keep_values_and_autocorrelation(rng):
    series = slow(400, rng, keep=0.9)
    surrogates = phase_surrogates(series, n_surrogates=50, rng=rng)
    np.testing.assert_allclose(np.sort(surrogates[0]), np.sort(series))

    def lag_one(values):
        return np.corrcoef(values[:-1], values[1:])[0, 1]

    assert np.mean([lag_one(row) for row in surrogates]) == pytest.approx(lag_one(series), abs=0.08)
    assert abs(np.mean([np.corrcoef(row, series)[0, 1] for row in surrogates])) < 0.1


def test_swapping_neighbours_breaks_what_alternates_and_keeps_what_is_slow():
    alternating, drift = np.tile([0.0, 1.0], 40), np.linspace(0, 80, 80)
    swapped = time_null(alternating, null="swap", n_nulls=99)
    assert np.abs([np.corrcoef(row, alternating)[0, 1] for row in swapped]).max() < 0.6
    kept = time_null(drift, null="swap", n_nulls=9)
    assert np.min([np.corrcoef(row, drift)[0, 1] for row in kept]) > 0.99


def test_correlation_time_grows_with_autocorrelation(rng):
    fast, slower = slow(600, rng, keep=0.1), slow(600, rng, keep=0.9)
    assert correlation_windows(fast) == 1
    assert 5 <= correlation_windows(slower) <= 20
