"""Effects over cultures: exact permutations, intervals that cover, comparisons that are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, spearmanr

from tavrnn_ephys.core.errors import DataLossWarning, InputError
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


def ages(cultures, days, density):
    return pd.DataFrame({"culture": cultures, "day": days, "density": density})


def trend(table, **options):
    found = trends_over_recordings(table, ["density"], over="day", culture="culture", **options)
    return found.iloc[0]


def test_trend_between_cultures_counts_each_culture_once():
    rng = np.random.default_rng(0)
    levels = np.array([1.0, 2.0, 3.0, 5.0, 4.0])
    table = ages(np.repeat(list("abcde"), 4), np.repeat([7, 14, 21, 28, 35], 4),
                 np.repeat(levels, 4) + 0.01 * rng.normal(size=20))  # fmt: skip
    found = trend(table)
    expected = permutation_test(
        (np.arange(5.0),), lambda order: spearmanr(order, levels)[0], permutation_type="pairings",
        n_resamples=np.inf,
    )  # fmt: skip
    assert found["test"] == "between cultures"
    assert (found["n_recordings"], found["n_cultures"]) == (20, 5)
    assert found["p_value"] == pytest.approx(expected.pvalue)
    assert found["smallest_p"] == 2 / 120


def test_four_cultures_of_four_recordings_get_a_sentence():
    rng = np.random.default_rng(0)
    table = ages(np.repeat(list("abcd"), 4), np.repeat([7, 14, 21, 28], 4), rng.normal(size=16))
    with pytest.warns(DataLossWarning, match="4 cultures cannot show a trend: .* reached is 0.083"):
        found = trend(table)
    assert found["smallest_p"] == pytest.approx(2 / 24)
    assert np.isnan(found["p_value"])
    assert np.isnan(found["q_value"])
    assert np.isfinite(found["correlation"])


def test_five_cultures_of_different_ages_are_the_way_out():
    found = trend(ages(list("abcde"), [7, 14, 21, 28, 35], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found["p_value"] == found["smallest_p"] == 2 / 120


def test_ages_of_two_cultures_that_are_equal_are_no_new_arrangement():
    found = trend(ages(list("abcdefgh"), [7] * 4 + [28] * 4, np.arange(8.0)))
    assert found["p_value"] == found["smallest_p"] == 2 / 70


def test_trend_within_cultures_flips_the_slope_of_each():
    rng = np.random.default_rng(1)
    days = np.tile([7.0, 14.0, 21.0], 7)
    level = np.repeat(rng.normal(0, 5, 7), 3)
    table = ages(np.repeat(np.arange(7), 3), days, level + 0.1 * days + 0.1 * rng.normal(size=21))
    found = trend(table)
    slopes = [
        np.polyfit(part["day"], part["density"], 1)[0] for _, part in table.groupby("culture")
    ]
    assert found["test"] == "within cultures"
    assert found["slope"] == pytest.approx(np.mean(slopes))
    assert found["p_value"] == sign_flip_p_value(slopes) == found["smallest_p"] == 2 / 2**7
    assert found["correlation"] == pytest.approx(1.0)


def test_one_culture_of_many_ages_gets_a_sentence():
    table = ages(["a"] * 7, np.arange(7), np.arange(7.0))
    with pytest.warns(DataLossWarning, match="1 culture cannot show a trend"):
        found = trend(table)
    assert (found["correlation"], found["slope"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert np.isnan(found["p_value"])


def test_cultures_of_one_age_are_announced_where_others_change():
    rng = np.random.default_rng(2)
    names = [*np.repeat(np.arange(6), 2), 6, 7]
    table = ages(names, [*np.tile([7, 21], 6), 14, 14], rng.normal(size=14))
    with pytest.warns(DataLossWarning, match="2 of 8 cultures have one age"):
        found = trend(table)
    assert (found["n_cultures"], found["n_recordings"]) == (6, 12)


def test_drifting_cultures_make_no_trend():
    """Every culture drifts, up or down at random: neighbouring ages are alike, cultures are not."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(200):
        drift = np.cumsum(rng.normal(size=(8, 6)), axis=1).ravel()
        found.append(trend(ages(np.repeat(np.arange(8), 6), np.tile(np.arange(6), 8), drift)))
    # Ten of two hundred expected.
    assert sum(item["p_value"] < 0.05 for item in found) <= 18


def test_a_measure_that_does_not_vary_has_no_p_value():
    found = trend(ages(list("abcde"), [1, 2, 3, 4, 5], np.ones(5)))
    assert np.isnan([found["p_value"], found["correlation"]]).all()


def test_smallest_p_of_random_flips_is_that_of_their_number():
    effects = pd.DataFrame({"x": np.random.default_rng(0).normal(3, 1, 20)})
    found = effects_over_cultures(effects).iloc[0]
    assert found["p_value"] == found["smallest_p"] == 1e-4


def test_smallest_p_of_random_divisions_is_that_of_their_number():
    table = pd.DataFrame({"culture": range(20), "group": ["a"] * 11 + ["b"] * 9,
                          "density": np.arange(20.0)})  # fmt: skip
    found = group_differences(table, ["density"], culture="culture", group="group",
                              n_permutations=999).iloc[0]  # fmt: skip
    assert found["p_value"] == found["smallest_p"] == 1e-3


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
