"""The null of a decoder, computed for all shifts at once, equals one fit per shift."""

import numpy as np
import pytest

from tavrnn_ephys.evaluation import (
    blocked_folds,
    circular_shifts,
    decode_alternating,
    decode_labels,
    decode_values,
    features_in_folds,
    regress_values,
)
from tavrnn_ephys.evaluation.classifiers import CLASSIFIERS, class_scores
from tavrnn_ephys.evaluation.logistic import INVERSE_PENALTY, logistic_scores
from tavrnn_ephys.evaluation.standardizing import rotated, standardized
from tavrnn_ephys.statistics.time_shifts import shift_surrogates, swapped_neighbours


def slow_features(rng, n_windows, n_features):
    """Features that drift, as those of embeddings do, beside noise."""
    paths = np.cumsum(rng.normal(size=(n_windows, 4)), axis=0)
    return 0.3 * paths @ rng.normal(size=(4, n_features)) + rng.normal(size=(n_windows, n_features))


def separate_fit(train, codes, test):
    """Scikit-learn at the limit of its tolerance, one labelling alone."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=INVERSE_PENALTY,
        class_weight="balanced",
        solver="newton-cholesky",
        tol=1e-11,
        max_iter=200,
    )
    return model.fit(train, codes)


@pytest.mark.parametrize("n_features", [3, 150])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_logistic_regression_of_all_shifts_equals_separate_fits(n_features, n_classes):
    rng = np.random.default_rng(n_features + n_classes)
    columns = slow_features(rng, 80, n_features)
    train, test = rotated(*standardized(columns[:60], columns[60:]))
    # Classes of unequal size, so that their balance matters.
    labels = np.minimum(rng.integers(n_classes + 2, size=60), n_classes - 1)
    codes = shift_surrogates(labels, np.arange(0, 60, 5))
    found = logistic_scores(train, codes, test, n_classes)
    for row, mine in zip(codes, found, strict=True):
        expected = separate_fit(train, row, test).predict_log_proba(test)
        chances = mine - np.logaddexp.reduce(mine, axis=1, keepdims=True)
        np.testing.assert_allclose(chances, expected, atol=1e-6)


def test_separated_classes_do_not_run_away():
    rng = np.random.default_rng(0)
    codes = np.arange(40)[None] // 20
    train = 1e3 * np.column_stack([codes[0] - 0.5, rng.normal(size=40)])
    found = logistic_scores(train, codes, train, 2)
    model = separate_fit(train, codes[0], train)
    np.testing.assert_allclose(found[0, :, 1], model.decision_function(train), rtol=1e-6, atol=1e-6)


def test_a_class_that_training_lacks_is_never_told():
    rng = np.random.default_rng(1)
    train, test = rng.normal(size=(30, 4)), rng.normal(size=(9, 4))
    three = np.arange(30) % 3
    codes = np.stack([three, np.where(three == 1, 2, three), np.full(30, 1)])
    found = class_scores(logistic_scores, train, codes, test, 3)
    assert np.isfinite(found[0]).all()
    np.testing.assert_array_equal(np.isneginf(found[1]).all(axis=0), [False, True, False])
    np.testing.assert_array_equal(found[2].argmax(axis=1), 1)
    two = separate_fit(train, codes[1], test).decision_function(test)
    np.testing.assert_allclose(found[1, :, 2] - found[1, :, 0], two, atol=1e-6)


def test_neighbours_of_all_shifts_vote_as_those_of_scikit_learn():
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(2)
    train, test = rng.normal(size=(50, 6)), rng.normal(size=(12, 6))
    codes = shift_surrogates(rng.integers(3, size=50), np.arange(0, 50, 7))
    found = class_scores(CLASSIFIERS["k_nearest"], train, codes, test, 3).argmax(axis=2)
    for row, mine in zip(codes, found, strict=True):
        np.testing.assert_array_equal(mine, KNeighborsClassifier(5).fit(train, row).predict(test))


@pytest.fixture
def slow():
    rng = np.random.default_rng(3)
    columns = slow_features(rng, 120, 200)
    values = columns[:, 0] + rng.normal(size=120)
    return features_in_folds(columns, blocked_folds(120, n_folds=4, gap=2)), values


@pytest.mark.parametrize("classifier", list(CLASSIFIERS))
def test_null_of_labels_equals_decoding_each_shift_alone(slow, classifier):
    features, values = slow
    labels = (values > np.median(values)).astype(int)
    found = decode_labels(
        "", features, labels, min_shift=10, n_shifts=19, seed=4, classifier=classifier
    )
    shifts = circular_shifts(120, min_shift=10, n_shifts=19, seed=4)
    alone = [
        decode_labels("", features, row, min_shift=10, n_shifts=0, classifier=classifier)
        for row in shift_surrogates(labels, shifts)
    ]
    np.testing.assert_allclose(found.null, [one.balanced_accuracy for one in alone], atol=1e-6)
    likely = [one.log_probability for one in alone]
    # Six digits are kept.
    np.testing.assert_allclose(found.null_log_probability, likely, atol=1.5e-6)


def test_log_probability_of_labels_is_that_of_scikit_learn(slow):
    features, values = slow
    # Classes of unequal size, so that their balance matters.
    labels = (values > np.quantile(values, 0.7)).astype(int)
    found = decode_labels("", features, labels, min_shift=10, n_shifts=0)
    likely = np.zeros(len(labels))
    for item in features:
        train, test = standardized(item.train, item.test)
        chances = separate_fit(train, labels[item.fold.train], test).predict_proba(test)
        likely[item.fold.test] = np.log(chances[np.arange(len(test)), labels[item.fold.test]])
    expected = np.mean([likely[labels == code].mean() for code in (0, 1)])
    assert found.log_probability == pytest.approx(expected, abs=2e-6)


def test_shifts_that_score_as_the_labels_are_ranked_by_their_log_probability():
    rng = np.random.default_rng(7)
    features = features_in_folds(rng.normal(size=(40, 3)), blocked_folds(40, n_folds=4, gap=2))
    found = decode_labels("", features, rng.permutation(np.arange(40) % 2), min_shift=2)
    is_tied = np.isclose(found.null, found.balanced_accuracy, rtol=0, atol=1e-12)
    is_beyond = (found.null > found.balanced_accuracy) & ~is_tied
    is_ranked = is_tied & (found.null_log_probability >= found.log_probability)
    assert is_ranked.sum() < is_tied.sum()
    assert found.p_value == (1 + is_beyond.sum() + is_ranked.sum()) / (1 + len(found.null))


def test_features_that_say_nothing_rank_no_shift():
    features = features_in_folds(np.ones((60, 3)), blocked_folds(60, n_folds=4, gap=2))
    for n_classes in (2, 3):
        labels = np.random.default_rng(n_classes).permutation(np.arange(60) % n_classes)
        found = decode_labels("", features, labels, min_shift=2)
        is_as_good = found.null >= found.balanced_accuracy - 1e-12
        assert found.p_value == (1 + is_as_good.sum()) / (1 + len(found.null))


def test_null_of_values_equals_decoding_each_shift_alone(slow):
    features, values = slow
    shifts = circular_shifts(120, min_shift=10, n_shifts=19, seed=4)
    found = decode_values("", features, values, min_shift=10, n_shifts=19, seed=4)
    alone = [
        decode_values("", features, row, min_shift=10, n_shifts=0).r2
        for row in shift_surrogates(values, shifts)
    ]
    np.testing.assert_allclose(found.null, alone, atol=1e-6)


def test_null_of_ranks_equals_predicting_each_shift_alone(slow):
    features, values = slow
    shifts = circular_shifts(120, min_shift=10, n_shifts=19, seed=4)
    found = regress_values("", features, values, min_shift=10, n_shifts=19, seed=4)
    alone = [
        regress_values("", features, row, min_shift=10, n_shifts=1).correlation
        for row in shift_surrogates(values, shifts)
    ]
    np.testing.assert_allclose(found.null, alone, atol=1e-6)


def test_null_of_swaps_equals_decoding_each_alone(slow):
    features, values = slow
    labels = np.arange(120) % 2
    found = decode_alternating("", features, labels, n_swaps=19, seed=5)
    swapped = swapped_neighbours(labels, n_swaps=19, rng=np.random.default_rng(5))
    alone = [
        decode_labels("", features, row.astype(int), min_shift=1, n_shifts=0).balanced_accuracy
        for row in swapped
    ]
    np.testing.assert_allclose(found.null, alone, atol=1e-6)


def test_shifts_by_a_period_are_counted_as_the_behaviour_itself():
    rng = np.random.default_rng(6)
    folds = blocked_folds(120, n_folds=4, gap=1)
    features = features_in_folds(rng.normal(size=(120, 3)), folds)
    labels = np.arange(120) // 5 % 2
    found = decode_labels("", features, labels, min_shift=5, n_shifts=199)
    # Of 111 shifts by 5 to 115, those by 5, 10, ... give the same parts, under either name.
    assert found.n_same == 23
    assert found.smallest_p == pytest.approx(24 / 112)
    assert found.p_value >= found.smallest_p
    values = np.sin(2 * np.pi * np.arange(120) / 10).round(6)
    ranks = regress_values("", features, values, min_shift=5, n_shifts=199)
    explained = decode_values("", features, values, min_shift=5, n_shifts=199)
    assert ranks.n_same == explained.n_same == 11
