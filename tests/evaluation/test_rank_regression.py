"""Numbers predicted in folds of time."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_alternating,
    decode_labels,
    features_in_folds,
    regress_values,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_prediction_equals_ridge_of_sklearn(rng):
    from scipy.stats import rankdata
    from sklearn.linear_model import Ridge

    features, values = rng.normal(size=(60, 5)), rng.normal(size=60)
    folds = blocked_folds(60, gap=1)
    predicted, target = np.zeros(60), values.copy()
    for fold in folds:
        train = features[fold.train]
        mean, spread = train.mean(axis=0), train.std(axis=0)
        model = Ridge(alpha=5.0).fit((train - mean) / spread, values[fold.train])
        predicted[fold.test] = model.predict((features[fold.test] - mean) / spread)
        # The constant is the mean of the training windows, which is taken out.
        predicted[fold.test] -= values[fold.train].mean()
    x, y = rankdata(predicted), rankdata(target)
    for fold in folds:
        x[fold.test] -= x[fold.test].mean()
        y[fold.test] -= y[fold.test].mean()
    score = regress_values("x", features_in_folds(features, folds), values)
    assert score.correlation == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_known_relation_is_found_and_noise_is_not(rng):
    features = rng.normal(size=(100, 6))
    values = features @ rng.normal(size=6) + 0.5 * rng.normal(size=100)
    folds = blocked_folds(100, gap=1)
    assert regress_values("x", features_in_folds(features, folds), values).p_value < 0.02
    noise = regress_values("x", features_in_folds(rng.normal(size=(100, 6)), folds), values)
    assert noise.p_value > 0.02
    assert abs(noise.null.mean()) < 0.1


def test_holding_the_cause_constant_leaves_nothing(rng):
    cause = rng.normal(size=(120, 2))
    features = cause @ rng.normal(size=(2, 8)) + 0.1 * rng.normal(size=(120, 8))
    values = cause[:, 0] + 0.3 * rng.normal(size=120)
    sets = features_in_folds(features, blocked_folds(120, gap=1))
    assert regress_values("x", sets, values).correlation > 0.8
    held = regress_values("x", sets, values, held=cause)
    assert abs(held.correlation) < 0.3
    assert held.p_value > 0.02


def test_noise_does_not_borrow_what_is_held(rng):
    """Features of noise, of which there are many, must not carry rates into the test windows."""
    scores = []
    for _ in range(10):
        rates = rng.normal(size=(100, 8))
        values = rates[:, 0] + 0.2 * rng.normal(size=100)
        noise = features_in_folds(rng.normal(size=(100, 2000)), blocked_folds(100, gap=1))
        scores.append(regress_values("x", noise, values, held=rates, n_shifts=19).correlation)
    assert abs(np.mean(scores)) < 0.12


def test_what_is_not_held_is_still_found(rng):
    rates, signal = rng.normal(size=(120, 3)), rng.normal(size=120)
    features = signal[:, None] + 0.5 * rng.normal(size=(120, 6))
    values = signal + rates[:, 0]
    sets = features_in_folds(features, blocked_folds(120, gap=1))
    assert regress_values("x", sets, values, held=rates).correlation > 0.6


def test_alternating_label_is_judged_by_swaps(rng):
    labels = np.tile(["near", "far"], 30)
    features = (labels == "near")[:, None] + 0.3 * rng.normal(size=(60, 4))
    folds = blocked_folds(60, gap=1)
    found = decode_alternating("x", features_in_folds(features, folds), labels, n_swaps=99)
    assert found.balanced_accuracy > 0.9
    assert found.p_value == 0.01
    noise = decode_alternating(
        "x", features_in_folds(rng.normal(size=(60, 4)), folds), labels, n_swaps=99
    )
    assert noise.p_value > 0.02


def test_targets_of_test_windows_lose_what_is_held(rng):
    """Score by hand: rates are taken out of the true test values, not of the prediction alone."""
    from scipy.stats import rankdata

    rates, signal = rng.normal(size=(120, 1)), rng.normal(size=120)
    features = signal[:, None] + 0.3 * rng.normal(size=(120, 4))
    # Rates make nearly all of the values, so that targets that keep them hide the signal.
    values = signal + 8.0 * rates[:, 0]
    folds = blocked_folds(120, gap=1)
    found = regress_values("x", features_in_folds(features, folds), values, held=rates)
    assert found.correlation > 0.8
    assert found.p_value == found.smallest_p
    left_in = []
    for fold in folds:
        design = np.column_stack([np.ones(120), rates])
        slopes = np.linalg.lstsq(design[fold.train], features[fold.train], rcond=None)[0]
        left = (features - design @ slopes)[fold.test].mean(axis=1)
        left_in.append(np.corrcoef(rankdata(left), rankdata(values[fold.test]))[0, 1])
    # What the score would be if the test targets kept their rates.
    assert np.mean(left_in) < 0.4


def test_alternating_label_gets_a_whole_score(rng):
    from tavrnn_ephys.evaluation.scoring import block_values

    labels = np.tile(["near", "far"], 30)
    features = (labels == "near")[:, None] + 0.3 * rng.normal(size=(60, 4))
    folds = blocked_folds(60, gap=1)
    found = decode_alternating("x", features_in_folds(features, folds), labels, n_swaps=19)
    plain = decode_labels("x", features_in_folds(features, folds), labels, min_shift=1, n_shifts=0)
    np.testing.assert_array_equal(block_values(found), block_values(plain))
    np.testing.assert_array_equal(found.predicted, plain.predicted)
    assert found.f1 == plain.f1
    assert found.smallest_p == 0.05


def test_constant_values_are_refused(rng):
    folds = blocked_folds(30, gap=1)
    with pytest.raises(InputError, match="not constant"):
        regress_values("x", features_in_folds(rng.normal(size=(30, 2)), folds), np.ones(30))
