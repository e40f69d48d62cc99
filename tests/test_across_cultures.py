"""Effects over cultures: exact permutations, intervals that cover, comparisons that are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, spearmanr

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.across_cultures import (
    bootstrap_interval,
    effects_over_cultures,
    group_differences,
    paired_effects,
    sign_flip_p_value,
)
from tavrnn_ephys.statistics.trends import trends_over_recordings


def test_sign_flips_equal_scipy():
    effects = np.random.default_rng(0).normal(0.5, 1, 8)
    expected = permutation_test(
        (effects,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p_value(effects) == pytest.approx(expected)


def test_random_flips_come_close_to_all_flips():
    effects = np.random.default_rng(1).normal(0.4, 1, 12)
    exact = sign_flip_p_value(effects)
    assert sign_flip_p_value(effects, n_flips=2000) == pytest.approx(exact, abs=0.03)


def test_false_positives_stay_at_five_per_cent():
    rng = np.random.default_rng(2)
    found = [sign_flip_p_value(rng.normal(size=10)) < 0.05 for _ in range(400)]
    assert 0.02 < np.mean(found) < 0.08


def test_interval_covers_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = []
    for seed in range(100):
        low, high = bootstrap_interval(rng.normal(1, 1, 15), seed=seed, n_resamples=299)
        covered.append(low <= 1 <= high)
    assert 0.86 <= np.mean(covered) <= 0.99


def test_groups_equal_scipy():
    rng = np.random.default_rng(4)
    a, b = rng.normal(1, 1, 5), rng.normal(0, 1, 5)
    table = pd.DataFrame({"culture": range(10), "group": ["a"] * 5 + ["b"] * 5,
                          "density": np.concatenate([a, b])})  # fmt: skip
    found = group_differences(table, ["density"], culture="culture", group="group").iloc[0]
    expected = permutation_test((b, a), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf).pvalue
    assert found["effect"] == pytest.approx(b.mean() - a.mean())
    assert found["p_value"] == pytest.approx(expected, abs=0.005)
    assert found["smallest_p"] == pytest.approx(2 / 252)


def test_recordings_of_one_culture_count_once():
    table = pd.DataFrame({"culture": ["1", "1", "1", "2", "3", "4"],
                          "group": ["a", "a", "a", "a", "b", "b"],
                          "density": [0.0, 0.0, 3.0, 3.0, 5.0, 7.0]})  # fmt: skip
    found = group_differences(table, ["density"], culture="culture", group="group").iloc[0]
    assert found["n_cultures"] == 4
    assert found["effect"] == 4.0


def test_pairs_take_differences_within_cultures():
    rng = np.random.default_rng(5)
    rows = []
    for culture in range(8):
        level = rng.normal(0, 10)
        for condition, shift in (("rest", 0.0), ("gameplay", 1.0)):
            for _ in range(5):
                value = level + shift + 0.1 * rng.normal()
                rows.append({"culture": culture, "condition": condition, "density": value})
    found = paired_effects(
        pd.DataFrame(rows), ["density"], culture="culture", condition="condition",
        contrast=("gameplay", "rest"),
    ).iloc[0]  # fmt: skip
    assert found["effect"] == pytest.approx(1.0, abs=0.1)
    assert found["p_value"] == found["smallest_p"] == 2 / 2**8
    assert found["low"] > 0.9


def test_hedges_g_by_hand():
    effects = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    found = effects_over_cultures(effects).iloc[0]
    # Mean 2 over a standard deviation of 1, times 1 − 3 / (4·2 − 1).
    assert found["hedges_g"] == pytest.approx(2 * (1 - 3 / 7))


def test_trend_equals_scipy():
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"day": [21, 27, 34, 41, 45, 59], "density": rng.normal(size=6)})
    found = trends_over_recordings(table, ["density"], over="day").iloc[0]
    assert found["correlation"] == pytest.approx(spearmanr(table["day"], table["density"])[0])


@pytest.mark.parametrize(
    ("groups", "cultures", "message"),
    [
        (["a", "a", "b"], ["1", "2", "3"], "'b' has one culture only"),
        (["a", "a", "a"], ["1", "2", "3"], "All cultures belong to the group 'a'"),
        (["a", "b", "b"], ["1", "1", "2"], "stands in several groups"),
        (["a", "a", "b"], ["1", "1", "2"], "one culture only"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(groups, cultures, message):
    table = pd.DataFrame({"culture": cultures, "group": groups, "density": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match=message):
        group_differences(table, ["density"], culture="culture", group="group")


def test_one_culture_is_refused():
    with pytest.raises(InputError, match="needs two, and six to reach 0.05"):
        sign_flip_p_value([1.0])
    with pytest.raises(InputError, match="1 culture with 'x'"):
        effects_over_cultures(pd.DataFrame({"x": [1.0, np.nan]}))
