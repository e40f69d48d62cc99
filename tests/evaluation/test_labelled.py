"""Tasks whose behaviour is known in the first training windows alone."""

import dataclasses

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    FoldFeatures,
    TaskGraphs,
    blocked_folds,
    circular_shifts,
    decode_labels,
    features_in_folds,
    joined_features,
    nodes_in_folds,
    score_method,
    transductive_features,
)
from tavrnn_ephys.evaluation.blocks import inner_splits
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.methods import UASE, list_methods
from tests.baselines.toys import sequence_of
from tests.evaluation.test_rules import synchrony_task

# Of these two folds one trains on windows 60 to 79, the other on 0 to 19; 0 to 39 are not tested.
FOLDS = {"n_folds": 2, "context": 40}


def partly_labelled(kind, labelled):
    """Fire together in halves or in parity; the behaviour of windows 0 to 39 is never tested."""
    task = dataclasses.replace(synchrony_task(), labelled=labelled, **FOLDS)
    number = task.behavior + 0.1 * np.sin(np.arange(80))
    return dataclasses.replace(task, kind=kind, behavior=number) if kind == "regression" else task


def scores(task, method, **options):
    record = score_method(
        task,
        lambda seed: list_methods()[method].build(seed=seed, n_steps=20, latent_size=3),
        n_shifts=0,
        **options,
    )
    return {name: value for name, value in record.items() if name not in {"seconds", "peak_mb"}}


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("method", ["uase", "tavrnn_labels", "bilinear"])
def test_behaviour_of_unlabelled_training_windows_changes_no_score(kind, method):
    task = partly_labelled(kind, 12)
    behavior = task.behavior.copy()
    behavior[12:40] = behavior[12:40][::-1] if kind == "regression" else 1 - behavior[12:40]
    other = dataclasses.replace(task, behavior=behavior, min_shift=4)
    task = dataclasses.replace(task, min_shift=4)
    np.testing.assert_equal(scores(other, method), scores(task, method))
    everywhere = [dataclasses.replace(item, labelled=None) for item in (task, other)]
    found = [scores(item, method, transductive=False)["score"] for item in everywhere]
    assert found[0] != found[1]


def test_few_labels_suffice_where_states_are_clear():
    assert scores(partly_labelled("classification", 12), "uase")["with_rates"] > 0.9


def test_shifted_labels_are_known_in_the_same_windows():
    task = dataclasses.replace(synchrony_task(), labelled=12, min_shift=5)
    record = score_method(task, lambda _: UASE(latent_size=3), n_shifts=19, transductive=False)
    shifts = circular_shifts(80, min_shift=5, n_shifts=19, seed=0)
    assert len(record["null"]) == 19
    for shift, value in list(zip(shifts, record["null"], strict=True))[:4]:
        moved = dataclasses.replace(task, behavior=np.roll(task.behavior, shift))
        assert scores(moved, "uase", transductive=False)["score"] == pytest.approx(value)


class Spy:
    """Keeps what fit was given."""

    supervision = "none"
    takes_unlabelled = False

    def fit(self, stretches, labels=None):
        self.seen = np.concatenate([item.windows.start_s for item in stretches])
        self.labels = labels
        return self

    def transform(self, graphs):
        mean = np.repeat(graphs.windows.start_s[:, None, None], graphs.n_nodes, axis=1)
        return type("Embedding", (), {"mean": mean})


def spies(labels, *, n_labelled, whole=False, **declared):
    made = []

    def make(_):
        made.append(type("Declared", (Spy,), declared)())
        return made[-1]

    graphs = sequence_of(np.random.default_rng(0).normal(size=(40, 4, 4)))
    folds = blocked_folds(40, n_folds=4, gap=1)
    embed = transductive_features if whole else nodes_in_folds
    embed(make, graphs, folds, labels=labels, n_labelled=n_labelled)
    return list(zip(made, folds, strict=False))


def test_a_method_without_labels_sees_all_training_windows():
    for method, fold in spies(np.arange(40) % 3, n_labelled=15):
        np.testing.assert_array_equal(method.seen, fold.train)
        assert method.labels is None


def test_a_method_that_needs_labels_is_fitted_on_labelled_windows_alone():
    labels = np.arange(40) % 3
    for method, fold in spies(labels, n_labelled=15, supervision="label"):
        np.testing.assert_array_equal(method.seen, fold.train[:15])
        np.testing.assert_array_equal(method.labels, labels[fold.train[:15]])


@pytest.mark.parametrize("labels", [np.arange(40) % 3, np.array(["a", "bb"] * 20)])
def test_a_method_that_takes_unlabelled_windows_sees_them_without_their_labels(labels):
    declared = {"supervision": "label", "takes_unlabelled": True}
    for method, fold in spies(labels, n_labelled=15, **declared):
        np.testing.assert_array_equal(method.seen, fold.train)
        assert method.labels[:15].tolist() == [str(item) for item in labels[fold.train[:15]]]
        assert set(method.labels[15:]) == {""}


