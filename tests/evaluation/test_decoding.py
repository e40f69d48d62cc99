"""Protocol rules: each test fails when its rule is broken."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    BlockedFold,
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
)


def test_every_window_is_tested_once_and_gaps_are_kept():
    folds = blocked_folds(53, n_folds=5, gap=3)
    np.testing.assert_array_equal(np.concatenate([fold.test for fold in folds]), np.arange(53))
    for fold in folds:
        distance = np.abs(np.subtract.outer(fold.test, fold.train)).min()
        assert distance == 4
        for block in fold.train_blocks:
            assert np.all(np.diff(block) == 1)


def test_too_few_windows_are_refused():
    with pytest.raises(InputError, match="too few"):
        blocked_folds(6, n_folds=5, gap=3)


def overlapping_noise(n_windows=200, overlap=10, n_features=20, seed=0):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(n_windows + overlap, n_features))
    total = np.cumsum(np.concatenate([np.zeros((1, n_features)), samples]), axis=0)
    return (total[overlap:] - total[:-overlap])[:n_windows]


def random_folds(n_windows, n_folds=5, seed=0):
    parts = np.array_split(np.random.default_rng(seed).permutation(n_windows), n_folds)
    return [
        BlockedFold(test=np.sort(p), train_blocks=(np.setdiff1d(np.arange(n_windows), p),))
        for p in parts
    ]


def test_noise_decodes_at_chance_in_blocks_and_leaks_in_random_folds():
    labels = np.arange(200) // 10 % 2
    blocked, leaking = [], []
    for seed in range(6):
        features = overlapping_noise(seed=seed)
        folds = blocked_folds(200, n_folds=5, gap=10)
        for bag, chosen in ((blocked, folds), (leaking, random_folds(200, seed=seed))):
            item = features_in_folds(features, chosen)
            bag.append(decode_labels("noise", item, labels, min_shift=10, n_shifts=3))
    assert np.mean([score.balanced_accuracy for score in blocked]) < 0.55
    assert np.mean([score.balanced_accuracy for score in leaking]) > 0.63


def test_shift_null_covers_slow_noise():
    rng = np.random.default_rng(0)

    def slow(n_columns):
        values = np.zeros((150, n_columns))
        for index in range(1, 150):
            values[index] = 0.85 * values[index - 1] + rng.normal(size=n_columns)
        return values

    n_significant = 0
    for _ in range(25):
        hidden = slow(1)[:, 0]
        labels = (hidden > np.median(hidden)).astype(int)
        item = features_in_folds(slow(3), blocked_folds(150, n_folds=3, gap=2))
        score = decode_labels("slow", item, labels, min_shift=15, n_shifts=19, seed=1)
        n_significant += score.p_value <= 0.05
    # Expected 1.25 of 25; permuted labels would be "significant" in most of them.
    assert n_significant <= 4


def test_planted_label_is_found():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(150) % 2)
    features = rng.normal(size=(150, 4)) + 3 * labels[:, None]
    item = features_in_folds(features, blocked_folds(150, gap=1))
    score = decode_labels("planted", item, labels, min_shift=10, n_shifts=99)
    assert score.balanced_accuracy > 0.95
    assert score.p_value == pytest.approx(0.01)
    assert score.chance_interval[1] < 0.75


class _Spy:
    """Embeds a window as its index, and remembers what it saw in fit."""

    def fit(self, stretches):
        self.seen = np.concatenate([stretch.index for stretch in stretches])
        return self

    def transform(self, graphs):
        class Result:
            @staticmethod
            def window_embedding():
                return np.column_stack([graphs.index, np.isin(graphs.index, self.seen)])

        return Result


class _Graphs:
    def __init__(self, index):
        self.index = index

    def select(self, index):
        return _Graphs(self.index[index])


def test_models_are_fitted_on_training_windows_only():
    folds = blocked_folds(40, n_folds=4, gap=2)
    for item in embed_in_folds(_Spy, _Graphs(np.arange(40)), folds):
        np.testing.assert_array_equal(item.test[:, 0], item.fold.test)
        assert np.all(item.train[:, 1] == 1)
        assert np.all(item.test[:, 1] == 0)


@pytest.mark.parametrize(
    ("labels", "min_shift", "message"),
    [(np.zeros(40), 3, "two classes"), (np.arange(40) % 2, 20, "too few to shift")],
)
def test_undecidable_question_is_refused(labels, min_shift, message):
    item = features_in_folds(np.ones((40, 2)), blocked_folds(40, gap=1))
    with pytest.raises(InputError, match=message):
        decode_labels("x", item, labels, min_shift=min_shift)
