"""Blocks of features weighed against each other inside the training windows."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    FoldFeatures,
    blocked_folds,
    decode_alternating,
    decode_labels,
    decode_values,
    features_in_folds,
    joined_features,
    regress_values,
    without_covariates,
)
from tavrnn_ephys.evaluation.blocks import Blocks, block_weights, inner_splits
from tavrnn_ephys.evaluation.regression import _PENALTIES, _path

FOLDS = blocked_folds(120, n_folds=4, gap=1)


def in_folds(columns):
    return features_in_folds(columns, FOLDS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def explained(features, values):
    return decode_values("", features, values, min_shift=5, n_shifts=0).r2


def told(features, values):
    labels = values > np.median(values)
    return decode_labels("", features, labels, min_shift=5, n_shifts=0).balanced_accuracy


def ranked(features, values):
    return regress_values("", features, values, min_shift=5, n_shifts=1).correlation


def swapped(features, values):
    labels = values > np.median(values)
    return decode_alternating("", features, labels, n_swaps=1).balanced_accuracy


EVERY = pytest.mark.parametrize("decode", [explained, told, ranked, swapped])


@EVERY
def test_many_features_of_noise_do_not_drown_a_few_that_know(decode, rng):
    few, noise = rng.normal(size=(120, 4)), rng.normal(size=(120, 600))
    values = few @ rng.normal(size=4) + 0.3 * rng.normal(size=120)
    alone, joined = in_folds(few), joined_features([in_folds(few), in_folds(noise)])
    one_penalty = [
        FoldFeatures(fold=item.fold, train=item.train, test=item.test) for item in joined
    ]
    assert decode(joined, values) > decode(alone, values) - 0.03
    assert decode(one_penalty, values) < decode(alone, values) - 0.1


@EVERY
def test_order_and_scale_of_blocks_are_no_matter(decode, rng):
    few, many = rng.normal(size=(120, 3)), rng.normal(size=(120, 150))
    values = few[:, 0] + many[:, :5].sum(axis=1)
    here = decode(joined_features([in_folds(few), in_folds(many)]), values)
    there = decode(joined_features([in_folds(1e3 * many), in_folds(few)]), values)
    assert here == pytest.approx(there, abs=1e-9)


@EVERY
def test_a_block_that_never_varies_changes_nothing(decode, rng):
    few = rng.normal(size=(120, 3))
    values = few[:, 0] + rng.normal(size=120)
    joined = joined_features([in_folds(few), in_folds(np.ones((120, 50)))])
    assert decode(joined, values) == pytest.approx(decode(in_folds(few), values), abs=1e-9)


def test_every_shift_chooses_as_if_it_were_alone(rng):
    from tavrnn_ephys.evaluation import circular_shifts
    from tavrnn_ephys.statistics.time_shifts import shift_surrogates

    parts = [in_folds(rng.normal(size=(120, n))) for n in (3, 90)]
    values = parts[0][0].train[:, 0].mean() + np.cumsum(rng.normal(size=120))
    joined = joined_features(parts)
    shifts = circular_shifts(120, min_shift=30, n_shifts=19)
    rows = shift_surrogates(values, shifts)
    null = decode_values("", joined, values, min_shift=30, n_shifts=19).null
    np.testing.assert_allclose(null, [explained(joined, row) for row in rows], atol=1e-6)
    labels = (values > np.median(values)).astype(int)
    null = decode_labels("", joined, labels, min_shift=30, n_shifts=19).null
    alone = [
        decode_labels("", joined, row, min_shift=5, n_shifts=0).balanced_accuracy
        for row in shift_surrogates(labels, shifts)
    ]
    np.testing.assert_allclose(null, alone, atol=1e-6)


def test_weighed_ridge_is_banded_ridge_of_himalaya(rng):
    kernel_ridge = pytest.importorskip("himalaya.kernel_ridge", reason="the oracle of this test")
    train, test = rng.normal(size=(40, 34)), rng.normal(size=(10, 34))
    known = rng.normal(size=(40, 3))
    blocks = Blocks.of(train, test, (4, 30))
    power = [np.square(part).sum() / 40 for part in blocks.train]
    kernels = np.stack([part @ part.T / v for part, v in zip(blocks.train, power, strict=True)])
    across = np.stack(
        [b @ a.T / v for a, b, v in zip(blocks.train, blocks.test, power, strict=True)]
    )
    centre = known.mean(axis=0)
    for shares in ([0.25, 0.75], [0.9, 0.1]):
        mine = _path(*blocks.weighed(shares), known)
        for penalty, path in zip(_PENALTIES, mine, strict=True):
            # Kernels of unit power per window: the penalty needs no other unit.
            weights = kernel_ridge.solve_weighted_kernel_ridge_conjugate_gradient(
                kernels, known - centre, np.log(np.tile(shares, (3, 1))).T,
                alpha=penalty, max_iter=2000, tol=1e-12,
            )  # fmt: skip
            expected = centre + np.einsum("b,bmn,nt->mt", shares, across, weights)
            np.testing.assert_allclose(path, expected, atol=1e-6)


def test_shares_cover_each_block_alone_and_sum_to_one():
    for n_blocks in (1, 2, 3):
        weights = block_weights(n_blocks)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        assert len(np.unique(weights, axis=0)) == len(weights)
        for alone in np.eye(n_blocks):
            assert (weights == alone).all(axis=1).any()


def test_choices_never_see_the_windows_that_they_are_judged_by():
    for outside, block in inner_splits(50):
        distance = np.abs(np.subtract.outer(np.flatnonzero(outside), block)).min()
        assert distance == 5
    every = np.concatenate([block for _, block in inner_splits(50)])
    np.testing.assert_array_equal(every, np.arange(50))


def test_test_windows_do_not_change_the_choice(rng):
    few, many = rng.normal(size=(120, 3)), rng.normal(size=(120, 60))
    values = few[:, 0] + 0.5 * many[:, 0]
    other = values.copy()
    other[FOLDS[0].test] = 100 * rng.normal(size=len(FOLDS[0].test))
    joined = joined_features([in_folds(few), in_folds(many)])
    predicted = [
        decode_values("", joined[:1], row, min_shift=5, n_shifts=0).predicted[FOLDS[0].test]
        for row in (values, other)
    ]
    np.testing.assert_array_equal(*predicted)


def test_joined_blocks_can_be_joined_again_and_lose_covariates(rng):
    parts = [in_folds(rng.normal(size=(120, n))) for n in (2, 3, 4)]
    again = joined_features([joined_features(parts[:2]), parts[2]])
    assert again[0].widths == (2, 3, 4)
    left = without_covariates(again, rng.normal(size=(120, 1)))
    assert left[0].widths == (2, 3, 4)


def test_widths_must_make_up_the_features(rng):
    fold = FOLDS[0]
    train, test = rng.normal(size=(len(fold.train), 5)), rng.normal(size=(len(fold.test), 5))
    with pytest.raises(InputError, match="Blocks of 2, 2 features do not make up the 5"):
        FoldFeatures(fold=fold, train=train, test=test, widths=(2, 2))
