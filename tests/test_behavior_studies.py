"""A few of the simulated studies: the planted effect is found, and none where there is none."""

import numpy as np

from docs.measurements.behavior_studies import condition, over_cultures, study


def test_effect_in_most_cultures_is_found():
    effects, _ = study(condition("alignment", 8), seed=1)
    p_values = over_cultures(effects)
    assert p_values["similarity | rates"] < 0.05
    assert effects["similarity | rates"].mean() > 0.15


def test_without_effect_few_cultures_and_studies_report_one():
    found = [study(condition("independent", 12)[:6], seed=50 + index) for index in range(8)]
    single = np.concatenate([item[1].to_numpy() for item in found])
    # Four tests in 48 cultures, 5 % of them by chance; tests of one culture hang together.
    assert np.mean(single < 0.05) < 0.13


def test_rates_alone_move_absolute_correlations_and_nothing_that_holds_rates():
    configs = condition("rate", 12, coupled_fraction=0.0, mean_rate_hz=2.0)[:7]
    effects, _ = study(configs, seed=7, shuffled=True)
    p_values = over_cultures(effects)
    assert p_values["mean_abs_r"] < 0.05
    # The shuffle keeps rates and destroys coincidences: |r| follows the game all the same.
    assert p_values["mean_abs_r, bins shuffled"] < 0.05
    held = effects[[name for name in effects if name.endswith("| rates")]]
    assert np.abs(held.mean()).max() < 0.5 * effects["mean_abs_r"].mean()
