"""Regression, clustering, links, consistency, statistics: by hand and against other libraries."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    FoldEmbedding,
    FoldFeatures,
    blocked_folds,
    cluster_nodes,
    cluster_windows,
    consistency_across_folds,
    consistency_across_sessions,
    decode_labels,
    decode_links,
    decode_values,
    holm,
    joined_features,
    paired_difference,
    procrustes_agreement,
    regress_values,
    unit_bootstrap,
    without_covariates,
)
from tavrnn_ephys.evaluation.links import mean_graph_embedding
from tavrnn_ephys.evaluation.regression import _PENALTIES, _ridge_path
from tavrnn_ephys.evaluation.scoring import block_values


def in_folds(values, n_folds=4, gap=1):
    return [
        FoldFeatures(fold=fold, train=values[fold.train], test=values[fold.test])
        for fold in blocked_folds(len(values), n_folds=n_folds, gap=gap)
    ]


def embedded(values, n_folds=4):
    return [
        FoldEmbedding(fold=fold, train=values[fold.train], test=values[fold.test])
        for fold in blocked_folds(len(values), n_folds=n_folds, gap=1)
    ]


def test_ridge_path_is_that_of_scikit_learn():
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    train, test, known = (
        rng.normal(size=(30, 50)),
        rng.normal(size=(7, 50)),
        rng.normal(size=(30, 2)),
    )
    path = _ridge_path(train, known, test)
    scaler = StandardScaler().fit(train)
    unit = np.square(scaler.transform(train)).sum() / 30
    for penalty, mine in zip(_PENALTIES, path, strict=True):
        model = Ridge(alpha=penalty * unit).fit(scaler.transform(train), known)
        np.testing.assert_allclose(mine, model.predict(scaler.transform(test)), atol=1e-8)


def test_planted_behaviour_is_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(120, 10))
    values = columns[:, 0] - 2 * columns[:, 3] + 0.1 * rng.normal(size=120)
    score = decode_values("", in_folds(columns), values, min_shift=5, n_shifts=99)
    assert score.r2 > 0.95
    assert score.p_value == pytest.approx(0.01)
    noise = decode_values("", in_folds(columns), rng.normal(size=120), min_shift=5, n_shifts=99)
    assert noise.r2 < 0.05
    assert noise.p_value > 0.05


def test_a_node_that_wakes_in_one_block_overturns_no_decoder():
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(120, 6))
    # All but silent, as a learnt embedding of a silent node is; it fires in a few windows.
    silent = 1e-4 * rng.normal(size=(120, 8))
    silent[40:50] += rng.normal(size=(10, 8))
    values = columns @ rng.normal(size=6)
    plain, woken = in_folds(columns), in_folds(np.column_stack([columns, silent]))

    def explained(features):
        return decode_values("", features, values, min_shift=5, n_shifts=0).r2

    def told(features):
        score = decode_labels("", features, values > 0, min_shift=5, n_shifts=0)
        return score.balanced_accuracy

    def ranked(features):
        return regress_values("", features, values, min_shift=5, n_shifts=1).correlation

    assert explained(woken) > 0.9 * explained(plain)
    assert told(woken) > 0.97 * told(plain)
    assert ranked(woken) > 0.9 * ranked(plain)


def test_behaviour_without_values_is_refused():
    features = in_folds(np.ones((40, 2)))
    for values in (np.full(40, 2.0), np.full(40, np.nan)):
        with pytest.raises(InputError, match="finite values that differ"):
            decode_values("", features, values, min_shift=3)


def test_blocks_average_to_the_score():
    rng = np.random.default_rng(0)
    columns, labels = rng.normal(size=(90, 5)), rng.integers(3, size=90)
    score = decode_labels("", in_folds(columns), labels, min_shift=3, n_shifts=0)
    assert block_values(score).mean() == pytest.approx(score.balanced_accuracy)
    values = decode_values("", in_folds(columns), columns[:, 0], min_shift=3, n_shifts=0)
    assert block_values(values).mean() == pytest.approx(values.r2)
    assert len(block_values(values)) == 4


def test_nearest_neighbours_are_those_of_scikit_learn():
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    # More features than windows: the rotation into the span keeps every neighbour.
    columns, labels = rng.normal(size=(40, 90)), np.arange(40) % 2
    columns[labels == 1, :10] += 1
    features = in_folds(columns)
    score = decode_labels("", features, labels, min_shift=3, n_shifts=0, classifier="k_nearest")
    for item in features:
        scaler = StandardScaler().fit(item.train)
        model = KNeighborsClassifier(5).fit(scaler.transform(item.train), labels[item.fold.train])
        expected = model.predict(scaler.transform(item.test))
        np.testing.assert_array_equal(score.predicted[item.fold.test], expected)


def test_clusters_of_windows_and_of_nodes():
    rng = np.random.default_rng(0)
    labels = np.arange(60) // 5 % 2
    groups = ["a", "a", "b", "b", ""]
    values = 0.1 * rng.normal(size=(60, 5, 2))
    values[:, :, 0] += labels[:, None]
    values[:, :2, 1] += 3
    found = cluster_windows(embedded(values), labels)
    assert found.ari == found.nmi == 1.0
    assert found.silhouette > 0.5
    assert cluster_nodes(embedded(values), groups).ari == 1.0
    scrambled = cluster_windows(embedded(values), rng.permutation(labels))
    assert abs(scrambled.ari) < 0.2
    with pytest.raises(InputError, match="fewer than two groups"):
        cluster_nodes(embedded(values), ["a"] * 5)
    with pytest.raises(InputError, match="two labels"):
        cluster_windows(embedded(values), np.arange(60) // 30 * 0)


def test_links_follow_from_an_embedding_that_knows_them():
    rng = np.random.default_rng(0)
    state = np.arange(80) // 8 % 2
    patterns = rng.normal(size=(2, 6, 6))
    patterns = (patterns + np.swapaxes(patterns, 1, 2)) / 2
    weights = patterns[state] + 0.05 * rng.normal(size=(80, 1, 1))
    embedding = embedded(np.repeat(state[:, None, None].astype(float), 6, axis=1))
    coupled = patterns[state] > 0.3
    found = decode_links(embedding, weights, coupled=coupled)
    floor = decode_links(mean_graph_embedding(embedding), weights, coupled=coupled)
    assert found.same > 0.99
    assert found.recovery > 0.85
    assert floor.recovery == pytest.approx(0.5, abs=0.15)
    # The next window is another state one time in eight.
    assert floor.following < found.following < found.same


def test_link_decoder_is_the_ridge_regression_of_scikit_learn():
    from sklearn.linear_model import Ridge

    from tavrnn_ephys.evaluation.links import _ridge

    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(30, 4, 3)), rng.normal(size=(5, 4, 3))
    train -= train.mean(axis=0)
    known = rng.normal(size=(30, 6))
    rows, columns = np.triu_indices(4, 1)
    mine = _ridge(train, known, test, rows, columns, 0.5)
    for pair, (i, j) in enumerate(zip(rows, columns, strict=True)):
        both = np.hstack([train[:, i], train[:, j]])
        model = Ridge(alpha=15.0).fit(both, known[:, pair])
        expected = model.predict(np.hstack([test[:, i], test[:, j]]))
        np.testing.assert_allclose(mine[:, pair], expected, atol=1e-10)


def test_consistency_sees_through_rotations():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 2, 2)).astype(np.float32)
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]], np.float32)
    same = [
        FoldEmbedding(fold=item.fold, train=item.train @ turn if k % 2 else item.train,
                      test=item.test)
        for k, item in enumerate(embedded(values))
    ]  # fmt: skip
    assert consistency_across_folds(same) == pytest.approx(1.0, abs=1e-5)
    other = [
        FoldEmbedding(fold=item.fold, train=rng.normal(size=item.train.shape), test=item.test)
        for item in same
    ]
    assert consistency_across_folds(other) < 0.4
    assert procrustes_agreement(np.ones((4, 2)), values[:4, 0]) == 0.0


def test_procrustes_agreement_is_that_of_scipy():
    from scipy.spatial import procrustes

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    assert procrustes_agreement(a, b) == pytest.approx(1 - procrustes(a, b)[2])
    wide, other = rng.normal(size=(20, 90)), rng.normal(size=(20, 90))
    assert procrustes_agreement(wide, other) == pytest.approx(1 - procrustes(wide, other)[2])


def test_sessions_agree_where_behaviours_lie_alike():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(5, 2))
    behaviors = [rng.integers(5, size=100) for _ in range(2)]
    first = places[behaviors[0]] + 0.01 * rng.normal(size=(100, 2))
    second = np.hstack([places[behaviors[1]], np.zeros((100, 3))])
    assert consistency_across_sessions([first, second], behaviors) > 0.99
    with pytest.raises(InputError, match="three shared labels"):
        consistency_across_sessions([first, second], [item % 2 for item in behaviors])


def test_rates_and_embedding_weigh_alike_side_by_side():
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(40, 2)), 100 * rng.normal(size=(40, 300))
    for item in joined_features([in_folds(few), in_folds(many)]):
        variance = item.train.var(axis=0)
        assert variance[:2].sum() == pytest.approx(1.0)
        assert variance[2:].sum() == pytest.approx(1.0)


def test_covariates_are_taken_out_by_the_training_windows():
    rng = np.random.default_rng(0)
    rate = rng.normal(size=(80, 1))
    labels = (rate[:, 0] > 0).astype(int)
    columns = rate @ rng.normal(size=(1, 6)) + 0.1 * rng.normal(size=(80, 6))
    features = in_folds(columns)
    before = decode_labels("", features, labels, min_shift=3, n_shifts=0)
    after = decode_labels("", without_covariates(features, rate), labels, min_shift=3, n_shifts=0)
    assert before.balanced_accuracy > 0.9
    assert after.balanced_accuracy < 0.65


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.001, 0.02, 0.5]), [0.003, 0.04, 0.5])
    np.testing.assert_allclose(holm([0.5, np.nan, 0.5]), [1.0, np.nan, 1.0])


def test_intervals_cover_the_mean_of_units():
    rng = np.random.default_rng(0)
    covered = 0
    for run in range(200):
        low, high = unit_bootstrap(rng.normal(size=10), n_draws=400, seed=run)
        covered += low <= 0 <= high
    # A percentile bootstrap of ten units covers about 90 %.
    assert 165 <= covered <= 197
    assert all(np.isnan(unit_bootstrap([0.5])))


def test_pairing_finds_a_small_difference_under_large_spread():
    rng = np.random.default_rng(0)
    spread = rng.normal(0, 1, 10)
    found = paired_difference(spread + 0.1 + 0.01 * rng.normal(size=10), spread)
    assert found.p_value == 2 / 2**10
    assert 0.08 < found.interval[0] < found.mean < found.interval[1] < 0.12
    assert paired_difference([0.5, 0.6], [0.6, 0.5]).p_value == 1.0
    many = paired_difference(rng.normal(size=30), rng.normal(size=30))
    assert 0 < many.p_value <= 1
    with pytest.raises(InputError, match="as many"):
        paired_difference([1.0], [1.0, 2.0])


def test_clusters_that_follow_a_label_beat_shifts_of_it():
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.permutation(np.arange(20) % 2), 4)
    values = labels[:, None, None] * 4.0 + rng.normal(size=(80, 3, 2))
    found = cluster_windows(embedded(values), labels, n_shifts=99, min_shift=5)
    assert found.ari > 0.9
    assert found.p_value == found.smallest_p == pytest.approx(1 / 72)
    noise = cluster_windows(embedded(rng.normal(size=values.shape)), labels, n_shifts=99)
    assert noise.p_value > 0.05


def test_clusters_carry_no_null_unless_asked():
    values = np.random.default_rng(0).normal(size=(60, 3, 2))
    found = cluster_windows(embedded(values), np.arange(60) // 3 % 2)
    assert np.isnan([found.p_value, found.smallest_p]).all()
    assert str(found).endswith("no null")


def test_groups_of_few_nodes_have_few_arrangements():
    values = np.random.default_rng(0).normal(0, 0.1, (60, 6, 2))
    values[:, 3:] += 5.0
    found = cluster_nodes(embedded(values), ["a"] * 3 + ["b"] * 3, n_shuffles=199)
    assert found.ari == 1.0
    # Twenty arrangements, of which the mirror image names the same clusters.
    assert len(found.null) == 19
    assert found.p_value == 2 / 20


def test_groups_that_agree_alike_with_clusters_are_ranked_by_the_variance_between_them():
    rng = np.random.default_rng(1)
    places, groups = rng.normal(size=(1, 8, 2)), np.array(["a", "b"] * 4)
    found = cluster_nodes(embedded(places + np.zeros((60, 1, 1)), 2), groups, n_shuffles=99)
    mean = places[0] - places[0].mean(axis=0)
    between = sum(np.square(mean[groups == name].sum(axis=0)).sum() / 4 for name in "ab")
    assert found.between == pytest.approx(between / np.square(mean).sum())
    is_tied = np.isclose(found.null, found.ari)
    is_ranked = is_tied & (found.null_between >= found.between - 1e-9)
    assert is_ranked.sum() < is_tied.sum()
    n_at_least = (found.null > found.ari + 1e-9).sum() + is_ranked.sum()
    assert found.p_value == (1 + n_at_least) / (1 + len(found.null))


def test_shifted_weights_are_scored_as_weights_of_other_windows():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 5, 2)).astype(np.float32)
    weights = rng.normal(size=(60, 5, 5))
    weights[:] += 0.5 * values[:, :, :1] + 0.5 * values[:, None, :, 0]
    weights += weights.swapaxes(1, 2)
    embedding = embedded(values)
    found = decode_links(embedding, weights, density=0.3, n_shifts=199)
    assert len(found.null) == 59
    assert found.p_value == found.smallest_p == pytest.approx(1 / 60)
    rows = np.triu_indices(5, 1)
    from tavrnn_ephys.evaluation.links import _predict

    scores, right = [], []
    for item in embedding:
        known = weights[:, *rows][item.fold.train]
        scores.append(_predict(item, known, *rows))
        right.append(weights[:, *rows][item.fold.test] >= np.quantile(known, 0.7))
    scores, right = np.concatenate(scores), np.roll(np.concatenate(right), 7, axis=0)
    areas = [
        roc_auc_score(truth, row) for row, truth in zip(scores, right, strict=True)
        if 0 < truth.sum() < len(truth)
    ]  # fmt: skip
    assert found.null[6] == pytest.approx(np.mean(areas))


def test_balanced_accuracy_is_that_of_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score

    from tavrnn_ephys.evaluation.decoding import balanced_accuracy

    codes, predicted = np.random.default_rng(0).integers(3, size=(2, 200))
    assert balanced_accuracy(codes, predicted) == pytest.approx(
        balanced_accuracy_score(codes, predicted)
    )