def test_numbers_that_are_not_known_are_nan():
    values = np.random.default_rng(0).normal(size=40)
    declared = {"supervision": "label", "takes_unlabelled": True}
    for method, fold in spies(values, n_labelled=15, **declared):
        np.testing.assert_array_equal(method.labels[:15], values[fold.train[:15]])
        assert np.isnan(method.labels[15:]).all()
    assert np.isfinite(values).all()


def test_a_fit_on_all_windows_gets_the_first_labels_of_the_recording():
    method, _ = spies(np.arange(40) % 3, n_labelled=15, whole=True, supervision="label")[0]
    np.testing.assert_array_equal(method.seen, np.arange(15))
    np.testing.assert_array_equal(method.labels, np.arange(15) % 3)


@pytest.mark.parametrize("classifier", ["logistic", "k_nearest"])
@pytest.mark.parametrize("joined", [False, True])
def test_a_class_without_a_labelled_window_is_never_told(classifier, joined):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 0, 1, 0, 1, 2, 0, 2, 1, 2, 0], 5)
    columns = np.eye(3)[labels] + 0.1 * rng.normal(size=(60, 3))
    folds = blocked_folds(60, n_folds=3, gap=1)
    parts = [features_in_folds(item, folds) for item in (columns, rng.normal(size=(60, 8)))]
    given = labelled_features(joined_features(parts) if joined else parts[0], folds, 10)
    score = decode_labels("", given, labels, min_shift=5, n_shifts=19, classifier=classifier)
    assert np.isfinite(score.null).all()
    # The first ten training windows of the first block hold classes 1 and 2, of the others 0 and 1.
    told = [set(score.predicted[score.block == block]) for block in range(3)]
    assert [set(labels[item.fold.train]) for item in given] == [{0, 1, 2}, {0, 1}, {0, 1}]
    assert 2 not in told[1] | told[2]
    assert 0.3 < score.balanced_accuracy < 1


def test_labelled_windows_of_one_class_tell_that_class():
    # Windows 60 to 62 are all of class 1, and 0 to 2 of class 0: of each class 8 of 20 are right.
    found = scores(partly_labelled("classification", 3), "uase")
    assert found["score"] == found["with_rates"] == found["k_nearest"] == pytest.approx(0.4)


def test_labelled_windows_are_the_same_where_a_method_looks_back():
    values, folds = np.arange(30.0)[:, np.newaxis], blocked_folds(30, n_folds=3, gap=0, context=3)
    late = []
    for fold in folds:
        shorter = fold.without_first(3)
        late.append(
            FoldFeatures(fold=shorter, train=values[shorter.train], test=values[shorter.test])
        )
    for item, fold in zip(labelled_features(late, folds, 11), folds, strict=True):
        starts = np.concatenate([block[:3] for block in fold.train_blocks])
        np.testing.assert_array_equal(item.fold.train, np.setdiff1d(fold.train[:11], starts))
        np.testing.assert_array_equal(item.train[:, 0], item.fold.train)
        np.testing.assert_array_equal(item.fold.test, fold.test)
    with pytest.raises(InputError, match=r"Of 4 labelled .* 1 have an embedding.*raise labelled"):
        labelled_features(late, folds, 4)


def test_more_labels_than_training_windows_are_all_of_them():
    task = synchrony_task()
    most = dataclasses.replace(task, labelled=1000)
    np.testing.assert_equal(scores(most, "uase"), scores(task, "uase"))


@pytest.mark.parametrize("n_windows", [2, 3, 4, 5, 6, 7, 8, 40])
def test_few_windows_can_be_split_again(n_windows):
    splits = inner_splits(n_windows)
    assert splits
    assert all(outside.any() and not outside[block].any() for outside, block in splits)


@pytest.mark.parametrize("labelled", [2, 3, 5])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_two_labelled_windows_are_enough_for_every_decoder(kind, labelled):
    found = scores(partly_labelled(kind, labelled), "uase")
    names = ("score", "shuffled", "with_rates", "control_with_rates", "transductive")
    assert np.isfinite([found[name] for name in names]).all()


@pytest.mark.parametrize("labelled", [0, 1, 2.5, True])
def test_at_least_two_windows_are_labelled(labelled):
    with pytest.raises(InputError, match="labelled must be a whole number of at least 2"):
        dataclasses.replace(synchrony_task(), labelled=labelled)


def test_all_windows_are_labelled_by_default():
    task = synchrony_task()
    assert task.labelled is None
    features = features_in_folds(np.arange(80.0)[:, np.newaxis], TaskGraphs(task).folds)
    assert labelled_features(features, TaskGraphs(task).folds, None) == features
