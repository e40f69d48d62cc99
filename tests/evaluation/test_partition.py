"""What is unique to either kind of features, and what is shared."""

import numpy as np
import pytest

from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_labels,
    decode_values,
    features_in_folds,
    variance_partition,
)

N = 200
FOLDS = blocked_folds(N, n_folds=5, gap=2)


def slow_noise(rng, n_columns, keep=0.7):
    values = rng.normal(size=(N + 50, n_columns))
    for index in range(1, len(values)):
        values[index] += keep * values[index - 1]
    return values[50:]


def in_folds(columns):
    return features_in_folds(columns, FOLDS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_parts_of_a_known_mixture_are_found(rng):
    own, other, common = rng.normal(size=(3, N))
    rates = np.column_stack([own, common, rng.normal(size=N)])
    embedding = np.column_stack([other, common, rng.normal(size=(N, 6))])
    found = variance_partition(in_folds(rates), in_folds(embedding), own + other + common)
    # Each source makes a third of the variance.
    for part in (found.unique_first, found.unique_second, found.shared):
        assert 0.2 < part.value < 0.42
        assert part.low > 0
    assert found.joined.value > found.first.value + 0.2


def test_parts_add_up(rng):
    rates, embedding = rng.normal(size=(N, 4)), rng.normal(size=(N, 9))
    for behavior in (rates[:, 0] + embedding[:, 0], rates[:, 0] + embedding[:, 0] > 0):
        found = variance_partition(in_folds(rates), in_folds(embedding), behavior)
        total = found.unique_first.value + found.unique_second.value + found.shared.value
        assert total == pytest.approx(found.joined.value - found.chance)


def test_scores_alone_are_those_of_the_decoders(rng):
    rates, embedding = rng.normal(size=(N, 4)), rng.normal(size=(N, 9))
    values = rates[:, 0] + rng.normal(size=N)
    found = variance_partition(in_folds(rates), in_folds(embedding), values)
    alone = decode_values("", in_folds(rates), values, min_shift=1, n_shifts=0)
    assert found.first.value == pytest.approx(alone.r2)
    codes = np.arange(N) // 20 % 2
    found = variance_partition(in_folds(rates), in_folds(embedding), codes)
    alone = decode_labels("", in_folds(embedding), codes, min_shift=1, n_shifts=0)
    assert found.metric == "balanced accuracy"
    assert found.chance == 0.5
    assert found.second.value == pytest.approx(alone.balanced_accuracy)


@pytest.mark.parametrize("is_label", [False, True])
def test_an_embedding_that_says_nothing_adds_nothing(is_label):
    """Where rates know the behaviour and the embedding is slow noise, its part is about zero."""
    parts, above = [], 0
    for seed in range(20):
        rng = np.random.default_rng([7, seed])
        rates, noise = slow_noise(rng, 5), slow_noise(rng, 80)
        behavior = rates[:, 0] + rates[:, 1] + slow_noise(rng, 1)[:, 0]
        target = behavior > np.median(behavior) if is_label else behavior
        found = variance_partition(in_folds(rates), in_folds(noise), target).unique_second
        parts.append(found.value)
        above += found.low > 0
    assert -0.03 < np.mean(parts) < 0.01
    # One of forty is expected at most.
    assert above <= 2


def test_control_stands_beside_the_first_alone(rng):
    rates, embedding = rng.normal(size=(N, 3)), rng.normal(size=(N, 5))
    values = rates[:, 0] + 2 * embedding[:, 0]
    control = in_folds(rng.permutation(embedding))
    found = variance_partition(in_folds(rates), in_folds(embedding), values, control=control)
    assert found.unique_second.low > 0.3
    assert abs(found.control.value) < 0.05
    without = variance_partition(in_folds(rates), in_folds(embedding), values)
    assert np.isnan(without.control.value)
